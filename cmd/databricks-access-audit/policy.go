package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/bot/settings"
	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/query"
	"databricks-access-audit/formatters"
)

// maxPolicyFile is more than any policy takes.
const maxPolicyFile = 256 << 10

// unapprovableError says that by the policy nobody can approve a plan, wherever they vote.
type unapprovableError struct{ id, why string }

func (e *unapprovableError) Error() string {
	return fmt.Sprintf("by this policy nobody can approve plan %s: %s", e.id, e.why)
}

// policyCommand tries out who may ask for plans and approve them.
func policyCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:  "policy",
		Usage: "who may ask for plans, and who must approve them",
		Subcommands: []*cli.Command{{
			Name:      "test",
			Usage:     "say who could approve what by a policy, or by the policy of a bot's configuration; it asks no account, and takes names as they are written",
			ArgsUsage: "FILE",
			Flags: joined([]cli.Flag{&cli.StringFlag{Name: "plan", Category: plans, Usage: "also say who could approve the plan `FILE|ID`, that clone --save-plan wrote or the ledger keeps"}},
				ledgerFlags(), whoseFlags()),
			Action: func(c *cli.Context) error { return testPolicy(c, s) },
		}},
	}
}

func testPolicy(c *cli.Context, s streams) error {
	if c.NArg() != 1 {
		return &query.UsageError{Problem: "policy test takes one file", Hint: "write policy test FILE, with a policy or with the configuration of the bot"}
	}
	path := c.Args().First()
	policy, err := readPolicy(path)
	if err != nil {
		return err
	}
	t := &policyText{w: s.out}
	t.policy(path, policy)
	if given := c.String("plan"); given != "" {
		var p plan.Plan
		if p, err = planOf(c, s, given); err != nil {
			return err
		}
		var named consent.Policy
		if named, err = policy.Resolve(namesOf(p)); err != nil {
			return err
		}
		err = t.plan(p, named)
	}
	return errors.Join(err, t.err)
}

// readPolicy reads a file that holds a policy, or a configuration with one.
func readPolicy(path string) (consent.Policy, error) {
	text, err := readFile(path, maxPolicyFile)
	if err != nil {
		return consent.Policy{}, err
	}
	p, has, err := consent.ParseSection(text)
	if err == nil && !has {
		if p, err = consent.Parse(text); err != nil {
			err = fmt.Errorf("%w\nIt has no key policy, so it is read as a policy itself", err)
		}
	}
	if err != nil {
		return consent.Policy{}, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// policyOf is the policy of a bot's configuration; without one nobody may do anything.
func policyOf(set settings.Settings) (p consent.Policy, err error) {
	if !set.Policy.IsZero() {
		err = p.UnmarshalYAML(&set.Policy)
	}
	return p, err
}

// planOf reads a plan from a file, or from the ledger by its id.
func planOf(c *cli.Context, s streams, given string) (p plan.Plan, err error) {
	var body []byte
	if ledger.ValidPlanID(given) {
		err = reading(c, s, func(l *ledger.Ledger) error {
			kept, err := l.Plan(c.Context, given)
			body = kept.Body
			return err
		})
	} else {
		body, err = readFile(given, maxPlanFile)
	}
	if err == nil {
		p, _, err = plan.Decode(body)
	}
	if err != nil {
		return plan.Plan{}, fmt.Errorf("%s: %w", given, err)
	}
	return p, nil
}

// namesOf resolves names by what a plan calls its groups; a name that the plan does not use is that of somebody else.
func namesOf(p plan.Plan) func(identity.Kind, string) (identity.PrincipalKey, error) {
	named := []plan.Party{p.Source, p.Target}
	for _, s := range p.Steps {
		if s.Change != nil {
			named = append(named, plan.Party{Key: s.Change.Cell.Group, Name: s.Change.GroupName})
		}
	}
	return func(kind identity.Kind, name string) (found identity.PrincipalKey, err error) {
		for _, n := range named {
			if n.Key.Kind != kind || n.Key.Workspace != 0 || n.Key == found || !identity.SameName(n.Name, name) {
				continue
			}
			if !found.IsZero() {
				return found, fmt.Errorf("the plan has two of that name, with the ids %s and %s: write the id", found.ID, n.Key.ID)
			}
			found = n.Key
		}
		if found.IsZero() {
			found = identity.PrincipalKey{Kind: kind, ID: "name " + identity.FoldName(name)}
		}
		return found, nil
	}
}

// policyText writes for people what a policy comes to.
type policyText struct {
	w   io.Writer
	err error
}

func (t *policyText) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintln(t.w, formatters.EscapeLine(fmt.Sprintf(format, args...)))
	}
}

func (t *policyText) policy(path string, p consent.Policy) {
	t.line("%s is a policy of %s, version %.12s.", path, counted(len(p.Rules), "rule"), p.Version())
	t.line("")
	t.line("Who may plan:")
	for _, r := range p.Requesters {
		whom := map[consent.Whom]string{consent.Self: "themselves", consent.Anyone: "anyone"}[r.For]
		if r.MembersOf != nil {
			whom = "members of group " + r.MembersOf.Written
		}
		t.line("  %s, for %s", inFull(r.From), whom)
	}
	if len(p.Requesters) == 0 {
		t.line("  nobody")
	}
	t.line("Who may see everything:")
	for _, g := range p.Auditors {
		t.line("  group %s", g.Written)
	}
	if len(p.Auditors) == 0 {
		t.line("  nobody by this policy")
	}
	t.line("Who may take back without votes what a plan gave:")
	if p.FreeUndo {
		t.line("  who asked for it, within an hour, if it was of the normal tier")
	} else {
		t.line("  nobody")
	}
	t.line("When somebody is told to look at who approves whose plans:")
	t.line("  two people have approved more than %d of each other's within 30 days", p.MutualLimit())
	t.line("")
	t.line("Who must approve, by the first rule that covers all of a plan:")
	for _, r := range p.Rules {
		t.rule(r)
	}
	t.line("  of what no rule covers: nobody can")
}

