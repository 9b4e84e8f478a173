package formatters

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

func TestParseFormat(t *testing.T) {
	for _, f := range Formats() {
		if got, err := ParseFormat(strings.ToUpper(string(f))); got != f || err != nil {
			t.Errorf("%s: got %q, %v", f, got, err)
		}
	}
	for in, want := range map[string]string{
		"jsn":     `"jsn" is not an output format (there are text, tree, json, ndjson, csv, markdown, html, xlsx, svg, png, opengraph, dot, sql, terraform, api, tickets); did you mean "json"?`,
		"":        `"" is not an output format (there are text, tree, json, ndjson, csv, markdown, html, xlsx, svg, png, opengraph, dot, sql, terraform, api, tickets)`,
		"parquet": `"parquet" is not an output format (there are text, tree, json, ndjson, csv, markdown, html, xlsx, svg, png, opengraph, dot, sql, terraform, api, tickets)`,
	} {
		if _, err := ParseFormat(in); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", in, err, want)
		}
	}
	if _, err := ParseFormat("\x1b[2J"); err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("the error repeats a control character: %q", err)
	}
}

type strange struct{ report.Envelope }

func TestWriteRefusesWhatItDoesNotKnow(t *testing.T) {
	var b bytes.Buffer
	for name, r := range map[string]report.Report{"nil": nil, "typed nil": (*report.PrincipalReport)(nil), "nil can": (*report.CanReport)(nil), "nil group": (*report.GroupReport)(nil),
		"nil resource": (*report.ResourceReport)(nil), "nil compare": (*report.CompareReport)(nil), "nil roles": (*report.RolesReport)(nil), "nil verify": (*report.VerifyReport)(nil), "nil escalations": (*report.EscalationsReport)(nil), "nil diff": (*report.DiffReport)(nil), "nil snapshot": (*report.SnapshotReport)(nil), "nil history": (*report.HistoryReport)(nil), "strange": &strange{}} {
		if Write(&b, r, Options{Format: JSON}) == nil || Summary(&b, r, Options{}) == nil || Tables(r) != nil {
			t.Errorf("%s report is written", name)
		}
	}
	if Write(&b, rich(), Options{Format: "pdf"}) == nil {
		t.Error("an unknown format is written")
	}
	r := rich()
	r.Request = func() {}
	for _, f := range []Format{JSON, NDJSON} {
		if Write(&b, r, Options{Format: f}) == nil {
			t.Errorf("%s of a function is written", f)
		}
	}
	if b.Len() != 0 {
		t.Errorf("a failed write leaves %q", b.String())
	}
}

type broken struct{}

var errDisk = errors.New("disk full")

func (broken) Write([]byte) (int, error) { return 0, errDisk }

func TestErrorsOfTheWriterComeBack(t *testing.T) {
	for _, f := range Formats() {
		var r report.Report = escalationsRich()
		if f.writesSteps() {
			r = cloneRich()
		}
		if err := Write(broken{}, r, Options{Format: f}); !errors.Is(err, errDisk) {
			t.Errorf("%s: %v", f, err)
		}
		if err := WriteError(broken{}, f, "k", "m", nil); !errors.Is(err, errDisk) {
			t.Errorf("%s: error form: %v", f, err)
		}
	}
	if err := Summary(broken{}, rich(), Options{}); !errors.Is(err, errDisk) {
		t.Error(err)
	}
	if err := WriteCSV(broken{}, Table{}, false); !errors.Is(err, errDisk) {
		t.Error(err)
	}
}

