package sandbox

import (
	"slices"
	"strconv"
	"strings"
)

// securableKind is a securable type as the grants API spells it in paths.
type securableKind string

const (
	kindMetastore        securableKind = "metastore"
	kindCatalog          securableKind = "catalog"
	kindSchema           securableKind = "schema"
	kindTable            securableKind = "table"
	kindVolume           securableKind = "volume"
	kindFunction         securableKind = "function"
	kindModel            securableKind = "model"
	kindExternalLocation securableKind = "external_location"
	kindCredential       securableKind = "credential"
	kindConnection       securableKind = "connection"
	kindShare            securableKind = "share"
	kindRecipient        securableKind = "recipient"
	kindProvider         securableKind = "provider"
)

// node is one securable in the tree of a metastore.
type node struct {
	kind   securableKind
	name   string
	full   string // the metastore's is its id
	owner  *string
	grants *[]Grant
	iso    *Isolation // nil for kinds that cannot be isolated
	parent *node      // container: catalog of a schema, schema of a table; nil otherwise
	object any
}

// catalogue finds the securables of one metastore.
type catalogue struct {
	metastore *Metastore
	root      *node
	byName    map[securableKind]map[string]*node // by lower-case full name
}

func buildCatalogue(m *Metastore) *catalogue {
	x := &catalogue{metastore: m, byName: map[securableKind]map[string]*node{}}
	x.root = &node{kind: kindMetastore, name: m.Name, full: m.ID, owner: &m.Owner, grants: &m.Grants, object: m}
	x.enter(x.root)
	for _, c := range m.Catalogs {
		x.enterCatalog(c)
	}
	for _, l := range m.ExternalLocations {
		x.add(kindExternalLocation, &l.Securable, nil, &l.Isolation, l)
	}
	for _, cr := range m.Credentials {
		x.add(kindCredential, &cr.Securable, nil, &cr.Isolation, cr)
	}
	for _, cn := range m.Connections {
		x.add(kindConnection, &cn.Securable, nil, nil, cn)
	}
	for _, s := range m.Shares {
		x.add(kindShare, &s.Securable, nil, nil, s)
	}
	for _, r := range m.Recipients {
		x.add(kindRecipient, &r.Securable, nil, nil, r)
	}
	for _, p := range m.Providers {
		x.add(kindProvider, &p.Securable, nil, nil, p)
	}
	return x
}

func (x *catalogue) enterCatalog(c *Catalog) {
	cat := x.add(kindCatalog, &c.Securable, nil, &c.Isolation, c)
	for _, s := range c.Schemas {
		sch := x.add(kindSchema, &s.Securable, cat, nil, s)
		for _, t := range s.Tables {
			x.add(kindTable, &t.Securable, sch, nil, t)
		}
		for _, v := range s.Volumes {
			x.add(kindVolume, &v.Securable, sch, nil, v)
		}
		for _, f := range s.Functions {
			x.add(kindFunction, &f.Securable, sch, nil, f)
		}
		for _, m := range s.Models {
			x.add(kindModel, &m.Securable, sch, nil, m)
		}
	}
}

func (x *catalogue) add(kind securableKind, s *Securable, parent *node, iso *Isolation, object any) *node {
	n := &node{kind: kind, name: s.Name, full: s.Name, owner: &s.Owner, grants: &s.Grants, iso: iso, parent: parent, object: object}
	if parent != nil {
		n.full = parent.full + "." + s.Name
	}
	x.enter(n)
	return n
}

func (x *catalogue) enter(n *node) {
	if x.byName[n.kind] == nil {
		x.byName[n.kind] = map[string]*node{}
	}
	x.byName[n.kind][strings.ToLower(n.full)] = n
}

// find looks a securable up; the grants API calls models functions, and storage
// credentials are credentials.
func (x *catalogue) find(kind securableKind, full string) *node {
	full = strings.ToLower(full)
	if n := x.byName[kind][full]; n != nil {
		return n
	}
	if kind == kindFunction {
		return x.byName[kindModel][full]
	}
	return nil
}

// orphan takes the name off every grant and keeps the principal's id.
func (x *catalogue) orphan(p *principal) {
	for _, kind := range x.byName {
		for _, n := range kind {
			for i := range *n.grants {
				if g := &(*n.grants)[i]; strings.EqualFold(g.Principal, p.name) {
					g.Principal, g.PrincipalID = "", p.id
				}
			}
		}
	}
}

// catalog is the catalog that the node is or is in, or nil.
func (n *node) catalog() *node {
	for ; n != nil; n = n.parent {
		if n.kind == kindCatalog {
			return n
		}
	}
	return nil
}

// usable reports whether an isolated securable is bound to the workspace. A
// list of bindings on an open securable is ignored.
func (n *node) usable(w *Workspace) bool {
	if n.iso == nil || n.iso.Mode != Isolated {
		return true
	}
	return slices.ContainsFunc(n.iso.Bindings, func(b Binding) bool { return b.WorkspaceID == w.ID })
}

// viewer is a caller as Unity Catalog sees it: the names that grants and owners
// may hold for it, in lower case.
type viewer struct {
	names     map[string]bool
	catalogue *catalogue
}

// viewer returns the caller's view of the workspace's metastore, or nil if the
// workspace has none. The hidden groups of a workspace's users and admins count
// only there.
func (c *call) viewer() *viewer {
	cat := c.idx.securables[c.ws.MetastoreID]
	if cat == nil {
		return nil
	}
	v := &viewer{names: map[string]bool{}, catalogue: cat}
	for id := range c.caller.memberships {
		if p := c.idx.principals[id]; p != nil {
			v.names[strings.ToLower(p.name)] = true
		}
	}
	e := c.idx.entry(c.ws, c.caller.id)
	if e.any() {
		v.names[strings.ToLower(HiddenGroup(c.acct, "users", c.ws))] = true
	}
	if e.admin {
		v.names[strings.ToLower(HiddenGroup(c.acct, "admins", c.ws))] = true
	}
	return v
}

