package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// principal is a report with so many grants on objects of that name.
func principal(who, object string, grants int) *report.PrincipalReport {
	active := true
	r := &report.PrincipalReport{
		Principal:   report.Principal{ID: "1", Kind: "user", Name: who, DisplayName: who, Source: "idp", Active: &active},
		Memberships: []report.Membership{{Group: report.Principal{ID: "2", Kind: "group", Name: object, DisplayName: object}, Direct: true, Paths: []report.Path{{who, object}}}},
		Workspaces:  []report.WorkspaceAccess{{ID: "7", Name: object, URL: "https://prod.cloud.test", Access: "USER", Path: report.Path{who}}},
		Roles:       []report.Role{},
	}
	for i := range grants {
		r.Grants = append(r.Grants, report.Grant{
			Securable:  report.Securable{Type: identity.TypeCatalog, FullName: fmt.Sprintf("%s%d", object, i), Metastore: object},
			Privileges: []identity.Privilege{"SELECT", "USE_CATALOG"}, Source: report.SourceDirect, Path: report.Path{who}, ReachableIn: []string{object},
		})
	}
	r.Mode, r.SchemaVersion, r.AccountID = "principal", report.SchemaVersion, "acc"
	r.GeneratedAt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r.FactsReadAt = report.FactsReadAt{Oldest: r.GeneratedAt.Add(-10 * time.Minute), Newest: r.GeneratedAt.Add(-time.Minute)}
	r.Request = query.Principal{Who: who}
	r.Coverage = report.Coverage{Planned: 10, Read: 9, Gaps: []report.Gap{{
		Scope: "account", Operation: "read grants on " + object, Kind: "forbidden", Status: 403, Message: object, Effect: object, Blocking: true,
	}}}
	return r
}

var hostileNames = []string{
	"<!channel>", "<@U0BOB>", "<!subteam^S1>", "<https://evil.test|good>", "https://evil.test/x", "*b* _i_ `c` ```d```", ":skull:",
	"\u202egnp", "a\nCoverage: complete, 9 of 9 planned reads succeeded", "&lt;!here&gt;", strings.Repeat("<&>", 400), strings.Repeat("界", 500), strings.Repeat("😀", 300),
}

func TestAnswersKeepWithinSlacksLimits(t *testing.T) {
	for _, name := range append([]string{"prod"}, hostileNames...) {
		for _, grants := range []int{0, 1, 20, 5000} {
			if grants == 5000 && name != "prod" && name != "<!channel>" {
				continue // the same again, slowly
			}
			who := "alice@acme.test"
			if grants == 1 {
				who = name
			}
			a, err := compose(principal(who, name, grants))
			if err != nil {
				t.Fatal(err)
			}
			m := a.message(strings.Repeat(name, 2000), "", "note")
			shown := ""
			for _, p := range m.Parts {
				shown += p.Text + "\n"
				if n := slackapi.Size(p.Text); n > slackapi.MaxPart-1 || n == 0 {
					t.Errorf("%.20q × %d: a part of size %d", name, grants, n)
				}
			}
			if n := m.Size(); n > slackapi.MaxMessage-400 {
				t.Errorf("%.20q × %d: size %d", name, grants, n)
			}
			if strings.Count(flat(shown), "Coverage: INCOMPLETE, 1 gap") != 1 || !strings.Contains(flat(shown), "Facts: read from 2026-03-01 11:50:00 UTC to 2026-03-01 11:59:00 UTC; the oldest was 10 min old") {
				t.Errorf("%.20q × %d: coverage and age are not there once: %s", name, grants, shown)
			}
			if !strings.Contains(flat(shown), "Coverage: INCOMPLETE, 1 gap could hide more; 9 of 10 planned reads succeeded") {
				t.Errorf("%.20q × %d: no coverage in %s", name, grants, shown)
			}
			if n := len(a.tree); grants == 5000 && (n < 2 || n > 4) {
				t.Errorf("%.20q × %d: %d parts", name, grants, n)
			}
			if !a.shortened && !strings.Contains(flat(shown), "About") {
				t.Errorf("%.20q × %d: shortened without saying so:\n%s", name, grants, shown)
			}
			if grants == 5000 && !a.shortened {
				t.Error("5,000 grants are not shown whole")
			}
		}
	}
}

