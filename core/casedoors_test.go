package core_test

import (
	"fmt"
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// securableDoors says where the other two doors tell something else than can about a securable: of whom
// was asked, and of everybody else who can log in.
func securableDoors(m *access.Model, who identity.PrincipalKey, p identity.Privilege, on identity.Securable, asked access.Asked, can *report.CanReport) []string {
	all := m.Resource(on, access.Who{From: asked.From, Expand: true, Privilege: p})
	door := listDoor
	if p == identity.Manage {
		door = managingDoor
	}
	bad := append(door(all, can), principalDoor(m, who, can)...)
	for other := range m.Estate().Principals() {
		if other.Key.Kind != identity.KindGroup && other.Key != who {
			can := m.Can(other.Key, p, on, asked)
			bad = append(bad, door(all, can)...)
			bad = append(bad, principalDoor(m, other.Key, can)...)
		}
	}
	return bad
}

// listDoor says where a list of who has access tells something else than can.
func listDoor(all *report.ResourceReport, can *report.CanReport) []string {
	var bad []string
	if listed := allows(all, can.Subject.ID); listed != (can.Verdict == report.Allow) {
		bad = append(bad, fmt.Sprintf("can says %s of %s, and that resource lists it with ALLOW is %v: %s", can.Verdict, can.Subject.Name, listed, showAccess(all)))
	}
	// Resource does not look for account admins, who can come to everything, and says so.
	if can.Verdict == report.Indirect && !byAccountAdmin(can) && !indirectly(all, can.Subject.ID) {
		bad = append(bad, fmt.Sprintf("can says INDIRECT of %s by %q, and resource does not list it: %s", can.Subject.Name, acts(can), showAccess(all)))
	}
	return bad
}

// managingDoor is for MANAGE. Resource lists who may manage something without holding a privilege on it,
// as owner of a container or as admin of the metastore, with those who can give themselves access.
func managingDoor(all *report.ResourceReport, can *report.CanReport) []string {
	listed := allows(all, can.Subject.ID) || indirectly(all, can.Subject.ID)
	mayManage := can.Verdict == report.Allow || can.Verdict == report.Indirect && !byAccountAdmin(can)
	if listed != mayManage {
		return []string{fmt.Sprintf("can says %s of %s, and that resource lists it is %v: %s", can.Verdict, can.Subject.Name, listed, showAccess(all))}
	}
	return nil
}

func allows(all *report.ResourceReport, id string) bool {
	return slices.ContainsFunc(all.Access, func(a report.Access) bool { return a.Principal.ID == id && a.Verdict == report.Allow })
}

func indirectly(all *report.ResourceReport, id string) bool {
	return slices.ContainsFunc(all.Indirect, func(a report.Access) bool { return a.Principal.ID == id })
}

func byAccountAdmin(can *report.CanReport) bool {
	return slices.ContainsFunc(can.Acts, func(a report.Act) bool { return a.Because == "account admin" })
}

func showAccess(all *report.ResourceReport) string {
	var list []string
	for _, a := range slices.Concat(all.Access, all.Indirect) {
		list = append(list, fmt.Sprintf("%s %v on %s via %s: %s", a.Principal.Name, a.Privileges, a.GrantedOn.FullName, a.Via, a.Verdict))
	}
	return fmt.Sprintf("%q", list)
}

// principalDoor says which grants and ownerships of a proof the own audit of who holds them leaves out.
// In a proof, those of the subject stand beside those of whom it acts as and of owners of views.
func principalDoor(m *access.Model, who identity.PrincipalKey, can *report.CanReport) []string {
	if len(can.Proofs) == 0 {
		return nil
	}
	var held []report.Grant
	for _, k := range append(others(m, can), who) {
		held = append(held, m.Principal(k, access.Also{}).Grants...)
	}
	var bad []string
	for _, proof := range can.Proofs {
		for _, s := range proof.Steps {
			byPolicy := s.Kind == report.StepGrant && len(m.Estate().Named(s.Principal)) == 0 && !implicitGroup(s.Principal)
			if s.Kind != report.StepGrant && s.Kind != report.StepOwner || byPolicy {
				continue
			}
			lists := slices.ContainsFunc(held, func(g report.Grant) bool {
				p := s.Privilege
				if s.Kind == report.StepOwner {
					p = report.Owner
				}
				named := g.Path[len(g.Path)-1] == s.Principal || implicitGroup(s.Principal)
				on := g.Securable.Type == s.Securable.Type && g.Securable.FullName == s.Securable.FullName
				return named && on && slices.Contains(g.Privileges, p)
			})
			if !lists {
				bad = append(bad, fmt.Sprintf("principal does not list %q, which can names in a proof", stepWords(s)))
			}
		}
	}
	return bad
}

// implicitGroup recognises the groups that Unity Catalog has for the users and admins of a workspace.
func implicitGroup(name string) bool { return len(name) > 11 && name[:11] == "_workspace_" }

// others are those whose grants the proofs are about, too.
func others(m *access.Model, can *report.CanReport) []identity.PrincipalKey {
	var keys []identity.PrincipalKey
	for _, proof := range can.Proofs {
		for _, s := range proof.Steps {
			name := ""
			switch s.Kind {
			case report.StepDefiner:
				name = s.Principal
			case report.StepAssume:
				name = s.Group
			}
			for _, p := range m.Estate().Named(name) {
				if name != "" {
					keys = append(keys, p.Key)
				}
			}
		}
	}
	return keys
}
