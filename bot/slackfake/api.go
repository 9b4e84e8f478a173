package slackfake

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxBody is more than any request of a bot needs, uploads apart.
const maxBody = 4 << 20

// call is one request to a Web API method.
type call struct {
	method string
	args   map[string]string // JSON values that are no strings keep their JSON
}

func (c *call) bool(name string) bool { return c.args[name] == "true" || c.args[name] == "1" }

func (c *call) has(name string) bool { _, ok := c.args[name]; return ok }

// require refuses a call that lacks an argument,
// https://docs.slack.dev/apis/web-api#responses.
func (c *call) require(names ...string) error {
	var missing []string
	for _, name := range names {
		if c.args[name] == "" {
			missing = append(missing, "[ERROR] missing required field: "+name)
		}
	}
	if len(missing) > 0 {
		return &refusal{code: "invalid_arguments", messages: missing}
	}
	return nil
}

// reply is an answer; "ok" is added.
type reply map[string]any

// refusal is an answer with "ok": false.
type refusal struct {
	code     string
	messages []string // response_metadata.messages
	needed   string   // of missing_scope
}

func (r *refusal) Error() string { return r.code }

func refuse(code string) error { return &refusal{code: code} }

// tokenKind is what a method takes as token.
type tokenKind int

const (
	bot tokenKind = iota
	app
	either
)

// method describes a Web API method.
type method struct {
	token  tokenKind
	json   bool     // takes application/json, not just forms
	scopes []string // any of them suffices; empty means none is needed
	tier   tier
	run    func(*Server, *call) (reply, error) // called with mu held
}

// methods is from the "Facts" of https://docs.slack.dev/reference/methods/NAME.
// conversations.info and conversations.open check their scopes themselves:
// these depend on the conversation.
func methods() map[string]method {
	return map[string]method{
		"apps.connections.open":        {token: app, json: true, tier: tier3, run: (*Server).connectionsOpen},
		"auth.test":                    {token: either, json: true, tier: tierSpecial, run: (*Server).authTest},
		"bots.info":                    {scopes: []string{"users:read"}, tier: tier3, run: (*Server).botInfo},
		"chat.postMessage":             {json: true, scopes: []string{"chat:write"}, tier: tierPerChannel, run: (*Server).postMessage},
		"chat.postEphemeral":           {json: true, scopes: []string{"chat:write"}, tier: tier4, run: (*Server).postEphemeral},
		"chat.update":                  {json: true, scopes: []string{"chat:write"}, tier: tier3, run: (*Server).updateMessage},
		"conversations.open":           {json: true, tier: tier3, run: (*Server).openConversation},
		"conversations.info":           {tier: tier3, run: (*Server).conversationInfo},
		"users.info":                   {scopes: []string{"users:read"}, tier: tier4, run: (*Server).userInfo},
		"users.lookupByEmail":          {scopes: []string{"users:read.email"}, tier: tier3, run: (*Server).lookupByEmail},
		"usergroups.list":              {scopes: []string{"usergroups:read"}, tier: tier2, run: (*Server).listUsergroups},
		"usergroups.users.list":        {scopes: []string{"usergroups:read"}, tier: tier2, run: (*Server).listUsergroupUsers},
		"views.open":                   {json: true, tier: tier4, run: (*Server).openView},
		"views.update":                 {json: true, tier: tier4, run: (*Server).updateView},
		"files.getUploadURLExternal":   {scopes: []string{"files:write"}, tier: tier4, run: (*Server).getUploadURL},
		"files.completeUploadExternal": {json: true, scopes: []string{"files:write"}, tier: tier4, run: (*Server).completeUpload},
		"files.delete":                 {json: true, scopes: []string{"files:write"}, tier: tier3, run: (*Server).deleteFile},
	}
}

// serveAPI answers /api/METHOD.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	c := &call{method: r.PathValue("method")}
	m, known := methods()[c.method]
	token, inHeader, err := c.read(r, m.json)
	if f := s.takeFault(c.method); f != nil {
		s.answerFault(w, c, f)
		return
	}
	if !known {
		s.answer(w, c, nil, refuse("unknown_method"))
		return
	}
	if err == nil {
		err = s.checkToken(m, token, inHeader)
	}
	if err != nil {
		s.answer(w, c, nil, err)
		return
	}
	if wait := s.throttle(c, m.tier); wait > 0 {
		s.answerLimited(w, c, wait)
		return
	}
	s.mu.Lock()
	result, err := s.run(m, c)
	s.mu.Unlock()
	s.answer(w, c, result, err)
}

