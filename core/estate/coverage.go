package estate

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"databricks-access-audit/core/identity"
)

// Op is a kind of read.
type Op uint8

// The reads that an estate is made of.
const (
	OpUnknown             Op = iota
	OpReach                  // that the credentials see the whole account
	OpFindPrincipal          // the search for the subject by name
	OpHolder                 // the search for whom a grant or an owner names
	OpPrincipals             // the list of users, or of service principals
	OpPrincipal              // one principal by id
	OpGroups                 // the list of account groups
	OpParents                // all groups above a principal
	OpMembers                // the direct members of one group
	OpAliases                // other records of the same person
	OpWorkspaces             // the account's workspaces
	OpAssignments            // who is assigned to one workspace
	OpMetastores             // the account's metastores
	OpMetastoreWorkspaces    // the workspaces of one metastore
	OpPrivilegeModel         // whether the privilege model of one metastore inherits
	OpVisibility             // that the caller's listings of one metastore are not filtered
	OpLookup                 // the search for a securable by name
	OpSecurable              // one securable by name, with its owner
	OpChildren               // the securables of one type in a parent
	OpGrants                 // the direct grants on one securable
	OpPolicies               // the attribute-based policies on one securable
	OpBindings               // the workspaces that one isolated securable is bound to
	OpEntitlements           // entitlements in one workspace: of one principal, or of all of a kind
	OpObjects                // the objects of one type in one workspace
	OpRoles                  // the roles on one principal, or on the account
	OpObject                 // one object in detail
	OpObjectGrants           // the permissions on one object
	OpRestrictAdmins         // how far the admins of one workspace may act as others
	OpDirectory              // what lies in one directory of a workspace's tree
	OpUses                   // the audit log for one metastore: as a whole, or what it says of one principal
)

// ReadKey names one planned read. Only the fields that the Op needs are set; a read that was not
// asked for at all may leave the subject out, and then stands for all reads of its kind.
type ReadKey struct {
	Op        Op
	Principal identity.PrincipalKey
	Workspace identity.WorkspaceID
	Securable identity.Securable
	Type      identity.SecurableType // what was listed, for OpChildren
	Name      string                 // who was looked for, for OpHolder, or the path, for OpLookup and OpDirectory
	Object    identity.Object        // for reads of objects; without an ID all of its type
}

// Outcome is how a read ended. The zero Kind means that the whole answer was read.
type Outcome struct {
	Kind    identity.FailureKind
	Status  int
	Message string
	// Partial says that some of the answer was read before the failure.
	Partial bool
	// Needed says that the question needed the read, so that failing it leaves the answer
	// incomplete.
	Needed bool
	// At is when the answer came.
	At time.Time
}

// OK reports whether the whole answer was read.
func (o Outcome) OK() bool { return o.Kind == "" }

// OutcomeOf turns the error of a needed read into an Outcome; nil gives success.
func OutcomeOf(err error, at time.Time) Outcome {
	f := identity.FailureOf(err)
	if f == nil {
		return Outcome{Needed: true, At: at}
	}
	return Outcome{Kind: f.Kind, Status: f.Status, Message: f.Message, Partial: f.Partial, Needed: true, At: at}
}

// Read is one entry of the ledger.
type Read struct {
	Key     ReadKey
	Outcome Outcome
}

// Blocking reports whether the read leaves the answer incomplete: it was needed and did not bring the
// whole answer. What a question leaves out on purpose it does not need; what a snapshot does not hold
// it may.
func (r Read) Blocking() bool { return r.Outcome.Needed && !r.Outcome.OK() }

func compareReads(a, b *Read) int {
	// Most of a ledger is about securables, and what is read of them in the order of their names.
	if c := cmp.Compare(a.Key.Op, b.Key.Op); c != 0 {
		return c
	}
	return cmp.Or(
		cmp.Compare(a.Key.Workspace, b.Key.Workspace),
		a.Key.Principal.Compare(b.Key.Principal),
		a.Key.Securable.Compare(b.Key.Securable),
		a.Key.Type.Compare(b.Key.Type),
		strings.Compare(a.Key.Name, b.Key.Name),
		a.Key.Object.Compare(b.Key.Object),
	)
}

