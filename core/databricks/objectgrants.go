package databricks

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"databricks-access-audit/core/identity"
)

var (
	routePermissions = get(classPermissions, "/api/2.0/permissions/{request_object_type}/{request_object_id}")
	routeSecretACLs  = get(classSecrets, "/api/2.0/secrets/acls/list")
)

// permissionTypes are the permissions API's words for the types. That of AI/BI dashboards is the plain
// one, which it was not for their predecessors.
//
// https://docs.databricks.com/api/access-management/v1/get-object-permissions;
// https://docs.databricks.com/api/workspace/apps/getpermissions and, for database instances,
// https://github.com/databricks/terraform-provider-databricks (permissions) have two more
var permissionTypes = map[identity.ObjectType]string{
	identity.ObjectJob:             "jobs",
	identity.ObjectCluster:         "clusters",
	identity.ObjectClusterPolicy:   "cluster-policies",
	identity.ObjectInstancePool:    "instance-pools",
	identity.ObjectPipeline:        "pipelines",
	identity.ObjectWarehouse:       "warehouses",
	identity.ObjectQuery:           "queries",
	identity.ObjectAlert:           "alerts",
	identity.ObjectAlertV2:         "alertsv2",
	identity.ObjectLegacyDashboard: "dbsql-dashboards",
	identity.ObjectDashboard:       "dashboards",
	identity.ObjectGenie:           "genie",
	identity.ObjectNotebook:        "notebooks",
	identity.ObjectFile:            "files",
	identity.ObjectDirectory:       "directories",
	identity.ObjectRepo:            "repos",
	identity.ObjectExperiment:      "experiments",
	identity.ObjectRegisteredModel: "registered-models",
	identity.ObjectServing:         "serving-endpoints",
	identity.ObjectApp:             "apps",
	identity.ObjectVectorSearch:    "vector-search-endpoints",
	identity.ObjectDatabase:        "database-instances",
	identity.ObjectTokens:          "authorization",
	identity.ObjectPasswords:       "authorization",
}

// objectPermissions is an object's access control list, in which each principal may have several
// permissions.
//
// https://docs.databricks.com/api/access-management/v1/get-object-permissions
type objectPermissions struct {
	ObjectID   string `json:"object_id"`
	ObjectType string `json:"object_type"`
	List       []struct {
		User             string `json:"user_name"`
		Group            string `json:"group_name"`
		ServicePrincipal string `json:"service_principal_name"`
		All              []struct {
			Level     identity.Level `json:"permission_level"`
			Inherited bool           `json:"inherited"`
			From      []string       `json:"inherited_from_object"`
		} `json:"all_permissions"`
	} `json:"access_control_list"`
}

// inherited stands for an object that the answer does not name.
const inherited = "inherited"

// ObjectGrants reads the permissions on an object, inherited ones included.
func (s *Session) ObjectGrants(ctx context.Context, at identity.Workspace, on identity.Object) ([]identity.ObjectGrant, error) {
	if on.Workspace != at.ID {
		return nil, s.failed(fmt.Errorf("%s %q is in workspace %s, not in %s", on.Type.Title(), on.ID, on.Workspace, at.ID))
	}
	if on.Type == identity.ObjectSecretScope {
		return s.secretGrants(ctx, at, on)
	}
	word, ok := permissionTypes[on.Type]
	if !ok {
		return nil, unsupported(fmt.Sprintf("objects of type %s have no list of permissions that could be read", on.Type))
	}
	if word == "authorization" && on.ID != string(on.Type) {
		return nil, s.failed(fmt.Errorf("%q is not %s", on.ID, on.Type))
	}
	r, err := s.at(at, routePermissions, word, on.ID)
	if err != nil {
		return nil, err
	}
	var answer objectPermissions
	if _, err := s.fetch(ctx, r, &answer); err != nil {
		return nil, err
	}
	if answer.ObjectID == "" && answer.ObjectType == "" && answer.List == nil {
		return nil, s.failed(fmt.Errorf("%s: the answer is about no object", r.route))
	}
	return answer.grants(r.route)
}

// grants gives one entry for each permission of each principal.
func (p objectPermissions) grants(r route) ([]identity.ObjectGrant, error) {
	var found listing[identity.ObjectGrant]
	for _, entry := range p.List {
		var holder identity.PrincipalName
		switch {
		case entry.User != "":
			holder = identity.PrincipalName{Kind: identity.KindUser, Name: entry.User}
		case entry.ServicePrincipal != "":
			holder = identity.PrincipalName{Kind: identity.KindServicePrincipal, Name: entry.ServicePrincipal}
		case entry.Group != "":
			holder = identity.PrincipalName{Kind: identity.KindGroup, Name: entry.Group}
		default:
			return found.items, incomplete("%s: an entry names nobody", r)
		}
		for _, row := range entry.All {
			if row.Level == "" {
				return found.items, incomplete("%s: an entry has no level", r)
			}
			g := identity.ObjectGrant{Holder: holder, Level: row.Level}
			if row.Inherited {
				g.From = inherited
				if len(row.From) > 0 && row.From[0] != "" {
					g.From = row.From[0]
				}
			}
			found.add(holder.Kind.String()+"\x00"+holder.Name+"\x00"+string(g.Level)+"\x00"+g.From, g)
		}
	}
	return found.items, nil
}

// secretACLs is the access control list of a secret scope.
//
// https://docs.databricks.com/api/workspace/secrets/listacls
type secretACLs struct {
	Items []struct {
		Principal string         `json:"principal"`
		Level     identity.Level `json:"permission"`
	} `json:"items"`
}

func (s *Session) secretGrants(ctx context.Context, at identity.Workspace, on identity.Object) ([]identity.ObjectGrant, error) {
	if on.ID == "" {
		return nil, s.failed(fmt.Errorf("a secret scope without a name cannot be asked for"))
	}
	r, err := s.at(at, routeSecretACLs)
	if err != nil {
		return nil, err
	}
	r.query = url.Values{"scope": {on.ID}}
	var answer secretACLs
	if _, err := s.fetch(ctx, r, &answer); err != nil {
		return nil, err
	}
	var found listing[identity.ObjectGrant]
	for _, item := range answer.Items {
		if item.Principal == "" || item.Level == "" {
			return found.items, incomplete("%s: an entry has no principal or no level", r.route)
		}
		found.add(item.Principal+"\x00"+string(item.Level), identity.ObjectGrant{Holder: secretHolder(item.Principal), Level: item.Level})
	}
	return found.items, nil
}

// secretHolder guesses the kind of somebody whose name alone is told: application ids have a form of
// their own, and user names are mail addresses. A group whose name has either form is taken for what it
// looks like.
func secretHolder(name string) identity.PrincipalName {
	switch {
	case uuid.MatchString(name):
		return identity.PrincipalName{Kind: identity.KindServicePrincipal, Name: name}
	case strings.Contains(name, "@"):
		return identity.PrincipalName{Kind: identity.KindUser, Name: name}
	default:
		return identity.PrincipalName{Kind: identity.KindGroup, Name: name}
	}
}