func TestWriteError(t *testing.T) {
	for f, want := range map[Format]string{
		Text:      "Error: \"ann\" names several principals\nDid you mean:\n  ann@acme.test\n  \"a, b\"\n",
		JSON:      "{\n  \"error\": {\n    \"kind\": \"ambiguous\",\n    \"message\": \"\\\"ann\\\" names several principals\",\n    \"candidates\": [\n      \"ann@acme.test\",\n      \"a, b\"\n    ]\n  }\n}\n",
		OpenGraph: "{\n  \"error\": {\n    \"kind\": \"ambiguous\",\n    \"message\": \"\\\"ann\\\" names several principals\",\n    \"candidates\": [\n      \"ann@acme.test\",\n      \"a, b\"\n    ]\n  }\n}\n",
		NDJSON:    "{\"error\":{\"kind\":\"ambiguous\",\"message\":\"\\\"ann\\\" names several principals\",\"candidates\":[\"ann@acme.test\",\"a, b\"]}}\n",
	} {
		var b bytes.Buffer
		if err := WriteError(&b, f, "ambiguous", `"ann" names several principals`, []string{"ann@acme.test", "a, b"}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, b.String()); diff != "" {
			t.Errorf("%s: %s", f, diff)
		}
	}
	var b bytes.Buffer
	if err := WriteError(&b, JSON, "failed", "m", nil); err != nil || !strings.Contains(b.String(), `"candidates": []`) {
		t.Errorf("no candidates are %s, %v", b.String(), err)
	}
}

// gapReports draws reports of any question with gaps of any kind and any list null, empty or filled.
func gapReports(t *rapid.T) report.Report {
	envelope := incomplete().Envelope
	drawGaps(t, &envelope)
	envelope.Mode = rapid.SampledFrom([]string{"principal", "group", "can", "resource", "compare", "roles", "escalations", "verify", "diff", "snapshot", "history"}).Draw(t, "question")
	switch envelope.Mode {
	case "can":
		r := canUnknown()
		r.Envelope = envelope
		r.Verdict = rapid.SampledFrom([]report.Verdict{report.Allow, report.Indirect, report.Unknown, report.Deny, ""}).Draw(t, "verdict")
		drawList(t, "proofs", &r.Proofs)
		drawList(t, "missing", &r.Missing)
		drawList(t, "acts", &r.Acts)
		drawList(t, "reachable_in", &r.ReachableIn)
		return r
	case "group":
		r := groupRich()
		r.Envelope = envelope
		drawList(t, "members", &r.Members)
		drawList(t, "ancestors", &r.Ancestors)
		drawList(t, "grants", &r.Grants)
		drawList(t, "objects", &r.Objects)
		drawList(t, "local_groups", &r.LocalGroups)
		return r
	case "resource":
		r := resourceRich()
		r.Envelope = envelope
		drawList(t, "access", &r.Access)
		drawList(t, "indirect", &r.Indirect)
		drawList(t, "containers", &r.Containers)
		return r
	case "compare":
		r := compareRich()
		r.Envelope = envelope
		drawList(t, "groups", &r.Groups.OnlyInA)
		drawList(t, "both", &r.Groups.InBoth)
		drawList(t, "access", &r.Access.Undecided)
		return r
	case "roles":
		r := rolesRich()
		if rapid.Bool().Draw(t, "subject") {
			r = rolesSubject()
		}
		r.Envelope = envelope
		drawList(t, "roles", &r.Roles)
		drawList(t, "workspaces", &r.Workspaces)
		drawList(t, "metastores", &r.Metastores)
		return r
	case "verify":
		r := verifyBroken()
		r.Envelope = envelope
		drawList(t, "proofs", &r.Proofs)
		return r
	case "diff":
		r := diffRich()
		r.Envelope = envelope
		drawList(t, "added", &r.Added)
		drawList(t, "changed", &r.Changed)
		return r
	case "snapshot":
		r := snapshotOf()
		r.Envelope = envelope
		drawList(t, "counts", &r.Counts)
		return r
	case "history":
		r := historyOf()
		r.Envelope = envelope
		drawList(t, "plans", &r.Plans)
		return r
	case "escalations":
		r := escalationsRich()
		if rapid.Bool().Draw(t, "subject") {
			r = escalationsSubject()
		}
		r.Envelope = envelope
		drawList(t, "findings", &r.Findings)
		drawList(t, "powers", &r.Powers)
		drawList(t, "choke_points", &r.ChokePoints)
		drawList(t, "nodes", &r.Graph.Nodes)
		return r
	default:
		r := incomplete()
		r.Envelope = envelope
		drawList(t, "grants", &r.Grants)
		drawList(t, "memberships", &r.Memberships)
		return r
	}
}