// Scope says for people where a read took place.
func (e *Estate) Scope(k ReadKey) string {
	switch {
	case k.Workspace != 0:
		return "workspace " + e.WorkspaceName(k.Workspace)
	case k.Object.Workspace != 0:
		return "workspace " + e.WorkspaceName(k.Object.Workspace)
	case k.Securable.Metastore != "":
		return "metastore " + e.MetastoreName(k.Securable.Metastore)
	default:
		return "account"
	}
}

// Operation says for people what a read was to bring.
func (e *Estate) Operation(k ReadKey) string {
	switch k.Op {
	case OpReach:
		return "see the whole account"
	case OpFindPrincipal:
		return "search principals by name"
	case OpHolder:
		return fmt.Sprintf("find out who %s is", k.Name)
	case OpPrincipals:
		return "list " + k.Principal.Kind.Title() + "s"
	case OpPrincipal:
		return "read " + e.describe(k.Principal)
	case OpGroups:
		return "list groups"
	case OpParents:
		return "list the groups above " + e.describe(k.Principal)
	case OpMembers:
		return "read the members of " + e.describe(k.Principal)
	case OpAliases:
		return "search other records of " + e.describe(k.Principal)
	case OpWorkspaces:
		return "list workspaces"
	case OpAssignments:
		return "list workspace assignments"
	case OpMetastores:
		return "list metastores"
	case OpMetastoreWorkspaces:
		return "list the workspaces of the metastore"
	case OpPrivilegeModel:
		return "read the privilege model of the metastore"
	case OpVisibility:
		return "see every securable of the metastore"
	case OpLookup:
		if k.Workspace != 0 {
			return "look up " + k.Name
		}
		return "search a securable by name"
	case OpSecurable:
		return "read " + describeSecurable(k.Securable)
	case OpChildren:
		return listing(k)
	case OpGrants:
		return "read grants on " + describeSecurable(k.Securable)
	case OpPolicies:
		return "read attribute-based policies on " + describeSecurable(k.Securable)
	case OpBindings:
		return "read workspace bindings of " + describeSecurable(k.Securable)
	case OpEntitlements:
		return e.entitlementRead(k)
	case OpObjects:
		return "list " + objectPlural(k.Object.Type)
	case OpRoles:
		if k.Principal.IsZero() {
			return "read the roles on the account"
		}
		return "read the roles on " + e.describe(k.Principal)
	case OpObject:
		return "read " + e.describeObject(k.Object)
	case OpObjectGrants:
		return "read permissions on " + e.describeObject(k.Object)
	case OpRestrictAdmins:
		return "read whether workspace admins are restricted"
	case OpDirectory:
		return "list what lies in " + k.Name
	case OpUses:
		if k.Principal.IsZero() {
			return "read the audit log by a SQL warehouse"
		}
		return "read in the audit log what " + e.describe(k.Principal) + " used"
	default:
		return "read"
	}
}

