package formatters

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/raced"
	"databricks-access-audit/core/report"
)

// evilNames reads the corpus: one Go-quoted string a line.
func evilNames(t testing.TB) []string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "evil_names.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var all []string
	scanner := bufio.NewScanner(f)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		s, err := strconv.Unquote(scanner.Text())
		if err != nil {
			t.Fatalf("line %d: %v", len(all)+1, err)
		}
		all = append(all, s)
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
	if len(all) < 150 {
		t.Fatalf("only %d names", len(all))
	}
	return raced.Sample(t, all, 8)
}

// acts finds what must not reach a terminal. It does not use the tables of escape.go: the ranges
// are those of threat lists, written out.
func acts(s string) (rune, bool) {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return r, true
			}
		}
		switch {
		case r == '\n' || r == '\t':
		case r < 0x20, r >= 0x7f && r < 0xa0,
			r == 0xad, r == 0x61c, r == 0x180e, r == 0xfeff, r == 0x3164, r == 0x115f,
			r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f,
			r >= 0xfe00 && r <= 0xfe0f, r >= 0xe0000 && r <= 0xe0fff:
			return r, true
		}
	}
	return 0, false
}

// triggers is what a spreadsheet takes for a formula, by an oracle of its own.
func triggers(cell string) bool {
	cell = strings.TrimLeftFunc(cell, func(r rune) bool { return unicode.Is(unicode.Zs, r) })
	for _, start := range []string{"=", "+", "-", "@", "\t", "\r", "\n", "\x00", "\uff1d", "\uff0b", "\uff0d", "\uff20"} {
		if strings.HasPrefix(cell, start) {
			return true
		}
	}
	return false
}

func parseCSV(t *testing.T, text string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll() // refuses rows of unequal length
	if err != nil {
		t.Fatalf("not RFC 4180: %v", err)
	}
	return rows
}

func TestT17_T20_EvilNames(t *testing.T) {
	builders := map[string]func(string) report.Report{
		"principal":       func(s string) report.Report { return named(s) },
		"doctor":          func(s string) report.Report { return doctorNamed(s) },
		"group":           func(s string) report.Report { return groupNamed(s) },
		"resource":        func(s string) report.Report { return resourceNamed(s, false) },
		"compare":         func(s string) report.Report { return compareNamed(s) },
		"resource object": func(s string) report.Report { return resourceNamed(s, true) },
		"object":          func(s string) report.Report { return canNamedThing(s, "jobs", identity.Privilege(s)) },
		"workspace":       func(s string) report.Report { return canNamedThing(s, typeWorkspace, "enter") },
		"creation":        func(s string) report.Report { return canNamedThing(s, typeWorkspace, identity.Privilege("create "+s)) },
		"roles":           func(s string) report.Report { return rolesNamed(s, false) },
		"all roles":       func(s string) report.Report { return rolesNamed(s, true) },
		"escalations":     func(s string) report.Report { return escalationsNamed(s, false) },
		"all escalations": func(s string) report.Report { return escalationsNamed(s, true) },
		"verify":          func(s string) report.Report { return verifyNamed(s) },
		"diff":            func(s string) report.Report { return diffNamed(s) },
		"snapshot":        func(s string) report.Report { return snapshotNamed(s) },
		"history":         func(s string) report.Report { return historyNamed(s) },
		"persona":         func(s string) report.Report { return canNamedThing(s, typePrincipal, "impersonate") },
	}
	for _, verdict := range []report.Verdict{report.Allow, report.Indirect, report.Unknown, report.Deny, "strange"} {
		builders["can "+string(verdict)] = func(s string) report.Report { return canNamed(s, verdict) }
	}
	type drawing struct {
		builder string
		format  Format
	}
	shapes := map[drawing]int{}
	for b, build := range builders {
		for _, f := range []Format{Text, Tree} {
			if b != "doctor" { // leaves lines out by its texts
				shapes[drawing{b, f}] = lines(write(t, build("calm"), Options{Format: f}))
			}
		}
	}
	for i, s := range evilNames(t) {
		t.Run(strconv.Itoa(i+1), func(t *testing.T) {
			t.Parallel()
			label := EscapeLine(Truncate(strconv.QuoteToASCII(s), 60))
			reports := map[string]report.Report{}
			if len(s) > maxEverywhere {
				reports = map[string]report.Report{"long": longNamed(s), "long can": longCan(s), "long group": longGroup(s), "long resource": longResource(s),
					"long roles": longRoles(s), "long escalations": longEscalations(s), "long verify": verifyNamed(s), "long compare": longCompare(s), "long snapshot": snapshotNamed(s)}
			}
			for b, build := range builders {
				if len(s) <= maxEverywhere || len(s) <= maxEverywhere*5 && b == "principal" {
					reports[b] = build(s)
				}
			}
			for b, r := range reports {
				for _, f := range formatsOf(r) {
					out := write(t, r, Options{Format: f})
					checkOutput(t, label, f, out)
					if want := shapes[drawing{b, f}]; want > 0 && s != "" && lines(out) != want {
						t.Errorf("%s changes the lines of %s as %s: %d instead of %d", label, b, f, lines(out), want)
					}
				}
				checkOutput(t, label, "summary", summary(t, r, Options{}))
				checkJSON(t, label, r)
			}
		})
	}
}

