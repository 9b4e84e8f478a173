package accesstest

import (
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// asked adds a case to CanCases.
type asked func(name string, v report.Verdict, p identity.Privilege, on identity.Securable, ws identity.WorkspaceID,
	write func(f *fixture)) *CanCase

// wayCases are about views, and about getting what is another's.
func wayCases(ask asked) {
	const (
		yes, no, self, maybe = report.Allow, report.Deny, report.Indirect, report.Unknown
		name                 = "alice@x.test"
		bobs                 = "bob@x.test"
		read                 = identity.Select
	)
	over := func(also func(f *fixture)) func(f *fixture) {
		return func(f *fixture) {
			f.views(base)
			also(f)
		}
	}
	bobReads := func(f *fixture) {
		f.grant(other, bobs, identity.UseCatalog, identity.UseSchema, read)
	}
	ask("22 read a view whose owner can", yes, read, view, w1, over(bobReads))
	ask("22 read what the view is made from", no, read, base, w1, over(bobReads))
	ask("22 read a view whose owner cannot", no, read, view, w1, over(func(*fixture) {})).
		Missing = []string{"definer TABLE c.s.w"}
	ask("22 read a view of which it is not known whether its owner can", maybe, read, view, w1, over(func(f *fixture) {
		f.grant(other, bobs, identity.UseCatalog, identity.UseSchema)
		f.hides(readGrants(base))
	}))
	ask("22 read a view by managing its catalog", self, read, view, w1, func(f *fixture) {
		f.views(base)
		f.Grants = nil
		bobReads(f)
		f.grant(catalog, name, identity.Manage)
	}).Kinds = []string{report.ActGrant, report.ActGrant, report.ActGrant}

	joins := func(origin identity.Origin) func(f *fixture) {
		return func(f *fixture) {
			f.use()
			f.principal(g9, "g9")
			f.Principals[len(f.Principals)-1].Origin = origin
			f.grant(catalog, "g9", read)
			f.role(g9, identity.RoleGroupManager, group("g2"))
		}
	}
	ask("29 read by joining a group that one manages", self, read, table, w1, joins(identity.OriginDatabricks)).
		Kinds = []string{report.ActJoin}
	ask("29 a group of the identity provider is not joined", no, read, table, w1, joins(identity.OriginIDP))
	ask("29 join, and then grant as the group may", self, read, table, w1, func(f *fixture) {
		joins(identity.OriginDatabricks)(f)
		f.Grants = nil
		f.grant(catalog, "g9", identity.Manage, identity.UseCatalog)
	}).Kinds = []string{report.ActJoin, report.ActGrant, report.ActGrant}
	ask("12 an account admin joins a group", self, read, table, w1, func(f *fixture) {
		joins(identity.OriginDatabricks)(f)
		f.Roles = nil
		f.Principals[0].Roles = []string{identity.RoleAccountAdmin}
	})

	assumes := func(f *fixture) {
		f.use()
		f.principal(g9, "g9")
		f.assign(g9, w1)
		f.grant(catalog, "g9", read)
		f.role(g9, identity.RoleGroupAssumer, user(name))
	}
	ask("30 read by acting as a group", yes, read, table, w1, assumes)
	ask("30 acting as a group that is not there", no, read, table, w1, func(f *fixture) {
		assumes(f)
		f.Assignments = f.Assignments[:1]
	})

	runs := func(r identity.Role, on identity.PrincipalKey) func(f *fixture) {
		return func(f *fixture) {
			f.use()
			f.principal(etl, "0000-etl")
			f.assign(etl, w1)
			f.entitle(alice, identity.WorkspaceAccess)
			f.object(policy)
			f.permit(policy, user(name), identity.CanUse)
			f.grant(table, "0000-etl", read)
			f.role(on, r, group("g2"))
		}
	}
	ask("31 read by running something as a service principal", self, read, table, w1,
		runs(identity.RoleServicePrincipalUser, etl)).Kinds = []string{report.ActRunAs}
	ask("31 read by managing a service principal", self, read, table, w1,
		runs(identity.RoleServicePrincipalManager, etl)).Kinds = []string{report.ActTakeRole, report.ActRunAs}
	ask("31 read by managing all service principals", self, read, table, w1,
		runs(identity.RoleServicePrincipalManager, identity.PrincipalKey{})).Kinds = []string{report.ActTakeRole, report.ActRunAs}
	ask("31 a service principal that was deactivated", no, read, table, w1, func(f *fixture) {
		runs(identity.RoleServicePrincipalUser, etl)(f)
		f.setStatus(etl, identity.StatusInactive)
	})
	ask("31 another's grants are of no use before one is the other", no, identity.Modify, table, w1,
		runs(identity.RoleServicePrincipalUser, etl))
}
