package consent_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

const wholePolicy = `
# Every key once.
requesters:
  - from: {group: staff}
    for: self
  - from: {name: leads, users: [rita@acme.test, "42"]}
    for: {members_of: 73}
  - from: {slack_group: S0LEADS, allow_mutable_usergroup: true}
    for: anyone
auditors: [auditors]
rules:
  - id: sales
    match:
      tiers: [normal, high]
      steps: [grant, add_member]
      catalogs: ["sales_*", main]
      privileges: [select, USE CATALOG]
      targets: [user, service_principal, group]
      groups: [analysts]
    approvers:
      - {name: owners, group: data-owners}
      - users: [sue@acme.test]
        slack_group: S0SEC
    min_approvals: 2
    max_for: 30d
    channels: [C0PLANS, G0OTHER]
  - id: rest
    approvers: [{group: 72}]
    min_approvals: 1
    channels: any
free_undo: true
mutual_approvals: 7
`

func ref(written string, key identity.PrincipalKey) consent.Ref {
	return consent.Ref{Written: written, Key: key}
}

func TestParse(t *testing.T) {
	none := identity.PrincipalKey{}
	pointer := func(r consent.Ref) *consent.Ref { return &r }
	staff, owners, members, security := ref("staff", none), ref("data-owners", none), ref("73", group("73")), ref("72", group("72"))
	want := consent.Policy{
		Requesters: []consent.Requesting{
			{From: consent.Set{Group: &staff}, For: consent.Self},
			{From: consent.Set{Name: "leads", Users: []consent.Ref{ref("rita@acme.test", none), ref("42", user("42"))}}, For: consent.Members, MembersOf: pointer(members)},
			{From: consent.Set{SlackGroup: "S0LEADS", AllowMutable: true}, For: consent.Anyone},
		},
		Auditors: []consent.Ref{ref("auditors", none)},
		Rules: []consent.ApprovalRule{{
			ID: "sales",
			Match: consent.Match{
				Tiers: []plan.Tier{plan.Normal, plan.High}, Steps: []plan.StepKind{plan.Grant, plan.AddMember}, Catalogs: []string{"sales_*", "main"},
				Privileges: []identity.Privilege{identity.Select, identity.UseCatalog},
				Targets:    []identity.Kind{identity.KindUser, identity.KindServicePrincipal, identity.KindGroup}, Groups: []consent.Ref{ref("analysts", none)},
			},
			Approvers:    []consent.Set{{Name: "owners", Group: &owners}, {Users: []consent.Ref{ref("sue@acme.test", none)}, SlackGroup: "S0SEC"}},
			MinApprovals: 2, MaxFor: 30 * 24 * time.Hour, Channels: []string{"C0PLANS", "G0OTHER"},
		}, {
			ID: "rest", Approvers: []consent.Set{{Group: &security}}, MinApprovals: 1, AnyChannel: true,
		}},
		FreeUndo: true, MutualApprovals: 7,
	}
	if diff := cmp.Diff(want, parse(t, wholePolicy)); diff != "" {
		t.Error(diff)
	}
	// As a section of a document that is read strictly, and by itself, it is the same.
	config := "slack: {team: T1}\npolicy:" + strings.ReplaceAll(wholePolicy, "\n", "\n  ")
	var doc struct {
		Slack  map[string]string
		Policy consent.Policy
	}
	dec := yaml.NewDecoder(strings.NewReader(config))
	dec.KnownFields(true)
	if err := dec.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, doc.Policy); diff != "" {
		t.Error(diff)
	}
	p, has, err := consent.ParseSection([]byte(config))
	if diff := cmp.Diff(want, p); diff != "" || !has || err != nil {
		t.Error(diff, has, err)
	}
	if _, has, err := consent.ParseSection([]byte("slack: {}")); has || err != nil {
		t.Error(has, err)
	}
	dec = yaml.NewDecoder(strings.NewReader("slack: {}\npolicy:\n  rules: []\n  extra: 1\n"))
	dec.KnownFields(true)
	if err := dec.Decode(&doc); err == nil || !strings.Contains(err.Error(), "line 3: policy.rules: the list is empty") || !strings.Contains(err.Error(), `line 4: policy: there is no key "extra"`) {
		t.Error(err)
	}
}