// drawList leaves a list as it is, or makes it null or empty.
func drawList[T any](t *rapid.T, list string, at *[]T) {
	switch rapid.IntRange(0, 2).Draw(t, list) {
	case 0:
		*at = nil
	case 1:
		*at = []T{}
	}
}

func drawGaps(t *rapid.T, r *report.Envelope) {
	kinds := []identity.FailureKind{identity.Forbidden, identity.NotFound, identity.Throttled, identity.Failed,
		identity.NotAsked, identity.NotRunning, identity.Unsupported}
	r.Coverage.Gaps = nil
	for i := range rapid.IntRange(0, 12).Draw(t, "gaps") {
		r.Coverage.Gaps = append(r.Coverage.Gaps, report.Gap{
			Scope:     rapid.StringN(0, 8, 40).Draw(t, "scope"),
			Operation: fmt.Sprintf("op-%d-%s", i, rapid.StringN(0, 12, 60).Draw(t, "operation")),
			Kind:      rapid.SampledFrom(kinds).Draw(t, "kind"),
			Message:   rapid.StringN(0, 12, 60).Draw(t, "message"),
			Effect:    rapid.StringN(0, 12, 60).Draw(t, "effect"),
			Blocking:  rapid.Bool().Draw(t, "blocking"),
		})
	}
	r.Coverage.Complete = r.Coverage.Blocking() == 0
	r.Interrupted = rapid.Bool().Draw(t, "interrupted")
}

func render(t *rapid.T, r report.Report, o Options) string {
	var b bytes.Buffer
	if err := Write(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEveryGapIsInEveryFormat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := gapReports(t)
		var b bytes.Buffer
		if err := Summary(&b, r, Options{}); err != nil {
			t.Fatal(err)
		}
		text, tree := render(t, r, Options{Format: Text}), render(t, r, Options{Format: Tree})
		page := pageText(t, lighten(render(t, r, Options{Format: HTML})))
		flat := readCSVColumn(t, render(t, r, Options{Format: CSV, CSVRaw: true}), "gap", "operation")
		var whole, last struct {
			Coverage report.Coverage `json:"coverage"`
			Gaps     []report.Gap    `json:"gaps"`
		}
		decode(t, render(t, r, Options{Format: JSON}), &whole)
		lines := strings.Split(strings.TrimSpace(render(t, r, Options{Format: NDJSON})), "\n")
		decode(t, lines[len(lines)-1], &last)
		openGaps, dot := drawnGaps(t, r)
		for _, g := range r.Head().Coverage.Gaps {
			shown := EscapeLine(g.Operation)
			if !strings.Contains(text, shown) || !strings.Contains(tree, shown) || !strings.Contains(b.String(), shown) {
				t.Fatalf("%q is not in text, tree or summary", shown)
			}
			if !strings.Contains(page, shown) {
				t.Fatalf("%q is not in HTML", shown)
			}
			if !slices.Contains(flat, shown) {
				t.Fatalf("%q is not in CSV: %q", shown, flat)
			}
			if _, graphed := r.(*report.EscalationsReport); graphed && (!strings.Contains(openGaps, shown) || !strings.Contains(dot, shown)) {
				t.Fatalf("%q is not in a drawing", shown)
			}
			has := func(o report.Gap) bool { return o.Operation == g.Operation }
			if !slices.ContainsFunc(whole.Coverage.Gaps, has) || !slices.ContainsFunc(last.Gaps, has) {
				t.Fatalf("%q is not in JSON or NDJSON", g.Operation)
			}
		}
		checkShortTree(t, r)
	})
}

// drawnGaps are what the drawings of a graph say of the gaps.
func drawnGaps(t *rapid.T, r report.Report) (open, dot string) {
	if _, graphed := r.(*report.EscalationsReport); !graphed {
		return "", ""
	}
	var doc struct{ Graph openBody }
	decode(t, render(t, r, Options{Format: OpenGraph}), &doc)
	open, _ = doc.Graph.Nodes[0].Properties["gaps"].(string)
	return open, dotShown(render(t, r, Options{Format: Dot}))
}

