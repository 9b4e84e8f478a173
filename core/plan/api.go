package plan

import (
	"encoding/json"
	"net/url"
	"strings"

	"databricks-access-audit/core/identity"
)

// request is one call of the Databricks API.
type request struct {
	Step   string `json:"step"`
	Method string `json:"method"`
	// Host is empty where it is not known: then Workspace says which one's it is.
	Host      string `json:"host"`
	Workspace string `json:"workspace,omitempty"`
	Path      string `json:"path"`
	Body      any    `json:"body,omitempty"`
	// Note says what to look at before.
	Note string `json:"note,omitempty"`
}

// api are the requests that the steps take, one JSON object a line.
func (w *scribe) api() (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, s := range w.p.Executable() {
		r := w.request(*s.Change)
		r.Step = s.ID
		if err := enc.Encode(r); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// body is a JSON object.
type body map[string]any

func (w *scribe) request(c Change) request {
	switch cell := c.Cell; cell.Kind {
	case Member:
		// https://docs.databricks.com/api/account/accountgroups/patch
		r := request{Method: "PATCH", Host: w.p.Host, Path: w.account("scim/v2/Groups/" + url.PathEscape(cell.Group.ID))}
		r.Body = scim(body{"op": "add", "path": "members", "value": []body{{"value": cell.Holder.ID}}})
		if c.After == Absent {
			r.Body = scim(body{"op": "remove", "path": `members[value eq "` + cell.Holder.ID + `"]`})
		}
		return r
	case Assigned:
		// https://docs.databricks.com/api/account/workspaceassignment/update
		r := request{Method: "PUT", Host: w.p.Host, Path: w.account("workspaces/" + cell.Workspace.String() + "/permissionassignments/principals/" + url.PathEscape(cell.Holder.ID))}
		if c.After == Absent {
			r.Method = "DELETE"
			return r
		}
		r.Body = body{"permissions": []string{string(c.After)}}
		return r
	case Entitled:
		// https://docs.databricks.com/api/workspace/users/patch
		kind := map[identity.Kind]string{identity.KindUser: "Users", identity.KindServicePrincipal: "ServicePrincipals", identity.KindGroup: "Groups"}[cell.Holder.Kind]
		r := request{Method: "PATCH", Path: "/api/2.0/preview/scim/v2/" + kind + "/" + url.PathEscape(cell.Holder.ID)}
		r.Body = scim(body{"op": "add", "path": "entitlements", "value": []body{{"value": string(cell.Entitlement)}}})
		if c.After == Absent {
			r.Body = scim(body{"op": "remove", "path": `entitlements[value eq "` + string(cell.Entitlement) + `"]`})
		}
		return w.at(c.Through, r)
	case Granted:
		// https://docs.databricks.com/api/workspace/grants/update
		change := body{"principal": c.HolderName, "add": []string{string(cell.Privilege)}}
		if c.After == Absent {
			change = body{"principal": c.HolderName, "remove": []string{string(cell.Privilege)}}
		}
		return w.at(c.Through, request{
			Method: "PATCH", Path: "/api/2.1/unity-catalog/permissions/" + apiType(cell.Securable.Type) + "/" + url.PathEscape(cell.Securable.FullName()),
			Body: body{"changes": []body{change}},
		})
	case ObjectLevel:
		return w.at(c.Through, objectRequest(c))
	default:
		return request{Note: "it cannot be written"}
	}
}

func (w *scribe) account(path string) string {
	return "/api/2.0/accounts/" + url.PathEscape(w.p.Account) + "/" + path
}

func (w *scribe) at(id identity.WorkspaceID, r request) request {
	r.Workspace = place(id)
	if w.m != nil {
		if at, ok := w.m.Estate().Workspace(id); ok {
			r.Host = at.Host
		}
	}
	return r
}

func scim(operation body) body {
	return body{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": []body{operation}}
}

// apiType is how paths of the API spell a type: views and models have none of their own.
//
// https://docs.databricks.com/api/workspace/grants/get
func apiType(t identity.SecurableType) string {
	switch t {
	case identity.TypeModel:
		return "function"
	case identity.TypeServiceCredential:
		return "credential"
	default:
		return strings.ToLower(string(t))
	}
}

// objectTypes are how the permissions API spells types of object.
//
// https://docs.databricks.com/api/workspace/permissions/update
var objectTypes = map[identity.ObjectType]string{
	identity.ObjectJob: "jobs", identity.ObjectCluster: "clusters", identity.ObjectClusterPolicy: "cluster-policies",
	identity.ObjectInstancePool: "instance-pools", identity.ObjectPipeline: "pipelines", identity.ObjectWarehouse: "warehouses",
	identity.ObjectQuery: "queries", identity.ObjectAlert: "alerts", identity.ObjectAlertV2: "alertsv2",
	identity.ObjectLegacyDashboard: "dbsql-dashboards", identity.ObjectDashboard: "dashboards", identity.ObjectGenie: "genie",
	identity.ObjectNotebook: "notebooks", identity.ObjectFile: "files", identity.ObjectDirectory: "directories", identity.ObjectRepo: "repos",
	identity.ObjectExperiment: "experiments", identity.ObjectRegisteredModel: "registered-models", identity.ObjectServing: "serving-endpoints",
	identity.ObjectApp: "apps", identity.ObjectVectorSearch: "vector-search-endpoints", identity.ObjectDatabase: "database-instances",
	identity.ObjectTokens: "authorization/tokens", identity.ObjectPasswords: "authorization/passwords",
}

func objectRequest(c Change) request {
	o := c.Cell.Object
	if o.Type == identity.ObjectSecretScope {
		// https://docs.databricks.com/api/workspace/secrets/putacl
		if c.After == Absent {
			return request{Method: "POST", Path: "/api/2.0/secrets/acls/delete", Body: body{"scope": o.ID, "principal": c.HolderName}}
		}
		return request{Method: "POST", Path: "/api/2.0/secrets/acls/put", Body: body{"scope": o.ID, "principal": c.HolderName, "permission": string(c.After)}}
	}
	spelled, known := objectTypes[o.Type]
	if !known {
		return request{Note: "objects of type " + string(o.Type) + " have no request that is known here"}
	}
	path := "/api/2.0/permissions/" + spelled + "/" + url.PathEscape(o.ID)
	if o.Type == identity.ObjectTokens || o.Type == identity.ObjectPasswords {
		path = "/api/2.0/permissions/" + spelled
	}
	if c.After == Absent {
		return request{Method: "PUT", Path: path, Note: "no request takes one entry away: read the list, leave the entry of " + c.HolderName + " out, and put the rest back"}
	}
	return request{Method: "PATCH", Path: path, Body: body{"access_control_list": []body{{holderField(c.Cell.Holder.Kind): c.HolderName, "permission_level": string(c.After)}}}}
}

func holderField(k identity.Kind) string {
	switch k {
	case identity.KindGroup:
		return "group_name"
	case identity.KindServicePrincipal:
		return "service_principal_name"
	default:
		return "user_name"
	}
}