// run calls the method with mu held.
func (s *Server) run(m method, c *call) (reply, error) {
	if err := s.needScope(m.scopes...); err != nil {
		return nil, err
	}
	return m.run(s, c)
}

// read takes token and arguments from a request,
// https://docs.slack.dev/apis/web-api#basics. A JSON body given to a method
// that takes only forms counts as no arguments.
func (c *call) read(r *http.Request, takesJSON bool) (token string, inHeader bool, err error) {
	c.args = map[string]string{}
	if header, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		token, inHeader = header, true
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(body) > maxBody {
		return token, inHeader, refuse("request_timeout")
	}
	values := r.URL.Query()
	contentType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	switch strings.TrimSpace(contentType) {
	case "application/json":
		if takesJSON {
			if err = c.readJSON(body); err != nil {
				return token, inHeader, err
			}
		}
	case "application/x-www-form-urlencoded", "":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return token, inHeader, refuse("invalid_form_data")
		}
		maps.Copy(values, form)
	default:
		return token, inHeader, refuse("invalid_post_type")
	}
	for name := range values {
		c.args[name] = values.Get(name)
	}
	if !inHeader {
		token = c.args["token"]
	}
	delete(c.args, "token")
	return token, inHeader, nil
}

func (c *call) readJSON(body []byte) error {
	if len(body) == 0 {
		return nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return refuse("invalid_json")
	}
	for name, raw := range fields {
		var text string
		switch {
		case string(raw) == "null":
		case json.Unmarshal(raw, &text) == nil:
			c.args[name] = text
		default:
			c.args[name] = string(raw)
		}
	}
	return nil
}

// checkToken tells an absent token from a wrong one and from one of the wrong
// kind. App-level tokens are taken from the header only.
func (s *Server) checkToken(m method, token string, inHeader bool) error {
	switch {
	case token == "":
		return refuse("not_authed")
	case m.token == app && !inHeader:
		return refuse("invalid_auth")
	case token == appToken && m.token != bot, token == botToken && m.token != app:
		return nil
	case token == appToken || token == botToken:
		return refuse("not_allowed_token_type")
	}
	return refuse("invalid_auth")
}

// needScope refuses unless one of the scopes is granted. The caller holds mu.
func (s *Server) needScope(anyOf ...string) error {
	if len(anyOf) == 0 || slices.ContainsFunc(anyOf, s.granted) {
		return nil
	}
	return &refusal{code: "missing_scope", needed: strings.Join(anyOf, ",")}
}

func (s *Server) granted(scope string) bool { return slices.Contains(s.opts.Scopes, scope) }

// answer writes a reply or refusal and records the call.
func (s *Server) answer(w http.ResponseWriter, c *call, result reply, err error) {
	body := reply{"ok": true}
	code := ""
	var r *refusal
	var blocks *BlockError
	switch {
	case err == nil:
		maps.Copy(body, result)
	case errors.As(err, &blocks):
		code = blocks.Code
		body = s.refusalBody(blocks.refusal())
	case errors.As(err, &r):
		code = r.code
		body = s.refusalBody(r)
	default:
		panic(fmt.Sprintf("slackfake: %s returned an error that is no refusal: %v", c.method, err))
	}
	s.record(c, code, http.StatusOK)
	s.mu.Lock()
	w.Header().Set("X-OAuth-Scopes", strings.Join(s.opts.Scopes, ","))
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, body)
}

func (s *Server) refusalBody(r *refusal) reply {
	body := reply{"ok": false, "error": r.code}
	if r.needed != "" {
		s.mu.Lock()
		body["needed"], body["provided"] = r.needed, strings.Join(s.opts.Scopes, ",")
		s.mu.Unlock()
	}
	if len(r.messages) > 0 {
		body["response_metadata"] = map[string]any{"messages": r.messages}
	}
	return body
}

func (s *Server) record(c *call, code string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, Call{Method: c.method, Args: maps.Clone(c.args), Error: code, Status: status, At: s.clock.Now()})
	s.cond.Broadcast()
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may have gone
}