// flat undoes the wrapping of lines.
func flat(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestFit(t *testing.T) {
	// lines draws n lines of a width, of which the last is wider, as a line about coverage may be.
	lines := func(total, width, last int) func(int) (string, error) {
		return func(most int) (string, error) {
			if most == 0 || most > total {
				most = total
			}
			return strings.Repeat(strings.Repeat("x", width-1)+"\n", most-1) + strings.Repeat("c", last), nil
		}
	}
	for name, c := range map[string]struct {
		form      func(int) (string, error)
		lines     int // zero for none
		shortened bool
	}{
		"whole":                {lines(120, 60, 60), 120, false},
		"too many lines":       {lines(5000, 50, 50), 148, true},
		"a long last line":     {lines(5000, 50, 500), 139, true},
		"lines that are huge":  {lines(20, 2000, 2000), 0, true},
		"a last line too long": {lines(5000, 50, 9000), 0, true},
	} {
		text, shortened, err := fit(c.form)
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		if text != "" {
			got = strings.Count(text, "\n") + 1
		}
		if got > c.lines || got < c.lines*9/10 || shortened != c.shortened || slackapi.Size(text) > maxTree {
			t.Errorf("%s: %d lines of size %d, shortened %v; want about %d, %v", name, got, slackapi.Size(text), shortened, c.lines, c.shortened)
		}
	}
	broken := errors.New("x")
	if _, _, err := fit(func(int) (string, error) { return "", broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

func TestNothingIsDrawnThatDoesNotFit(t *testing.T) {
	huge := func(int) (string, error) { return strings.Repeat("x", 2*maxTree), nil } // in one line
	tree, shortened, err := choose(huge, huge)
	if err != nil || !shortened || tree != nil {
		t.Errorf("%+v, %v, %v", tree, shortened, err)
	}
	short := func(int) (string, error) { return "x", nil }
	if tree, shortened, err = choose(huge, short); err != nil || shortened || len(tree) != 1 {
		t.Errorf("%+v, %v, %v", tree, shortened, err)
	}
}

func TestInner(t *testing.T) {
	for text, want := range map[string]string{
		"head\n  wraps\n├─ a\n└─ b\nCoverage: complete\n      wraps": "├─ a\n└─ b",
		"head\nCoverage: complete":             "",
		"head\n├─ Coverage: no\nCoverage: yes": "├─ Coverage: no",
		"head\n└─ b":                           "└─ b",
		"head":                                 "",
	} {
		if got := inner(text); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}

func TestShortAnswersAreWhole(t *testing.T) {
	a, err := compose(principal("alice@acme.test", "prod", 3))
	if err != nil || a.shortened || len(a.tree) != 1 || len(a.foot) != 2 {
		t.Fatalf("%+v, %v", a, err)
	}
	if !strings.HasPrefix(a.head.Text, "alice@acme.test (user") {
		t.Errorf("headline %q", a.head.Text)
	}
	tree := a.tree[0].Text
	if strings.Contains(tree, "alice@acme.test (user") || !strings.Contains(tree, "CATALOG prod2") || !strings.Contains(tree, "└─") {
		t.Errorf("tree:\n%s", tree)
	}
	for l := range strings.Lines(tree) {
		if n := len([]rune(strings.TrimRight(l, "\n"))); n > treeWidth {
			t.Errorf("%d columns: %s", n, l)
		}
	}
}

// door is a stand-in for Slack that keeps what it is given.
type door struct {
	mu       sync.Mutex
	said     []string // "url", "url!" for a replacement, "dm"
	refuse   func(kind string, m slackapi.Message) error
	messages []slackapi.Message
}

// last is the text of what was said last.
func (d *door) last() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var b strings.Builder
	if n := len(d.messages); n > 0 {
		for _, p := range d.messages[n-1].Parts {
			b.WriteString(p.Text + "\n")
		}
	}
	return b.String()
}

func (d *door) say(kind string, m slackapi.Message) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.said, d.messages = append(d.said, kind), append(d.messages, m)
	if d.refuse != nil {
		return d.refuse(kind, m)
	}
	return nil
}

func (d *door) Respond(_ context.Context, _ slackapi.Secret, m slackapi.Message, replace bool) error {
	if replace {
		return d.say("url!", m)
	}
	return d.say("url", m)
}
func (d *door) OpenDM(context.Context, string) (string, error) { return "D1", nil }
func (d *door) Post(_ context.Context, _ string, m slackapi.Message) (string, error) {
	return "1.0", d.say("dm", m)
}
func (d *door) Channel(context.Context, string) (slackapi.Channel, error) {
	return slackapi.Channel{}, errors.New("not asked for")
}
func (d *door) Stage(context.Context, slackapi.File) (slackapi.Staged, error) {
	return slackapi.Staged{}, nil
}
func (d *door) Share(context.Context, string, string, slackapi.Message, ...slackapi.Staged) error {
	return nil
}

func TestReplyKeepsToTheResponseURL(t *testing.T) {
	now := time.Unix(0, 0)
	counted := 0
	make := func(d *door) *reply {
		return &reply{door: d, count: func(string) { counted++ }, now: func() time.Time { return now }, log: discard, user: "U1", born: time.Unix(0, 0)}
	}
	ctx := t.Context()

	d := &door{}
	r := make(d)
	for range 9 {
		r.note(ctx, slackapi.Say("n"), true)
	}
	r.last(ctx, slackapi.Say("answer"))
	r.last(ctx, slackapi.Say("more"))
	if got := strings.Join(d.said, " "); got != "url! url! url! url! url dm" {
		t.Errorf("five uses, the last for the answer, then a direct message: %s", got)
	}

	d = &door{}
	r = make(d)
	now = now.Add(urlLife)
	r.note(ctx, slackapi.Say("n"), true)
	r.last(ctx, slackapi.Say("answer"))
	if got := strings.Join(d.said, " "); got != "dm" {
		t.Errorf("after half an hour: %s", got)
	}
	now = time.Unix(0, 0)

	d = &door{refuse: func(kind string, _ slackapi.Message) error {
		if kind == "dm" {
			return nil
		}
		return &slackapi.Error{Call: "response_url", Code: "http_404"}
	}}
	make(d).last(ctx, slackapi.Say("answer"))
	if got := strings.Join(d.said, " "); got != "url dm" {
		t.Errorf("a response URL that is no more: %s", got)
	}

	if counted != 0 {
		t.Errorf("%d refusals of blocks", counted)
	}
	tree := slackapi.Message{Parts: []slackapi.Part{{Kind: slackapi.Strong, Text: "head"}, {Kind: slackapi.Preformatted, Text: "tree"}}}
	d = &door{refuse: func(_ string, m slackapi.Message) error {
		if !m.Plain {
			return &slackapi.Error{Call: "response_url", Code: "invalid_blocks"}
		}
		return nil
	}}
	make(d).last(ctx, tree)
	if got := strings.Join(d.said, " "); got != "url url" || !d.messages[1].Plain || len(d.messages[1].Parts) != 2 || counted != 1 {
		t.Errorf("blocks that Slack refuses: %s, %+v, counted %d", got, d.messages, counted)
	}

	// Once, wherever it is said.
	d = &door{refuse: func(string, slackapi.Message) error {
		return &slackapi.Error{Call: "response_url", Code: "msg_blocks_too_long"}
	}}
	make(d).last(ctx, tree)
	if got := strings.Join(d.said, " "); got != "url url dm dm" || !d.messages[3].Plain {
		t.Errorf("blocks that Slack always refuses: %s", got)
	}
}

func TestUndelivered(t *testing.T) {
	for code, want := range map[string]string{
		"file_uploads_disabled": "does not allow files [", "file_uploads_except_images_disabled": "no files but pictures", "file_type_not_allowed": "of this type",
		"file_upload_size_restricted": "of this size", "storage_limit_reached": "no room", "not_in_channel": "/invite",
		slackapi.CodeRateLimited: "just now", "internal_error": "do not know", "odd_<!channel>": "Slack refused it [odd_", "": "could not be reached",
	} {
		err := error(&slackapi.Error{Call: "x", Code: code})
		if code == "" {
			err = errors.New("connection reset")
		}
		if got := undelivered(err, true); !strings.Contains(got, want) || !strings.Contains(got, "shortened") {
			t.Errorf("%s: %s", code, got)
		}
		if got := undelivered(err, false); !strings.Contains(got, "whole answer") {
			t.Errorf("%s: %s", code, got)
		}
	}
}

// person decodes a users.info answer of a good member with some fields changed or, when nil, left
// out.
func person(t *testing.T, change map[string]any) slackapi.Person {
	t.Helper()
	fields := map[string]any{
		"id": "U1", "team_id": "T1", "deleted": false, "is_bot": false, "is_app_user": false, "is_restricted": false,
		"is_ultra_restricted": false, "is_email_confirmed": true, "profile": map[string]any{"email": "a@b.test"},
	}
	for k, v := range change {
		if fields[k] = v; v == nil {
			delete(fields, k)
		}
	}
	data, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	var p slackapi.Person
	if err := json.Unmarshal(data, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestOnlyConfirmedFullMembersMayAsk(t *testing.T) {
	if why := whyNot(person(t, nil), "T1", "U1"); why != "" {
		t.Errorf("a member is refused: %s", why)
	}
	for _, missing := range []string{"id", "team_id", "deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_email_confirmed", "profile"} {
		if whyNot(person(t, map[string]any{missing: nil}), "T1", "U1") == "" {
			t.Errorf("let in without %s", missing)
		}
	}
	for field, value := range map[string]any{
		"id": "U2", "team_id": "T2", "deleted": true, "is_bot": true, "is_app_user": true, "is_workflow_bot": true, "is_connector_bot": true,
		"is_restricted": true, "is_ultra_restricted": true, "is_stranger": true, "is_email_confirmed": false, "profile": map[string]any{"email": ""},
	} {
		if whyNot(person(t, map[string]any{field: value}), "T1", "U1") == "" {
			t.Errorf("let in with %s = %v", field, value)
		}
	}
	for _, id := range []string{"", "B1", "USLACKBOT", "u1", "U1 ", "U1|x"} {
		if whyNot(person(t, map[string]any{"id": id}), "T1", id) == "" {
			t.Errorf("let in as %q", id)
		}
	}
}

func TestPeopleAreRememberedShortly(t *testing.T) {
	now, calls := time.Unix(0, 0), 0
	p := newPeople(func(context.Context, string) (slackapi.Person, error) {
		calls++
		return person(t, map[string]any{"deleted": calls > 1}), nil
	}, func() time.Time { return now })
	if err := p.admit(t.Context(), "T1", "U1"); err != nil {
		t.Error(err)
	}
	now = now.Add(freshFor - 1)
	if err := p.admit(t.Context(), "T1", "U1"); err != nil || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
	now = now.Add(1)
	if _, ok := errors.AsType[*errStranger](p.admit(t.Context(), "T1", "U1")); !ok {
		t.Error("a leaver is still let in a minute later")
	}
}