func (t *policyText) rule(r consent.ApprovalRule) {
	t.line("  rule %s covers %s", r.ID, strings.Join(covered(r.Match), "; "))
	for _, s := range r.Approvers {
		t.line("    may vote: %s", inFull(s))
	}
	tiers := r.Match.Tiers
	if len(tiers) == 0 {
		tiers = []plan.Tier{plan.Normal, plan.High, plan.Barred}
	}
	for _, tier := range tiers {
		t.line("    %s tier: %s", tier, inTerms(r.Terms(tier)))
	}
	t.line("    votes in Slack: %s", channels(r))
	if r.MaxFor > 0 {
		t.line("    lasts at most: %s", consent.Span(r.MaxFor))
	}
}

// plan says who could approve a plan. The error is an *unapprovableError.
func (t *policyText) plan(p plan.Plan, policy consent.Policy) error {
	t.line("")
	t.line("Plan %s is of the %s tier, with %s:", p.ID, p.Tier, counted(len(p.Executable()), "change"))
	terms := policy.Terms(p, "")
	t.line("  at the command line: %s", underRule(terms))
	at := slices.IndexFunc(policy.Rules, func(r consent.ApprovalRule) bool { return r.ID == terms.Rule })
	channel, where := "any", "in Slack"
	if at >= 0 && len(policy.Rules[at].Channels) > 0 {
		channel, where = policy.Rules[at].Channels[0], "in Slack channel "+strings.Join(policy.Rules[at].Channels, " or ")
	}
	inSlack := policy.Terms(p, channel)
	t.line("  %s: %s", where, underRule(inSlack))
	barred := []string{"who asked for it", p.Target.Name, "whoever else would get something by it"}
	if p.Tier != plan.Normal && p.Source.Name != "" {
		barred = append(barred, p.Source.Name+", who has it")
	}
	t.line("  may never vote: %s", strings.Join(barred, "; "))
	if len(terms.Against) > 0 && len(inSlack.Against) > 0 {
		return &unapprovableError{p.ID, strings.Join(terms.Against, "; ")}
	}
	return nil
}

func underRule(terms consent.Terms) string {
	if len(terms.Against) > 0 {
		return "refused: " + strings.Join(terms.Against, "; ")
	}
	return "by rule " + terms.Rule + ", " + inTerms(terms)
}

// inTerms says what votes it takes.
func inTerms(terms consent.Terms) string {
	if len(terms.Against) > 0 {
		return "nobody can approve it: " + strings.Join(terms.Against, "; ")
	}
	var sets []string
	for _, s := range terms.Approvers {
		sets = append(sets, s.String())
	}
	text := fmt.Sprintf("%s of %s", counted(terms.Votes, "vote"), strings.Join(sets, " or "))
	if terms.Sets > 1 {
		text += fmt.Sprintf(", from %d different sets", terms.Sets)
	}
	switch terms.Logins {
	case 0:
		return text
	case terms.Votes:
		return text + ", all at the command line with their own logins"
	default:
		return text + fmt.Sprintf(", %d at the command line with their own login", terms.Logins)
	}
}

// inFull names a set of people with what it is made of.
func inFull(s consent.Set) string {
	text := s.Parts()
	if s.Name != "" {
		text = s.Name + " (" + text + ")"
	}
	switch {
	case s.SlackGroup == "":
	case s.AllowMutable:
		text += "; who is in the Slack group is known to Slack only, and counts even if anybody may change that there"
	default:
		text += "; who is in the Slack group is known to Slack only, and counts if nobody can change that there by hand"
	}
	return text
}

func channels(r consent.ApprovalRule) string {
	switch {
	case r.AnyChannel:
		return "in any channel"
	case len(r.Channels) == 0:
		return "nowhere: the rule names no channels"
	default:
		return "in " + strings.Join(r.Channels, ", ")
	}
}

// covered says what a rule is for.
func covered(m consent.Match) []string {
	var list []string
	add := func(what string, n int, word func(int) string) {
		var words []string
		for i := range n {
			words = append(words, word(i))
		}
		if n > 0 {
			list = append(list, what+" "+strings.Join(words, ", "))
		}
	}
	add("tier", len(m.Tiers), func(i int) string { return string(m.Tiers[i]) })
	add("steps", len(m.Steps), func(i int) string { return string(m.Steps[i]) })
	add("grants in catalog", len(m.Catalogs), func(i int) string { return m.Catalogs[i] })
	add("grants of", len(m.Privileges), func(i int) string { return m.Privileges[i].SQL() })
	add("for a", len(m.Targets), func(i int) string { return m.Targets[i].Title() })
	add("membership in group", len(m.Groups), func(i int) string { return m.Groups[i].Written })
	if len(list) == 0 {
		return []string{"every plan"}
	}
	return list
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
