package core_test

import (
	"slices"
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// The lines of an account that are about securables and workspace objects.

// securable takes the full name of a securable, or the name of a metastore.
func (a *account) securable(r *caseReader) identity.Securable {
	name := r.word()
	for _, m := range a.metastores {
		if m.Name == name {
			return identity.MetastoreSecurable(m.ID)
		}
	}
	var found []identity.Securable
	for _, s := range a.securables {
		if s.FullName() == name {
			found = append(found, s.Securable)
		}
	}
	if len(found) != 1 {
		r.bad("%d securables are called %q", len(found), name)
		return identity.Securable{}
	}
	return found[0]
}

// info finds what is known of a securable, and adds it where it is new.
func (a *account) info(s identity.Securable) *identity.SecurableInfo {
	for _, info := range a.securables {
		if info.Securable == s {
			return info
		}
	}
	info := &identity.SecurableInfo{Securable: s}
	a.securables = append(a.securables, info)
	return info
}

// securableLine reads the lines that are about a type of securable whose names have so many parts.
func securableLine(t identity.SecurableType, parts int) func(*account, *caseReader) {
	return func(a *account, r *caseReader) {
		view := strings.HasPrefix(r.text, "view ")
		name := strings.Split(r.word(), ".")
		if len(name) != parts || len(a.metastores) == 0 {
			r.bad("the name of a %s has %d parts", t.Title(), parts)
			return
		}
		on := identity.Securable{Metastore: a.metastores[0].ID, Type: t}
		switch {
		case t.UnderMetastore():
			on.Name = name[0]
		default:
			name = append(name, "", "")
			on.Catalog, on.Schema, on.Name = name[0], name[1], name[2]
		}
		r.must("owner")
		info := a.info(on)
		*info = identity.SecurableInfo{Securable: on, Owner: a.holder(r, r.word()), Isolation: identity.IsolationOpen}
		if t == identity.TypeExternalLocation && r.has("at") {
			info.Path = r.word()
		}
		switch {
		case view:
			info.TableType = "VIEW"
			r.must("of")
			a.basesOf(r, info)
		case t == identity.TypeFunction && r.has("of"):
			a.basesOf(r, info)
		case t == identity.TypeVolume:
			info.VolumeType = "MANAGED"
			if r.has("external") {
				info.VolumeType, info.Path = "EXTERNAL", pathOf(r)
			}
		case t == identity.TypeTable:
			info.TableType = "MANAGED"
			for r.more() {
				switch r.one("external", "filter", "mask") {
				case "external":
					info.TableType, info.Path = "EXTERNAL", pathOf(r)
				case "filter":
					info.RowFilter = true
				case "mask":
					info.ColumnMask = true
				}
			}
		case t != identity.TypeSchema && !t.InSchema():
			a.isolationOf(r, info)
		}
	}
}

// basesOf takes what a view is made from or a function reads.
func (a *account) basesOf(r *caseReader, info *identity.SecurableInfo) {
	info.BasesKnown = true
	for r.more() {
		info.Bases = append(info.Bases, a.securable(r))
	}
}

// pathOf takes where something lies in storage, which may not have been told.
func pathOf(r *caseReader) string {
	if r.has("untold") {
		return ""
	}
	return r.word()
}

func (a *account) optionLine(r *caseReader) {
	if err := a.options.Set(r.word()); err != nil {
		r.bad("%v", err)
	}
}

// isolationOf takes how a securable is limited to workspaces. The list may be there without counting.
func (a *account) isolationOf(r *caseReader, info *identity.SecurableInfo) {
	delete(a.bindings, info.Securable)
	if !r.more() {
		return
	}
	if r.one("open", "isolated") == "isolated" {
		info.Isolation = identity.Isolated
	}
	for r.more() {
		name, readOnly := strings.CutSuffix(r.word(), "=READ_ONLY")
		r.words = slices.Insert(r.words, 0, name)
		a.bindings[info.Securable] = append(a.bindings[info.Securable], identity.Binding{Workspace: a.workspace(r), ReadOnly: readOnly})
	}
}

func (a *account) ownerLine(r *caseReader) {
	on := a.securable(r)
	name := a.holder(r, r.word())
	if on.Type == identity.TypeMetastore {
		a.metastore(r, on.Metastore).Owner = name
		return
	}
	a.info(on).Owner = name
}

func (a *account) useLine(r *caseReader) {
	schema := a.securable(r)
	catalog, _ := schema.Parent()
	if schema.Type != identity.TypeSchema {
		r.bad("use is about a schema")
	}
	a.grants = append(a.grants,
		identity.Grant{Securable: catalog, Holder: identity.AccountUsersName, Privileges: []identity.Privilege{identity.UseCatalog}},
		identity.Grant{Securable: schema, Holder: identity.AccountUsersName, Privileges: []identity.Privilege{identity.UseSchema}})
}

// privileges takes one or more privileges with commas between them. Those of the first model are not in
// the reference any more.
func privileges(r *caseReader) []identity.Privilege {
	var list []identity.Privilege
	for again := true; again; again = r.has(",") {
		for _, w := range strings.Split(r.word(), ",") {
			p := identity.Privilege(w)
			if !p.Known() && p != "USAGE" && p != "CREATE" {
				r.bad("%q is not a privilege", p)
			}
			list = append(list, p)
		}
	}
	return list
}

func (a *account) grantLine(r *caseReader) {
	g := identity.Grant{Privileges: privileges(r)}
	r.must("on")
	g.Securable = a.securable(r)
	r.must("to")
	g.Holder = a.holder(r, r.word())
	a.grants = append(a.grants, g)
}

func (a *account) revokeLine(r *caseReader) {
	ps := privileges(r)
	r.must("on")
	on := a.securable(r)
	r.must("from")
	name := r.word()
	for _, p := range ps {
		i := slices.IndexFunc(a.grants, func(g identity.Grant) bool {
			return g.Securable == on && g.Holder == name && slices.Contains(g.Privileges, p)
		})
		if i < 0 {
			r.bad("%s was not granted", p)
			return
		}
		left := slices.DeleteFunc(slices.Clone(a.grants[i].Privileges), func(other identity.Privilege) bool { return other == p })
		a.grants[i].Privileges = left
		if len(left) == 0 {
			a.grants = slices.Delete(a.grants, i, i+1)
		}
	}
}

func (a *account) deletedLine(r *caseReader) {
	g := identity.Grant{DeletedID: r.word(), Privileges: privileges(r)}
	r.must("on")
	g.Securable = a.securable(r)
	a.grants = append(a.grants, g)
}

func (a *account) policyLine(r *caseReader) {
	p := policyOn{Policy: identity.Policy{Name: r.word(), Kind: identity.PolicyGrant}}
	r.must("on")
	p.on = a.securable(r)
	p.On = p.on.FullName()
	p.Privileges = privileges(r)
	r.must("to")
	to := &p.To
	for r.more() {
		switch {
		case r.has("except"):
			to = &p.Except
		case r.has("untold"):
			p.Conditional = true
		default:
			*to = append(*to, a.holder(r, r.word()))
		}
	}
	a.policies = slices.DeleteFunc(a.policies, func(old policyOn) bool { return old.Name == p.Name })
	a.policies = append(a.policies, p)
}

// object takes W1/TYPE/NAME.
func (a *account) object(r *caseReader) identity.Object {
	name := r.word()
	for _, o := range a.objects {
		if objectName(o.ObjectInfo) == name {
			return o.Object
		}
	}
	r.bad("no object is called %q", name)
	return identity.Object{}
}

func objectName(o identity.ObjectInfo) string {
	return "W" + o.Workspace.String() + "/" + string(o.Type) + "/" + o.Name
}

func (a *account) objectLine(r *caseReader) {
	o := &objectOf{ObjectInfo: identity.ObjectInfo{Detailed: true}}
	o.Workspace = a.workspace(r)
	o.Type, o.ID = identity.ObjectType(r.word()), r.word()
	if !slices.Contains(identity.ObjectTypes(), o.Type) {
		r.bad("%q is not a type of object", o.Type)
	}
	from, listing := "", false
	for r.more() {
		switch w := r.word(); {
		case w == "name":
			o.Name = r.word()
		case w == "path":
			o.Path = r.word()
		case w == "creator":
			o.Creator = a.holder(r, r.word())
		case w == "runas":
			o.RunAs = a.holder(r, r.word())
		case w == "code":
			o.Code = append(o.Code, r.word())
		case w == "mode":
			o.SecurityMode = r.word()
		case w == "single":
			o.SingleUser = a.holder(r, r.word())
		case w == "embeds":
			o.BorrowsOwner = true
		case w == "acl":
			from, listing = "", true
		case w == "from":
			from, listing = r.word(), true
		case listing:
			name, level := lastCut(w)
			if !o.Type.Has(identity.Level(level)) {
				r.bad("%q is not an entry of a list of permissions of a %s", w, o.Type.Title())
			}
			o.acl = append(o.acl, identity.ObjectGrant{Holder: a.inWorkspace(r, o.Workspace, name), Level: identity.Level(level), From: from})
		default:
			r.bad("unknown word %q", w)
		}
	}
	a.objects = slices.DeleteFunc(a.objects, func(old *objectOf) bool { return old.Object == o.Object })
	a.objects = append(a.objects, o)
}

// lastCut cuts at the last =: names may have one in them.
func lastCut(s string) (before, after string) {
	i := strings.LastIndexByte(s, '=')
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i+1:]
}

