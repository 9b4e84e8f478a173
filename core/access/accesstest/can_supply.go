package accesstest

import (
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// supposed stands, as holder or owner, for a principal that is supposed to hold something, whatever it
// is called and whether or not its name was read.
func supposed(k identity.PrincipalKey) string { return "\x00" + k.String() }

// supply is one fact that a principal lacks. Kind is that of a report.Step, or one of those below.
// Fields that the kind does not need are zero.
type supply struct {
	kind      string
	subject   identity.PrincipalKey
	privilege identity.Privilege
	on        identity.Securable
	workspace identity.WorkspaceID
	// other is the group that the subject joins, the service principal that it takes a role on, or whom
	// it runs something as.
	other identity.PrincipalKey
	role  identity.Role
	// lever is the object that the subject turns to run something as other, where it is said; any that
	// will do otherwise.
	lever identity.Object
}

// String is for messages.
func (s supply) String() string {
	said := []string{s.kind}
	for _, part := range []string{string(s.privilege), string(s.role)} {
		if part != "" {
			said = append(said, part)
		}
	}
	if s.on != (identity.Securable{}) {
		said = append(said, s.on.String())
	}
	if s.workspace != 0 {
		said = append(said, s.workspace.String())
	}
	if !s.other.IsZero() {
		said = append(said, s.other.String())
	}
	if s.lever != (identity.Object{}) {
		said = append(said, "by", fmt.Sprint(s.lever))
	}
	return s.subject.String() + ": " + strings.Join(said, " ")
}

// supplyAdmin makes the subject admin of the metastore.
const supplyAdmin = "admin"

// with gives the facts with one more, in which the subject is called so.
func (f Facts) with(s supply, name string) Facts {
	switch s.kind {
	case report.StepGrant:
		f.Grants = append(slices.Clip(f.Grants), identity.Grant{
			Securable: s.on, Holder: name, Privileges: []identity.Privilege{s.privilege},
		})
	case report.StepAssigned:
		f.Assignments = append(slices.Clip(f.Assignments), identity.Assignment{
			Workspace: s.workspace, Principal: s.subject, Permission: identity.WorkspaceUser,
		})
	case report.StepAttached:
		f.Attachments = append(slices.Clip(f.Attachments), Attachment{s.on.Metastore, s.workspace})
	case report.StepBinding:
		f.Bindings = keep(f.Bindings, func(b Binding) bool { return b.On != s.on || b.Workspace != s.workspace })
		f.Bindings = append(f.Bindings, Binding{s.on, identity.Binding{Workspace: s.workspace}})
	case report.StepActive:
		f.Principals = slices.Clone(f.Principals)
		f.setStatus(s.subject, identity.StatusActive)
	case report.ActJoin:
		f.Memberships = append(slices.Clip(f.Memberships), identity.Membership{Member: s.subject, Group: s.other})
	case report.ActTakeRole:
		f.Roles = append(slices.Clip(f.Roles), identity.RoleGrant{
			On: s.other, Role: s.role, Holder: identity.PrincipalName{Kind: s.subject.Kind, Name: name},
		})
	case report.StepDefiner:
		f.Securables = slices.Clone(f.Securables)
		for i := range f.Securables {
			trust(&f.Securables[i], s.on)
		}
	case supplyAdmin:
		f.Metastores = slices.Clone(f.Metastores)
		for i := range f.Metastores {
			if f.Metastores[i].ID == s.on.Metastore {
				f.Metastores[i].Owner = name
			}
		}
	}
	return f
}

// setStatus changes the status of a principal, which gets a nameless record where it has none.
func (f *Facts) setStatus(k identity.PrincipalKey, status identity.Status) {
	for i := range f.Principals {
		if f.Principals[i].Key == k {
			f.Principals[i].Status = status
			return
		}
	}
	f.Principals = append(f.Principals, identity.Principal{Key: k, Status: status})
}

// suppose is what would have been seen with some facts more.
func (s sightings) suppose(extra ...supply) sightings {
	for _, e := range extra {
		s.Facts = s.with(e, supposed(e.subject))
	}
	return s
}

// trust takes it that the owner of a view can read what it is made from or, if it is no view that is to
// be trusted, that the owners of views made from it can read it.
func trust(info *identity.SecurableInfo, on identity.Securable) {
	if info.Securable == on {
		info.Bases, info.BasesKnown = nil, false
	}
	info.Bases = keep(info.Bases, func(s identity.Securable) bool { return s != on })
}
