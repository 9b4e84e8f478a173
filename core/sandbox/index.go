package sandbox

import (
	"slices"
	"strconv"
	"strings"
)

// index finds things of an account quickly. It is rebuilt after every change of
// identities or of the set of securables; grants, owners and assignments are
// read from the account itself.
type index struct {
	acct       *Account
	hosts      map[string]*Workspace
	workspaces map[int64]*Workspace
	metastores map[string]*Metastore
	principals map[string]*principal
	users      map[string]*User // by lower-case user name
	apps       map[string]*ServicePrincipal
	groups     map[string]*Group // by lower-case display name
	parents    map[string][]string
	everyone   string // id of the account users group, or empty
	securables map[string]*catalogue
	objects    map[*Workspace]*objectIndex
}

type principalKind string

const (
	kindUser  principalKind = "USER"
	kindSP    principalKind = "SERVICE_PRINCIPAL"
	kindGroup principalKind = "GROUP"
)

// principal is a user, service principal or group, seen alike.
type principal struct {
	id       string
	number   int64
	kind     principalKind
	name     string // user name, application id, or group name
	display  string
	external string
	active   bool
	user     *User
	sp       *ServicePrincipal
	group    *Group
}

func (p *principal) roles() []string {
	switch p.kind {
	case kindUser:
		return p.user.Roles
	case kindSP:
		return p.sp.Roles
	default:
		return p.group.Roles
	}
}

// ref is the $ref of SCIM members.
func (p *principal) ref() string {
	switch p.kind {
	case kindUser:
		return "Users/" + p.id
	case kindSP:
		return "ServicePrincipals/" + p.id
	default:
		return "Groups/" + p.id
	}
}

func buildIndex(a *Account) *index {
	x := &index{
		acct:       a,
		hosts:      map[string]*Workspace{},
		workspaces: map[int64]*Workspace{},
		metastores: map[string]*Metastore{},
		securables: map[string]*catalogue{},
		objects:    map[*Workspace]*objectIndex{},
	}
	for _, w := range a.Workspaces {
		x.hosts[strings.ToLower(a.HostName(w))] = w
		x.workspaces[w.ID] = w
		x.objects[w] = indexObjects(w)
	}
	for _, m := range a.Metastores {
		x.metastores[m.ID] = m
		x.securables[m.ID] = buildCatalogue(m)
	}
	x.indexIdentities()
	return x
}

func (x *index) indexIdentities() {
	a := x.acct
	x.principals = map[string]*principal{}
	x.users, x.apps, x.groups = map[string]*User{}, map[string]*ServicePrincipal{}, map[string]*Group{}
	x.parents = map[string][]string{}
	x.everyone = ""
	for _, u := range a.Users {
		x.principals[u.ID] = &principal{id: u.ID, number: number(u.ID), kind: kindUser, name: u.UserName, display: u.DisplayName, external: u.ExternalID, active: !u.Inactive, user: u}
		x.users[strings.ToLower(u.UserName)] = u
	}
	for _, sp := range a.ServicePrincipals {
		x.principals[sp.ID] = &principal{id: sp.ID, number: number(sp.ID), kind: kindSP, name: sp.ApplicationID, display: sp.DisplayName, external: sp.ExternalID, active: !sp.Inactive, sp: sp}
		x.apps[sp.ApplicationID] = sp
	}
	for _, g := range a.Groups {
		x.principals[g.ID] = &principal{id: g.ID, number: number(g.ID), kind: kindGroup, name: g.DisplayName, display: g.DisplayName, external: g.ExternalID, active: true, group: g}
		x.groups[strings.ToLower(g.DisplayName)] = g
		if g.System && g.DisplayName == GroupAccountUsers {
			x.everyone = g.ID
		}
		for _, m := range g.Members {
			x.parents[m] = append(x.parents[m], g.ID)
		}
	}
}

