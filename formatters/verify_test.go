package formatters

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"databricks-access-audit/core/report"
)

// TestVerifyAnswersInTheFirstLine: how many of the proofs hold, for one and for several, and how sure
// that is.
func TestVerifyAnswersInTheFirstLine(t *testing.T) {
	const alone = "that alice@acme.test can SELECT on main.sales.orders"
	broken := func(numbers ...int) func(*report.VerifyReport) {
		return func(r *report.VerifyReport) {
			for _, n := range numbers {
				breaks(r, n, report.ProofProblem{Problem: "gone"})
			}
		}
	}
	ask := func(action, resource string) func(*report.VerifyReport) {
		return func(r *report.VerifyReport) { r.Action, r.Resource = action, resource }
	}
	for name, c := range map[string]struct {
		proofs int
		change func(*report.VerifyReport)
		want   string
	}{
		"one":             {1, broken(), "The proof " + alone + " holds: each fact is there, and they suffice."},
		"all":             {50, broken(), "All 50 proofs " + alone + " hold: each fact is there, and they suffice."},
		"one broken":      {1, broken(1), "The proof " + alone + " does not hold; everything needed was read."},
		"one of many":     {50, broken(7), "1 of 50 proofs " + alone + " does not hold; everything needed was read."},
		"several of many": {50, broken(1, 7, 50), "3 of 50 proofs " + alone + " do not hold; everything needed was read."},
		"none of many":    {2, broken(1, 2), "None of the 2 proofs " + alone + " holds; everything needed was read."},
		"no proof":        {0, broken(), "There is no proof " + alone + "; everything needed was read."},
		"not read":        {0, func(r *report.VerifyReport) { r.Proofs = nil }, "The proofs " + alone + " were not read; everything needed was read."},
		"all, gap": {2, func(r *report.VerifyReport) { r.Coverage.Gaps = everyGap()[3:4] },
			"All 2 proofs " + alone + " hold: each fact is there, and they suffice; 1 gap could hide more, first: read grants on CATALOG finance (forbidden)."},
		"contradiction":         {1, func(r *report.VerifyReport) { r.Holds = false }, "The proof " + alone + " holds by itself, but the report as a whole says no; "},
		"several contradict":    {2, func(r *report.VerifyReport) { r.Holds = false }, "The 2 proofs " + alone + " hold each by itself, but the report as a whole says no; "},
		"contradiction the way": {1, func(r *report.VerifyReport) { r.Proofs[0].Holds = false }, "The proof " + alone + " does not hold; "},
		"level":                 {1, ask("CAN_MANAGE", "nightly_etl"), "The proof that alice@acme.test has CAN_MANAGE on nightly_etl holds: "},
		"enter":                 {1, ask("enter", "prod"), "The proof that alice@acme.test can enter prod holds: "},
		"act as":                {1, ask("impersonate", "etl-nightly"), "The proof that alice@acme.test can act as etl-nightly holds: "},
		"create":                {1, ask("create cluster", "prod"), "The proof that alice@acme.test can create cluster in prod holds: "},
		"privilege to create":   {1, ask("CREATE_SCHEMA", "main"), "The proof that alice@acme.test can CREATE_SCHEMA on main holds: "},
		"hostile":               {1, ask("SELECT", "t holds; eve"), `The proof that alice@acme.test can SELECT on "t holds; eve" holds: `},
	} {
		t.Run(name, func(t *testing.T) {
			r := verifyOf(c.proofs)
			c.change(r)
			if got := firstLine(t, r); !strings.HasPrefix(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestBrokenProofsNeverReadAsWhole, whatever the report says of itself, and each is marked.
func TestBrokenProofsNeverReadAsWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := verifyOf(rapid.IntRange(0, 6).Draw(t, "proofs"))
		r.Holds = rapid.Bool().Draw(t, "holds")
		broken := 0
		for i := range r.Proofs {
			if r.Proofs[i].Holds = rapid.Bool().Draw(t, "proof holds"); !r.Proofs[i].Holds {
				broken++
			}
		}
		for _, f := range []Format{Text, Tree} {
			out := render(t, r, Options{Format: f})
			first, _, _ := strings.Cut(out, "\n")
			if whole := strings.Contains(first, "they suffice"); whole != (len(r.Proofs) > 0 && broken == 0 && r.Holds) {
				t.Fatalf("%d of %d broken, holds is %v: %s", broken, len(r.Proofs), r.Holds, first)
			}
			if n := strings.Count(out, ": does not hold"); n != broken {
				t.Fatalf("%d of %d are marked:\n%s", n, broken, out)
			}
		}
	})
}

func TestEmptyListsOfVerifyDoNotReadAsAnswers(t *testing.T) {
	for state, want := range map[string]string{"null": "not read", "empty": "none (everything needed was read)", "in doubt": noneSeen} {
		r := verifyEmpty()
		switch state {
		case "null":
			r.Proofs = nil
		case "in doubt":
			r.Coverage.Gaps = everyGap()
		}
		for _, f := range []Format{Text, Tree} {
			if got := write(t, r, Options{Format: f}); !strings.Contains(got, "Proofs: "+want+"\n") {
				t.Errorf("%s: proofs are not %q in %s:\n%s", state, want, f, got)
			}
		}
		if zero := strings.Contains(summary(t, r, Options{}), "Counts: 0 proofs · 0 of them broken\n"); zero != (state != "null") {
			t.Errorf("%s: summary is\n%s", state, summary(t, r, Options{}))
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

// TestProblemsOfAProofAreWhole: each is one row and one line, and null is not empty.
func TestProblemsOfAProofAreWhole(t *testing.T) {
	r := verifyBroken()
	var got []string
	for _, table := range Tables(r) {
		if table.Name == report.ListCheckedProofs {
			for _, row := range table.Rows {
				got = append(got, strings.Join(row[1:], "|"))
			}
		}
	}
	want := []string{"1|prod|true|||", "2|staging|false|3|data-engineering has no USE_SCHEMA on catalog main any more|", "3|prod|false|1|alice@acme.test may not log in|",
		"3|prod|false|0|its steps do not suffice: USE_CATALOG on catalog main is missing|", "4||true|||", "5|prod|false|||"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, f := range []Format{Text, Tree} {
		out := write(t, r, Options{Format: f})
		for _, line := range []string{"Proof 4: holds\n", "step 1: alice@acme.test may not log in\n", "as a whole: its steps", "Proof 5, from prod: does not hold; why: not named\n", "made: 2026-02-27T08:15:00Z\n"} {
			if !strings.Contains(out, line) {
				t.Errorf("%s: no %q in\n%s", f, line, out)
			}
		}
		r := verifyIncomplete()
		if out := write(t, r, Options{Format: f}); !strings.Contains(out, "Proof 3, from dev: does not hold; why: not read\n") {
			t.Errorf("%s:\n%s", f, out)
		}
	}
	if flat := write(t, verifyIncomplete(), Options{Format: CSV}); !strings.Contains(flat, ",problems") {
		t.Errorf("csv does not tell null problems:\n%s", flat)
	}
}
