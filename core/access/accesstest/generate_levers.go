package accesstest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// addLevers adds what runs as somebody, and the code that it runs. It comes after everything else, so that
// the choices before it make what they always made.
func (g *generator) addLevers() {
	for i, o := range g.Objects {
		if isLever(o.Type) && o.Type != identity.ObjectCluster { // whose a cluster is was chosen
			g.runsAs(&g.Objects[i], g.runner(), g.runner())
		}
	}
	for _, ws := range g.Workspaces {
		for range g.below(2) {
			o := g.newObject(ws, choose(g, leverTypes...))
			g.runsAs(&o, g.runner(), g.runner())
			g.addObject(o)
			g.permitSome(o.Object)
		}
		if g.chance(3) {
			o := g.newObject(ws, choose(g, treeTypes...))
			o.Path = choose(g, treePaths[o.Type]...)
			g.addObject(o)
			g.permitSome(o.Object)
		}
	}
	g.addLeverWay()
	g.settleOwners()
	g.hideLevers()
}

// world is the i-th world of a fixed series for a topic: for what runs as others, one with more of that.
func (about topic) world(series, i int) World {
	if about != aboutLevers {
		return seeded(series, i)
	}
	g := &generator{below: rand.New(rand.NewPCG(uint64(series), uint64(i))).IntN}
	g.make()
	for range 3 {
		g.addLeverWay()
	}
	g.settleOwners()
	return g.World
}

// treeTypes are the types of object that lie in a workspace's tree, and treePaths where some do: nothing
// lies in a notebook or file.
var (
	treeTypes = []identity.ObjectType{identity.ObjectNotebook, identity.ObjectFile, identity.ObjectDirectory, identity.ObjectRepo}
	treePaths = map[identity.ObjectType][]string{
		identity.ObjectNotebook:  {"/d/n", "/d/e/n"},
		identity.ObjectFile:      {"/d/n", "/dd/n"},
		identity.ObjectDirectory: {"/d", "/d/e", "/", "/Volumes"},
		identity.ObjectRepo:      {"/r", "/d"},
	}
	codePaths = []string{"/d/n", "/d/e/n", "/Workspace/d/n", "/d/n/", "/Workspace/r/n/", "/dd/n", "d/n", "/Volumes/d/n"}
)

// newObject gives an object an id that no other has.
func (g *generator) newObject(ws identity.WorkspaceID, t identity.ObjectType) identity.ObjectInfo {
	return identity.ObjectInfo{Object: identity.Object{Workspace: ws, Type: t, ID: fmt.Sprint(100 + len(g.Objects))}}
}

func (g *generator) addObject(o identity.ObjectInfo) { g.Objects = append(g.Objects, o) }

// runner is whom an object may say that it runs as: mostly a user or service principal.
func (g *generator) runner() string {
	names := []string{"", "gone"}
	for _, p := range g.Principals {
		switch {
		case p.Key.Workspace != 0:
		case p.Key.Kind == identity.KindGroup:
			names = append(names, p.Name)
		default:
			names = append(names, p.Name, p.Name, p.Name, strings.ToUpper(p.Name))
			names = append(names, p.Aliases...)
		}
	}
	return choose(g, names...)
}

// runsAs says of an object as whom it runs, who made it and what it runs, as far as a listing of its type
// or its details tell that.
func (g *generator) runsAs(o *identity.ObjectInfo, runner, creator string) {
	o.Detailed = !g.chance(5)
	if !g.chance(3) {
		o.Creator = creator
	}
	if o.Type == identity.ObjectCluster {
		o.SingleUser = runner
		return
	}
	if o.Type == identity.ObjectJob && !o.Detailed {
		return
	}
	if !g.chance(3) {
		o.RunAs = runner
	}
	for range g.below(3) {
		o.Code = append(o.Code, choose(g, codePaths...))
	}
}

// permitSome writes an object's list.
func (g *generator) permitSome(on identity.Object) {
	for range g.below(3) {
		g.permit(on, g.somebody(on.Workspace), choose(g, levelsOf(on.Type)...))
	}
}

func (g *generator) permit(on identity.Object, who identity.PrincipalName, l identity.Level) {
	row := identity.ObjectGrant{Holder: who, Level: l}
	if g.chance(4) {
		row.From = "/directories/42"
	}
	g.Permissions = append(g.Permissions, Permission{on, row})
}

// addLeverWay lets somebody turn what runs as somebody else who may read something, or that one turn what
// does, mostly so that it comes to something.
func (g *generator) addLeverWay() {
	if len(g.people) < 2 || g.chance(4) {
		return
	}
	ws := choose(g, g.Workspaces...)
	tables := g.openTables(ws)
	if len(tables) == 0 {
		return
	}
	who := choose(g, g.people...)
	others := keep(g.people, func(k identity.PrincipalKey) bool { return k != who })
	services := keep(others, func(k identity.PrincipalKey) bool { return k.Kind == identity.KindServicePrincipal })
	as := choose(g, slices.Concat(others, services, services)...)
	on := choose(g, tables...).Securable
	g.giveUse(on, g.nameOf(as))
	in := []identity.PrincipalKey{who, as}
	if between := choose(g, others...); between != as && g.chance(2) {
		in = append(in, between)
		g.addLeverFor(ws, between, as)
		g.addLeverFor(ws, who, between)
	} else {
		g.addLeverFor(ws, who, as)
	}
	for _, k := range in {
		if !g.chance(8) {
			g.activate(k)
		}
		if !g.chance(8) {
			g.letIn(k, ws)
		}
	}
}