func number(id string) int64 {
	n, _ := strconv.ParseInt(id, 10, 64)
	return n
}

// ancestors are the groups that hold the principal, directly or not, without
// the account users group. The principal itself is there only in a cycle.
func (x *index) ancestors(id string) []string {
	seen := map[string]bool{}
	queue := slices.Clone(x.parents[id])
	var out []string
	for len(queue) > 0 {
		g := queue[0]
		queue = queue[1:]
		if seen[g] {
			continue
		}
		seen[g] = true
		out = append(out, g)
		queue = append(queue, x.parents[g]...)
	}
	return out
}

// memberships are the ids that count as the principal: itself, its ancestors,
// and account users if it is a user or service principal.
func (x *index) memberships(id string) map[string]bool {
	set := map[string]bool{id: true}
	for _, g := range x.ancestors(id) {
		set[g] = true
	}
	if p := x.principals[id]; x.everyone != "" && p != nil && p.kind != kindGroup {
		set[x.everyone] = true
	}
	return set
}

// members are the ids of a group's direct members.
func (x *index) members(g *Group) []string {
	if !g.System || g.ID != x.everyone {
		return g.Members
	}
	out := make([]string, 0, len(x.acct.Users)+len(x.acct.ServicePrincipals))
	for _, u := range x.acct.Users {
		out = append(out, u.ID)
	}
	for _, sp := range x.acct.ServicePrincipals {
		out = append(out, sp.ID)
	}
	return out
}

// workspaceEntry says how a principal gets into a workspace.
type workspaceEntry struct {
	direct, indirect bool
	admin            bool
}

func (e workspaceEntry) any() bool { return e.direct || e.indirect }

// entry computes the access of one principal to one workspace from its assignments.
func (x *index) entry(w *Workspace, id string) workspaceEntry {
	var e workspaceEntry
	ids := x.memberships(id)
	for _, a := range w.Assignments {
		if !ids[a.PrincipalID] {
			continue
		}
		if a.PrincipalID == id {
			e.direct = true
		} else {
			e.indirect = true
		}
		e.admin = e.admin || slices.Contains(a.Permissions, AssignAdmin)
	}
	return e
}

// residents are the users, service principals and groups that a workspace shows:
// assigned principals and the users and service principals inside assigned
// groups, in the order of the account.
func (x *index) residents(w *Workspace) map[string]workspaceEntry {
	out := map[string]workspaceEntry{}
	for _, a := range w.Assignments {
		admin := slices.Contains(a.Permissions, AssignAdmin)
		e := out[a.PrincipalID]
		e.direct, e.admin = true, e.admin || admin
		out[a.PrincipalID] = e
		for _, m := range x.leaves(a.PrincipalID) {
			e := out[m]
			e.indirect, e.admin = true, e.admin || admin
			out[m] = e
		}
	}
	return out
}

// leaves are the users and service principals inside a group, at any depth.
func (x *index) leaves(id string) []string {
	seen := map[string]bool{id: true}
	queue := []string{id}
	var out []string
	for len(queue) > 0 {
		p := x.principals[queue[0]]
		queue = queue[1:]
		if p == nil || p.kind != kindGroup {
			continue
		}
		for _, m := range x.members(p.group) {
			if seen[m] {
				continue
			}
			seen[m] = true
			queue = append(queue, m)
			if q := x.principals[m]; q != nil && q.kind != kindGroup {
				out = append(out, m)
			}
		}
	}
	return out
}

// byName finds the account principal that a grant or owner names: a user name,
// an application id or a group name, in that order.
func (x *index) byName(name string) *principal {
	if u := x.users[strings.ToLower(name)]; u != nil {
		return x.principals[u.ID]
	}
	if sp := x.apps[name]; sp != nil {
		return x.principals[sp.ID]
	}
	if g := x.groups[strings.ToLower(name)]; g != nil {
		return x.principals[g.ID]
	}
	return nil
}
