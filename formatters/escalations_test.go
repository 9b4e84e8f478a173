package formatters

import (
	"fmt"
	"strings"
	"testing"

	"databricks-access-audit/core/report"
)

// TestEscalationsAnswerInTheFirstLine: who can, how badly, and how sure that is.
func TestEscalationsAnswerInTheFirstLine(t *testing.T) {
	for name, c := range map[string]struct {
		r      func() *report.EscalationsReport
		change func(*report.EscalationsReport)
		want   string
	}{
		"everybody":   {escalationsRich, func(*report.EscalationsReport) {}, "5 principals can escalate, in 5 findings: 2 critical, 2 high, 1 low (1 not certain); everything needed was read."},
		"subject":     {escalationsSubject, func(*report.EscalationsReport) {}, "alice@acme.test can escalate: 1 high; everything needed was read."},
		"perhaps":     {escalationsSubject, func(r *report.EscalationsReport) { r.Findings[0].Certain = false }, "alice@acme.test can perhaps escalate: 1 high (1 not certain); "},
		"nobody":      {escalationsEmpty, func(*report.EscalationsReport) {}, "Nobody can escalate by any way that was looked for; 1 kind of way was not looked at; everything needed was read."},
		"not she":     {escalationsEmpty, func(r *report.EscalationsReport) { r.Subject, r.NotLookedAt = &alice, nil }, "alice@acme.test cannot escalate by any way that was looked for; everything needed was read."},
		"nobody seen": {escalationsEmpty, func(r *report.EscalationsReport) { r.Coverage.Gaps = everyGap() }, "No way was seen by which anybody can escalate; 1 kind"},
		"she not seen": {escalationsEmpty, func(r *report.EscalationsReport) { r.Subject, r.Coverage.Gaps = &alice, everyGap() },
			"No way was seen by which alice@acme.test can escalate; 1 kind"},
		"gap elsewhere":    {escalationsEmpty, func(r *report.EscalationsReport) { r.Coverage.Gaps = gapIn(report.ListPowers) }, "Nobody can escalate by any way that was looked for; "},
		"not read":         {escalationsEmpty, func(r *report.EscalationsReport) { r.Findings = nil }, "Who can escalate was not read; "},
		"subject not read": {escalationsEmpty, func(r *report.EscalationsReport) { r.Subject, r.Findings = &alice, nil }, "Whether alice@acme.test can escalate was not read; "},
		"strange severity": {escalationsSubject, func(r *report.EscalationsReport) { r.Findings[0].Severity = "0 critical; all" }, `can escalate: 1 "0 critical; all"; everything`},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.r()
			c.change(r)
			if got := firstLine(t, r); !strings.Contains(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestPowersCountEachPrincipalOnce: who holds one of several workspaces is not counted again as one who
// can come to it.
func TestPowersCountEachPrincipalOnce(t *testing.T) {
	r := escalationsRich()
	r.Powers[2].Reached = append(r.Powers[2].Reached, r.Powers[0].Reached...) // dev, as prod: carol holds both, bob comes to both
	if got := summary(t, r, Options{}); !strings.Contains(got, "\nWorkspace admin of any of 2: 1 holds it, 1 more can come to it.\n") {
		t.Errorf("got\n%s", got)
	}
	r.Powers[2].Reached = append(r.Powers[2].Reached, report.Reach{Principal: r.Powers[0].Reached[1].Principal, Steps: 0})
	if got := summary(t, r, Options{}); !strings.Contains(got, "\nWorkspace admin of any of 2: 2 hold it, nobody else can come to it.\n") {
		t.Errorf("got\n%s", got)
	}
	r.Coverage.Gaps = everyGap()
	if got := summary(t, r, Options{}); !strings.Contains(got, "any of 2: at least 2 hold it, nobody else was seen who can come to it.\n") {
		t.Errorf("got\n%s", got)
	}
	if got := summary(t, escalationsIncomplete(), Options{}); !strings.Contains(got, "who can come to it. Not all of it was read.\n") {
		t.Errorf("a power that was not read is counted:\n%s", got)
	}
	if got := summary(t, escalationsSubject(), Options{}); !strings.Contains(got, "\nComes to: account admin (in 1 step).\n") {
		t.Errorf("got\n%s", got)
	}
}

func TestEmptyListsOfEscalationsDoNotReadAsAnswers(t *testing.T) {
	for state, want := range map[string]string{"null": "not read", "empty": "none (everything needed was read)", "in doubt": noneSeen} {
		r := escalationsEmpty()
		switch state {
		case "null":
			r.Findings, r.Powers, r.ChokePoints, r.Graph = nil, nil, nil, report.Graph{}
		case "in doubt":
			r.Coverage.Gaps = everyGap()
		}
		for f, findings := range map[Format]string{Text: findingsHeading, Tree: "Findings"} {
			got := write(t, r, Options{Format: f})
			for _, heading := range []string{findings, "Powers, and who comes to each", "Choke points, the most used first"} {
				if !strings.Contains(got, heading+": "+want+"\n") {
					t.Errorf("%s: %s is not %q in %s:\n%s", state, heading, want, f, got)
				}
			}
			if unread := strings.Contains(got, "Graph: not read"); unread != (state == "null") {
				t.Errorf("%s: graph as %s:\n%s", state, f, got)
			}
		}
		ndjson, flat := write(t, r, Options{Format: NDJSON}), write(t, r, Options{Format: CSV})
		for _, list := range []string{"findings", "powers", "choke_points", "graph_nodes", "graph_edges"} {
			if null := strings.Contains(ndjson, `"section":"`+list+`","count":null`); null != (state == "null") {
				t.Errorf("%s: ndjson does not tell null from empty %s:\n%s", state, list, ndjson)
			}
			if null := strings.Contains(flat, list+",not_read_or_not_asked,,"); null != (state == "null") {
				t.Errorf("%s: csv does not tell null from empty %s:\n%s", state, list, flat)
			}
		}
	}
}

// TestFiveHundredFindingsStayReadable: counts first, what is common to them once, and each of them on a
// line of its own.
func TestFiveHundredFindingsStayReadable(t *testing.T) {
	r := escalationsRich()
	one, other := r.Findings[1], r.Findings[0]
	r.Findings = nil
	for i := range 500 {
		f := one
		if i%5 == 0 {
			f = other
		}
		f.Subject = person(fmt.Sprint(i), fmt.Sprintf("u%03d@acme.test", i))
		f.Path = report.Path{f.Subject.Name, "helpdesk"}
		r.Findings = append(r.Findings, f)
	}
	got := write(t, r, Options{})
	if n := lines(got); n > 560 {
		t.Errorf("%d lines for 500 findings", n)
	}
	for _, want := range []string{"500 principals can escalate, in 500 findings: 400 critical, 100 high;", "\n  critical: 400 findings, 400 principals\n    E03 account admin, as a member of account-admins: 400 principals\n",
		"\n  high: 100 findings, 100 principals\n    E11 what etl-nightly may do: 100 principals\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q", want)
		}
	}
	if n := strings.Count(got, "fix: take the role Group manager"); n != 2 { // and at the choke point
		t.Errorf("the fix is there %d times", n)
	}
	for _, f := range []Format{Text, Tree} {
		out := write(t, r, Options{Format: f})
		for _, x := range r.Findings {
			if n := strings.Count(out, x.Subject.Name+" (user"); n != 1 {
				t.Fatalf("%s shows %s %d times", f, x.Subject.Name, n)
			}
		}
	}
}

// TestFindingsThatDifferStayApart: nothing that tells two of them apart is lost by putting them together.
func TestFindingsThatDifferStayApart(t *testing.T) {
	for name, change := range map[string]func(*report.Finding){
		"id":        func(f *report.Finding) { f.ID = "E04" },
		"gain":      func(f *report.Finding) { f.Gains = "more" },
		"securable": func(f *report.Finding) { f.Securable = &mainCatalog },
		"object":    func(f *report.Finding) { f.Object = &nightly },
		"principal": func(f *report.Finding) { f.Principal = nil },
		"acts":      func(f *report.Finding) { f.Acts = f.Acts[:1] },
		"no acts":   func(f *report.Finding) { f.Acts = nil },
		"facts":     func(f *report.Finding) { f.Facts = f.Facts[:1] },
		"time":      func(f *report.Finding) { f.Facts = []report.Fact{f.Facts[0], {Source: f.Facts[1].Source}} },
		"fix":       func(f *report.Finding) { f.Fix = "" },
	} {
		list := escalationsRich().Findings[1:3]
		if n := len(alike(list)); n != 1 {
			t.Fatalf("%d groups of two that are alike", n)
		}
		change(&list[1])
		if n := len(alike(list)); n != 2 {
			t.Errorf("two findings that differ in %s are one", name)
		}
	}
	if n := len(alike([]report.Finding{{}, {Acts: []string{}}, {Facts: []report.Fact{}}})); n != 3 {
		t.Errorf("lists that were not read are as good as empty ones: %d groups", n)
	}
}

// TestActsStandInOrder, with what the finding rests on and what to do, in text and tree.
func TestActsStandInOrder(t *testing.T) {
	for _, f := range []Format{Text, Tree} {
		got := write(t, escalationsRich(), Options{Format: f})
		for _, finding := range escalationsRich().Findings {
			at := 0
			for _, want := range append(numberedActs(finding), "fix: "+finding.Fix) {
				if want == "fix: " {
					continue
				}
				next := strings.Index(got[at:], want)
				if next < 0 {
					t.Fatalf("%s: %q is missing or out of order", f, want)
				}
				at += next
			}
		}
	}
	for want, f := range map[string]report.Finding{"acts: not read": {}, "acts: none, it has it already": {Acts: []string{}}} {
		if got := detailNodes(f)[0].text; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func numberedActs(f report.Finding) []string {
	var all []string
	for i, a := range f.Acts {
		all = append(all, fmt.Sprintf("%d. %s", i+1, a))
	}
	for _, fact := range f.Facts {
		all = append(all, "seen by: "+fact.Source)
	}
	return all
}

// TestEachFindingIsOneRow with all that it says.
func TestEachFindingIsOneRow(t *testing.T) {
	r := escalationsRich()
	rows := parseCSV(t, write(t, r, Options{Format: CSV}))
	place := map[string]int{}
	for i, c := range rows[0] {
		place[c] = i
	}
	var got []string
	for _, row := range rows[1:] {
		if row[0] == "finding" {
			got = append(got, strings.Join([]string{row[place["finding"]], row[place["severity"]], row[place["principal"]], row[place["object_type"]], row[place["object"]],
				row[place["object_id"]], row[place["about_principal"]], row[place["path"]], row[place["acts"]], row[place["certain"]]}, "|"))
		}
	}
	want := []string{
		"E11|high|alice@acme.test|jobs|nightly_etl|991|1b2c3d4e-0000-4000-8000-000000000001|alice@acme.test -> analysts|change the notebook that job nightly_etl runs; run job nightly_etl|true",
		"E03|critical|bob@acme.test||||account-admins|bob@acme.test -> helpdesk|add itself to the group account-admins; log in again|true",
		"E03|critical|dave@acme.test||||account-admins|dave@acme.test -> contractors -> helpdesk|add itself to the group account-admins; log in again|true",
		"E07|high|carol@acme.test|CATALOG|main|||carol@acme.test||false",
		"E20|low|1b2c3d4e-0000-4000-8000-000000000001|||||1b2c3d4e-0000-4000-8000-000000000001|read the environment of the driver|true",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestWaysThatAreNotCertainSaySo, and stand apart from those that are.
func TestWaysThatAreNotCertainSaySo(t *testing.T) {
	r := escalationsRich()
	if got := write(t, r, Options{}); strings.Contains(got, "E03 through account-admins; not certain") {
		t.Errorf("a certain way is in doubt:\n%s", got)
	}
	before := strings.Count(write(t, r, Options{Format: CSV}), "false")
	for i := range r.Powers {
		for k := range r.Powers[i].Reached {
			r.Powers[i].Reached[k].Certain = false
		}
	}
	for _, f := range []Format{Text, Tree} {
		if got := write(t, r, Options{Format: f}); !strings.Contains(got, "by E03 through account-admins; not certain: ") {
			t.Errorf("%s:\n%s", f, got)
		}
	}
	if after := strings.Count(write(t, r, Options{Format: CSV}), "false"); after <= before {
		t.Errorf("%d cells are false, %d were", after, before)
	}
}