// addLeverFor adds one that runs as somebody, mostly, and that another may turn, mostly.
func (g *generator) addLeverFor(ws identity.WorkspaceID, who, as identity.PrincipalKey) {
	o := g.newObject(ws, choose(g, append(slices.Clip(leverTypes), identity.ObjectJob, identity.ObjectJob)...))
	o.Detailed = !g.chance(8)
	if g.chance(8) {
		g.Hidden[readPermissions(o.Object)] = g.gap()
	}
	name := identity.PrincipalName{Kind: as.Kind, Name: g.nameOf(as)}
	owned := o.Type == identity.ObjectJob || o.Type == identity.ObjectPipeline
	switch {
	case o.Type == identity.ObjectCluster:
		o.SingleUser = name.Name
	case owned && g.chance(3):
		g.permit(o.Object, name, identity.IsOwner)
	case o.Type != identity.ObjectApp && g.chance(3):
		o.Creator = name.Name
	case o.Type != identity.ObjectJob || o.Detailed:
		o.RunAs = name.Name
	}
	if g.chance(2) {
		g.permit(o.Object, g.standsFor(who, ws), enough(g, choose(g, identity.CanManage, turningLevels[o.Type]), o.Type))
		g.addObject(o)
		return
	}
	if o.Type != identity.ObjectJob || o.Detailed {
		o.Code = []string{choose(g, codePaths...)}
	}
	g.addObject(o)
	file := g.newObject(ws, choose(g, treeTypes...))
	file.Path = choose(g, treePaths[file.Type]...)
	if held := g.holdersOf(o.Code, ws); len(held) > 0 && !g.chance(6) {
		file = choose(g, held...)
	}
	g.addObject(file)
	g.permit(file.Object, g.standsFor(who, ws), enough(g, identity.CanEdit, file.Type))
}

// holdersOf are what might lie where code is, or around it.
func (g *generator) holdersOf(code []string, ws identity.WorkspaceID) []identity.ObjectInfo {
	var held []identity.ObjectInfo
	for _, t := range treeTypes {
		for _, path := range treePaths[t] {
			if slices.ContainsFunc(code, func(code string) bool { return holdsCode(path, code) }) {
				o := g.newObject(ws, t)
				o.Path = path
				held = append(held, o)
			}
		}
	}
	return held
}

// enough is a level, or now and then the lowest of its type.
func enough(g *generator, l identity.Level, t identity.ObjectType) identity.Level {
	if g.chance(6) {
		return t.Levels()[0]
	}
	return l
}

// standsFor is whom the entry of a list in a workspace may name so that it means somebody.
func (g *generator) standsFor(who identity.PrincipalKey, ws identity.WorkspaceID) identity.PrincipalName {
	itself := identity.PrincipalName{Kind: who.Kind, Name: g.nameOf(who)}
	users, admins := group(identity.WorkspaceUsersName), group(identity.WorkspaceAdminsName)
	names := []identity.PrincipalName{itself, itself, users, itself, users, admins}
	for _, k := range climb(g.Memberships, who) {
		if k.Kind == identity.KindGroup && (k.Workspace == 0 || k.Workspace == ws) {
			names = append(names, group(g.nameOf(k)))
		}
	}
	return choose(g, names...)
}

// settleOwners leaves each job and pipeline one owner.
//
// https://docs.databricks.com/aws/en/jobs/privileges
func (g *generator) settleOwners() {
	owned := map[identity.Object]bool{}
	g.Permissions = keep(g.Permissions, func(p Permission) bool {
		again := p.Level == identity.IsOwner && isLever(p.On.Type) && owned[p.On]
		owned[p.On] = owned[p.On] || p.Level == identity.IsOwner
		return !again
	})
}

// ofLevers reports whether a read is of what runs as somebody, or of the code.
func ofLevers(k estate.ReadKey) bool {
	return (k.Op == estate.OpObjects || k.Op == estate.OpObjectGrants) && (isLever(k.Object.Type) || k.Object.Type.InTree())
}

func (g *generator) hideLevers() {
	every := choose(g, 0, 0, 0, 20, 6)
	if every == 0 {
		return
	}
	for _, k := range g.Reads() {
		if _, hidden := g.Hidden[k]; hidden || !ofLevers(k) || !g.chance(every) {
			continue
		}
		gap := g.gap()
		gap.Spare = gap.Kind == identity.NotAsked && g.chance(2)
		g.Hidden[k] = gap
	}
}
