package bot

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/report"
	"databricks-access-audit/formatters"
)

// showing is what people are shown of a plan, whatever becomes of it. It is made when the plan is: what would come of it is not in the
// plan itself.
type showing struct {
	// Subject is who asks to give whom what, in a sentence, and Head what approvers must know at a glance.
	Subject string          `json:"subject"`
	Head    []slackapi.Part `json:"head"`
	// Pages are the whole of it, drawn, and Files the same for machines.
	Pages []slackapi.Part `json:"pages"`
	Files []slackapi.File `json:"files"`
	// Confirm is the question before a vote.
	Confirm string `json:"confirm"`
	// Applyable says that there is something to carry out, and Full that all that it needs was read.
	Applyable bool `json:"applyable"`
	// Barred says that it reaches so far that it is not voted on in Slack.
	Barred bool `json:"barred"`
	// Requester is the member who asked, who need not be in the channel where it is voted on.
	Requester string `json:"requester,omitempty"`
}

const (
	mostPages   = 24                    // parts of a thread; the files hold the rest
	mostFiles   = 8 << 20               // bytes
	threadParts = 3                     // in one message
	shortDigest = 12                    // letters of a digest that are shown
	maxHead     = slackapi.MaxPart - 10 // of the head of a card
)

// showingOf draws a plan.
func showingOf(r *report.CloneReport, k core.Case) (showing, error) {
	p := r.Plan
	planned := 0
	for _, a := range p.Actions {
		if a.Status == report.StatusPlanned {
			planned++
		}
	}
	s := showing{
		Subject:   fmt.Sprintf("%s asks to give %s what %s has", party(k.Requester), party(k.Target), party(k.Source)),
		Confirm:   fmt.Sprintf("%s of plan %s (%s) would be carried out for %s, which is tier %s.", counted(planned, "step"), k.ID, short(k.Digest), party(k.Target), k.Tier),
		Applyable: p.Applyable, Barred: k.Tier == plan.Barred,
	}
	summary, err := draw(r, formatters.Summary, formatters.Options{})
	if err != nil {
		return s, err
	}
	s.Head = []slackapi.Part{{Kind: slackapi.Paragraph, Text: slackapi.Cut(summary, maxHead)}}
	if len(p.TierReasons) > 0 {
		s.Head = append(s.Head, slackapi.Part{Kind: slackapi.Paragraph, Text: slackapi.Cut("Tier "+string(k.Tier)+": "+line(strings.Join(p.TierReasons, "; ")), maxLine)})
	}
	tree, err := draw(r, formatters.Write, formatters.Options{Format: formatters.Tree, Width: treeWidth})
	if err != nil {
		return s, err
	}
	s.Pages = pages(inner(tree))
	if len(s.Pages) > mostPages {
		s.Pages = append(s.Pages[:mostPages], slackapi.Part{Text: fmt.Sprintf("… and %d more pages, which are in the files.", len(s.Pages)-mostPages)})
	}
	size := 0
	for _, f := range []formatters.Format{formatters.CSV, formatters.HTML, formatters.JSON} {
		var b bytes.Buffer
		if err := formatters.Write(&b, r, formatters.Options{Format: f}); err != nil {
			return s, fmt.Errorf("write %s: %w", f, err)
		}
		if size += b.Len(); size > mostFiles {
			s.Pages = append(s.Pages, slackapi.Part{Text: "Not all files are here: they would be too large. The command line gives them: databricks-access-audit clone … -o " + string(f)})
			break
		}
		name := "access-clone-" + k.ID + "." + string(f)
		s.Files = append(s.Files, slackapi.File{Name: name, Title: name, Content: b.Bytes()})
	}
	return s, nil
}

func (s showing) pack() ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := json.NewEncoder(z).Encode(s); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// showing reads what is shown of a plan.
func (c *clones) showing(ctx context.Context, plan string) (showing, error) {
	var s showing
	body, err := c.ledger.Showing(ctx, plan)
	if err != nil {
		return s, err
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return s, fmt.Errorf("what is shown of plan %s is not readable: %w", plan, err)
	}
	if err := json.NewDecoder(io.LimitReader(z, 4*mostFiles)).Decode(&s); err != nil {
		return s, fmt.Errorf("what is shown of plan %s is not readable: %w", plan, err)
	}
	return s, nil
}

// threads are the pages as messages.
func (s showing) threads() []slackapi.Message {
	var list []slackapi.Message
	for chunk := range slices.Chunk(s.Pages, threadParts) {
		list = append(list, slackapi.Message{Parts: chunk})
	}
	return list
}