// Effect says for people what the absence of a read could hide.
func (e *Estate) Effect(k ReadKey) string {
	switch k.Op {
	case OpReach:
		return "other workspaces, their metastores and account-level facts are not shown"
	case OpFindPrincipal, OpAliases:
		return "further records of the same person, and what they hold, are not shown"
	case OpHolder:
		return "what this holder, and whoever is in it, can reach is not shown"
	case OpPrincipals:
		return "members of groups may be missing"
	case OpPrincipal:
		return "whether it is active and which account roles it has is not known"
	case OpGroups, OpParents:
		return "memberships, and everything held through groups, may be missing"
	case OpMembers:
		return "memberships through this group, and what they give, may be missing"
	case OpWorkspaces:
		return "no workspace, and nothing read through one, is shown"
	case OpAssignments:
		return "whether the principal can enter this workspace is not known"
	case OpMetastores:
		return "no Unity Catalog access is shown"
	case OpMetastoreWorkspaces:
		return "nothing in this metastore, nor where it can be reached from, is shown"
	case OpPrivilegeModel:
		return "whether grants on catalogs and schemas reach what is in them is not known"
	case OpVisibility:
		return "securables that the caller has no privilege on are left out of listings without a word"
	case OpLookup:
		if k.Workspace != 0 {
			return "who may change " + k.Name + " is not known"
		}
		return "another securable may bear the same name"
	case OpSecurable:
		return "who owns " + describeSecurable(k.Securable) + ", and whether it is limited to some workspaces, is not known"
	case OpChildren:
		return "grants on and ownership of " + plural(k.Type) + within(k.Securable) + " are not shown"
	case OpGrants:
		return "grants on " + describeSecurable(k.Securable) + " are not shown; what they give below it is not known"
	case OpPolicies:
		return "what policies give or restrict on " + describeSecurable(k.Securable) + " is not known"
	case OpBindings:
		return "from which workspaces " + describeSecurable(k.Securable) + " can be reached is not known"
	case OpEntitlements:
		return "which entitlements it has, and which groups of the workspace it is in, is not known"
	case OpObjects:
		return "permissions on " + objectPlural(k.Object.Type) + " are not shown"
	case OpRoles:
		if k.Principal.IsZero() {
			return "who may manage all groups and service principals, billing and the marketplace is not known"
		}
		return "who may manage or act as " + e.describe(k.Principal) + " is not known"
	case OpObject:
		return "as whom " + e.describeObject(k.Object) + " runs is not known"
	case OpObjectGrants:
		return "who may use or change " + e.describeObject(k.Object) + " is not known"
	case OpRestrictAdmins:
		return "whether its admins may act as others is not known"
	case OpDirectory:
		return "permissions on what lies in " + k.Name + " and below are not shown"
	case OpUses:
		return "which grants in this metastore were used is not known: none of them is called stale"
	default:
		return "facts may be missing"
	}
}

func (e *Estate) entitlementRead(k ReadKey) string {
	switch {
	case k.Principal.IsZero():
		return "read entitlements"
	case k.Principal.ID == "":
		return "list the entitlements of " + k.Principal.Kind.Title() + "s"
	default:
		return "read the entitlements of " + e.describe(k.Principal)
	}
}

func objectPlural(t identity.ObjectType) string {
	if t == "" {
		return "jobs, clusters, notebooks and other workspace objects"
	}
	return strings.ReplaceAll(string(t), "_", " ")
}

func (e *Estate) describeObject(o identity.Object) string {
	info, ok := e.Object(o)
	switch {
	case o.ID == "":
		return objectPlural(o.Type)
	case ok && info.Path != "":
		return o.Type.Title() + " " + info.Path
	case ok && info.Name != "":
		return o.Type.Title() + " " + info.Name
	default:
		return o.Type.Title() + " " + o.ID
	}
}

func listing(k ReadKey) string {
	return "list " + plural(k.Type) + within(k.Securable)
}

func within(parent identity.Securable) string {
	if parent.Type == "" || parent.Type == identity.TypeMetastore {
		return ""
	}
	return " in " + describeSecurable(parent)
}

func plural(t identity.SecurableType) string {
	if t == identity.TypeTable {
		return "tables and views"
	}
	return cmp.Or(t.Title(), "securable") + "s"
}

func describeSecurable(s identity.Securable) string {
	if s.Type == identity.TypeSchema && s.Catalog == "" && s.Schema != "" {
		return "the " + s.Schema + " of every catalog"
	}
	switch s.Type {
	case "":
		return "securables"
	case identity.TypeMetastore:
		return "the metastore"
	default:
		return s.Type.Title() + " " + s.FullName()
	}
}

func (e *Estate) describe(k identity.PrincipalKey) string {
	if k.IsZero() {
		return "principals"
	}
	p, ok := e.Principal(k)
	if !ok || p.Name == "" {
		return k.Kind.Title() + " " + k.ID
	}
	return fmt.Sprintf("%s %s", k.Kind.Title(), p.Name)
}

// WorkspaceName is the workspace's name, or its id where the name is not known.
func (e *Estate) WorkspaceName(id identity.WorkspaceID) string {
	if w, ok := e.Workspace(id); ok && w.Name != "" {
		return w.Name
	}
	return id.String()
}

// MetastoreName is the metastore's name, or its id where the name is not known.
func (e *Estate) MetastoreName(id string) string {
	if m, ok := e.Metastore(id); ok && strings.TrimSpace(m.Name) != "" {
		return m.Name
	}
	return id
}