// checkShortTree cuts the tree and the summary: the last line is the coverage with the number of gaps.
func checkShortTree(t *rapid.T, r report.Report) {
	head := r.Head()
	limit := rapid.IntRange(1, 30).Draw(t, "lines")
	short := strings.Split(strings.TrimSuffix(render(t, r, Options{Format: Tree, MaxLines: limit}), "\n"), "\n")
	end := short[len(short)-1]
	if len(short) > max(limit, 3) || !strings.HasPrefix(end, "Coverage: ") {
		t.Fatalf("%d lines of %d, the last is %q", len(short), limit, end)
	}
	if n := len(head.Coverage.Gaps); n > 0 && !strings.Contains(end, fmt.Sprintf("%d gap", n)) {
		t.Fatalf("%d gaps are not counted in %q", n, end)
	}
	if (head.Coverage.Blocking() > 0 || head.Interrupted) != strings.Contains(end, "INCOMPLETE") {
		t.Fatalf("%d blocking gaps read %q", head.Coverage.Blocking(), end)
	}
}

func decode(t *rapid.T, text string, into any) {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

// readCSVColumn gives a column of the rows of one record, escaped as people see it.
func readCSVColumn(t *rapid.T, text, record, column string) []string {
	rows := splitRaw(text)
	at := slices.Index(rows[0], column)
	var cells []string
	for _, row := range rows[1:] {
		if row[0] == record {
			cells = append(cells, EscapeLine(row[at]))
		}
	}
	return cells
}

// splitRaw reads RFC 4180 without touching line ends in cells, which encoding/csv does.
func splitRaw(text string) [][]string {
	var rows [][]string
	row, cell, quoted := []string{}, []byte{}, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '"' && i+1 < len(text) && text[i+1] == '"':
			cell = append(cell, '"')
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && c == ',':
			row, cell = append(row, string(cell)), nil
		case !quoted && c == '\r' && text[i+1] == '\n':
			rows, row, cell = append(rows, append(row, string(cell))), nil, nil
			i++
		default:
			cell = append(cell, c)
		}
	}
	return rows
}

func TestEmptyListsDoNotReadAsAnswers(t *testing.T) {
	r := empty()
	if got := write(t, r, Options{}); !strings.Contains(got, "\nRoles: none (everything needed was read)\n") {
		t.Error("an empty list over complete facts is not said to be none")
	}
	r.Coverage.Gaps = everyGap()
	r.Coverage.Complete = false
	for _, f := range []Format{Text, Tree} {
		got := write(t, r, Options{Format: f})
		if strings.Contains(got, "everything needed was read") {
			t.Errorf("%s of an incomplete report says that everything was read:\n%s", f, got)
		}
		if !strings.Contains(got, "Roles: none seen; see coverage") {
			t.Errorf("%s does not point to the coverage:\n%s", f, got)
		}
	}
	r.Roles, r.Grants = nil, nil
	for _, f := range []Format{Text, Tree} {
		if got := write(t, r, Options{Format: f}); !strings.Contains(got, "Roles: not read") || strings.Contains(got, "no grant") {
			t.Errorf("%s does not tell null from empty:\n%s", f, got)
		}
	}
	if got := write(t, r, Options{Format: NDJSON}); !strings.Contains(got, `{"record":"section","section":"roles","count":null}`) ||
		!strings.Contains(got, `{"record":"section","section":"memberships","count":0}`) {
		t.Errorf("ndjson does not tell null from empty:\n%s", got)
	}
	if got := write(t, r, Options{Format: CSV}); !strings.Contains(got, "roles,not_read_or_not_asked,,") || !strings.Contains(got, "memberships,read,0,") {
		t.Errorf("csv does not tell null from empty:\n%s", got)
	}
}

