package slackfake

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// triggerLife is how long a trigger_id may be exchanged, once,
// https://docs.slack.dev/interactivity/handling-user-interaction#modal_responses.
const triggerLife = 3 * time.Second

type trigger struct {
	user   string
	issued time.Time
	used   bool
}

// newTrigger returns a trigger_id for user. The caller holds mu.
func (s *Server) newTrigger(user string) string {
	id := s.id("13345224609.738474920.")
	s.triggers[id] = &trigger{user: user, issued: s.clock.Now()}
	return id
}

// openView is https://docs.slack.dev/reference/methods/views.open.
func (s *Server) openView(c *call) (reply, error) {
	if err := c.require("trigger_id", "view"); err != nil {
		return nil, err
	}
	t := s.triggers[c.args["trigger_id"]]
	switch {
	case t == nil:
		return nil, refuse("invalid_trigger_id")
	case t.used:
		return nil, refuse("exchanged_trigger_id")
	case s.clock.Now().Sub(t.issued) > triggerLife:
		return nil, refuse("expired_trigger_id")
	}
	source := json.RawMessage(c.args["view"])
	if err := CheckView(source); err != nil {
		return nil, err
	}
	t.used = true
	v := &View{ID: s.id("V0VIEW"), User: t.user}
	s.views = append(s.views, v)
	s.show(v, source)
	return reply{"view": s.viewJSON(v, map[string]any{})}, nil
}

// updateView is https://docs.slack.dev/reference/methods/views.update.
func (s *Server) updateView(c *call) (reply, error) {
	if err := c.require("view"); err != nil {
		return nil, err
	}
	v := s.view(c.args["view_id"])
	if external := c.args["external_id"]; v == nil && external != "" {
		if i := slices.IndexFunc(s.views, func(v *View) bool { return v.ExternalID == external }); i >= 0 {
			v = s.views[i]
		}
	}
	if v == nil || v.Closed {
		return nil, refuse("not_found")
	}
	if hash := c.args["hash"]; hash != "" && hash != v.Hash {
		return nil, refuse("hash_conflict")
	}
	source := json.RawMessage(c.args["view"])
	if err := CheckView(source); err != nil {
		return nil, err
	}
	v.Updates++
	s.show(v, source)
	return reply{"view": s.viewJSON(v, map[string]any{})}, nil
}

// show puts a checked source into a view.
func (s *Server) show(v *View, source json.RawMessage) {
	var head struct {
		CallbackID      string `json:"callback_id"`
		PrivateMetadata string `json:"private_metadata"`
		ExternalID      string `json:"external_id"`
	}
	_ = json.Unmarshal(source, &head) // checked before
	v.Source, v.CallbackID, v.PrivateMetadata, v.ExternalID = source, head.CallbackID, head.PrivateMetadata, head.ExternalID
	v.Hash = s.ts() + ".hash"
	s.cond.Broadcast()
}

func (s *Server) view(id string) *View {
	i := slices.IndexFunc(s.views, func(v *View) bool { return v.ID == id })
	if i < 0 {
		return nil
	}
	return s.views[i]
}

// viewJSON is the view in answers and submissions,
// https://docs.slack.dev/reference/views/modal-views.
func (s *Server) viewJSON(v *View, values map[string]any) map[string]any {
	j := map[string]any{}
	if err := json.Unmarshal(v.Source, &j); err != nil {
		panic(fmt.Sprintf("slackfake: a checked view does not decode: %v", err))
	}
	j["id"], j["hash"], j["team_id"], j["app_id"], j["bot_id"] = v.ID, v.Hash, s.st.TeamID, s.st.AppID, s.st.BotID
	j["root_view_id"], j["previous_view_id"] = v.ID, nil
	j["callback_id"], j["private_metadata"], j["external_id"] = v.CallbackID, v.PrivateMetadata, v.ExternalID
	j["state"] = map[string]any{"values": values}
	return j
}

// afterSubmit closes the view unless the acknowledgement keeps it open,
// https://docs.slack.dev/surfaces/modals#response_actions.
func (s *Server) afterSubmit(id string, payload json.RawMessage) {
	var answer struct {
		ResponseAction string          `json:"response_action"`
		View           json.RawMessage `json:"view"`
	}
	if payload != nil && json.Unmarshal(payload, &answer) != nil {
		s.problem("view %s: acknowledgement is not a response action: %.80q", id, payload)
	}
	v := s.view(id)
	switch answer.ResponseAction {
	case "errors", "push":
	case "update":
		if err := CheckView(answer.View); err != nil {
			s.problem("view %s: updated by acknowledgement: %v", id, err)
			return
		}
		v.Updates++
		s.show(v, answer.View)
	default:
		v.Closed = true
		s.cond.Broadcast()
	}
}
