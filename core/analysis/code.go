package analysis

import (
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// codeOf enters who can change the code that an object runs as somebody else (E13): whoever may edit
// the notebook or file, or a directory above it. What comes out of a Git repository is changed there.
func (c *catalogue) codeOf(o *identity.ObjectInfo, runs *runner) {
	for _, path := range o.Code {
		switch {
		case strings.HasPrefix(path, "/Volumes/"):
			c.codeInVolume(o, runs, path)
		case strings.HasPrefix(path, "/"):
			c.codeInTree(o, runs, path)
		default:
			c.gap("E13", "code that comes out of a Git repository, or lies outside the workspace, is changed where no permission of the workspace tells")
		}
	}
}

func (c *catalogue) codeInTree(o *identity.ObjectInfo, runs *runner, path string) {
	found := false
	for _, file := range c.e.Above(o.Workspace, path) {
		found = found || c.e.Saw(permissionsRead(file.Object))
		for _, g := range c.e.ObjectGrants(file.Object) {
			// Every admin of the workspace may, by E10 or E11; what is inherited is told of where it
			// comes from.
			admins := g.Holder.Key == identity.WorkspaceAdmins(o.Workspace)
			if file.Type.Includes(g.Level, identity.CanEdit) && !admins && !c.inherited(o.Workspace, g) {
				c.editor(o, runs, file, g)
			}
		}
	}
	if !found {
		c.gap("E13", "the permissions on the code of some jobs were not read")
	}
}

// inherited reports whether an entry comes from another object whose list was read.
func (c *catalogue) inherited(in identity.WorkspaceID, g estate.ObjectGrant) bool {
	kind, id, ok := strings.Cut(strings.TrimPrefix(g.From, "/"), "/")
	return ok && c.e.Saw(permissionsRead(identity.Object{Workspace: in, Type: identity.ObjectType(kind), ID: id}))
}

func (c *catalogue) editor(o *identity.ObjectInfo, runs *runner, file identity.ObjectInfo, g estate.ObjectGrant) {
	e, ok := c.acting(o, runs)
	if !ok {
		return
	}
	counts, _ := c.m.Entry(g.Holder, o.Workspace)
	switch counts {
	case access.Denied:
		return
	case access.Unknown:
		e.why = "whether the workspace has a group of its own of that name was not read"
	case access.Allowed:
	}
	e.id, e.severity = "E13", report.High
	if k := g.Holder.Key; k == identity.AccountUsers() || k == identity.WorkspaceUsers(o.Workspace) {
		e.severity = report.Critical
	}
	e.toward.object = file.Object
	e.say = func() words {
		return words{
			acts:  []string{fmt.Sprintf("change %s, which %s runs as %s", c.title(&file), c.title(o), runs.Name)},
			facts: []estate.ReadKey{permissionsRead(file.Object), objectRead(c.e, o.Object)},
			fix:   c.lower(&file, g),
		}
	}
	c.add(g.Holder, e)
}

// codeInVolume is code that lies in a volume: whoever may write there changes it.
func (c *catalogue) codeInVolume(o *identity.ObjectInfo, runs *runner, path string) {
	parts := strings.Split(path, "/") // "", Volumes, catalog, schema, volume, …
	if len(parts) < 6 {
		return
	}
	for _, m := range c.e.Metastores() {
		if !slices.Contains(c.e.MetastoreWorkspaces(m.ID), o.Workspace) {
			continue
		}
		on := identity.Securable{Metastore: m.ID, Type: identity.TypeVolume, Catalog: parts[2], Schema: parts[3], Name: parts[4]}
		for at, ok := on, true; ok && at.Type != identity.TypeMetastore; at, ok = at.Parent() {
			for _, s := range c.shares(at, identity.WriteVolume) {
				if at != on && s.fact.Op != estate.OpGrants {
					continue // owning a container gives nothing on what is in it
				}
				c.writer(o, runs, on, s, path)
			}
		}
	}
}

func (c *catalogue) writer(o *identity.ObjectInfo, runs *runner, on identity.Securable, s share, path string) {
	e, ok := c.acting(o, runs)
	if !ok || s.of.Key.IsZero() {
		return
	}
	writes := func(sub *access.Subject) access.Verdict {
		return access.All(sub.Effective(identity.WriteVolume, on, o.Workspace), sub.Enters(on, o.Workspace))
	}
	switch v := writes(c.m.Subject(s.of.Key)); {
	case v == access.Denied && s.of.Key.Kind != identity.KindGroup:
		return
	case v != access.Allowed:
		e.unless = "whether it may enter what the volume is in was not read, or takes another group"
	}
	e.id, e.severity, e.holds = "E13", report.High, writes
	e.facts = []estate.ReadKey{s.fact, objectRead(c.e, o.Object)}
	e.fix = "take WRITE VOLUME on volume " + on.FullName() + " back from " + s.of.Name
	e.acts = []string{fmt.Sprintf("replace %s, which %s runs as %s", path, c.title(o), runs.Name)}
	e.toward.object, e.toward.securable = identity.Object{}, on
	c.add(s.of, e)
}