// HiddenGroup is the name of the hidden group that stands for a workspace's
// users or admins in Unity Catalog
// (https://docs.databricks.com/data-governance/unity-catalog/manage-privileges/admin-privileges).
func HiddenGroup(a *Account, which string, w *Workspace) string {
	return "_workspace_" + which + "_" + a.ID + "_workspace_" + strconv.FormatInt(w.ID, 10)
}

func (v *viewer) is(name string) bool { return name != "" && v.names[strings.ToLower(name)] }

// metastoreAdmin: the owner of the metastore.
func (v *viewer) metastoreAdmin() bool { return v.is(v.catalogue.metastore.Owner) }

// holds reports whether a privilege was granted on the node or, where privileges
// inherit, on a container of it.
func (v *viewer) holds(n *node, privilege string) bool {
	inherits := v.catalogue.metastore.privilegeModel() == "1.0"
	for a := n; a != nil; a = a.parent {
		for _, g := range *a.grants {
			if v.is(g.Principal) && slices.ContainsFunc(g.Privileges, func(p string) bool { return implies(p, privilege) }) {
				return true
			}
		}
		if !inherits {
			break
		}
	}
	return false
}

// implies: ALL_PRIVILEGES stands for all but three
// (https://docs.databricks.com/data-governance/unity-catalog/manage-privileges/privileges).
func implies(granted, wanted string) bool {
	granted = canonical(granted)
	return granted == wanted || granted == allPrivileges && !outsideAll[wanted]
}

const allPrivileges = "ALL_PRIVILEGES"

var outsideAll = map[string]bool{"MANAGE": true, "EXTERNAL_USE_SCHEMA": true, "EXTERNAL_USE_LOCATION": true}

// canonical is the API's spelling of a privilege.
func canonical(privilege string) string {
	return strings.ToUpper(strings.ReplaceAll(privilege, " ", "_"))
}

func (v *viewer) holdsAny(n *node) bool {
	for a := n; a != nil; a = a.parent {
		for _, g := range *a.grants {
			if v.is(g.Principal) && len(g.Privileges) > 0 {
				return true
			}
		}
	}
	return false
}

// owns: the node or a container of it.
func (v *viewer) owns(n *node) bool {
	for a := n; a != nil; a = a.parent {
		if v.is(*a.owner) {
			return true
		}
	}
	return false
}

// manages reports whether the caller may read and change grants of the node.
func (v *viewer) manages(n *node) bool {
	return v.metastoreAdmin() || v.owns(n) || n.kind != kindMetastore && v.holds(n, "MANAGE")
}

// mayGrant reports whether the caller may change grants of the node: as
// metastore admin, or as owner or holder of MANAGE of it or of a container, who
// must then be able to use what that is in
// (https://docs.databricks.com/data-governance/unity-catalog/manage-privileges/privileges#manage).
func (v *viewer) mayGrant(n *node) bool {
	if v.metastoreAdmin() {
		return true
	}
	if n.kind == kindMetastore {
		return false
	}
	for at := n; at != nil; at = at.parent {
		alone := *at
		alone.parent = nil
		if (v.is(*at.owner) || v.holds(&alone, "MANAGE")) && v.passes(at.parent) {
			return true
		}
	}
	return false
}

// passes reports whether the caller can use a container and those around it.
func (v *viewer) passes(n *node) bool {
	for ; n != nil; n = n.parent {
		use := map[securableKind]string{kindCatalog: "USE_CATALOG", kindSchema: "USE_SCHEMA"}[n.kind]
		if !v.is(*n.owner) && !v.holds(n, use) && !v.holds(n, "MANAGE") {
			return false
		}
	}
	return true
}

// sees reports whether the node is in the caller's lists; browseOnly is set if
// that is so only because of BROWSE.
func (v *viewer) sees(n *node, includeBrowse bool) (visible, browseOnly bool) {
	if v.manages(n) || v.listed(n) {
		return true, false
	}
	if includeBrowse && v.holds(n, "BROWSE") {
		return true, true
	}
	return false, false
}

// listed applies the filter that each list documents for callers who are not
// admins or owners.
func (v *viewer) listed(n *node) bool {
	switch n.kind {
	case kindCatalog:
		return v.holds(n, "USE_CATALOG")
	case kindSchema:
		return v.holds(n, "USE_SCHEMA")
	case kindTable:
		return v.usesParents(n) && v.holds(n, "SELECT")
	case kindVolume:
		return v.usesParents(n) && v.holds(n, "READ_VOLUME")
	case kindFunction, kindModel:
		return v.usesParents(n) && v.holds(n, "EXECUTE")
	case kindShare:
		return v.holds(v.catalogue.root, "USE_SHARE")
	case kindRecipient:
		return v.holds(v.catalogue.root, "USE_RECIPIENT")
	case kindProvider:
		return v.holds(v.catalogue.root, "USE_PROVIDER")
	default:
		return v.holdsAny(n)
	}
}

func (v *viewer) usesParents(n *node) bool {
	schema, catalog := n.parent, n.catalog()
	return (v.holds(schema, "USE_SCHEMA") || v.is(*schema.owner)) && (v.holds(catalog, "USE_CATALOG") || v.is(*catalog.owner))
}
