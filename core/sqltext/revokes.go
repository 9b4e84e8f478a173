package sqltext

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// maxGaps is how many gaps a script lists before it says how many more there are.
const maxGaps = 20

// Revokes is a script that takes away the personal grants that their holders would not miss, for people
// to read and to run. Statements are in the order of the findings, in a section for each metastore; each
// changes nothing that anybody can do, by itself and after those before it. What is covered of a grant
// that is needed otherwise is written as a comment, and so is what cannot be written or is not known.
//
// Where not everything was read, there are no statements unless they are asked for by force; what is not
// known to be covered is no statement even then.
func Revokes(found []report.Redundancy, c report.Coverage, force bool) string {
	s := &script{}
	s.comment("Revokes personal grants that their holders would keep all the same. Nothing of this was carried out.")
	if !c.Complete {
		s.gaps(c, force)
	}
	if !c.Complete && !force {
		return s.String()
	}
	if len(found) > 0 {
		s.comment("Each statement changes nothing that anybody can do, by itself or after those above it.")
	}
	for _, part := range byMetastore(found) {
		s.section(part)
	}
	s.line("")
	s.summary(found)
	return s.String()
}

type script struct {
	strings.Builder
	revoked, unwritable int
}

func (s *script) line(text string) { s.WriteString(text + "\n") }

func (s *script) comment(format string, args ...any) { s.line(Comment(fmt.Sprintf(format, args...))) }

// gaps says what was not read.
func (s *script) gaps(c report.Coverage, force bool) {
	if force {
		s.comment("Not everything was read, and the statements were asked for all the same. They rest on what was read alone.")
	} else {
		s.comment("There are no statements here: not everything was read. Read what is missing, or ask for the statements with --force.")
	}
	listed := 0
	for _, g := range c.Gaps {
		if !g.Blocking {
			continue
		}
		if listed++; listed <= maxGaps {
			s.comment("not read: %s: %s: %s", g.Scope, g.Operation, g.Message)
		}
	}
	if listed > maxGaps {
		s.comment("not read: %d more", listed-maxGaps)
	}
}

// byMetastore parts the findings, in order of the metastores' ids.
func byMetastore(found []report.Redundancy) [][]report.Redundancy {
	parts := map[string][]report.Redundancy{}
	var ids []string
	for _, r := range found {
		if parts[r.On.Metastore] == nil {
			ids = append(ids, r.On.Metastore)
		}
		parts[r.On.Metastore] = append(parts[r.On.Metastore], r)
	}
	slices.Sort(ids)
	var list [][]report.Redundancy
	for _, id := range ids {
		list = append(list, parts[id])
	}
	return list
}

func (s *script) section(part []report.Redundancy) {
	part = slices.DeleteFunc(slices.Clone(part), func(r report.Redundancy) bool { return r.Level == report.RedundantNone })
	if len(part) == 0 {
		return
	}
	s.line("")
	s.comment("Metastore %s (%s): run this in a workspace that it is attached to.", part[0].Securable.Metastore, part[0].On.Metastore)
	for _, r := range part {
		s.line("")
		s.grant(r)
	}
}

// grant writes about one grant.
func (s *script) grant(r report.Redundancy) {
	head := fmt.Sprintf("%s on %s %s", r.Member.Name, r.On.Type.Title(), r.On.FullName())
	revocable := r.Revocable()
	switch r.Level {
	case report.RedundantFull, report.RedundantShadowed:
		s.comment("%s: %s%s", head, r.Level, fragile(r))
		s.by(r)
		s.statements(r, revocable, true)
	case report.RedundantPartial:
		if len(revocable) == 0 {
			s.comment("%s: partial, nothing to revoke: %s would be lost", head, spelled(r.Kept, r.Undecided))
			s.by(r)
			return
		}
		s.comment("%s: partial%s: %s would be lost and is to stay", head, fragile(r), spelled(r.Kept, r.Undecided))
		s.by(r)
		s.statements(r, revocable, false)
	default:
		s.comment("%s: not decided: something that was not read, or is not known, decides about %s", head, spelled(r.Undecided, nil))
	}
}

func fragile(r report.Redundancy) string {
	if r.Fragile {
		return ", and what covers it hangs on little"
	}
	return ""
}

func spelled(ps, more []identity.Privilege) string {
	var list []string
	for _, p := range slices.Concat(ps, more) {
		list = append(list, p.SQL())
	}
	return strings.Join(list, ", ")
}

func (s *script) by(r report.Redundancy) {
	for _, p := range r.CoveredBy {
		s.comment("  by %s", strings.Join(p, " -> "))
	}
	var on []string
	for _, c := range r.CoveredOn {
		on = append(on, c.FullName)
	}
	if r.MoreCovered {
		on = append(on, "and more")
	}
	if len(on) > 0 {
		s.comment("  groups give some of what would be lost on %s", strings.Join(on, ", "))
	}
}

// statements writes what revokes the privileges; as comments where they are not to be run as they are,
// and nothing but why where they cannot be written.
func (s *script) statements(r report.Redundancy, ps []identity.Privilege, run bool) {
	list, err := Revoke(ps, r.On, r.Holder)
	var cannot *UnwritableError
	switch lost := alsoLost(r, ps); {
	case errors.As(err, &cannot):
		s.unwritable++
		s.comment("  no statement: %v", cannot)
	case len(lost) > 0:
		s.unwritable++
		s.comment("  no statement: with ALL PRIVILEGES, %s would be lost, which is to stay", spelled(lost, nil))
	case run:
		s.revoked++
		for _, statement := range list {
			s.line(statement)
		}
	default:
		for _, statement := range list {
			s.line("-- " + statement) // as it is: a statement is safe to show, and to run by itself
		}
	}
}

// alsoLost are the privileges of the grant that are to stay but would go with ALL PRIVILEGES.
func alsoLost(r report.Redundancy, ps []identity.Privilege) []identity.Privilege {
	if !slices.Contains(ps, identity.AllPrivileges) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(r.Privileges), func(p identity.Privilege) bool {
		return slices.Contains(ps, p) || !p.InAllPrivileges()
	})
}

func (s *script) summary(found []report.Redundancy) {
	n := map[string]int{}
	for _, r := range found {
		n[r.Level]++
	}
	if n[report.RedundantFull]+n[report.RedundantShadowed]+n[report.RedundantPartial] == 0 {
		s.comment("None of the personal grants looked at is redundant.")
	}
	s.comment("%d personal grants: %d revoked here, %d in part redundant, %d needed, %d not decided, %d that cannot be written.",
		len(found), s.revoked, n[report.RedundantPartial], n[report.RedundantNone], n[report.RedundantUnknown], s.unwritable)
}
