package core_test

import (
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/analysis"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// expectation is one line that says what is so.
type expectation struct {
	caseLine
	// waits says what the line waits for before it can be checked; empty when it can be.
	waits string
	// check says in what the program disagrees: the door that the line is about, and the others.
	check func(*access.Model) (answer, doors []string)
}

// escalations finds the ways to more access.
var escalations = analysis.Escalations

// What lines wait for that no answer can be held against yet.
const (
	waitsForEscalations = "an answer that lists ways to more access"
	waitsForFindings    = "an answer that lists grants that are nobody's or that cannot count"
	waitsForPreview     = "a preview of changes"
	waitsForOffboarding = "an answer that tells what somebody leaves behind"
)

// expectationLines are the kinds of line by their first word.
var expectationLines = map[string]func(*account, *caseReader, *expectation){
	"can":  func(a *account, r *caseReader, x *expectation) { canLine(a, r, x, "") },
	"meta": func(a *account, r *caseReader, x *expectation) { canLine(a, r, x, identity.Browse) },
	"object": func(a *account, r *caseReader, x *expectation) {
		objectQuestion(a, r, x, a.principal(r, r.word()), false)
	},
	"exercise":      exerciseLine,
	"create":        createLine,
	"enter":         enterLine,
	"be":            beLine,
	"holds":         holdsLine,
	"notes":         notesLine,
	"escalation":    escalationLine,
	"no-escalation": noEscalationLine,
	"orphan":        orphanLine,
	"warns":         warnsLine,
	"redundant":     redundantLine,
	"preview":       previewLine,
	"offboard":      offboardLine,
}

// expectations reads what a variant expects of its account.
func expectations(a *account, lines []caseLine) ([]expectation, error) {
	var list []expectation
	for _, l := range lines {
		x := expectation{caseLine: l}
		r := &caseReader{caseLine: l}
		keyword := r.word()
		if say, ok := expectationLines[keyword]; ok {
			say(a, r, &x)
		} else {
			r.bad("unknown word %q", keyword)
		}
		if err := r.end(); err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	return list, nil
}

// asked takes from where something is asked.
func (a *account) asked(r *caseReader) access.Asked {
	if r.has("anywhere") {
		var all access.Asked
		for _, w := range a.workspaces {
			all.From = append(all.From, w.ID)
		}
		return all
	}
	r.must("in")
	return access.Asked{From: []identity.WorkspaceID{a.workspace(r)}}
}

// canLine reads a question about a securable; the privilege is in the line unless it is given.
func canLine(a *account, r *caseReader, x *expectation, p identity.Privilege) {
	who := a.principal(r, r.word())
	if p == "" {
		p = onePrivilege(r)
	}
	on := a.securable(r)
	asked := a.asked(r)
	want := readAnswer(r)
	x.check = func(m *access.Model) (answer, doors []string) {
		got := m.Can(who.Key, p, on, asked)
		return want.complaints(got), securableDoors(m, who.Key, p, on, asked, got)
	}
}

func onePrivilege(r *caseReader) identity.Privilege {
	ps := privileges(r)
	if len(ps) != 1 {
		r.bad("one privilege at a time")
		return ""
	}
	return ps[0]
}

// objectQuestion reads a question about a permission level on an object.
func objectQuestion(a *account, r *caseReader, x *expectation, who *identity.Principal, exercisable bool) {
	level := identity.Level(r.word())
	on := a.object(r)
	if r.err == nil && !on.Type.Has(level) {
		r.bad("%q is not a level of a %s", level, on.Type.Title())
	}
	want := readAnswer(r)
	x.check = func(m *access.Model) (answer, doors []string) {
		got := m.CanOperate(who.Key, level, on, exercisable)
		if exercisable { // the list does not say
			return want.complaints(got), nil
		}
		return want.complaints(got), listDoor(m.WhoOperates(on, access.Who{Expand: true, Privilege: identity.Privilege(level)}), got)
	}
}

func exerciseLine(a *account, r *caseReader, x *expectation) {
	who := a.principal(r, r.word())
	if len(r.words) > 1 && strings.Contains(r.words[1], "/") {
		objectQuestion(a, r, x, who, true)
		return
	}
	p, on := onePrivilege(r), a.securable(r)
	asked := a.asked(r)
	asked.Exercisable = true
	want := readAnswer(r)
	x.check = func(m *access.Model) (answer, doors []string) {
		return want.complaints(m.Can(who.Key, p, on, asked)), nil
	}
}

func createLine(a *account, r *caseReader, x *expectation) {
	who := a.principal(r, r.word())
	if r.has("external-location") {
		with, asked := a.securable(r), a.asked(r)
		want := readAnswer(r)
		x.check = func(m *access.Model) (answer, doors []string) {
			return want.complaints(m.CanRegister(who.Key, with, asked)), nil
		}
		return
	}
	what := access.Creation(r.one(string(access.CreateCluster), string(access.CreateWarehouse), string(access.CreatePolicy),
		string(access.CreatePool), string(access.CreateJob), string(access.CreateNotebook)))
	in := a.workspace(r)
	want := readAnswer(r)
	x.check = func(m *access.Model) (answer, doors []string) {
		return want.complaints(m.CanCreate(who.Key, what, in)), nil
	}
}

func enterLine(a *account, r *caseReader, x *expectation) {
	who, in := a.principal(r, r.word()), a.workspace(r)
	want := readAnswer(r)
	x.check = func(m *access.Model) (answer, doors []string) {
		got := m.CanEnter(who.Key, in, false)
		return want.complaints(got), listDoor(m.WhoEnters(in, access.Who{Expand: true}), got)
	}
}

func beLine(a *account, r *caseReader, x *expectation) {
	who, whom := a.principal(r, r.word()), a.principal(r, r.word())
	asked := a.asked(r)
	want := readAnswer(r)
	x.check = func(m *access.Model) (answer, doors []string) {
		return want.complaints(m.CanBe(who.Key, whom.Key, asked)), nil
	}
}

func holdsLine(a *account, r *caseReader, x *expectation) {
	who := a.principal(r, r.word())
	p := report.Owner
	if !r.has(string(report.Owner)) {
		p = onePrivilege(r)
	}
	on := a.securable(r)
	r.must("via")
	via := a.holder(r, r.word())
	x.check = func(m *access.Model) (answer, doors []string) {
		for _, g := range m.Principal(who.Key, access.Also{}).Grants {
			listed := g.Securable.Type == on.Type && g.Securable.FullName == on.FullName() && slices.Contains(g.Privileges, p)
			if listed && g.Path[len(g.Path)-1] == via {
				return nil, nil
			}
			answer = append(answer, fmt.Sprintf("lists %v on %s by %v", g.Privileges, g.Securable.FullName, g.Path))
		}
		return append(answer, "and nothing else"), nil
	}
}

func notesLine(a *account, r *caseReader, x *expectation) {
	who, text := a.principal(r, r.word()), r.word()
	x.check = func(m *access.Model) (answer, doors []string) {
		notes := m.Principal(who.Key, access.Also{}).Notes
		if slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, text) }) {
			return nil, nil
		}
		return []string{fmt.Sprintf("the notes are %q", notes)}, nil
	}
}