// TestT44_HostilePolicies are refused, each with its line and key and with what to do.
func TestT44_HostilePolicies(t *testing.T) {
	rule := func(text string) string {
		return "rules:\n- id: x\n  approvers: [{group: a}, {group: b}]\n  min_approvals: 1\n" + text
	}
	for name, c := range map[string]struct{ text, want string }{
		"empty":                         {"", "it is empty"},
		"a comment":                     {"# nothing\n", "it is empty"},
		"no mapping":                    {"yes", `line 1: policy: it is "yes": write keys and values, of requesters, auditors, rules, free_undo`},
		"null":                          {"~", "line 1: policy: it is without a value"},
		"a list":                        {"- a", "line 1: policy: it is a list"},
		"no YAML":                       {"rules: [", "it is not YAML: line 1"},
		"not UTF-8":                     {"rules: \xff", "not UTF-8"},
		"too large":                     {strings.Repeat("#", 1<<18) + "\n", "larger than 262144 bytes"},
		"two documents":                 {"free_undo: true\n---\nrules: []\n", "a second document"},
		"rubbish behind it":             {"free_undo: true\n---\n[", "a second document"},
		"unknown key":                   {"rule: []", `line 1: policy: there is no key "rule": the keys are requesters`},
		"a long key":                    {strings.Repeat("é", 50) + ": 1", `there is no key "` + strings.Repeat("é", 30) + `"…`},
		"a key that is a list":          {"[a]: 1", "line 1: policy: a key is a list"},
		"a merge key":                   {"<<: {free_undo: true}", `there is no key "<<"`},
		"an alias":                      {"auditors: &a [x]\nrequesters: *a", "line 2: policy.requesters: it is an alias"},
		"an alias to itself":            {"rules: &a [*a]", "line 1: policy.rules[1]: it is an alias"},
		"an alias as a name":            {"auditors: [&a x, *a]", "policy.auditors[2]: it is an alias"},
		"a billion laughs":              {"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nrules: *c", "line 4: policy.rules: it is an alias"},
		"twice":                         {"free_undo: true\nfree_undo: false", "line 2: policy.free_undo: it is there twice"},
		"no value":                      {"rules:", "line 1: policy.rules: it is without a value: write a list"},
		"an empty list":                 {"auditors: []", "line 1: policy.auditors: the list is empty"},
		"too long a list":               {"auditors: [" + strings.Repeat("a, ", 201) + "]", "it has 201 entries, and may have 200"},
		"a group twice":                 {"auditors: [a, A]", `policy.auditors[2]: "A" is there twice`},
		"a number for a flag":           {"free_undo: 1", `line 1: policy.free_undo: it is "1": write true or false`},
		"a text for a flag":             {`free_undo: "true"`, "write true or false"},
		"a list for a flag":             {"free_undo: [true]", "it is a list: write true or false"},
		"a flag for a name":             {"auditors: [true]", `"true" is no text: put it in quotes`},
		"null for a name":               {"auditors: [~]", "policy.auditors[1]: it is without a value"},
		"a float for a name":            {"auditors: [1.5]", `"1.5" is no text`},
		"a date for a name":             {"auditors: [2026-01-02]", "is no text"},
		"a binary name":                 {"auditors: [!!binary YQ==]", "is no text"},
		"a tag of one's own":            {"auditors: [!x a]", "is no text"},
		"an empty name":                 {`auditors: [""]`, `"" is empty, or has blanks`},
		"a name with blanks":            {`auditors: [" a"]`, "has blanks around it"},
		"a name too long":               {"auditors: [" + strings.Repeat("a", 257) + "]", "it is longer than 256 bytes"},
		"a name that cannot be seen":    {`auditors: ["a\u200bb"]`, `"a\u200bb" holds what cannot be seen`},
		"a name that turns round":       {`auditors: ["a\u202eb"]`, "holds what cannot be seen"},
		"a name with an escape":         {`auditors: ["a\x1b[2J"]`, `holds what cannot be seen`},
		"a name with a line end":        {`auditors: ["a\nb"]`, "holds what cannot be seen"},
		"requesters: who":               {"requesters: [{for: self}]", "line 1: policy.requesters[1]: it does not say who"},
		"requesters: for whom":          {"requesters: [{from: {group: a}}]", "it does not say for whom"},
		"requesters: no such word":      {"requesters: [{from: {group: a}, for: everyone}]", `there is no "everyone": write self, anyone`},
		"requesters: members":           {"requesters: [{from: {group: a}, for: members}]", `there is no "members"`},
		"requesters: nothing":           {"requesters: [{from: {group: a}, for: {}}]", "policy.requesters[1].for: it does not say for whom"},
		"requesters: members of nobody": {"requesters: [{from: {group: a}, for: {members_of: }}]", "policy.requesters[1].for.members_of: it is without a value"},
		"requesters: a word":            {"requesters: [all]", `policy.requesters[1]: it is "all"`},
		"set: nobody":                   {"requesters: [{from: {}, for: self}]", "policy.requesters[1].from: nobody is in it"},
		"set: a name alone":             {"requesters: [{from: {name: x}, for: self}]", "nobody is in it"},
		"set: an empty group":           {"requesters: [{from: {group: }, for: self}]", "from.group: it is without a value"},
		"set: an odd Slack group":       {"requesters: [{from: {slack_group: leads}, for: self}]", `"leads" is no id of a Slack user group`},
		"set: mutable, without any":     {"requesters: [{from: {group: a, allow_mutable_usergroup: true}, for: self}]", "leave it out"},
		"set: users as a text":          {"requesters: [{from: {users: rita}, for: self}]", `from.users: it is "rita": write a list`},
		"rule: nothing":                 {"rules: [{}]", "there is no id"},
		"rule: no approvers":            {"rules:\n- id: x\n  min_approvals: 1", "line 2: policy.rules[1]: there is no approvers"},
		"rule: no number":               {"rules: [{id: x, approvers: [{group: a}]}]", "there is no min_approvals"},
		"rule: an odd id":               {"rules: [{id: X y}]", `"X y" is no id`},
		"rule: twice":                   {"rules: [{id: x}, {id: x}]", "policy.rules[2].id: there is a rule x before it"},
		"rule: too many sets":           {"rules: [{id: x, approvers: [" + strings.Repeat("{group: a},", 9) + "]}]", "it has 9 entries, and may have 8"},
		"rule: no approvals":            {"rules: [{min_approvals: 0}]", `it is "0": write a number from 1 to 10`},
		"rule: minus one":               {"rules: [{min_approvals: -1}]", "write a number from 1 to 10"},
		"rule: eleven":                  {"rules: [{min_approvals: 11}]", "write a number from 1 to 10"},
		"rule: half":                    {"rules: [{min_approvals: 1.5}]", "write a number from 1 to 10"},
		"rule: a number in quotes":      {`rules: [{min_approvals: "1"}]`, "write a number from 1 to 10"},
		"rule: hexadecimal":             {`rules: [{min_approvals: 0x2}]`, "write a number from 1 to 10"},
		"rule: huge":                    {`rules: [{min_approvals: 99999999999999999999}]`, "write a number from 1 to 10"},
		"rule: a list for a number":     {`rules: [{min_approvals: [1]}]`, "it is a list: write a number"},
		"rule: no time":                 {rule("  max_for: soon"), `line 5: policy.rules[1].max_for: "soon" is no time`},
		"rule: too short a time":        {rule("  max_for: 59s"), "is no time of a minute"},
		"rule: parts of a second":       {rule("  max_for: 60.5s"), "in whole seconds"},
		"rule: no days":                 {rule("  max_for: 0d"), "is no time of a minute"},
		"rule: negative days":           {rule("  max_for: -1d"), "is no time of a minute"},
		"rule: days without end":        {rule("  max_for: 99999999999d"), "is no time of a minute"},
		"rule: empty time":              {rule("  max_for: "), "it is without a value"},
		"rule: channels as a text":      {rule("  channels: C0123"), `policy.rules[1].channels: it is "C0123": write a list`},
		"rule: a channel's name":        {rule("  channels: ['#plans']"), `"#plans" is no id of a channel`},
		"rule: a channel twice":         {rule("  channels: [C0123, C0123]"), "is there twice"},
		"rule: no channels":             {rule("  channels: []"), "the list is empty"},
		"rule: sets share a group":      {"rules: [{id: x, approvers: [{group: a}, {group: A}]}]", `policy.rules[1].approvers: rule x: "A" is in its sets 1 and 2`},
		"rule: sets share a user":       {"rules: [{id: x, approvers: [{users: [a]}, {group: a}, {users: [b, a]}]}]", `"a" is in its sets 1 and 3`},
		"rule: sets share a user's id":  {"rules: [{id: x, approvers: [{users: [12]}, {users: [12]}]}]", `"12" is in its sets 1 and 2`},
		"mutual: none":                  {"mutual_approvals: 0", "write a number from 1 to 1000"},
		"mutual: no number":             {"mutual_approvals: many", "write a number from 1 to 1000"},
		"rule: sets share a Slack one":  {"rules: [{id: x, approvers: [{slack_group: S0A1}, {slack_group: S0A1}]}]", `"S0A1" is in its sets 1 and 2`},
		"rule: high with one set":       {"rules: [{id: x, match: {tiers: [normal, high]}, approvers: [{group: a}]}]", "plans of the high tier need votes of two sets"},
		"rule: barred with one set":     {"rules: [{id: x, match: {tiers: [barred]}, approvers: [{group: a}]}]", "plans of the barred tier need votes of two sets"},
		"rule: too few people":          {"rules: [{id: x, approvers: [{users: [a]}, {users: [b]}], min_approvals: 3}]", "3 people must approve, and only 2 are named"},
		"match: nothing":                {rule("  match: {}"), "policy.rules[1].match: it is empty"},
		"match: null":                   {rule("  match:"), "policy.rules[1].match: it is without a value"},
		"match: no tiers":               {rule("  match: {tiers: }"), "match.tiers: it is without a value"},
		"match: no such tier":           {rule("  match: {tiers: [hihg]}"), `match.tiers[1]: there is no "hihg" (did you mean high?): write normal, high, barred`},
		"match: a tier twice":           {rule("  match: {tiers: [high, high]}"), `"high" is there twice`},
		"match: no such step":           {rule("  match: {steps: [revoke]}"), `there is no "revoke": write add_member`},
		"match: a step not carried out": {rule("  match: {steps: [idp_required]}"), `there is no "idp_required"`},
		"match: no such privilege":      {rule("  match: {privileges: [SELEKT]}"), `there is no "SELEKT" (did you mean SELECT?)`},
		"match: a privilege twice":      {rule("  match: {privileges: [use catalog, USE_CATALOG]}"), "is there twice"},
		"match: no such kind":           {rule("  match: {targets: [robot]}"), `there is no "robot": write user, service_principal, group`},
		"match: an empty catalog":       {rule("  match: {catalogs: ['']}"), "is empty, or has blanks"},
		"a key by an alias":             {"mutual_approvals: &free_undo 1\n*free_undo : true", "a key is an alias, which is not taken here"},
		"a flag that is a list":         {"free_undo: !!bool [true]", "it is a list: write true or false"},
		"rule: any channel by an alias": {"rules: [{id: &any x, approvers: [{group: a}], min_approvals: 1, channels: *any}]", "it is an alias, which is not taken here: write a list"},
		"rule: an id of keys":           {"rules: [{id: {a: b}}]", "it is keys and values: write a short name"},
		"match: deep":                   {rule("  match: {catalogs: [[[[x]]]]}"), "it is a list"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := consent.Parse([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %q", err, c.want)
			}
			if diff := cmp.Diff(consent.Policy{}, p); diff != "" {
				t.Error("an error comes with a policy", diff)
			}
		})
	}
	t.Run("all at once", func(t *testing.T) {
		_, err := consent.Parse([]byte("rules: [" + strings.Repeat("{id: X},", 50) + "]"))
		if lines := strings.Split(err.Error(), "\n"); len(lines) != 21 || lines[20] != "there is more: mend these first" {
			t.Errorf("%d errors, the last %q", len(lines), lines[len(lines)-1])
		}
	})
	t.Run("a section twice", func(t *testing.T) {
		for text, want := range map[string]string{
			"policy: {free_undo: true}\npolicy: {}\n": "line 2: policy: it is there twice",
			"policy:\n":        "line 1: policy: it is without a value",
			"policy: {x: 1}\n": `line 1: policy: there is no key "x"`,
			"":                 "it is empty",
		} {
			_, has, err := consent.ParseSection([]byte(text))
			if err == nil || !strings.Contains(err.Error(), want) || has != (text != "") {
				t.Errorf("%q: %t, %v; want %q", text, has, err, want)
			}
		}
	})
	t.Run("no section", func(t *testing.T) {
		for _, text := range []string{"slack: {team: T1}", "[policy, {free_undo: true}]", "team: &policy x\n*policy : {free_undo: true}"} {
			if p, has, err := consent.ParseSection([]byte(text)); has || err != nil || p.FreeUndo {
				t.Errorf("%q: %t, %v", text, has, err)
			}
		}
	})
}