// The buttons, by their action ids.
const (
	buttonSend    = "plan_send"
	buttonDiscard = "plan_discard"
	buttonApprove = "plan_approve"
	buttonReject  = "plan_reject"
	buttonCancel  = "plan_cancel"
	buttonDetails = "plan_details"
)

// card is the plan's message as it should be now, and of which edition it is. Closed says that it will not change by itself any more.
func (c *clones) card(ctx context.Context, id, note string) (m slackapi.Message, edition int64, closed bool, told []post, err error) {
	k, err := c.approvals.Case(ctx, id)
	if err != nil {
		return m, 0, false, nil, err
	}
	s, err := c.showing(ctx, id)
	if err != nil {
		return m, 0, false, nil, err
	}
	m.Parts = append(m.Parts, slackapi.Part{Kind: slackapi.Strong, Text: slackapi.Cut(s.Subject, maxLine)})
	m.Parts = append(m.Parts, s.Head...)
	m.Parts = append(m.Parts, slackapi.Part{Text: facts(k, s)}, slackapi.Part{Kind: slackapi.Strong, Text: slackapi.Cut(stands(k), maxLine)})
	if text := strings.TrimSpace(note + "\n" + votesTold(k.Votes)); text != "" {
		m.Parts = append(m.Parts, slackapi.Part{Text: slackapi.Cut(text, maxLine)})
	}
	m.Buttons = buttons(k, s)
	closed = k.State.Final() || k.State == ledger.Applied && k.EndsAt.IsZero()
	return m, ledger.Edition(k.Version, k.Votes), closed, append(c.reviews(k), news(k, s)...), nil
}

// reviews tell who watches over approvals what the votes on a plan gave rise to say, each once.
func (c *clones) reviews(k core.Case) (posts []post) {
	channel := c.ReviewChannel
	if channel == "" {
		channel = c.channel
	}
	for i, text := range k.Reviews {
		m := slackapi.Message{Parts: []slackapi.Part{
			{Kind: slackapi.Strong, Text: "Plan " + k.ID + ": please look at who approves whose plans."}, {Text: slackapi.Cut(line(text), maxLine) + "."},
		}}
		posts = append(posts, post{Key: fmt.Sprintf("review/%s/%d", k.ID, i), Kind: postNotice, Channel: channel, Message: &m})
	}
	return posts
}

// news tells the requester what became of their plan, each end of it once, and each time that it could not be begun.
func news(k core.Case, s showing) []post {
	switch k.State {
	case ledger.Applied, ledger.PartiallyApplied, ledger.Failed, ledger.Rejected, ledger.Cancelled, ledger.Expired, ledger.Superseded, ledger.Stale, ledger.Undone:
	default:
		if len(k.Held) == 0 {
			return nil
		}
	}
	if s.Requester == "" {
		return nil
	}
	key := "news/" + k.ID + "/" + string(k.State)
	if len(k.Held) > 0 {
		key += "/" + heldKey(k.Version, len(k.Held))
	}
	m := slackapi.Message{Parts: []slackapi.Part{
		{Kind: slackapi.Strong, Text: slackapi.Cut("Plan "+k.ID+": "+s.Subject, maxLine)}, {Text: slackapi.Cut(stands(k), maxLine)},
	}}
	return []post{{Key: key, Kind: postWhisper, Plan: k.ID, User: s.Requester, Message: &m}}
}

func buttons(k core.Case, s showing) []slackapi.Button {
	value := valueOf(k)
	cancel := slackapi.Button{ID: buttonCancel, Value: value, Text: "Cancel", Ask: &slackapi.Question{
		Title: "Cancel this plan?", Text: "Plan " + k.ID + " then comes to its end. The requester may do this, and who may approve it.", Yes: "Cancel the plan", No: "Back"}}
	details := slackapi.Button{ID: buttonDetails, Value: value, Text: "Details"}
	switch {
	case k.State == ledger.Pending && k.Tier != plan.Barred:
		return []slackapi.Button{
			{ID: buttonApprove, Value: value, Text: "Approve", Primary: true, Ask: &slackapi.Question{Title: "Approve this plan?", Text: s.Confirm, Yes: "Approve", No: "Back"}},
			{ID: buttonReject, Value: value, Text: "Reject …", Danger: true},
			cancel, details,
		}
	case k.State == ledger.Pending, k.State == ledger.Approved:
		return []slackapi.Button{cancel, details}
	default:
		return nil
	}
}

