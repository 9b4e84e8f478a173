package plan

import (
	"fmt"
	"slices"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Answer is one of three. NotKnown is the zero value, so that a forgotten answer is neither a permission nor a refusal.
type Answer uint8

// The answers.
const (
	NotKnown Answer = iota
	MayNot
	May
)

// String is the spelling of reports.
func (a Answer) String() string {
	switch a {
	case May:
		return "yes"
	case MayNot:
		return "no"
	default:
		return "unknown"
	}
}

// Right says whether somebody may carry out a step.
type Right struct {
	Step string
	May  Answer
	// Needs is what it takes, in words, and Who are some who are known to have it: empty where nobody was looked for.
	Needs string
	Who   []string
	// Why says of what is not known what was not read.
	Why string
}

// Rights are whose rights were looked at, and what they are step by step.
type Rights struct {
	// Caller is zero where it could not be found out.
	Caller identity.Principal
	Steps  []Right
}

// Of is what is known of a step; one that was not looked at is not known.
func (r Rights) Of(step string) Right {
	for _, one := range r.Steps {
		if one.Step == step {
			return one
		}
	}
	return Right{Step: step, Why: "it was not looked at"}
}

// RightsOf says of each step whether the principal may carry it out who read the facts of the model. Only what is
// documented to give the right counts, and what was not read leaves it open.
func RightsOf(m *access.Model, who identity.PrincipalKey, steps []Step) Rights {
	e := m.Estate()
	p, _ := e.Principal(who)
	out := Rights{Caller: p, Steps: make([]Right, 0, len(steps))}
	j := judge{m: m, e: e, who: m.Subject(who)}
	for _, s := range steps {
		v, r := j.step(*s.Change)
		r.Step, r.May = s.ID, answer(v)
		if r.May == NotKnown {
			r.Why = j.unread()
		}
		out.Steps = append(out.Steps, r)
	}
	return out
}

// RightsOfOutsider are those of a caller that may not look principals up in the account, not even itself: it is no
// account admin, and nothing else is known of it.
//
// https://docs.databricks.com/api/account/accountserviceprincipalsv2/list
func RightsOfOutsider(steps []Step, why string) Rights {
	var out Rights
	for _, s := range steps {
		r := Right{Step: s.ID, Why: why}
		if s.Change.Cell.Kind == Assigned {
			r = Right{Step: s.ID, May: MayNot, Needs: accountAdmin}
		}
		out.Steps = append(out.Steps, r)
	}
	return out
}

const accountAdmin = "the role account admin"

func answer(v access.Verdict) Answer {
	switch v {
	case access.Allowed:
		return May
	case access.Denied:
		return MayNot
	default:
		return NotKnown
	}
}

// judge decides about one principal.
type judge struct {
	m   *access.Model
	e   *estate.Estate
	who *access.Subject
}

// step says whether the principal may make a change, whichever way it goes: who may give may take back.
func (j judge) step(c Change) (access.Verdict, Right) {
	switch cell := c.Cell; cell.Kind {
	case Member:
		// https://docs.databricks.com/aws/en/admin/users-groups/manage-groups
		return j.manages(cell.Group), Right{Needs: fmt.Sprintf(accountAdmin+", or that of manager of group %q", c.GroupName), Who: j.names(j.managers(cell.Group))}
	case Assigned:
		// https://docs.databricks.com/api/account/workspaceassignment/update
		return j.who.IsAccountAdmin(), Right{Needs: accountAdmin, Who: j.names(j.admins())}
	case Entitled:
		// https://docs.databricks.com/aws/en/security/auth/entitlements
		return j.administers(cell.Workspace), Right{Needs: fmt.Sprintf("admin rights in workspace %q, which account admins give", j.e.WorkspaceName(cell.Workspace)), Who: j.names(administrators(j.e, cell.Workspace))}
	case ObjectLevel:
		return j.object(c)
	case Granted:
		return j.grant(c)
	default:
		return access.Unknown, Right{}
	}
}

// manages says whether the principal may change who is in a group. A rule set that nobody read is not an empty one.
func (j judge) manages(group identity.PrincipalKey) access.Verdict {
	v := j.who.HasRole(identity.RoleGroupManager, group)
	if v == access.Denied && (!j.e.Saw(estate.ReadKey{Op: estate.OpRoles, Principal: group}) || !j.e.Saw(estate.ReadKey{Op: estate.OpRoles})) {
		return access.Unknown
	}
	return v
}

func (j judge) administers(in identity.WorkspaceID) access.Verdict {
	return j.who.In(identity.WorkspaceAdmins(in))
}

// enters says whether the principal can make requests of a workspace. Whether account admins can who are not assigned
// to it is not documented.
func (j judge) enters(in identity.WorkspaceID) access.Verdict {
	_, v := j.who.Assigned(in)
	if v == access.Denied && j.who.IsAccountAdmin() != access.Denied {
		return access.Unknown
	}
	return v
}

// object says whether the principal may permit others on an object.
//
// https://docs.databricks.com/aws/en/security/auth/access-control/
func (j judge) object(c Change) (access.Verdict, Right) {
	o := c.Cell.Object
	top := o.Type.Highest()
	v := access.Any(j.who.Permitted(top, o), j.who.Permitted(identity.IsOwner, o))
	if v == access.Unknown && j.forbidden(estate.ReadKey{Op: estate.OpObjectGrants, Object: o}) {
		v = access.Denied
	}
	r := Right{Needs: fmt.Sprintf("%s on %s %q, or admin rights in workspace %q", top, o.Type.Title(), c.ObjectName, j.e.WorkspaceName(o.Workspace)),
		Who: j.names(append(permitting(j.e, o), administrators(j.e, o.Workspace)...))}
	return access.All(v, j.enters(o.Workspace)), r
}

// grant says whether the principal may grant and revoke on a securable through the workspace that the change names.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/manage-privileges/
func (j judge) grant(c Change) (access.Verdict, Right) {
	on, in := c.Cell.Securable, c.Through
	r := Right{Needs: fmt.Sprintf("ownership of or MANAGE on %s %s or what it is in, or admin rights on its metastore", on.Type.Title(), on.FullName()), Who: j.names(managing(j.e, on))}
	_, v := j.who.Manages(on, in)
	if v == access.Unknown && j.forbidden(estate.ReadKey{Op: estate.OpGrants, Securable: on}) {
		v = access.Denied
	}
	switch {
	case on.Type == identity.TypeMetastore:
		v = access.Any(v, j.who.IsAccountAdmin())
		r.Needs = fmt.Sprintf("admin rights on metastore %q, or "+accountAdmin, j.e.MetastoreName(on.Metastore))
	case on.Type == identity.TypeShare && v == access.Denied:
		v = access.Unknown // other privileges on shares and recipients serve as well
	case c.Cell.Privilege == identity.ExternalUseSchema && c.After != Absent:
		// https://docs.databricks.com/aws/en/external-access/admin
		catalog := identity.CatalogSecurable(on.Metastore, on.Catalog)
		r.Needs = fmt.Sprintf("ownership of catalog %s", catalog.FullName())
		r.Who, v = nil, access.Unknown
		if owner, known := j.e.Owner(catalog); known {
			r.Who, v = j.names([]estate.Holder{owner}), j.who.Means(owner, in)
		}
	}
	entry := j.enters(in)
	if entry == access.Denied && v != access.Denied {
		r.Needs, r.Who = fmt.Sprintf("entry to workspace %q, through which it is written", j.e.WorkspaceName(in)), nil
	}
	return access.All(v, entry), r
}

// forbidden reports whether the principal was refused a read that is open to whoever may change what is read. The facts
// are its own readings.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/manage-privileges/#show-grants-on-objects-in-a-unity-catalog-metastore
func (j judge) forbidden(k estate.ReadKey) bool {
	o, read := j.e.Outcome(k)
	return read && o.Kind == identity.Forbidden && o.Status == 403
}

// unread names what of all that decides about rights was not read: it is little, and each of it may have decided.
func (j judge) unread() string {
	for _, read := range j.e.Reads() {
		if !read.Outcome.OK() && read.Outcome.Needed {
			return fmt.Sprintf("%s (%s): %s", j.e.Operation(read.Key), j.e.Scope(read.Key), read.Outcome.Message)
		}
	}
	return "what decides was not read"
}

// managers are those whom facts name as manager of a group or of all, and the account admins.
func (j judge) managers(group identity.PrincipalKey) []estate.Holder {
	list := j.admins()
	for _, on := range []identity.PrincipalKey{group, {}} {
		for g := range j.e.RoleGrants(on) {
			if g.Role == identity.RoleGroupManager {
				list = append(list, g.Holder)
			}
		}
	}
	return list
}

func (j judge) admins() []estate.Holder {
	var list []estate.Holder
	for p := range j.e.Principals() {
		if p.HasRole(identity.RoleAccountAdmin) {
			list = append(list, estate.Holder{Key: p.Key, Name: p.Name})
		}
	}
	return list
}

// names are what some are called, in order, each once, without the principal itself. A name of which nobody looked up
// whose it is counts: facts say it.
func (j judge) names(holders []estate.Holder) []string {
	var list []string
	for _, h := range holders {
		p, known := j.e.Principal(h.Key)
		switch {
		case h.Name == "" || identity.Nobody(h.Name) || h.Key == j.who.Key() || known && p.Status == identity.StatusInactive:
		case h.Key.IsZero() && j.e.Saw(estate.ReadKey{Op: estate.OpGroups}): // everybody was read, and it is nobody's
		default:
			list = append(list, h.Name)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
