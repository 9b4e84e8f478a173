package access

import (
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// Describe shows a principal as reports do.
func (m *Model) Describe(k identity.PrincipalKey) report.Principal {
	return audit{m.Subject(k)}.principal(m.e.Canonical(k))
}

// DescribeSecurable shows a securable as reports do.
func (m *Model) DescribeSecurable(on identity.Securable) report.Securable {
	return m.nobody().securable(on)
}

// DescribeObject shows a workspace object as reports do.
func (m *Model) DescribeObject(o identity.Object) *report.ObjectRef { return m.nobody().object(o) }

// Fact cites the read that something rests on.
func (m *Model) Fact(k estate.ReadKey) report.Fact { return m.nobody().fact(k) }

// nobody describes what is nobody's.
func (m *Model) nobody() audit { return audit{m.Subject(identity.PrincipalKey{})} }

// Active says whether the subject may log in.
func (s *Subject) Active() Verdict { return s.verdicts().active() }

// PathTo is the shortest way from the subject to one of its identities, as names.
func (s *Subject) PathTo(k identity.PrincipalKey) report.Path { return audit{s}.shortest(k) }

// Means says whether a fact that names the holder means the subject, while it acts in the workspace;
// zero stands for acting in none.
func (s *Subject) Means(h estate.Holder, in identity.WorkspaceID) Verdict { return s.means(h, in) }

// Restricted says whether the admins of a workspace are kept from acting as others; where that was not
// read, the options decide.
func (s *Subject) Restricted(in identity.WorkspaceID) Verdict {
	v, _ := s.restricted(in)
	return v
}

// IsAccountAdmin says whether the subject, or a group that it is in, is account admin.
func (s *Subject) IsAccountAdmin() Verdict { return s.verdicts().accountAdmin() }
