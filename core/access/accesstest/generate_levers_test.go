package accesstest

import (
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// wantedLevers is what leverFeatures should find.
var wantedLevers = []string{
	"details not read", "nobody said as whom it runs", "app that does not say",
	"runs as a user by RunAs", "runs as a service_principal by RunAs", "runs as a user by its owner", "runs as a service_principal by its owner",
	"runs as a user by its creator", "runs as a service_principal by its creator",
	"runs as a group", "runs as a stranger", "cluster of somebody known", "runner under an alias or in capitals", "inherited owner",
	"lever known by its list alone", "code around which something lies", "code at which something lies", "code in the root", "relative code", "code in a volume",
	"code by its longer path", "folder with a name that begins alike", "partial list of a lever", "list of a lever not read", "list of code not read",
	"listing failed", "listing never tried", "listing not needed", "listing that failed of nothing",
	"turned by its list", "turned by its code", "turned by a group", "turned by users", "turned by admins", "turned by a group of the workspace",
	"turned by an inherited entry", "perhaps turned", "turned without knowing", "two levers in a row", "level too low",
	"runner that is not let in", "turned by the runner itself",
	string(identity.ObjectJob), string(identity.ObjectPipeline), string(identity.ObjectApp), string(identity.ObjectServing),
	string(identity.ObjectFile), string(identity.ObjectDirectory), string(identity.ObjectRepo), string(identity.ObjectNotebook),
}

func (w World) leverFeatures(has map[string]bool) {
	set := func(what string, present bool) { has[what] = has[what] || present }
	seen := w.sightings()
	nobody := Oracle{seen: seen}
	for k, gap := range w.Hidden {
		if !ofLevers(k) {
			continue
		}
		listing := k.Op == estate.OpObjects && isLever(k.Object.Type)
		set("listing failed", listing && gap.Kind != "" && !gap.Spare)
		set("listing that failed of nothing", listing && gap.Kind != "" &&
			!slices.ContainsFunc(w.Objects, func(o identity.ObjectInfo) bool { return readObjects(o.Workspace, o.Type) == k }))
		set("listing never tried", listing && gap.Kind == "")
		set("listing not needed", listing && gap.Spare)
		list := k.Op == estate.OpObjectGrants && isLever(k.Object.Type)
		set("list of a lever not read", list && gap.Keep == 0)
		set("partial list of a lever", list && gap.Keep != 0)
		set("list of code not read", k.Op == estate.OpObjectGrants && k.Object.Type.InTree())
	}
	for _, p := range seen.Permissions {
		set("inherited owner", p.Level == identity.IsOwner && p.From != "" && isLever(p.On.Type))
	}
	for _, ws := range w.Workspaces {
		for _, info := range nobody.levers(ws) {
			set("lever known by its list alone", !slices.ContainsFunc(seen.Objects, func(o identity.ObjectInfo) bool { return o.Object == info.Object }))
			w.runnerFeatures(set, nobody, info)
			for _, k := range w.subjects() {
				w.turnFeatures(set, newOracle(seen, k), info)
			}
		}
	}
}

func (w World) runnerFeatures(set func(string, bool), o Oracle, info identity.ObjectInfo) {
	as, runs := o.runner(info)
	owners := o.owners(info.Object)
	set("details not read", runs.verdict == access.Unknown)
	set("nobody said as whom it runs", runs.verdict == access.Denied && info.RunAs == "" && info.Creator == "" && info.SingleUser == "" && len(owners) == 0)
	set("app that does not say", info.Type == identity.ObjectApp && info.RunAs == "" && info.Creator != "")
	said := info.RunAs
	switch {
	case runs.verdict != access.Allowed:
	case info.Type == identity.ObjectCluster:
		set("cluster of somebody known", true)
		said = info.SingleUser
	case info.RunAs != "":
		set("runs as a "+as.Kind.String()+" by RunAs", true)
	case len(owners) > 0:
		set("runs as a "+as.Kind.String()+" by its owner", true)
		said = owners[0].Name
	default:
		set("runs as a "+as.Kind.String()+" by its creator", true)
		said = info.Creator
	}
	set("runner under an alias or in capitals", runs.verdict == access.Allowed && said != w.nameOf(as))
	set("runs as a stranger", info.RunAs == "gone")
	if ones := o.bearers(info.RunAs, anyKind); info.RunAs != "" && len(ones) == 1 {
		set("runs as a group", ones[0].Kind == identity.KindGroup)
	}
	runner := newOracle(o.seen, as)
	set("runner that is not let in", runs.verdict == access.Allowed && runner.assigned(info.Workspace, identity.WorkspaceUser).verdict == access.Denied)
	set("turned by the runner itself", runs.verdict == access.Allowed && runner.turns(info, as).verdict == access.Allowed)
	for _, code := range info.Code {
		set("relative code", code[0] != '/')
		set("code in a volume", code == "/Volumes/d/n")
		set("code by its longer path", code == "/Workspace/d/n")
		for _, file := range o.seen.Objects {
			if file.Workspace == info.Workspace && file.Type.InTree() {
				holds := holdsCode(file.Path, code)
				set("code in the root", holds && file.Path == "/")
				set("code at which something lies", holds && file.Path == code)
				set("code around which something lies", holds && file.Path != code)
				set("folder with a name that begins alike", file.Path == "/d" && code == "/dd/n")
			}
		}
	}
}

func (w World) turnFeatures(set func(string, bool), o *Oracle, info identity.ObjectInfo) {
	as, runs := o.runner(info)
	turns := o.turns(info, as).verdict
	set("perhaps turned", runs.verdict == access.Allowed && turns == access.Unknown)
	set("turned without knowing", runs.verdict == access.Unknown && turns == access.Allowed)
	if runs.verdict != access.Allowed {
		return
	}
	level := turningLevels[info.Type]
	byList := o.operates(level, info.Object).verdict
	set("turned by its list", byList == access.Allowed)
	set("turned by its code", byList == access.Denied && turns == access.Allowed)
	set("two levers in a row", turns == access.Allowed && as != o.subject && slices.ContainsFunc(o.usable(info.Workspace), func(next lever) bool {
		return next.as != as && next.as != o.subject && o.as(as).turnsSome(next.as, info.Workspace, next.on).verdict == access.Allowed
	}))
	for _, p := range o.seen.Permissions {
		if p.On != info.Object || o.isNamed(p.Holder, info.Workspace).verdict != access.Allowed {
			continue
		}
		enough := info.Type.Includes(p.Level, level)
		set("level too low", !enough && turns == access.Denied)
		if !enough || turns != access.Allowed {
			continue
		}
		set("turned by an inherited entry", p.From != "")
		set("turned by users", p.Holder.Name == identity.WorkspaceUsersName)
		set("turned by a group", p.Holder.Kind == identity.KindGroup && len(o.bearers(p.Holder.Name, identity.KindGroup)) == 1)
		set("turned by a group of the workspace", len(o.locals(p.Holder.Name, info.Workspace)) == 1)
	}
	set("turned by admins", byList == access.Allowed && o.assigned(info.Workspace, identity.WorkspaceAdmin).verdict == access.Allowed)
}
