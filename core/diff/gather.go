package diff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// gather turns what may differ of an estate into facts.
func (s *side) gather() {
	defer s.slot()
	s.principals()
	s.places()
	s.roles()
	s.entitled()
	s.securables()
	s.objects()
}

func (s *side) add(k key, same string, state report.State) {
	s.facts[k] = value{same: same, state: state}
}

func (s *side) principals() {
	for p := range s.e.Principals() {
		me := s.ids.one(p.Key)
		for g := range s.e.Parents(p.Key) {
			s.add(key{kind: report.KindMembership, principal: id{key: me}, group: s.ids.one(g)}, "", report.State{})
		}
		for g := range s.e.Ancestors(p.Key) {
			s.below[s.ids.one(g)] = append(s.below[s.ids.one(g)], me)
			s.add(key{kind: report.KindMembership, principal: id{key: me}, group: s.ids.one(g)}, "", report.State{})
		}
		if p.Name == "" || implicit(p.Key) {
			continue
		}
		state := report.State{Name: p.Name, DisplayName: p.DisplayName, Status: statusWord(p.Status), Source: originWord(p.Origin)}
		if p.Key.Kind == identity.KindGroup { // which have one name, and no login
			state.DisplayName, state.Status = "", ""
		}
		s.add(key{kind: report.KindPrincipal, principal: id{key: me}}, "", state)
		for _, role := range p.Roles {
			s.add(key{kind: report.KindRole, principal: id{key: me}, name: role}, "", report.State{})
		}
	}
}

// statusWord is empty for a status that was not read.
func statusWord(s identity.Status) string {
	switch s {
	case identity.StatusActive:
		return "active"
	case identity.StatusInactive:
		return "inactive"
	default:
		return ""
	}
}

func originWord(o identity.Origin) string {
	if o == identity.OriginUnknown {
		return ""
	}
	return o.String()
}

func (s *side) places() {
	for _, w := range s.e.Workspaces() {
		s.add(key{kind: report.KindWorkspace, workspace: w.ID}, "", report.State{Name: w.Name, Status: w.Status})
		if r := s.e.RestrictAdmins(w.ID); r != identity.RestrictAdminsUnknown {
			s.add(key{kind: report.KindSetting, workspace: w.ID, name: restrictAdmins}, r.String(), report.State{Value: r.String()})
		}
	}
	for in, all := range s.e.AllAssignments() {
		for _, a := range all { // the strongest comes first
			k := key{kind: report.KindWorkspace, workspace: in, principal: id{key: s.ids.one(a.Principal)}}
			if _, again := s.facts[k]; !again {
				s.add(k, a.Permission.String(), report.State{Permission: a.Permission.String()})
			}
		}
	}
	for m, all := range s.e.AllAttachments() {
		for _, w := range all {
			s.add(key{kind: report.KindBinding, securable: identity.MetastoreSecurable(m), workspace: w}, "", report.State{Permission: "ATTACHED"})
		}
	}
	for _, m := range s.e.Metastores() {
		on := identity.MetastoreSecurable(m.ID)
		if m.PrivilegeModel != "" {
			s.add(key{kind: report.KindSetting, securable: on, name: privilegeModel}, m.PrivilegeModel, report.State{Value: m.PrivilegeModel})
		}
		if m.ExternalAccess != identity.SwitchUnknown {
			word := map[identity.Switch]string{identity.SwitchOn: "on", identity.SwitchOff: "off"}[m.ExternalAccess]
			s.add(key{kind: report.KindSetting, securable: on, name: externalAccess}, word, report.State{Value: word})
		}
	}
}

// The names of settings.
const (
	restrictAdmins = "restrict_workspace_admins"
	privilegeModel = "privilege_model"
	externalAccess = "external_access"
	rowFilter      = "row_filter"
	columnMask     = "column_mask"
	policyPrefix   = "policy " // before the name of an attribute-based policy
)

func (s *side) roles() {
	for _, g := range s.e.AllRoleGrants() {
		s.add(key{kind: report.KindRole, principal: s.holder(g.Holder, g.Kind), group: s.ids.one(g.On), name: string(g.Role)}, "", report.State{})
	}
}

func (s *side) entitled() {
	for in, all := range s.e.AllEntitlements() {
		for _, x := range all {
			if len(x.Entitlements) > 0 {
				s.add(key{kind: report.KindEntitlement, workspace: in, principal: id{key: s.ids.one(x.Principal)}}, joined(x.Entitlements...), report.State{Entitlements: x.Entitlements})
			}
		}
	}
}