// valueOf names a plan and its content on a button.
func valueOf(k core.Case) string { return k.ID + ":" + short(k.Digest) }

func short(digest string) string { return digest[:min(shortDigest, len(digest))] }

// facts are what identifies a plan, and until when what may be done with it.
func facts(k core.Case, s showing) string {
	list := []string{fmt.Sprintf("Plan %s, digest %s, tier %s.", k.ID, short(k.Digest), k.Tier)}
	if k.Ticket != "" {
		list = append(list, "Ticket: "+line(k.Ticket)+".")
	}
	if k.State == ledger.Pending || k.State == ledger.Draft {
		if len(k.Ruling.Approvers) > 0 {
			list = append(list, "Who may approve: "+line(strings.Join(k.Ruling.Approvers, "; "))+".")
		}
		list = append(list, "It may be approved and begun until "+moment(k.ExpiresAt)+".")
	}
	if !k.EndsAt.IsZero() {
		list = append(list, "What it gives is taken back at "+moment(k.EndsAt)+".")
	}
	if k.Tier == plan.High && k.State == ledger.Pending {
		list = append(list, "It reaches far: two sets of people have to agree, and one of them with their own Databricks login: databricks-access-audit approve "+k.ID+". Replies in the thread do not count as votes.")
	}
	return slackapi.Cut(strings.Join(list, "\n"), 2*maxLine)
}

// stands says how a plan stands, in a sentence.
func stands(k core.Case) string {
	switch k.State {
	case ledger.Draft:
		return "Nobody was asked yet."
	case ledger.Pending:
		if len(k.Ruling.Why) > 0 {
			return "Waiting for approval: " + line(strings.Join(k.Ruling.Why, "; ")) + "."
		}
		return "Waiting for approval."
	case ledger.Approved:
		if n := len(k.Held); n > 0 {
			return held(k.ID, k.Held[n-1], k.ExpiresAt)
		}
		return "Approved. It is about to be carried out; nothing was changed yet."
	case ledger.Applying:
		return "It is being carried out."
	case ledger.Applied:
		return "Carried out: the thread says what became of each step."
	case ledger.PartiallyApplied:
		return "It stopped on the way: some of it was carried out. The thread says what. Go on with: apply " + k.ID + ", or take it back with: undo " + k.ID
	case ledger.Failed:
		return "It failed, and nothing was changed."
	case ledger.Rejected:
		return "Rejected. Nothing was changed."
	case ledger.Cancelled:
		return "Cancelled. Nothing was changed."
	case ledger.Expired:
		return "Its time was over before it was carried out. Nothing was changed."
	case ledger.Superseded:
		if k.SupersededBy != "" {
			return "Superseded by " + line(k.SupersededBy) + ". Nothing was changed."
		}
		return "Another plan took its place. Nothing was changed."
	case ledger.Stale:
		return "The account moved since the plan was made, so it is not carried out. Nothing was changed; make a new plan."
	case ledger.UndoPending:
		return "It is being taken back."
	case ledger.Undone:
		return "Taken back."
	case ledger.ExpiryOverdue:
		return "Its time is over, but what it gave could not be taken back yet. I keep trying; somebody should look."
	default:
		return "It is " + line(string(k.State)) + "."
	}
}

// held says that an approved plan could not be begun, why, and what to do.
func held(id, why string, until time.Time) string {
	return "Approved, but it could not be begun, and nothing was changed. Once what is in the way is mended, have it tried again until " + moment(until) +
		": mention me in its thread with: apply " + id + ". What was in the way: " + strings.TrimSuffix(slackapi.Cut(line(why), maxLine/2), ".") + "."
}

// votesTold lists the votes.
func votesTold(votes []ledger.Vote) string {
	var list []string
	for _, v := range votes {
		text := fmt.Sprintf("%s: %s, %s", verb(v.Decision), party(v.Voter), moment(v.At))
		if !v.Stands() {
			text += " (withdrawn)"
		}
		list = append(list, text)
	}
	return strings.Join(list, "\n")
}

func verb(d ledger.Decision) string {
	if d == ledger.Approve {
		return "Approved"
	}
	return "Rejected"
}

// party names somebody with the id that does not change.
func party(p ledger.Party) string {
	if p.Name == "" {
		return line(p.ID)
	}
	// Those who ask are users, of whom the number alone is kept; those whom a plan is about are kept by kind and number.
	return line(p.Name) + " (Databricks id " + line(strings.TrimPrefix(p.ID, "user:")) + ")"
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
