package accesstest

import (
	"slices"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// theSubject stands, as holder or owner, for the principal that an oracle is about, whatever it is
// called and whether or not its name was read.
const theSubject = "\x00the subject"

// supply is one fact that a principal lacks. Kind is that of a report.Step, or one of those below.
// Fields that the kind does not need are zero.
type supply struct {
	kind      string
	subject   identity.PrincipalKey
	privilege identity.Privilege
	on        identity.Securable
	workspace identity.WorkspaceID
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
		s.Facts = s.with(e, theSubject)
	}
	return s
}
