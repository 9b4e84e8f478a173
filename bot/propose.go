package bot

import (
	"context"
	"errors"
	"strings"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/formatters"
)

// propose answers /access-clone: it makes a plan, and shows it to whoever asked and to nobody else.
func (c *clones) propose(j *errand, d *slackapi.Command) {
	r := &reply{door: c.door, now: c.pace.now, log: j.log, user: j.user, url: d.ResponseURL, born: c.pace.now()}
	who, err := c.actor(c.work, j)
	if err != nil {
		r.last(c.work, c.unknownPerson(j, err))
		return
	}
	who.Channel = c.channel // where it would be voted on: the rules may ask
	q, asked, ticket, m, err := c.wish(d.Text)
	if err != nil {
		r.last(c.work, refusal(err, &task{log: j.log}))
		return
	}
	if m != nil {
		r.last(c.work, *m)
		return
	}
	t := &task{id: newTaskID(), user: j.user, log: j.log, reply: r, asked: formatters.Truncate(formatters.EscapeLine(asked), 200)}
	r.note(c.work, slackapi.Say("Making a plan: "+t.asked+" …"), false)
	ctx, cancel := context.WithCancelCause(c.audit)
	defer cancel(nil)
	limit := time.AfterFunc(c.AuditLimit, func() { cancel(errTooLong) })
	defer limit.Stop()
	under := &job{task: t}
	p := c.watchProgress(under)
	defer p.stop()
	made, k, err := c.approvals.Propose(ctx, who, q, ticket, under.counts.count)
	p.stop()
	c.metrics.proposed(q, c.pace.now().Sub(r.born), made, err)
	if err != nil {
		r.last(c.work, c.noPlan(ctx, err, t, made))
		return
	}
	m, err = c.preview(c.work, made, k, j.user)
	if err != nil {
		r.last(c.work, explain(c.work, err, t))
		return
	}
	r.last(c.work, *m)
}

// wish reads a command, and gives it back as a whole in asked. A message is all there is to answer when it asks for help.
func (c *clones) wish(text string) (q query.Clone, asked, ticket string, help *slackapi.Message, err error) {
	split, err := words(text, func(id string) (string, error) { return c.people.email(c.work, c.team, id) })
	if err != nil {
		return q, "", "", nil, err
	}
	if len(split) == 0 || strings.EqualFold(split[0], "help") || strings.EqualFold(split[0], "--help") {
		m := c.usage()
		return q, "", "", &m, nil
	}
	rest, ticket, err := withoutTicket(split)
	if err != nil {
		return q, "", "", nil, err
	}
	request, err := query.Parse(append([]string{"clone"}, rest...))
	if wrong, ok := isUsage(err); ok {
		f, _ := query.FormOf(query.Clone{}.Mode())
		here := strings.NewReplacer(query.CloneForm, c.command+" FROM TO", f.Mode+" "+strings.Join(f.Args, " "), c.command+" FROM TO")
		return q, "", "", nil, &query.UsageError{Problem: wrong.Problem, Hint: here.Replace(wrong.Hint)}
	}
	if err != nil {
		return q, "", "", nil, err
	}
	q, ok := request.(query.Clone)
	if !ok {
		return q, "", "", nil, errors.New("the grammar gave another question")
	}
	return q, c.command + " " + strings.Join(split, " "), ticket, nil, nil
}

const maxTicket = 100

// withoutTicket takes --ticket ID out of a command: it is no part of the question.
func withoutTicket(split []string) (rest []string, ticket string, err error) {
	for i := 0; i < len(split); i++ {
		value, is := strings.CutPrefix(split[i], "--ticket=")
		switch {
		case split[i] == "--":
			return append(rest, split[i:]...), ticket, nil
		case is:
		case split[i] == "--ticket" && i+1 < len(split):
			i++
			value = split[i]
		case split[i] == "--ticket":
		default:
			rest = append(rest, split[i])
			continue
		}
		if ticket = strings.TrimSpace(value); ticket == "" || len(ticket) > maxTicket || ticket != formatters.EscapeLine(ticket) {
			return nil, "", &query.UsageError{Problem: "--ticket names no ticket", Hint: "write --ticket OPS-123"}
		}
	}
	return rest, ticket, nil
}

func (c *clones) usage() slackapi.Message {
	f, _ := query.FormOf(query.Clone{}.Mode())
	form := c.command + strings.TrimPrefix(f.Usage(), f.Mode) + " [--ticket ID]"
	return slackapi.Message{Parts: []slackapi.Part{
		{Kind: slackapi.Strong, Text: "I plan what gives one what another has, and carry it out once others have approved it."},
		{Kind: slackapi.Preformatted, Text: form},
		{Text: "For example:"},
		{Kind: slackapi.Preformatted, Text: c.command + " alice@example.com bob@example.com --for 8h --ticket OPS-123"},
		{Text: "You see the plan first. Nobody is asked, and nothing is changed, before you send it for approval."},
	}}
}

// noPlan says why there is no plan to send. What was made all the same is shown.
func (c *clones) noPlan(ctx context.Context, err error, t *task, made *report.CloneReport) slackapi.Message {
	no, ok := errors.AsType[*core.NotAllowedError](err)
	if !ok {
		return explain(ctx, err, t)
	}
	t.log.Warn("plan refused", "reason", no.Why)
	m := slackapi.Say(forbidden(no))
	if made == nil {
		return m
	}
	if a, err := compose(made); err == nil {
		m.Parts = append(m.Parts, a.message().Parts...)
	}
	return m
}

// preview keeps what is shown of a plan, and shows it to its requester, with what to do next.
func (c *clones) preview(ctx context.Context, made *report.CloneReport, k core.Case, requester string) (*slackapi.Message, error) {
	s, err := showingOf(made, k)
	if err != nil {
		return nil, err
	}
	s.Requester = requester
	body, err := s.pack()
	if err != nil {
		return nil, err
	}
	if err := c.ledger.Do(ctx, func(tx *ledger.Tx) error { return tx.KeepShowing(k.ID, body) }); err != nil {
		return nil, err
	}
	a, err := compose(made)
	if err != nil {
		return nil, err
	}
	next := "Nobody was asked yet, and nothing is changed. If this is what you want, send it for approval."
	discard := slackapi.Button{ID: buttonDiscard, Value: valueOf(k), Text: "Discard"}
	m := &slackapi.Message{Buttons: []slackapi.Button{{ID: buttonSend, Value: valueOf(k), Text: "Send for approval", Primary: true}, discard}}
	switch {
	case s.Barred:
		next = "This reaches so far that it is not voted on in Slack. Somebody who may do it finds it in the ledger: databricks-access-audit plan show " + k.ID
		m.Buttons = []slackapi.Button{discard}
	case !s.Applyable:
		next = "There is nothing in it that I could carry out."
		m.Buttons = []slackapi.Button{discard}
	}
	m.Parts = append([]slackapi.Part{{Kind: slackapi.Strong, Text: next}, {Text: facts(k, s)}}, a.message().Parts...)
	return m, nil
}
