package snapshot

import (
	"compress/flate"
	"errors"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// isFlate reports whether compressed data does not unpack.
func isFlate(err error) bool {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	return corrupt
}

// add adds the fact or facts of one line.
func (l *loader) add(x line) error {
	switch {
	case x.Securables != nil:
		return l.securables(*x.Securables)
	case x.Reads != nil:
		return l.reads(*x.Reads)
	case x.Principal != nil:
		return l.principal(*x.Principal)
	case x.Mentioned != nil:
		return l.with(*x.Mentioned, l.b.AddMention)
	case x.OtherKey != nil:
		return l.pair(x.OtherKey.Other, x.OtherKey.Key, l.b.AddOtherKey)
	case x.Members != nil:
		return l.pairs(x.Members.Group, x.Members.Members, func(group, m identity.PrincipalKey) { l.b.AddMembership(m, group) })
	case x.Above != nil:
		return l.pairs(x.Above.Member, x.Above.Groups, l.b.AddAncestor)
	case x.Same != nil:
		return l.pair(x.Same[0], x.Same[1], l.b.AddSamePerson)
	case x.Entitlements != nil:
		return l.with(x.Entitlements.Principal, func(k identity.PrincipalKey) {
			l.b.AddEntitlements(x.Entitlements.Workspace, k, x.Entitlements.List)
		})
	case x.Role != nil:
		return l.role(*x.Role)
	case x.RestrictAdmins != nil:
		setting, err := restricted.parse(x.RestrictAdmins.Setting)
		l.b.AddRestrictAdmins(x.RestrictAdmins.Workspace, setting)
		return err
	default:
		return l.place(x)
	}
}

// place adds the facts about places and what is in them.
func (l *loader) place(x line) error {
	switch {
	case x.Workspace != nil:
		w := x.Workspace
		l.b.AddWorkspace(identity.Workspace{ID: w.ID, Name: w.Name, Host: w.Host, Cloud: w.Cloud, Region: w.Region, Status: w.Status})
	case x.Assignments != nil:
		return l.assignments(*x.Assignments)
	case x.Metastore != nil:
		m := x.Metastore
		external, err := switches.parse(m.ExternalAccess)
		if err != nil {
			return err
		}
		l.b.AddMetastore(identity.Metastore{
			ID: m.ID, Name: m.Name, Region: m.Region, Cloud: m.Cloud, Owner: m.Owner, PrivilegeModel: m.PrivilegeModel, ExternalAccess: external,
		})
	case x.Attached != nil:
		for _, w := range x.Attached.Workspaces {
			l.b.AttachMetastore(x.Attached.Metastore, w)
		}
	case x.Bindings != nil:
		l.b.AddBindings(x.Bindings.On.securable(), each(x.Bindings.List, func(b binding) identity.Binding { return identity.Binding(b) }))
	case x.Policies != nil:
		l.b.AddPolicies(x.Policies.On.securable(), each(x.Policies.List, policy.fact))
	case x.Object != nil:
		return l.object(*x.Object)
	case x.AuditLog != nil:
		return l.auditLog(*x.AuditLog)
	case x.Uses != nil:
		return l.uses(*x.Uses)
	default:
		return errors.New("it holds no fact that this program knows")
	}
	return nil
}

func (n fullName) securable() identity.Securable {
	return identity.Securable{Metastore: n.Metastore, Type: n.Type, Catalog: n.Catalog, Schema: n.Schema, Name: n.Name}
}

func (x policy) fact() identity.Policy {
	return identity.Policy{Name: x.Name, On: x.On, Kind: x.Kind, To: x.To, Except: x.Except, Privileges: x.Privileges, Conditional: x.Conditional}
}

func (l *loader) with(name string, add func(identity.PrincipalKey)) error {
	k, err := parseKey(name)
	if err == nil {
		add(k)
	}
	return err
}

func (l *loader) pair(one, other string, add func(one, other identity.PrincipalKey)) error {
	return l.pairs(one, []string{other}, add)
}

func (l *loader) pairs(one string, others []string, add func(one, other identity.PrincipalKey)) error {
	k, err := parseKey(one)
	for _, other := range others {
		if err == nil {
			err = l.with(other, func(o identity.PrincipalKey) { add(k, o) })
		}
	}
	return err
}

func (l *loader) principal(x principal) error {
	k, e1 := parseKey(x.Key)
	origin, e2 := origins.parse(x.Origin)
	status, e3 := statuses.parse(x.Status)
	l.b.AddPrincipal(identity.Principal{
		Key: k, Name: x.Name, DisplayName: x.Display, Emails: x.Emails, ExternalID: x.ExternalID,
		Origin: origin, Status: status, Roles: x.Roles, Aliases: x.Aliases,
	})
	return errors.Join(e1, e2, e3)
}

func (l *loader) role(x role) error {
	kind, err := kinds.parse(x.Kind)
	g := identity.RoleGrant{Role: x.Role, Holder: identity.PrincipalName{Kind: kind, Name: x.Holder}}
	if err == nil && x.On != "" {
		g.On, err = parseKey(x.On)
	}
	l.b.AddRoleGrant(g)
	return err
}

func (l *loader) assignments(x assignments) error {
	for _, a := range x.List {
		k, e1 := parseKey(a.Principal)
		permission, e2 := permissions.parse(a.Permission)
		if err := errors.Join(e1, e2); err != nil {
			return err
		}
		l.b.AddAssignment(identity.Assignment{Workspace: x.Workspace, Principal: k, Name: a.Name, Permission: permission})
	}
	return nil
}

func (l *loader) object(x object) error {
	o := identity.Object(x.objectName)
	l.b.AddObject(identity.ObjectInfo{
		Object: o, Name: x.Name, Path: x.Path, Creator: x.Creator, RunAs: x.RunAs, BorrowsOwner: x.BorrowsOwner,
		SingleUser: x.SingleUser, SecurityMode: x.SecurityMode, InstanceProfile: x.InstanceProfile, Code: x.Code, Detailed: x.Detailed,
	})
	if x.Grants == nil {
		return nil
	}
	grants := make([]identity.ObjectGrant, len(x.Grants))
	for i, g := range x.Grants {
		kind, err := kinds.parse(g.Kind)
		if err != nil {
			return err
		}
		grants[i] = identity.ObjectGrant{Holder: identity.PrincipalName{Kind: kind, Name: g.To}, Level: g.Level, From: g.From}
	}
	l.b.AddObjectGrants(o, grants)
	return nil
}

// securables adds those of one place. Names that many facts bear are kept once.
func (l *loader) securables(x securables) error {
	metastore, catalog, schema := l.texts.one(x.Metastore), l.texts.one(x.Catalog), l.texts.one(x.Schema)
	for _, s := range x.List {
		isolation, err := isolations.parse(s.Isolation)
		if err != nil {
			return err
		}
		on := identity.Securable{Metastore: metastore, Type: known(&l.texts, s.Type), Catalog: catalog, Schema: schema, Name: s.Name}
		l.b.AddSecurable(identity.SecurableInfo{
			Securable: on, Owner: l.texts.one(s.Owner), Isolation: isolation,
			TableType: l.texts.one(s.TableType), CatalogType: l.texts.one(s.CatalogType), BrowseOnly: s.BrowseOnly, VolumeType: l.texts.one(s.VolumeType), Path: s.Path,
			Bases: each(s.Bases, fullName.securable), BasesKnown: s.BasesKnown, RowFilter: s.RowFilter, ColumnMask: s.ColumnMask,
		})
		if len(s.Grants) == 0 {
			continue
		}
		l.grants = l.grants[:0]
		for _, g := range s.Grants {
			l.grants = append(l.grants, identity.Grant{Holder: l.texts.one(g.To), DeletedID: g.DeletedID, Privileges: g.Privileges})
		}
		l.b.AddGrants(on, l.grants)
	}
	return nil
}

func (l *loader) reads(x reads) error {
	op, err := ops.parse(x.Op)
	if err != nil {
		return err
	}
	metastore, catalog, schema := l.texts.one(x.Metastore), l.texts.one(x.Catalog), l.texts.one(x.Schema)
	for _, r := range x.List {
		k := estate.ReadKey{
			Op: op, Workspace: r.Workspace, Type: known(&l.texts, r.Listed), Name: r.Searched,
			Securable: identity.Securable{Metastore: metastore, Type: known(&l.texts, r.Type), Catalog: catalog, Schema: schema, Name: r.Name},
		}
		if r.Principal != "" {
			if k.Principal, err = parseKey(r.Principal); err != nil {
				return err
			}
		}
		if r.Object != nil {
			k.Object = identity.Object(*r.Object)
		}
		at, err := parseClock(r.At)
		if err != nil {
			return err
		}
		l.b.Record(k, estate.Outcome{
			Kind: known(&l.texts, r.Failure), Status: r.Status, Message: l.texts.one(r.Message),
			Partial: r.Partial, Needed: r.Needed, At: at,
		})
	}
	return nil
}

// texts keeps equal texts once.
type texts map[string]string

func (t *texts) one(s string) string {
	if s == "" {
		return ""
	}
	if kept, ok := (*t)[s]; ok {
		return kept
	}
	if *t == nil {
		*t = texts{}
	}
	(*t)[s] = s
	return s
}

// of is one for a text that is still in a file's bytes.
func (t *texts) of(b []byte) string {
	if kept, ok := (*t)[string(b)]; ok {
		return kept
	}
	return t.one(string(b))
}

func known[T ~string](t *texts, s T) T { return T(t.one(string(s))) }