// TestContradictionsAreIncomplete: an envelope that says complete beside a blocking gap, or although
// it was interrupted, is not believed.
func TestContradictionsAreIncomplete(t *testing.T) {
	for name, plant := range map[string]func(*report.PrincipalReport){
		"blocking gap": func(r *report.PrincipalReport) { r.Coverage.Gaps = everyGap() },
		"interrupted":  func(r *report.PrincipalReport) { r.Interrupted = true },
	} {
		r := empty()
		plant(r)
		for _, f := range []Format{Text, Tree} {
			if got := write(t, r, Options{Format: f}); !strings.Contains(got, "Coverage: INCOMPLETE") || strings.Contains(got, "none (everything") {
				t.Errorf("%s, %s:\n%s", name, f, got)
			}
		}
		if got := write(t, r, Options{Format: CSV}); !strings.Contains(got, "complete,false") {
			t.Errorf("%s: csv says complete", name)
		}
	}
}

func TestWidthOnlyWraps(t *testing.T) {
	squash := strings.NewReplacer(" ", "", "\n", "", "│", "", "├─", "", "└─", "").Replace
	for fixture, r := range fixtures() {
		for _, f := range []Format{Text, Tree} {
			for _, width := range []int{40, 60, 100} {
				wide, narrow := write(t, r, Options{Format: f}), write(t, r, Options{Format: f, Width: width})
				if squash(wide) != squash(narrow) {
					t.Errorf("%s as %s of width %d differs in more than space", fixture, f, width)
				}
				for _, l := range strings.Split(narrow, "\n") {
					if columns(l) > width {
						t.Errorf("%s as %s: %d columns instead of %d: %s", fixture, f, columns(l), width, l)
					}
				}
			}
		}
	}
}

func TestColourIsOnlyAdded(t *testing.T) {
	codes := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for fixture, r := range fixtures() {
		for _, f := range []Format{Text, Tree} {
			coloured := write(t, r, Options{Format: f, Color: true})
			if !codes.MatchString(coloured) {
				t.Errorf("%s as %s has no colour", fixture, f)
			}
			if diff := cmp.Diff(write(t, r, Options{Format: f}), codes.ReplaceAllString(coloured, "")); diff != "" {
				t.Errorf("%s as %s: %s", fixture, f, diff)
			}
		}
	}
}

func TestTablesAndTheFlatTableHoldTheSame(t *testing.T) {
	for key, all := range map[string][]report.Report{"principal": {rich()}, "subject": {canAllow(), canJob(), canLatent(), rolesRich(), escalationsRich(), verifyBroken()}, "resource": {resourceRich()}, "compared": {compareRich()}, "group": {groupRich()}, "account": {diffRich()}, "file": {snapshotOf()}, "ledger": {historyOf()}} {
		for _, r := range all {
			t.Run(r.Head().Mode, func(t *testing.T) { checkTables(t, key, r) })
		}
	}
}

func checkTables(t *testing.T, key string, r report.Report) {
	rows := 0
	seen := map[string]bool{}
	for _, table := range Tables(r) {
		if seen[table.Name] || table.Header[0] != key {
			t.Errorf("table %q twice or without %s: %q", table.Name, key, table.Header)
		}
		seen[table.Name] = true
		for _, row := range table.Rows {
			if len(row) != len(table.Header) {
				t.Errorf("%s: row %q does not fit %q", table.Name, row, table.Header)
			}
		}
		rows += len(table.Rows)
	}
	flat := parseCSV(t, write(t, r, Options{Format: CSV}))
	if len(flat) != rows+1 {
		t.Errorf("%d rows in the flat table, %d in all tables", len(flat)-1, rows)
	}
	if twice := slices.Compact(slices.Sorted(slices.Values(flat[0]))); len(twice) != len(flat[0]) {
		t.Errorf("a column is there twice: %q", flat[0])
	}
}

// TestHeaderDoesNotDependOnTheAnswer: files of several principals can be put together.
func TestHeaderDoesNotDependOnTheAnswer(t *testing.T) {
	header := func(r report.Report) string {
		first, _, _ := strings.Cut(write(t, r, Options{Format: CSV}), "\r\n")
		return first
	}
	if header(rich()) != header(unread()) || header(canAllow()) != header(&report.CanReport{}) || header(resourceRich()) != header(&report.ResourceReport{}) || header(compareRich()) != header(&report.CompareReport{}) || header(groupRich()) != header(&report.GroupReport{}) ||
		header(rolesRich()) != header(&report.RolesReport{}) || header(escalationsRich()) != header(&report.EscalationsReport{}) {
		t.Error("rich and unread reports have different headers")
	}
}