// about takes the name of a principal, securable or object and gives it as reports show it.
func (a *account) about(r *caseReader) string {
	name := r.word()
	for _, o := range a.objects {
		if objectName(o.ObjectInfo) == name {
			return o.Name
		}
	}
	for _, p := range a.principals {
		if p.Name == name {
			return name
		}
	}
	r.words = slices.Insert(r.words, 0, name)
	return a.securable(r).FullName()
}

func escalationLine(a *account, r *caseReader, x *expectation) {
	who, id := a.principal(r, r.word()), catalogued(r)
	severities := []string{report.Critical, report.High, report.Medium, report.Low}
	if r.more() && r.words[0] != "about" {
		severities = []string{r.one(severities...)}
	}
	about := ""
	if r.has("about") {
		about = a.about(r)
	}
	x.check = func(m *access.Model) (answer, doors []string) {
		var got []string
		for _, f := range escalations(m, &who.Key).Findings {
			names := []string{about}
			if about != "" {
				names = findingNames(f)
			}
			if f.ID == id && slices.Contains(severities, f.Severity) && slices.Contains(names, about) {
				return nil, nil
			}
			got = append(got, fmt.Sprint(f.ID, " ", f.Severity, " ", findingNames(f)))
		}
		return []string{fmt.Sprintf("found %q", got)}, nil
	}
	if escalations == nil {
		x.waits = waitsForEscalations
	}
}

// findingNames are those that a finding is about.
func findingNames(f report.Finding) []string {
	var names []string
	if f.Securable != nil {
		names = append(names, f.Securable.FullName)
	}
	if f.Object != nil {
		names = append(names, f.Object.Name)
	}
	if f.Principal != nil {
		names = append(names, f.Principal.Name)
	}
	return names
}

func noEscalationLine(a *account, r *caseReader, x *expectation) {
	who := a.principal(r, r.word())
	ids := []string{catalogued(r)}
	for r.more() {
		ids = append(ids, catalogued(r))
	}
	x.check = func(m *access.Model) (answer, doors []string) {
		for _, f := range escalations(m, &who.Key).Findings {
			if slices.Contains(ids, f.ID) {
				answer = append(answer, fmt.Sprintf("found %s %s about %q", f.ID, f.Severity, findingNames(f)))
			}
		}
		return answer, nil
	}
	if escalations == nil {
		x.waits = waitsForEscalations
	}
}

// redundantLine says how much of a personal grant its holder would keep without it.
func redundantLine(a *account, r *caseReader, x *expectation) {
	who, p, on := a.principal(r, r.word()), onePrivilege(r), a.securable(r)
	r.must(":")
	want := r.one("FULL", "PARTIAL")
	x.check = func(m *access.Model) (answer, doors []string) {
		var got []string
		for _, found := range analysis.Redundancies(m, []identity.PrincipalKey{who.Key}) {
			if found.Securable.FullName == on.FullName() && slices.Contains(found.Privileges, p) && strings.ToUpper(found.Level) == want {
				return nil, nil
			}
			got = append(got, fmt.Sprint(found.Level, " ", found.Privileges, " on ", found.Securable.FullName, " undecided ", found.Undecided))
		}
		return []string{fmt.Sprintf("found %q", got)}, nil
	}
}

// catalogued takes the id of a way to more access: E01 to E33.
func catalogued(r *caseReader) string {
	id := r.word()
	if r.err == nil && (len(id) != 3 || id < "E01" || id > "E33") {
		r.bad("%q is not E01 to E33", id)
	}
	return id
}