// maxEverywhere is up to which length a name stands everywhere in a report, five times as much in that
// of a principal: a few KiB thousands of times over take seconds.
const maxEverywhere = 500

func longNamed(s string) *report.PrincipalReport {
	r := rich()
	r.Principal.Name, r.Memberships[0].Group.Name, r.Grants[0].Securable.FullName = s, s, s
	r.Coverage.Gaps[0].Operation = s
	return r
}

func longCan(s string) *report.CanReport {
	r := canDeny()
	r.Subject.Name, r.Resource.FullName, r.Missing[0].Facts[0].Suppliers[0] = s, s, s
	r.Acts = []report.Act{{Description: s, Because: "owner of catalog main", Path: report.Path{s}}}
	return r
}

func longResource(s string) *report.ResourceReport {
	r := resourceRich()
	r.Resource.FullName, r.Access[0].Principal.Name, r.Access[1].Via = s, s, s
	return r
}

func longRoles(s string) *report.RolesReport {
	r := rolesRich()
	r.Roles[0].Principal.Name, r.Roles[1].Scope, r.Metastores[1].Name = s, "workspace "+s, s
	return r
}

func longEscalations(s string) *report.EscalationsReport {
	r := escalationsRich()
	r.Findings[0].Gains, r.Findings[1].Subject.Name, r.ChokePoints[0].From, r.Graph.Nodes[0].Name = s, s, s, s
	r.Graph.Nodes[1].ID = s
	return r
}

// lines counts lines: a name that makes one has left its place.
func lines(out string) int { return strings.Count(out, "\n") }

// checkOutput finds code points that act and cells that calculate.
func checkOutput(t *testing.T, label string, f Format, out string) {
	t.Helper()
	if f == CSV {
		for _, row := range parseCSV(t, out) {
			for _, cell := range row {
				if triggers(cell) {
					t.Errorf("%s: csv cell %q is a formula", label, cell)
				}
			}
		}
		out = strings.ReplaceAll(out, "\r\n", "\n")
	}
	if f == HTML { // the program's own part is the same in each
		out = lighten(out)
	}
	if c, bad := acts(out); bad {
		t.Errorf("%s: %s holds %U", label, f, c)
	}
}

// checkJSON reads JSON and NDJSON back and compares with what plain encoding/json makes of the
// report: invalid UTF-8 is U+FFFD there too.
func checkJSON(t *testing.T, label string, r report.Report) {
	t.Helper()
	plain, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var want, got map[string]any
	if err := json.Unmarshal(plain, &want); err != nil {
		t.Fatal(err)
	}
	out := write(t, r, Options{Format: JSON})
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%s: %v", label, err)
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("%s: JSON differs: %s", label, cmp.Diff(want, got))
	}
	if !strings.HasSuffix(out, "\n") || strings.Contains(out, `\u003c`) {
		t.Errorf("%s: no newline at the end, or HTML escapes", label)
	}
	lines := strings.Split(strings.TrimSuffix(write(t, r, Options{Format: NDJSON}), "\n"), "\n")
	for i, l := range lines {
		var record map[string]any
		if err := json.Unmarshal([]byte(l), &record); err != nil {
			t.Fatalf("%s: line %d: %v", label, i+1, err)
		}
		if i == 0 && !reflect.DeepEqual(record["coverage"], want["coverage"]) {
			t.Errorf("%s: the first line has not the coverage", label)
		}
		if i == len(lines)-1 && (record["record"] != "coverage" || !reflect.DeepEqual(record["gaps"], want["coverage"].(map[string]any)["gaps"])) {
			t.Errorf("%s: the last line is not the coverage", label)
		}
	}
}

func TestRawCSVKeepsEveryByte(t *testing.T) {
	for _, s := range evilNames(t) {
		var b bytes.Buffer
		if err := WriteCSV(&b, Table{Header: []string{"a", "b"}, Rows: [][]string{{s, "x"}}}, true); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(s, "\r") { // the reader of the test normalises line ends
			if !strings.Contains(b.String(), strings.ReplaceAll(s, `"`, `""`)) {
				t.Errorf("%q is not kept", s)
			}
			continue
		}
		if got := parseCSV(t, b.String())[1][0]; got != s {
			t.Errorf("got %q, want %q", got, s)
		}
	}
}

func TestT20_WriteErrorIsSafe(t *testing.T) {
	for _, s := range evilNames(t) {
		for _, f := range Formats() {
			var b bytes.Buffer
			if err := WriteError(&b, f, s, s, []string{s, s}); err != nil {
				t.Fatal(err)
			}
			if c, bad := acts(b.String()); bad {
				t.Fatalf("%s: error holds %U: %q", f, c, b.String())
			}
		}
	}
}