// TestWritingDoesNotChangeTheReport also runs under the race detector: Slack and the command line
// may draw one report at a time.
func TestWritingDoesNotChangeTheReport(t *testing.T) {
	all := fixtures()
	t.Run("all", func(t *testing.T) {
		for fixture, r := range all {
			for _, f := range append(formatsOf(r), formatsOf(r)...) {
				t.Run(fixture+" "+string(f), func(t *testing.T) {
					t.Parallel()
					if a, b := write(t, r, Options{Format: f}), write(t, r, Options{Format: f}); a != b {
						t.Error("two writes differ")
					}
					if summary(t, r, Options{MaxLines: 4}) == "" {
						t.Error("empty summary")
					}
				})
			}
		}
	})
	if diff := cmp.Diff(fixtures(), all); diff != "" {
		t.Error(diff)
	}
}

// TestTreeShowsEachRightOnce: under the holder that has it, whatever else holds the name.
func TestTreeShowsEachRightOnce(t *testing.T) {
	r := rich()
	r.Memberships = append(r.Memberships, report.Membership{Group: group("21", "analysts", "workspace_local"), Direct: true, Paths: []report.Path{path("analysts")}})
	r.Grants = append(r.Grants,
		grant(object(identity.TypeCatalog, "stray", "eu-west", ""), report.SourceGroup, path("nobody knows"), nil, "SELECT"),
		grant(object(identity.TypeCatalog, "lost", "eu-west", ""), report.SourceGroup, nil, nil, "SELECT"))
	tree := write(t, r, Options{Format: Tree})
	for _, right := range []string{"workspace prod: USER", "SCHEMA prod.sales ", "jobs nightly load", "EXTERNAL_LOCATION landing",
		"role workspace admin", "CATALOG samples", "directories /Shared/reports", "CATALOG stray", "CATALOG lost"} {
		if n := strings.Count(tree, right); n != 1 {
			t.Errorf("%q is shown %d times", right, n)
		}
	}
	for _, heading := range []string{"shares its name with the group above", "nobody knows (not among the groups above)", "Holder unknown", "account users (everybody)"} {
		if !strings.Contains(tree, heading) {
			t.Errorf("%q is missing", heading)
		}
	}
	if t.Failed() {
		t.Log(tree)
	}
}

func TestEqualUnaskedOperationsAreCounted(t *testing.T) {
	if got, want := tally([]string{"list tables", "list schemas", "list tables"}), "list tables (2 times); list schemas"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestFirstLinesAnswer: who, where, how much, as what, and how sure, before anything else.
func TestFirstLinesAnswer(t *testing.T) {
	r := rich()
	r.Principal.Active = ptr(false)
	first, _, _ := strings.Cut(write(t, r, Options{}), "\n")
	if !strings.Contains(first, "INACTIVE) cannot log in, is assigned to 2 workspaces") {
		t.Errorf("an inactive principal is introduced by %q", first)
	}
	r.Principal = group("5", "admins", "idp")
	first, _, _ = strings.Cut(write(t, r, Options{}), "\n")
	if !strings.HasPrefix(first, "admins (group, IdP) lets its members enter 2 workspaces (1 as admin), is in 6 groups") {
		t.Errorf("a group is introduced by %q", first)
	}
	for i := range 12 {
		r.Workspaces = append(r.Workspaces, report.WorkspaceAccess{ID: fmt.Sprint(i), Name: fmt.Sprintf("ws%02d", i), Access: "USER"})
	}
	if got := write(t, r, Options{}); !strings.Contains(got, "ws00 (USER), ws01 (USER), ws02 (USER), ws03 (USER), ws04 (USER), ws05 (USER), 6 more.") {
		t.Errorf("many workspaces are not counted:\n%s", got)
	}
}
