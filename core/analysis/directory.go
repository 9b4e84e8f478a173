package analysis

import (
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// none stands for no principal.
const none = int32(-1)

// wayUnknown stands in a path for a way that the facts do not show.
const wayUnknown = "…"

// directory is the graph of memberships seen from above: who is in whom. Principals are numbers, so
// that an account of many thousands can be walked once for each holder.
type directory struct {
	m *access.Model
	e *estate.Estate

	keys  []identity.PrincipalKey
	at    map[identity.PrincipalKey]int32
	below [][]int32 // who is directly in it, in it somehow, or the same person
	above [][]int32 // the same, upwards
	// second says of a record that its person is listed under another one, and idle that it is deactivated.
	second, idle []bool
	// missing are ways of below that the facts do not show: the principal is in there, through whom is
	// not known.
	missing map[[2]int32]bool
	circles []*circle // as far as they were asked for
	// users are the numbers of those who are in each workspace.
	users map[identity.WorkspaceID]int32
}

// circle is a principal and everybody in it, nearest first.
type circle struct {
	of     int32
	in     []int32
	people []int32         // the users and service principals in it, each person once
	next   map[int32]int32 // the next one on the way to it
}

func newDirectory(m *access.Model) *directory {
	d := &directory{
		m: m, e: m.Estate(), at: map[identity.PrincipalKey]int32{},
		missing: map[[2]int32]bool{}, users: map[identity.WorkspaceID]int32{},
	}
	for p := range d.e.Principals() {
		d.number(p.Key)
	}
	for _, k := range slices.Clone(d.keys) {
		i := d.at[k]
		for parent := range d.e.Parents(k) {
			d.link(i, d.at[parent])
		}
		for same := range d.e.SamePerson(k) {
			d.link(i, d.at[same])
		}
		if d.person(i) {
			d.link(i, d.number(identity.AccountUsers()))
		}
	}
	for _, w := range d.e.Workspaces() {
		for _, a := range d.e.Assignments(w.ID) {
			i := d.number(a.Principal)
			switch a.Permission {
			case identity.WorkspaceAdmin:
				d.link(i, d.number(identity.WorkspaceAdmins(w.ID)))
				d.link(i, d.number(identity.WorkspaceUsers(w.ID)))
			case identity.WorkspaceUser:
				d.link(i, d.number(identity.WorkspaceUsers(w.ID)))
			default: // the answer did not say what it gives
			}
		}
	}
	d.linkAncestors()
	return d
}

// linkAncestors adds what is known without its way, where no known way leads there.
func (d *directory) linkAncestors() {
	var ways [][2]int32
	for i, k := range d.keys {
		var known []int32
		for ancestor := range d.e.Ancestors(k) {
			if known == nil {
				known = d.identities(int32(i))
			}
			if g := d.at[ancestor]; !slices.Contains(known, g) {
				ways = append(ways, [2]int32{int32(i), g})
			}
		}
	}
	for _, way := range ways {
		d.missing[way] = true
		d.link(way[0], way[1])
	}
}

func (d *directory) number(k identity.PrincipalKey) int32 {
	k = d.e.Canonical(k)
	if i, ok := d.at[k]; ok {
		return i
	}
	i := int32(len(d.keys))
	d.at[k] = i
	d.keys, d.circles = append(d.keys, k), append(d.circles, nil)
	if k == identity.WorkspaceUsers(k.Workspace) {
		d.users[k.Workspace] = i
	}
	d.below, d.above = append(d.below, nil), append(d.above, nil)
	p, _ := d.e.Principal(k)
	d.idle = append(d.idle, k.Kind != identity.KindGroup && p.Status == identity.StatusInactive)
	d.second = append(d.second, d.hasEarlier(k))
	return i
}

func (d *directory) link(member, group int32) {
	d.below[group] = append(d.below[group], member)
	d.above[member] = append(d.above[member], group)
}

// person reports whether it is a user or service principal.
func (d *directory) person(i int32) bool {
	k := d.keys[i]
	return k.Kind == identity.KindUser || k.Kind == identity.KindServicePrincipal
}

// first reports whether a record is the one under which its person is listed.
func (d *directory) first(i int32) bool { return !d.second[i] }

// hasEarlier reports whether another record of the same person comes before.
func (d *directory) hasEarlier(k identity.PrincipalKey) bool {
	all := []identity.PrincipalKey{k}
	for n := 0; n < len(all); n++ {
		for same := range d.e.SamePerson(all[n]) {
			if same.Compare(k) < 0 {
				return true
			}
			if !slices.Contains(all, same) {
				all = append(all, same)
			}
		}
	}
	return false
}

// active reports whether it may log in, as far as is known. A deactivated principal keeps what it has
// and can do nothing with it.
//
// https://docs.databricks.com/aws/en/admin/users-groups/users#deactivate-a-user
func (d *directory) active(i int32) bool { return !d.idle[i] }

// circle unfolds a principal, breadth first: groups that nest in circles end.
func (d *directory) circle(of int32) *circle {
	if c := d.circles[of]; c != nil {
		return c
	}
	c := &circle{of: of, in: []int32{of}, next: map[int32]int32{of: none}}
	for n := 0; n < len(c.in); n++ {
		for _, i := range d.below[c.in[n]] {
			if _, seen := c.next[i]; !seen {
				c.next[i] = c.in[n]
				c.in = append(c.in, i)
			}
		}
	}
	for _, i := range c.in {
		if d.person(i) && d.first(i) {
			c.people = append(c.people, i)
		}
	}
	d.circles[of] = c
	return c
}

// has reports whether a principal is in the circle.
func (c *circle) has(i int32) bool {
	_, in := c.next[i]
	return in
}

// identities are a principal and all that it is in, nearest first.
func (d *directory) identities(of int32) []int32 {
	list, seen := []int32{of}, map[int32]bool{of: true}
	for n := 0; n < len(list); n++ {
		for _, i := range d.above[list[n]] {
			if !seen[i] {
				seen[i] = true
				list = append(list, i)
			}
		}
	}
	return list
}

// way is the shortest way from somebody in a circle to the principal that it is of.
func (c *circle) way(from int32) []int32 {
	var way []int32
	for i := from; i != none; i = c.next[i] {
		way = append(way, i)
	}
	return way
}

// path names a way.
func (d *directory) path(way []int32) report.Path {
	path := make(report.Path, 0, len(way))
	for n, i := range way {
		if n > 0 && d.missing[[2]int32{way[n-1], i}] {
			path = append(path, wayUnknown)
		}
		path = append(path, d.name(i))
	}
	return path
}

// name is what reports call a principal in a path. Groups of a workspace say which.
func (d *directory) name(i int32) string {
	k := d.keys[i]
	p, ok := d.e.Principal(k)
	switch {
	case k.Workspace != 0:
		return k.ID + "@" + d.e.WorkspaceName(k.Workspace)
	case !ok:
		return k.ID // only a name is known
	case p.Name == "":
		return k.Kind.Title() + " " + k.ID
	default:
		return p.Name
	}
}

// describe shows a principal as reports do.
func (d *directory) describe(i int32) report.Principal {
	k := d.keys[i]
	p, ok := d.e.Principal(k)
	if !ok && k.Workspace == 0 {
		return report.Principal{Kind: identity.KindUnknown.String(), Name: k.ID, Source: identity.OriginUnknown.String(), Aliases: []string{}}
	}
	r := access.Describe(p)
	if k.Workspace != 0 {
		r.ID, r.Kind, r.DisplayName = k.ID, k.Kind.String(), d.name(i) // which workspace's it is
	}
	return r
}

// assigned says whether somebody is assigned to a workspace.
func (d *directory) assigned(i int32, in identity.WorkspaceID) access.Verdict {
	if users, ok := d.users[in]; ok && d.circle(users).has(i) {
		return access.Allowed
	}
	if !d.e.Saw(estate.ReadKey{Op: estate.OpAssignments, Workspace: in}) {
		return access.Unknown
	}
	return access.Denied
}

// settled reports whether everybody in a principal is known.
func (d *directory) settled(i int32) bool {
	k := d.keys[i]
	switch {
	case d.person(i):
		return true
	case k == identity.AccountUsers():
		return d.e.Saw(estate.ReadKey{Op: estate.OpPrincipals, Principal: identity.PrincipalKey{Kind: identity.KindUser}}) &&
			d.e.Saw(estate.ReadKey{Op: estate.OpPrincipals, Principal: identity.PrincipalKey{Kind: identity.KindServicePrincipal}})
	case k == identity.WorkspaceUsers(k.Workspace) || k == identity.WorkspaceAdmins(k.Workspace):
		return d.e.Saw(estate.ReadKey{Op: estate.OpAssignments, Workspace: k.Workspace}) &&
			!slices.ContainsFunc(d.below[i], func(j int32) bool { return !d.settled(j) })
	default:
		return d.e.Settled(k)
	}
}