// TestVersion is the same however a policy is written, and another for whatever it says.
func TestVersion(t *testing.T) {
	p := parse(t, wholePolicy)
	first := p.Version()
	if len(first) != 64 || first == (consent.Policy{}).Version() {
		t.Error(first)
	}
	reordered := strings.NewReplacer("[normal, high]", "[high, normal]", "[grant, add_member]", "[add_member, grant]", `["sales_*", main]`, `[main, "sales_*"]`,
		"[select, USE CATALOG]", "[USE_CATALOG, SELECT]", "[user, service_principal, group]", "[group, user, service_principal]", "[C0PLANS, G0OTHER]", "[G0OTHER, C0PLANS]",
		`[rita@acme.test, "42"]`, `[42, rita@acme.test]`, "# Every key once.", "", "30d", "720h").Replace(wholePolicy)
	q := parse(t, reordered)
	before := slices.Clone(q.Rules[0].Channels)
	if q.Version() != first {
		t.Error("another order is another version")
	}
	if !slices.Equal(q.Rules[0].Channels, before) {
		t.Error("asking for the version changed the policy")
	}
	seen := map[string]string{first: "as it was"}
	for _, change := range [][2]string{
		{"group: staff", "group: stuff"},
		{"for: self", "for: anyone"},
		{"name: leads, ", ""},
		{"rita@acme.test", "ann@acme.test"},
		{`"42"`, `"43"`},
		{"members_of: 73", "members_of: 74"},
		{"S0LEADS", "S0OTHER"},
		{", allow_mutable_usergroup: true", ""},
		{"auditors: [auditors]", "auditors: [others]"},
		{"id: sales", "id: sale"},
		{"[normal, high]", "[normal]"},
		{"[grant, add_member]", "[grant]"},
		{"sales_*", "sales*"},
		{"USE CATALOG", "USE SCHEMA"},
		{"user, service_principal, group", "user"},
		{"[analysts]", "[analyst]"},
		{"data-owners", "data-owner"},
		{"sue@acme.test", "sam@acme.test"},
		{"S0SEC", "S0OTH"},
		{"min_approvals: 2", "min_approvals: 3"},
		{"30d", "31d"},
		{"C0PLANS", "C0PLAN"},
		{"channels: any", "channels: [C0PLANS]"},
		{"free_undo: true", "free_undo: false"},
		{"mutual_approvals: 7", "mutual_approvals: 8"},
	} {
		if strings.Count(wholePolicy, change[0]) != 1 {
			t.Fatalf("%q is not there once", change[0])
		}
		v := parse(t, strings.Replace(wholePolicy, change[0], change[1], 1)).Version()
		if seen[v] != "" {
			t.Errorf("%q has the version of %q", change[1], seen[v])
		}
		seen[v] = change[1]
	}
	rules := parse(t, wholePolicy)
	slices.Reverse(rules.Rules)
	if rules.Version() == first {
		t.Error("the order of rules says nothing")
	}
}

