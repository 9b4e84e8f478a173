package bot

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core/query"
)

// people looks members up, and remembers them shortly.
type people struct {
	lookup func(context.Context, string) (slackapi.Person, error)
	now    func() time.Time

	mu    sync.Mutex
	known map[string]acquaintance
}

type acquaintance struct {
	person slackapi.Person
	at     time.Time
}

const (
	// freshFor is how long a member who was let in stays so after Slack says otherwise.
	freshFor  = 60 * time.Second
	maxPeople = 1000
)

func newPeople(lookup func(context.Context, string) (slackapi.Person, error), now func() time.Time) *people {
	return &people{lookup: lookup, now: now, known: map[string]acquaintance{}}
}

func (p *people) find(ctx context.Context, id string) (slackapi.Person, error) {
	p.mu.Lock()
	a, ok := p.known[id]
	p.mu.Unlock()
	if ok && p.now().Sub(a.at) < freshFor {
		return a.person, nil
	}
	person, err := p.lookup(ctx, id)
	if err != nil {
		return slackapi.Person{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.known) >= maxPeople {
		clear(p.known)
	}
	p.known[id] = acquaintance{person, p.now()}
	return person, nil
}

// errStranger says that somebody may not ask. Reason is for the log; the person is told the same
// whatever it is, lest the refusal tell who is what.
type errStranger struct{ reason string }

func (e *errStranger) Error() string { return "may not ask: " + e.reason }

// admit checks that a person may ask. An *errStranger says no; another error that it is not known.
func (p *people) admit(ctx context.Context, team, id string) error {
	person, err := p.find(ctx, id)
	if slices.Contains(notSeen, slackapi.Code(err)) {
		return &errStranger{slackapi.Code(err)}
	}
	if err != nil {
		return err
	}
	if reason := whyNot(person, team, id); reason != "" {
		return &errStranger{reason}
	}
	return nil
}

// memberID is the form of the ids of people.
var memberID = regexp.MustCompile(`^[UW][A-Z0-9]+$`)

// Why somebody may not act, for the log.
const (
	notPerson      = "not a person"
	ofOtherTeam    = "of another team"
	notActive      = "deactivated, or not known to be active"
	perhapsBot     = "a bot, or not known to be none"
	perhapsGuest   = "a guest, or not known to be none"
	fromElsewhere  = "a stranger"
	withoutAddress = "without a confirmed e-mail address"
)

// strangerKinds are the reasons why somebody may not act, by what metrics call them. What Slack does not find is a reason by its
// code.
var strangerKinds = map[string]string{
	"no_person":        notPerson,
	"other_team":       ofOtherTeam,
	"deactivated":      notActive,
	"bot":              perhapsBot,
	"guest":            perhapsGuest,
	"stranger":         fromElsewhere,
	"no_address":       withoutAddress,
	"user_not_found":   "user_not_found",
	"users_not_found":  "users_not_found",
	"user_not_visible": "user_not_visible",
}

// whyNot gives the reason why a person may not ask, empty for a confirmed full member of the team.
// A fact that is missing counts against the person, where Slack states it of every member.
//
// https://docs.slack.dev/reference/objects/user-object
func whyNot(p slackapi.Person, team, id string) string {
	switch {
	case !memberID.MatchString(id) || p.ID != id || id == "USLACKBOT":
		return notPerson
	case p.TeamID == "" || p.TeamID != team:
		return ofOtherTeam
	case !no(p.Deleted):
		return notActive
	case !no(p.IsBot) || yes(p.IsAppUser) || yes(p.IsWorkflowBot) || yes(p.IsConnectorBot):
		return perhapsBot
	case !no(p.IsRestricted) || !no(p.IsUltraRestricted):
		return perhapsGuest
	case yes(p.IsStranger):
		return fromElsewhere
	case !yes(p.IsEmailConfirmed) || !strings.Contains(p.Profile.Email, "@"):
		return withoutAddress
	}
	return ""
}

// yes and no read a flag that may be missing; a missing one is neither.
func yes(flag *bool) bool { return flag != nil && *flag }
func no(flag *bool) bool  { return flag != nil && !*flag }

// email gives the address of a member who was mentioned in a question. The member need not be
// allowed to ask: leavers are audited too.
func (p *people) email(ctx context.Context, team, id string) (string, error) {
	person, err := p.find(ctx, id)
	if slackapi.Code(err) == "" && err != nil {
		return "", err
	}
	if err != nil || person.TeamID != team || yes(person.IsStranger) || !yes(person.IsEmailConfirmed) || person.Profile.Email == "" {
		return "", errNoAddress
	}
	return person.Profile.Email, nil
}

// errNoAddress says that a mention is of no use.
var errNoAddress = error(&query.UsageError{
	Problem: "Slack tells no confirmed e-mail address of the one you mention",
	Hint:    "write the e-mail address, or the name that Databricks knows",
})

// isUsage reports whether an error is about how the question was asked.
func isUsage(err error) (*query.UsageError, bool) { return errors.AsType[*query.UsageError](err) }