func (a *account) unreadLine(r *caseReader) {
	what := r.one("grants", "policies", "children", "bindings", "members", "roles", "groups", "assignments", "setting", "permissions")
	r.must("of")
	workspace := r.more() && slices.ContainsFunc(a.workspaces, func(w identity.Workspace) bool { return w.Name == r.words[0] })
	switch what {
	case "grants":
		a.unread = append(a.unread, estate.ReadKey{Op: estate.OpGrants, Securable: a.securable(r)})
	case "policies":
		a.unread = append(a.unread, estate.ReadKey{Op: estate.OpPolicies, Securable: a.securable(r)})
	case "bindings":
		a.unread = append(a.unread, estate.ReadKey{Op: estate.OpBindings, Securable: a.securable(r)})
	case "children":
		a.unread = append(a.unread, childrenReads(a.securable(r))...)
	case "members":
		a.unread = append(a.unread, estate.ReadKey{Op: estate.OpMembers, Principal: a.principal(r, r.word()).Key})
	case "roles":
		a.unread = append(a.unread, estate.ReadKey{Op: estate.OpRoles, Principal: a.principal(r, r.word()).Key})
	case "groups":
		if workspace {
			a.unread = append(a.unread, localGroupsRead(a.workspace(r)))
			return
		}
		a.unread = append(a.unread, estate.ReadKey{Op: estate.OpParents, Principal: a.principal(r, r.word()).Key})
	case "assignments":
		a.unread = append(a.unread, estate.ReadKey{Op: estate.OpAssignments, Workspace: a.workspace(r)})
	case "setting":
		a.unread = append(a.unread, estate.ReadKey{Op: estate.OpRestrictAdmins, Workspace: a.workspace(r)})
	case "permissions":
		a.unread = append(a.unread, estate.ReadKey{Op: estate.OpObjectGrants, Object: a.object(r)})
	}
}