// TestLimits are borne as far as they say, and no further.
func TestLimits(t *testing.T) {
	rule := func(id, rest string) string {
		return "rules: [{id: x, approvers: [{" + id + "}], min_approvals: 1" + rest + "}]"
	}
	many := func(n int) string {
		var ids []string
		for i := range n {
			ids = append(ids, fmt.Sprint("C0", i+100))
		}
		return ", channels: [" + strings.Join(ids, ",") + "]"
	}
	filled := func(n int) string {
		return rule("group: a", "") + "\n#" + strings.Repeat("x", n-len(rule("group: a", ""))-2)
	}
	for name, c := range map[string][2]string{
		"the length of a name":  {rule("group: "+strings.Repeat("a", 256), ""), rule("group: "+strings.Repeat("a", 257), "")},
		"the entries of a list": {rule("group: a", many(200)), rule("group: a", many(201))},
		"the size of all":       {filled(1 << 18), filled(1<<18 + 1)},
		"the votes of a rule":   {"rules: [{id: x, approvers: [{group: a}], min_approvals: 10}]", "rules: [{id: x, approvers: [{group: a}], min_approvals: 11}]"},
		"the shortest time":     {rule("group: a", ", max_for: 1m"), rule("group: a", ", max_for: 59s")},
	} {
		if _, err := consent.Parse([]byte(c[0])); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := consent.Parse([]byte(c[1])); err == nil {
			t.Errorf("%s: more is borne", name)
		}
	}
}

