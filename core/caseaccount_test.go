package core_test

import (
	"slices"
	"strconv"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// account is what the lines of a case say is so. Every part is in the order of the lines.
type account struct {
	principals []*identity.Principal
	members    []identity.Membership
	workspaces []identity.Workspace
	metastores []*identity.Metastore
	attached   map[identity.WorkspaceID]string
	assigned   []identity.Assignment
	securables []*identity.SecurableInfo
	bindings   map[identity.Securable][]identity.Binding
	grants     []identity.Grant
	policies   []policyOn
	roles      []identity.RoleGrant
	entitled   []entitledIn
	objects    []*objectOf
	restricted map[identity.WorkspaceID]identity.RestrictAdmins
	unread     []estate.ReadKey
	options    access.Options
}

// policyOn is a policy with the securable that it is set on.
type policyOn struct {
	on identity.Securable
	identity.Policy
}

// entitledIn is what somebody may use of a workspace by himself.
type entitledIn struct {
	in           identity.WorkspaceID
	holder       identity.PrincipalKey
	entitlements []identity.Entitlement
}

// objectOf is a workspace object with its list of permissions.
type objectOf struct {
	identity.ObjectInfo
	acl []identity.ObjectGrant
}

// buildAccount reads the lines of an account.
func buildAccount(lines []caseLine) (*account, error) {
	a := &account{
		attached:   map[identity.WorkspaceID]string{},
		bindings:   map[identity.Securable][]identity.Binding{},
		restricted: map[identity.WorkspaceID]identity.RestrictAdmins{},
	}
	for _, l := range lines {
		r := &caseReader{caseLine: l}
		keyword := r.word()
		if say, ok := accountLines[keyword]; ok && l.disagrees == "" && l.doorsDisagree == "" {
			say(a, r)
		} else if ok {
			r.bad("only what is expected can disagree")
		} else {
			r.bad("unknown word %q", keyword)
		}
		if err := r.end(); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// accountLines are the kinds of line by their first word.
var accountLines = map[string]func(*account, *caseReader){
	"option":             (*account).optionLine,
	"metastore":          (*account).metastoreLine,
	"workspace":          (*account).workspaceLine,
	"user":               (*account).userLine,
	"service-principal":  func(a *account, r *caseReader) { a.add(r, identity.KindServicePrincipal, r.word()) },
	"group":              func(a *account, r *caseReader) { a.groupLine(r, identity.OriginDatabricks) },
	"external-group":     func(a *account, r *caseReader) { a.groupLine(r, identity.OriginIDP) },
	"local-group":        func(a *account, r *caseReader) { a.groupLine(r, identity.OriginWorkspaceLocal) },
	"leave":              (*account).leaveLine,
	"inactive":           func(a *account, r *caseReader) { a.principal(r, r.word()).Status = identity.StatusInactive },
	"account-admin":      func(a *account, r *caseReader) { a.principal(r, r.word()).Roles = []string{identity.RoleAccountAdmin} },
	"assign":             (*account).assignLine,
	"unassign":           (*account).unassignLine,
	"catalog":            securableLine(identity.TypeCatalog, 1),
	"schema":             securableLine(identity.TypeSchema, 2),
	"table":              securableLine(identity.TypeTable, 3),
	"view":               securableLine(identity.TypeTable, 3),
	"volume":             securableLine(identity.TypeVolume, 3),
	"function":           securableLine(identity.TypeFunction, 3),
	"model":              securableLine(identity.TypeModel, 3),
	"location":           securableLine(identity.TypeExternalLocation, 1),
	"storage-credential": securableLine(identity.TypeStorageCredential, 1),
	"service-credential": securableLine(identity.TypeServiceCredential, 1),
	"connection":         securableLine(identity.TypeConnection, 1),
	"owner":              (*account).ownerLine,
	"use":                (*account).useLine,
	"grant":              (*account).grantLine,
	"revoke":             (*account).revokeLine,
	"deleted":            (*account).deletedLine,
	"policy":             (*account).policyLine,
	"role":               (*account).roleLine,
	"entitle":            (*account).entitleLine,
	"object":             (*account).objectLine,
	"setting":            (*account).settingLine,
	"token":              (*account).tokenLine,
	"unread":             (*account).unreadLine,
}

// principal finds who was said to be there by name; a group of one workspace is NAME@W1. When there is
// nobody, the line is bad.
func (a *account) principal(r *caseReader, name string) *identity.Principal {
	local, at, isLocal := strings.Cut(name, "@W")
	for _, p := range a.principals {
		if p.Key.Workspace == 0 && p.Name == name || isLocal && p.Name == local && p.Key.Workspace.String() == at {
			return p
		}
	}
	r.bad("nobody is called %q", name)
	return &identity.Principal{}
}

// holder checks the name of whom a grant or an owner names: somebody of the account, or a group that
// Databricks keeps.
func (a *account) holder(r *caseReader, name string) string {
	if name != identity.AccountUsersName && !strings.HasPrefix(name, "_workspace_") {
		a.principal(r, name)
	}
	return name
}

// inWorkspace finds whom an entry of a workspace names.
func (a *account) inWorkspace(r *caseReader, in identity.WorkspaceID, name string) identity.PrincipalName {
	switch name {
	case identity.WorkspaceUsersName, identity.WorkspaceAdminsName, identity.AccountUsersName:
		return identity.PrincipalName{Kind: identity.KindGroup, Name: name}
	}
	for _, p := range a.principals {
		if p.Name == name && p.Key.Workspace == in || slices.Contains(p.Aliases, name) {
			return identity.PrincipalName{Kind: p.Key.Kind, Name: name}
		}
	}
	return identity.PrincipalName{Kind: a.principal(r, name).Key.Kind, Name: name}
}

// add adds somebody, and changes nothing where he is there already.
func (a *account) add(r *caseReader, kind identity.Kind, name string) *identity.Principal {
	for _, p := range a.principals {
		if p.Name == name && p.Key.Workspace == 0 {
			return p
		}
	}
	p := &identity.Principal{
		Key:  identity.PrincipalKey{Kind: kind, ID: strconv.Itoa(100*int(kind) + len(a.principals))},
		Name: name, DisplayName: name, Origin: identity.OriginDatabricks, Status: identity.StatusActive,
	}
	if r.err == nil {
		a.principals = append(a.principals, p)
	}
	return p
}

func (a *account) userLine(r *caseReader) {
	p := a.add(r, identity.KindUser, r.word())
	if r.has("alias") {
		p.Aliases = []string{r.word()}
	}
}

func (a *account) groupLine(r *caseReader, origin identity.Origin) {
	name := r.word()
	var p *identity.Principal
	if origin == identity.OriginWorkspaceLocal {
		r.must("in")
		p = &identity.Principal{
			Key:  identity.PrincipalKey{Kind: identity.KindGroup, Workspace: a.workspace(r), ID: strconv.Itoa(900 + len(a.principals))},
			Name: name, DisplayName: name, Status: identity.StatusActive,
		}
		a.principals = append(a.principals, p)
	} else {
		p = a.add(r, identity.KindGroup, name)
	}
	p.Origin = origin
	if origin == identity.OriginIDP {
		p.ExternalID = "idp-" + name
	}
	if !r.has(":") {
		return
	}
	for r.more() {
		a.members = append(a.members, identity.Membership{Member: a.principal(r, r.word()).Key, Group: p.Key})
	}
}

func (a *account) leaveLine(r *caseReader) {
	out := identity.Membership{Member: a.principal(r, r.word()).Key, Group: a.principal(r, r.word()).Key}
	if !slices.Contains(a.members, out) {
		r.bad("is not a member")
	}
	a.members = slices.DeleteFunc(a.members, func(m identity.Membership) bool { return m == out })
}

// workspace takes the name of a workspace.
func (a *account) workspace(r *caseReader) identity.WorkspaceID {
	name := r.word()
	for _, w := range a.workspaces {
		if w.Name == name {
			return w.ID
		}
	}
	r.bad("no workspace is called %q", name)
	return 0
}

func (a *account) workspaceLine(r *caseReader) {
	name := r.word()
	id, err := strconv.ParseInt(strings.TrimLeft(name, "W"), 10, 64)
	if err != nil {
		r.bad("the name of a workspace is W and a number")
	}
	r.must("on")
	w := identity.Workspace{ID: identity.WorkspaceID(id), Name: name, Cloud: "aws", Status: "RUNNING"}
	a.workspaces = append(a.workspaces, w)
	a.attached[w.ID] = a.metastore(r, r.word()).ID
}

func (a *account) metastore(r *caseReader, name string) *identity.Metastore {
	for _, m := range a.metastores {
		if m.Name == name {
			return m
		}
	}
	r.bad("no metastore is called %q", name)
	return &identity.Metastore{}
}

func (a *account) metastoreLine(r *caseReader) {
	name := r.word()
	i := slices.IndexFunc(a.metastores, func(m *identity.Metastore) bool { return m.Name == name })
	if i < 0 {
		i = len(a.metastores)
		a.metastores = append(a.metastores, &identity.Metastore{ID: name, Name: name, PrivilegeModel: "1.0"})
	}
	m := a.metastores[i]
	for r.more() {
		switch r.one("model", "owner", "external-access") {
		case "model":
			m.PrivilegeModel = strings.TrimPrefix(r.one("1.0", "0", "absent"), "absent")
		case "owner":
			m.Owner = a.holder(r, r.word())
		case "external-access":
			on := r.one("on", "off") == "on"
			m.ExternalAccess = identity.SwitchOf(&on)
		}
	}
}

func (a *account) assignLine(r *caseReader) {
	p := a.principal(r, r.word())
	as := identity.Assignment{Workspace: a.workspace(r), Principal: p.Key, Name: p.Name, Permission: identity.WorkspaceUser}
	if r.has("admin") {
		as.Permission = identity.WorkspaceAdmin
	}
	a.assigned = slices.DeleteFunc(a.assigned, func(old identity.Assignment) bool {
		return old.Principal == as.Principal && old.Workspace == as.Workspace
	})
	a.assigned = append(a.assigned, as)
}

func (a *account) unassignLine(r *caseReader) {
	k, w := a.principal(r, r.word()).Key, a.workspace(r)
	before := len(a.assigned)
	a.assigned = slices.DeleteFunc(a.assigned, func(old identity.Assignment) bool { return old.Principal == k && old.Workspace == w })
	if len(a.assigned) == before {
		r.bad("is not assigned")
	}
}

func (a *account) roleLine(r *caseReader) {
	g := identity.RoleGrant{Role: identity.Role("roles/" + r.one("group.manager", "group.assumer", "servicePrincipal.manager",
		"servicePrincipal.user", "marketplace.admin", "billing.admin"))}
	r.must("on")
	if !r.has("account") {
		g.On = a.principal(r, r.word()).Key
	}
	r.must("for")
	p := a.principal(r, r.word())
	g.Holder = identity.PrincipalName{Kind: p.Key.Kind, Name: p.Name}
	a.roles = append(a.roles, g)
}

func (a *account) entitleLine(r *caseReader) {
	e := entitledIn{in: a.workspace(r)}
	switch name := r.word(); name {
	case identity.WorkspaceUsersName:
		e.holder = identity.WorkspaceUsers(e.in)
	case identity.WorkspaceAdminsName:
		e.holder = identity.WorkspaceAdmins(e.in)
	default:
		e.holder = a.principal(r, name).Key
	}
	for r.more() {
		e.entitlements = append(e.entitlements, identity.Entitlement(r.one(string(identity.WorkspaceAccess), string(identity.SQLAccess),
			string(identity.ConsumerAccess), string(identity.AllowClusterCreate), string(identity.AllowPoolCreate))))
	}
	a.entitled = slices.DeleteFunc(a.entitled, func(old entitledIn) bool { return old.in == e.in && old.holder == e.holder })
	a.entitled = append(a.entitled, e)
}

func (a *account) settingLine(r *caseReader) {
	w := a.workspace(r)
	a.restricted[w] = identity.AdminsAllowAll
	if r.one(identity.AdminsAllowAll.String(), identity.AdminsRestricted.String()) == identity.AdminsRestricted.String() {
		a.restricted[w] = identity.AdminsRestricted
	}
}

// tokenLine checks the words alone: no estate has tokens.
func (a *account) tokenLine(r *caseReader) {
	r.word()
	r.must("of")
	a.principal(r, r.word())
	r.must("in")
	a.workspace(r)
}
