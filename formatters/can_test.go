package formatters

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"databricks-access-audit/core/report"
)

func firstLine(t *testing.T, r report.Report) string {
	t.Helper()
	first, _, _ := strings.Cut(write(t, r, Options{}), "\n")
	return first
}

// TestCanAnswersInTheFirstLine: the verdict, why, and what limits it.
func TestCanAnswersInTheFirstLine(t *testing.T) {
	const alone = "alice@acme.test can SELECT on TABLE main.sales.orders"
	for name, c := range map[string]struct {
		r      func() *report.CanReport
		change func(*report.CanReport)
		want   string
	}{
		"allowed":                  {canAllow, func(*report.CanReport) {}, "ALLOW: " + alone + " from prod, staging; 2 proofs."},
		"allowed, more proofs":     {canAllow, func(r *report.CanReport) { r.ProofsOmitted = true }, "; 2 proofs and more that are not listed."},
		"allowed, proofs not read": {canAllow, func(r *report.CanReport) { r.Proofs = nil }, "; its proofs were not read."},
		"allowed, gap": {canAllow, func(r *report.CanReport) { r.Coverage.Gaps = everyGap()[3:4] },
			"; 2 proofs; 1 gap could hide more, first: read grants on CATALOG finance (forbidden)."},
		"allowed, where is not read": {canAllow, func(r *report.CanReport) { r.ReachableIn = nil }, alone + " from workspaces that were not read;"},
		"allowed, nowhere":           {canAllow, func(r *report.CanReport) { r.ReachableIn = []string{} }, alone + " from no workspace;"},
		"denied": {canDeny, func(r *report.CanReport) { r.Missing = r.Missing[:1] },
			"DENY: alice@acme.test cannot SELECT on TABLE main.sales.orders: missing USE_SCHEMA on SCHEMA main.sales (heidi@acme.test or platform can grant it); everything needed was read."},
		"denied, two facts": {canDeny, func(r *report.CanReport) { r.Missing = r.Missing[1:] },
			`(heidi@acme.test or platform can grant it), assignment to staging ("account admins" can assign it) and a binding of CATALOG main that lets staging in (nobody can change it); everything`},
		"denied, one of several": {canDeny, func(r *report.CanReport) {}, ", or 1 other set; everything needed was read."},
		"denied, gap elsewhere": {canDeny, func(r *report.CanReport) {
			r.Coverage.Gaps = everyGap()[3:4]
			r.Coverage.Gaps[0].Affects = []string{"caveats"}
		}, "; all that decides it was read, though 1 gap could hide more"},
		"denied, gap in doubt":      {canDeny, func(r *report.CanReport) { r.Coverage.Gaps = everyGap()[3:4] }, ", or 1 other set; 1 gap could hide more, first:"},
		"denied, reason not read":   {canDeny, func(r *report.CanReport) { r.Missing = nil }, ": what is missing was not read;"},
		"denied, suppliers unread":  {canDeny, func(r *report.CanReport) { r.Missing[0].Facts[0].Suppliers = nil }, "(who can grant it was not read)"},
		"denied, many suppliers":    {canDeny, func(r *report.CanReport) { r.Missing[0].Facts[0].Suppliers = []string{"a", "b", "c", "d", "e"} }, "(a, b, c or 2 more can grant it)"},
		"indirect, many acts":       {canIndirect, func(r *report.CanReport) { r.Acts = append(r.Acts, r.Acts...) }, "INDIRECT (4 acts): "},
		"indirect, acts counted":    {canIndirect, func(r *report.CanReport) { r.Acts = append(r.Acts, r.Acts...) }, "), then 1 more act; everything"},
		"no securable, no fact":     {canDeny, func(r *report.CanReport) { r.Missing[0].Facts[0].Securable, r.Missing[1].Facts = nil, nil }, "missing USE_SCHEMA on a securable that is not named ("},
		"indirect, acts not read":   {canIndirect, func(r *report.CanReport) { r.Acts = nil }, "INDIRECT: alice@acme.test cannot SELECT on TABLE main.sales.orders from prod now, but can give it to itself: by acts that were not read;"},
		"unknown, from another gap": {canUnknown, func(r *report.CanReport) { r.Missing = nil }, "cannot be told: needs read grants on CATALOG main (forbidden); 1 gap"},
		"unknown over nothing": {canUnknown, func(r *report.CanReport) { r.Missing, r.Coverage = nil, report.Coverage{Complete: true} },
			"cannot be told: which read would tell is not named."},
		"no verdict": {canDeny, func(r *report.CanReport) { r.Verdict = "" }, `NO VERDICT (""): whether ` + alone + " was not decided;"},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.r()
			c.change(r)
			if got := firstLine(t, r); !strings.Contains(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	if got := firstLine(t, canUnknown()); strings.Contains(got, "everything needed was read") {
		t.Errorf("an unknown answer says that all was read: %s", got)
	}
}

// TestOnlyTheVerdictIsSaid: whatever else is in the report, no verdict reads as another.
func TestOnlyTheVerdictIsSaid(t *testing.T) {
	verdicts := []report.Verdict{report.Allow, report.Indirect, report.Unknown, report.Deny}
	rapid.Check(t, func(t *rapid.T) {
		r, ok := canGaps(t)
		if !ok {
			return
		}
		first, _, _ := strings.Cut(render(t, r, Options{}), "\n")
		for _, v := range verdicts {
			if strings.HasPrefix(first, string(v)) != (r.Verdict == v) {
				t.Fatalf("%s reads %s", r.Verdict, first)
			}
		}
		if r.Verdict != report.Allow && strings.Contains(first, "alice@acme.test can ") && !strings.Contains(first, "whether alice@acme.test can ") {
			t.Fatalf("%s reads %s", r.Verdict, first)
		}
		if !(coverage{r.Head()}).complete() && strings.Contains(render(t, r, Options{}), "none (everything") {
			t.Fatalf("a list is certain over incomplete facts:\n%s", render(t, r, Options{}))
		}
	})
}

func canGaps(t *rapid.T) (*report.CanReport, bool) {
	r, ok := gapReports(t).(*report.CanReport)
	return r, ok
}

func TestEmptyListsOfCanDoNotReadAsAnswers(t *testing.T) {
	for state, want := range map[string]string{"null": "not read", "empty": "none (everything needed was read)", "in doubt": noneSeen, "undecided": noneSeen} {
		r := canDeny()
		r.Missing, r.Acts, r.Caveats = []report.MissingSet{}, []report.Act{}, []string{}
		switch state {
		case "null":
			r.Proofs, r.Missing, r.Acts, r.Caveats = nil, nil, nil, nil
		case "in doubt":
			r.Coverage.Gaps = everyGap()
		case "undecided":
			r.Verdict = report.Unknown
		}
		for _, f := range []Format{Text, Tree} {
			got := write(t, r, Options{Format: f})
			for _, heading := range []string{"Proofs", "Missing, any one of these would make it ALLOW", "Acts, in this order", "Caveats"} {
				if !strings.Contains(got, heading+": "+want+"\n") {
					t.Errorf("%s: %s is not %q in %s:\n%s", state, heading, want, f, got)
				}
			}
		}
		ndjson, flat := write(t, r, Options{Format: NDJSON}), write(t, r, Options{Format: CSV})
		if null := strings.Contains(ndjson, `"section":"proofs","count":null`); null != (state == "null") {
			t.Errorf("%s: ndjson does not tell null from empty:\n%s", state, ndjson)
		}
		if null := strings.Contains(flat, "proofs,not_read_or_not_asked,,"); null != (state == "null") {
			t.Errorf("%s: csv does not tell null from empty:\n%s", state, flat)
		}
	}
}

// TestGapsInOtherListsLeaveAListCertain is what Gap.Affects is for.
func TestGapsInOtherListsLeaveAListCertain(t *testing.T) {
	r := canDeny()
	r.Missing = []report.MissingSet{}
	r.Coverage.Gaps = everyGap()[3:4]
	r.Coverage.Gaps[0].Affects = []string{listMissing}
	got := write(t, r, Options{})
	if !strings.Contains(got, "Proofs: none (everything") || !strings.Contains(got, "make it ALLOW: "+noneSeen) {
		t.Errorf("proofs should be certain and missing not:\n%s", got)
	}
	q := resourceEmpty()
	q.Coverage.Gaps = everyGap()[3:4]
	q.Coverage.Gaps[0].Affects = []string{listIndirect}
	if got := firstLine(t, q); !strings.Contains(got, "nobody has access now (ALLOW), nobody else was seen who can give it to themselves; 1 gap could hide more") {
		t.Errorf("got %s", got)
	}
	q.Coverage.Gaps[0].Affects = []string{listAccess}
	if got := firstLine(t, q); !strings.Contains(got, "nobody was seen to have access now (ALLOW), nobody else can give it to themselves; 1 gap could hide more") {
		t.Errorf("got %s", got)
	}
}

// TestProofsAreWholeInEveryFormat: each step is one row, one line and one object, in order.
func TestProofsAreWholeInEveryFormat(t *testing.T) {
	r := canAllow()
	rows := parseCSV(t, write(t, r, Options{Format: CSV}))
	place := map[string]int{}
	for i, c := range rows[0] {
		place[c] = i
	}
	var got, want []string
	for _, row := range rows {
		if row[0] == "proof_step" {
			got = append(got, strings.Join([]string{row[place["proof"]], row[place["step"]], row[place["kind"]], row[place["principal"]], row[place["group"]],
				row[place["privilege"]], row[place["object"]], row[place["workspace"]], row[place["detail"]], row[place["source"]], row[place["read_at"]]}, "|"))
		}
	}
	for i, p := range r.Proofs {
		for k, s := range p.Steps {
			object := ""
			if s.Securable != nil {
				object = s.Securable.FullName
			}
			want = append(want, strings.Join([]string{fmt.Sprint(i + 1), fmt.Sprint(k + 1), s.Kind, s.Principal, s.Group, string(s.Privilege), object,
				s.Workspace, s.Detail, s.Fact.Source, stamp(s.Fact.ReadAt)}, "|"))
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, f := range []Format{Text, Tree} {
		out := write(t, r, Options{Format: f})
		for _, p := range r.Proofs {
			at := 0
			for k, s := range p.Steps {
				next := strings.Index(out[at:], fmt.Sprintf("%d. %s", k+1, stepWords(s)))
				if next < 0 {
					t.Fatalf("%s: step %d (%s) is missing or out of order", f, k+1, s.Kind)
				}
				at += next
			}
		}
	}
}

// TestNamesDoNotReadOnAsSentences: a name with words in it stays one name.
func TestNamesDoNotReadOnAsSentences(t *testing.T) {
	const evil = "eve can SELECT on TABLE main.sales.orders from prod"
	r := canDeny()
	r.Subject.Name = evil
	if got := firstLine(t, r); !strings.HasPrefix(got, `DENY: "`+evil+`" cannot `) {
		t.Errorf("got %s", got)
	}
	r = canDeny()
	r.Missing[0].Facts[0].Suppliers = []string{"heidi or platform"}
	if got := firstLine(t, r); !strings.Contains(got, `("heidi or platform" can grant it)`) {
		t.Errorf("got %s", got)
	}
	r = canIndirect()
	r.Acts[0].Description = `GRANT x TO a, then GRANT y TO b`
	if got := firstLine(t, r); !strings.Contains(got, `: "GRANT x TO a, then GRANT y TO b" (owner of catalog main), then GRANT SELECT`) {
		t.Errorf("got %s", got)
	}
}

// TestLatentProofsAreNoProofs: they stand whole in a block of their own, and nothing takes them for those
// of an ALLOW.
func TestLatentProofsAreNoProofs(t *testing.T) {
	r := canLatent()
	for f, want := range map[Format]string{
		Text: "\nProofs: none (everything needed was read)\n\n" + latentHeading + "\n  Latent proof 1, from prod\n    1. alice@acme.test is in analysts (read the members of group analysts)\n" +
			"    2. analysts has SELECT on TABLE main.sales.orders (read grants on table main.sales.orders)\n  Latent proof 2\n    1. alice@acme.test owns CATALOG main (read catalog main)\n\nMissing",
		Tree: "├─ Proofs: none (everything needed was read)\n├─ " + latentHeading + "\n│  ├─ Latent proof 1, from prod\n",
	} {
		if got := write(t, r, Options{Format: f}); !strings.Contains(got, want) {
			t.Errorf("%s:\n%s", f, got)
		}
	}
	records := map[string]int{}
	for _, row := range parseCSV(t, write(t, r, Options{Format: CSV})) {
		records[row[0]]++
	}
	if records["latent_step"] != 3 || records["proof_step"] != 0 {
		t.Errorf("rows are %v", records)
	}
	ndjson := write(t, r, Options{Format: NDJSON})
	if strings.Count(ndjson, `{"record":"latent_proof",`) != 2 || strings.Contains(ndjson, `{"record":"proof",`) || !strings.Contains(ndjson, `"section":"latent","count":2`) {
		t.Errorf("ndjson is\n%s", ndjson)
	}
	if got := summary(t, r, Options{}); !strings.Contains(got, "Counts: 0 workspaces · 0 proofs · 2 latent proofs · ") {
		t.Errorf("the summary is\n%s", got)
	}
	for _, active := range []*report.CanReport{canDeny(), canAllow()} {
		active.Latent = []report.Proof{}
		for _, f := range formatsOf(active) {
			if got := write(t, active, Options{Format: f}); strings.Contains(strings.ToLower(got), "latent") {
				t.Errorf("no latent proof is shown as %s:\n%s", f, got)
			}
		}
	}
}