// TestNamedBesideAGroup is no limit on who may vote: the group may hold any number.
func TestNamedBesideAGroup(t *testing.T) {
	for _, set := range []string{"{group: a, users: [b]}", "{slack_group: S0A1, users: [b]}"} {
		parse(t, "rules: [{id: x, approvers: ["+set+"], min_approvals: 2}]")
	}
}

// everyListTwice has two of all that wholePolicy has one of, in no order.
const everyListTwice = `
auditors: [y, x]
rules:
  - {id: first, match: {tiers: [normal, high], groups: [z, y]}, approvers: [{group: a}, {group: b}], min_approvals: 1}
  - {id: second, match: {tiers: [normal, high], groups: [q, p], catalogs: [n, m]}, approvers: [{users: [d, c], slack_group: S0B}, {group: e, slack_group: S0A}], min_approvals: 1, channels: [C0PLANS, C0OTHER]}
`

// numbered gives every name an id made of it.
func numbered(kind identity.Kind, name string) (identity.PrincipalKey, error) {
	return identity.PrincipalKey{Kind: kind, ID: "id of " + name}, nil
}

// TestEveryListTwice resolves, sorts and guards all of every list, not the first of it alone.
func TestEveryListTwice(t *testing.T) {
	p := parse(t, everyListTwice)
	first := p.Version()
	r, err := p.Resolve(numbered)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(parse(t, everyListTwice), p); diff != "" {
		t.Error("asking changed the policy", diff)
	}
	var guarded []string
	for _, k := range r.Guarded() {
		guarded = append(guarded, k.ID)
	}
	if want := []string{"id of a", "id of b", "id of e", "id of x", "id of y"}; !slices.Equal(guarded, want) {
		t.Error(guarded)
	}
	for _, rule := range r.Rules {
		for _, g := range rule.Match.Groups {
			if g.Key.ID != "id of "+g.Written {
				t.Errorf("%+v", g)
			}
		}
	}
	other := strings.NewReplacer("[y, x]", "[x, y]", "[z, y]", "[y, z]", "[q, p]", "[p, q]", "[n, m]", "[m, n]", "[d, c]", "[c, d]", "[C0PLANS, C0OTHER]", "[C0OTHER, C0PLANS]").Replace(everyListTwice)
	if parse(t, other).Version() != first {
		t.Error("another order is another version")
	}
	if all, mutable := p.SlackGroups(); !slices.Equal(all, []string{"S0A", "S0B"}) || mutable != nil {
		t.Error(all, mutable)
	}
	if _, err := p.Resolve(func(identity.Kind, string) (identity.PrincipalKey, error) { return user("5"), nil }); err == nil || !strings.Contains(err.Error(), `group "x": it is no group`) {
		t.Errorf("a user is no group: %v", err)
	}
	if _, err := parse(t, strings.ReplaceAll(everyListTwice, "group: e", "users: [e]")).Resolve(func(kind identity.Kind, name string) (identity.PrincipalKey, error) {
		return numbered(kind, strings.ReplaceAll(name, "e", "c"))
	}); err == nil || !strings.Contains(err.Error(), "rule second") {
		t.Errorf("c is in both sets of the second rule: %v", err)
	}
}