func (s *side) securables() {
	for info := range s.e.Securables() {
		on := info.Securable
		if !s.unlike.securables[on] {
			continue
		}
		s.add(key{kind: report.KindSecurable, securable: on}, "", s.created(info))
		if owner, known := s.e.Owner(on); known {
			who := s.holder(owner, identity.KindUnknown)
			s.facts[key{kind: report.KindOwner, securable: on}] = value{holder: who, state: report.State{Owner: &owner.Name}}
		}
		if word := isolationWord(info.Isolation); word != "" {
			s.add(key{kind: report.KindBinding, securable: on}, word, report.State{Isolation: word})
		}
		if s.saw(estate.ReadKey{Op: estate.OpSecurable, Securable: on}) && on.Type == identity.TypeTable {
			s.add(key{kind: report.KindSetting, securable: on, name: rowFilter}, onOff(info.RowFilter), report.State{Value: onOff(info.RowFilter)})
			s.add(key{kind: report.KindSetting, securable: on, name: columnMask}, onOff(info.ColumnMask), report.State{Value: onOff(info.ColumnMask)})
		}
		s.grants(on)
	}
	for on, all := range s.e.AllBindings() {
		if info, _ := s.e.Securable(on); info.Isolation != identity.Isolated {
			continue // a list for what is open says nothing
		}
		for _, b := range all {
			word := "READ_WRITE"
			if b.ReadOnly {
				word = "READ_ONLY"
			}
			s.add(key{kind: report.KindBinding, securable: on, workspace: b.Workspace}, word, report.State{Permission: word})
		}
	}
	for on, all := range s.e.AllPolicies() {
		for _, p := range all {
			words := policyWords(p)
			s.add(key{kind: report.KindSetting, securable: on, name: policyPrefix + p.Name + " on " + p.On}, words, report.State{Value: words})
		}
	}
}

// created is what there is to say of a securable that came or went.
func (s *side) created(info identity.SecurableInfo) report.State {
	state := report.State{Subtype: cmp.Or(info.TableType, info.CatalogType)}
	if owner, known := s.e.Owner(info.Securable); known {
		state.Owner = &owner.Name
	}
	return state
}

func isolationWord(i identity.Isolation) string {
	switch i {
	case identity.IsolationOpen:
		return "OPEN"
	case identity.Isolated:
		return "ISOLATED"
	default:
		return ""
	}
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func policyWords(p identity.Policy) string {
	words := fmt.Sprintf("%s to %s", p.Kind, strings.Join(slices.Sorted(slices.Values(p.To)), ", "))
	if len(p.Except) > 0 {
		words += " except " + strings.Join(slices.Sorted(slices.Values(p.Except)), ", ")
	}
	for _, one := range slices.Sorted(slices.Values(p.Privileges)) {
		words += " " + string(one)
	}
	if p.Conditional {
		words += " where tags match"
	}
	return words
}

// grants puts the rows of one holder together.
func (s *side) grants(on identity.Securable) {
	for g := range s.e.GrantsOn(on) {
		k := key{kind: report.KindGrant, securable: on, principal: s.holder(g.Holder, identity.KindUnknown)}
		ps := identity.SortPrivileges(append(slices.Clone(s.facts[k].state.Privileges), g.Privileges...))
		s.add(k, joined(ps...), report.State{Privileges: ps})
	}
}

func (s *side) objects() {
	for _, o := range s.e.Objects() {
		if !s.unlike.objects[o.Object] {
			continue
		}
		state := report.State{Name: o.Name}
		if o.Detailed {
			state.RunAs = o.RunAs
		}
		s.add(key{kind: report.KindObject, object: o.Object}, "", state)
		for _, g := range s.e.ObjectGrants(o.Object) {
			k := key{kind: report.KindObject, object: o.Object, principal: s.holder(g.Holder, g.Kind)}
			levels := append(slices.Clone(s.facts[k].state.Levels), report.ObjectLevel{Level: g.Level, InheritedFrom: g.From})
			slices.SortFunc(levels, func(a, b report.ObjectLevel) int {
				return cmp.Or(cmp.Compare(a.Level, b.Level), strings.Compare(a.InheritedFrom, b.InheritedFrom))
			})
			levels = slices.Compact(levels)
			var words []string
			for _, l := range levels {
				words = append(words, string(l.Level), l.InheritedFrom)
			}
			s.add(k, joined(words...), report.State{Levels: levels})
		}
	}
}
