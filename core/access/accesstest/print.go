package accesstest

import (
	"fmt"
	"strings"

	"databricks-access-audit/core/identity"
)

// String lists the facts of the world and what of them is hidden, one line each.
func (w World) String() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "  "+format+"\n", args...) }
	statuses := map[identity.Status]string{identity.StatusActive: "active", identity.StatusInactive: "inactive"}
	for _, p := range w.Principals {
		s := fmt.Sprintf("%v %q", p.Key, p.Name)
		if p.Key.Kind != identity.KindGroup {
			s += " " + statuses[p.Status]
		}
		if len(p.Aliases) > 0 {
			s += fmt.Sprintf(" alias %q", p.Aliases)
		}
		if len(p.Roles) > 0 {
			s += fmt.Sprintf(" roles %q", p.Roles)
		}
		if p.Origin == identity.OriginIDP {
			s += " from the identity provider"
		}
		line("%s", s)
	}
	for _, pair := range w.SamePerson {
		line("%v is %v", pair[0], pair[1])
	}
	for _, m := range w.Memberships {
		line("%v in %v", m.Member, m.Group)
	}
	for _, ws := range w.Workspaces {
		line("workspace %v", ws)
	}
	for _, a := range w.Assignments {
		line("assigned to %v: %v as %v", a.Workspace, a.Principal, a.Permission)
	}
	for _, m := range w.Metastores {
		line("metastore %s of model %q, admin %q", m.ID, m.PrivilegeModel, m.Owner)
	}
	for _, a := range w.Attachments {
		line("attached to %v: %s", a.Workspace, a.Metastore)
	}
	isolations := map[identity.Isolation]string{identity.IsolationOpen: ", open", identity.Isolated: ", isolated"}
	for _, s := range w.Securables {
		made := ""
		if s.BasesKnown {
			made = fmt.Sprintf(", %s made from %v", s.TableType, s.Bases)
		}
		line("%s:%v of %q%s%s", s.Metastore, s.Securable, s.Owner, isolations[s.Isolation], made)
	}
	for _, bound := range w.Bindings {
		line("bound to %v: %s:%v, read-only %v", bound.Workspace, bound.On.Metastore, bound.On, bound.ReadOnly)
	}
	for _, g := range w.Grants {
		line("granted on %s:%v to %q: %v", g.Securable.Metastore, g.Securable, g.Holder, g.Privileges)
	}
	for _, r := range w.Roles {
		line("role on %v: %s for %v %q", r.On, r.Role, r.Holder.Kind, r.Holder.Name)
	}
	for _, e := range w.Entitlements {
		line("entitled in %v: %v to %v", e.Workspace, e.Holder, e.Entitlements)
	}
	for _, o := range w.Objects {
		line("object %v%s", o.Object, running(o))
	}
	for _, p := range w.Permissions {
		line("permitted on %v: %s to %v %q%s", p.On, p.Level, p.Holder.Kind, p.Holder.Name, strings.Repeat(", inherited", min(1, len(p.From))))
	}
	e := w.Estate() // it knows the words for reads
	for _, k := range w.Reads() {
		if gap, hidden := w.Hidden[k]; hidden {
			line("hidden: %s of %s (%s, keep %b%s)", e.Operation(k), e.Scope(k), gap.Kind, gap.Keep, map[bool]string{true: ", not needed"}[gap.Spare])
		}
	}
	return b.String()
}

// running is as whom an object runs and what, as far as it says.
func running(o identity.ObjectInfo) string {
	var b strings.Builder
	for _, said := range []struct{ word, name string }{
		{"at", o.Path}, {"run as", o.RunAs}, {"made by", o.Creator}, {"alone of", o.SingleUser},
	} {
		if said.name != "" {
			fmt.Fprintf(&b, " %s %q", said.word, said.name)
		}
	}
	if len(o.Code) > 0 {
		fmt.Fprintf(&b, " running %q", o.Code)
	}
	if isLever(o.Type) && !o.Detailed {
		b.WriteString(", details not read")
	}
	return b.String()
}