// TestVersionIsForGood: votes are kept with the version of the policy under which they were given, so that another version for the
// same policy would void them all. It changes only with what the policy says.
func TestVersionIsForGood(t *testing.T) {
	text := "dbaudit-policy-v1\n" + `{"Requesters":null,"Auditors":null,"Rules":null,"FreeUndo":true}`
	if got, want := parse(t, "free_undo: true").Version(), fmt.Sprintf("%x", sha256.Sum256([]byte(text))); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestResolve gives every name its id, tells all that have none, and leaves the policy that it was asked of alone.
func TestResolve(t *testing.T) {
	p := parse(t, wholePolicy)
	before := p.Version()
	if got := p.Guarded(); !slices.Equal(got, []identity.PrincipalKey{group("72"), group("73")}) {
		t.Error(got)
	}
	ids := map[string]identity.PrincipalKey{
		"staff": group("1"), "auditors": group("2"), "analysts": group("3"), "data-owners": group("4"), "rita@acme.test": user("5"), "sue@acme.test": user("6"),
	}
	find := func(kind identity.Kind, name string) (identity.PrincipalKey, error) {
		k, there := ids[name]
		if !there {
			return k, fmt.Errorf("nobody is called %s", name)
		}
		if k.Kind != kind {
			t.Errorf("asked for a %s %s", kind, name)
		}
		return k, nil
	}
	r, err := p.Resolve(find)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Guarded(); !slices.Equal(got, []identity.PrincipalKey{group("1"), group("2"), group("4"), group("72"), group("73")}) {
		t.Error(got)
	}
	if r.Rules[0].Match.Groups[0].Key != group("3") || r.Rules[0].Approvers[1].Users[0].Key != user("6") || r.Requesters[1].From.Users[0].Key != user("5") {
		t.Errorf("%+v", r)
	}
	if p.Version() != before || !p.Rules[0].Approvers[0].Group.Key.IsZero() {
		t.Error("resolving changed the policy it was asked of")
	}
	if r.Version() == before {
		t.Error("what names are resolved to is no part of the version")
	}
	delete(ids, "staff")
	ids["analysts"] = identity.PrincipalKey{Kind: identity.KindGroup, Workspace: 7, ID: "3"}
	ids["data-owners"] = group("")
	q, err := p.Resolve(find)
	for _, want := range []string{`the policy names group "staff": nobody is called staff`, `group "analysts": it is no group of the account`, `group "data-owners": it is no group of the account`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
	if diff := cmp.Diff(consent.Policy{}, q); diff != "" {
		t.Error(diff)
	}
	// Two names of one group are one set.
	two := parse(t, "rules: [{id: x, approvers: [{group: a}, {group: b}], min_approvals: 1}]")
	if _, err := two.Resolve(func(identity.Kind, string) (identity.PrincipalKey, error) { return group("9"), nil }); err == nil || !strings.Contains(err.Error(), "different people") {
		t.Error(err)
	}
}

// TestReadme reads the policy that README.md shows, and gives what it promises of that.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, found := strings.Cut(string(text), "```yaml\npolicy:")
	example, _, closed := strings.Cut("policy:"+example, "```")
	p, has, err := consent.ParseSection([]byte(example))
	if err != nil || !found || !closed || !has {
		t.Fatal(found, closed, has, err)
	}
	p, err = p.Resolve(func(kind identity.Kind, name string) (identity.PrincipalKey, error) {
		return identity.PrincipalKey{Kind: kind, ID: name}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	steps := []plan.Step{grant(bob, "sales_eu")}
	for want, pl := range map[string]plan.Plan{
		"far-reaching": clonePlan(plan.High, steps...), "sales": clonePlan(plan.Normal, steps...), "": clonePlan(plan.Normal, append(steps, join(bob, "71"))...),
	} {
		pl.For = 3600
		if terms := p.Terms(pl, "C0123456"); terms.Rule != want {
			t.Errorf("%+v; want rule %q", terms, want)
		}
	}
}

// TestOnePersonByTwoNames: a set may name somebody by two names, and two sets may not.
func TestOnePersonByTwoNames(t *testing.T) {
	find := func(kind identity.Kind, name string) (identity.PrincipalKey, error) {
		if name == "a@x.test" || name == "alias@x.test" {
			return user("5"), nil
		}
		return identity.PrincipalKey{}, fmt.Errorf("no %s is called %s", kind, name)
	}
	if _, err := parse(t, "rules: [{id: x, approvers: [{users: [a@x.test, alias@x.test]}], min_approvals: 1, channels: any}]").Resolve(find); err != nil {
		t.Errorf("in one set: %v", err)
	}
	if _, err := parse(t, "rules: [{id: x, approvers: [{users: [a@x.test]}, {users: [alias@x.test]}], min_approvals: 1, channels: any}]").Resolve(find); err == nil {
		t.Error("in two sets")
	}
}

// TestSlackGroupsNamed are told with those that anybody in Slack may fill.
func TestSlackGroupsNamed(t *testing.T) {
	all, mutable := parse(t, wholePolicy).SlackGroups()
	if !slices.Equal(all, []string{"S0LEADS", "S0SEC"}) || !slices.Equal(mutable, []string{"S0LEADS"}) {
		t.Errorf("%q, of which %q", all, mutable)
	}
	if all, mutable := (consent.Policy{}).SlackGroups(); all != nil || mutable != nil {
		t.Errorf("none: %q, %q", all, mutable)
	}
}

// TestMutualLimit has a default, which leaves the version of a policy as it was.
func TestMutualLimit(t *testing.T) {
	if n := (consent.Policy{}).MutualLimit(); n != 5 {
		t.Errorf("%d", n)
	}
	if n := parse(t, wholePolicy).MutualLimit(); n != 7 {
		t.Errorf("%d", n)
	}
}
