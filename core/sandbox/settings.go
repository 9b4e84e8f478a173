package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// workspaceAdminRoutes are tokens, secrets and settings.
func workspaceAdminRoutes() []route {
	on := func(method, path string, a access, class LimitClass, handle func(*call) reply) route {
		return route{method: method, host: onWorkspace, template: path, access: a, class: class, handle: handle}
	}
	return []route{
		on("GET", "/api/2.0/token-management/tokens", workspaceAdmin, LimitTokenManagement, (*call).listTokens),
		on("GET", "/api/2.0/token-management/tokens/{id}", workspaceAdmin, LimitTokenManagement, (*call).getToken),
		on("DELETE", "/api/2.0/token-management/tokens/{id}", workspaceAdmin, LimitTokenManagement, (*call).revokeToken),
		on("GET", "/api/2.0/secrets/scopes/list", member, LimitSecrets, (*call).listScopes),
		on("GET", "/api/2.0/secrets/acls/list", member, LimitSecrets, (*call).listSecretACLs),
		on("GET", "/api/2.0/secrets/acls/get", member, LimitSecrets, (*call).getSecretACL),
		on("POST", "/api/2.0/secrets/acls/put", member, LimitSecrets, (*call).putSecretACL),
		on("POST", "/api/2.0/secrets/acls/delete", member, LimitSecrets, (*call).deleteSecretACL),
		on("GET", "/api/2.0/settings/types/{type}/names/default", workspaceAdmin, noLimit, (*call).getSetting),
		on("GET", "/api/2.0/workspace-conf", workspaceAdmin, noLimit, (*call).getConf),
		on("GET", "/api/2.0/global-init-scripts", workspaceAdmin, noLimit, (*call).listInitScripts),
		on("GET", "/api/2.0/ip-access-lists", workspaceAdmin, noLimit, func(*call) reply {
			return notFound("FEATURE_DISABLED", "IP access list is not available in the pricing tier of this workspace")
		}),
		{method: "GET", host: onAccount, template: "/api/2.0/accounts/{account_id}/settings/types/{type}/names/default", access: accountAdmin, handle: (*call).getAccountSetting},
	}
}

// settingFields are the fields of settings whose values do not go by the type's name.
var settingFields = map[string]string{
	"default_namespace_ws":            "namespace",
	"automatic_cluster_update":        "automatic_cluster_update_workspace",
	"shield_csp_enablement_ws_db":     "compliance_security_profile_workspace",
	"shield_esm_enablement_ws_db":     "enhanced_security_monitoring_workspace",
	"enable-export-notebook":          "boolean_val",
	"enable-results-downloading":      "boolean_val",
	"enable-notebook-table-clipboard": "boolean_val",
	"dcp_acct_enable":                 "personal_compute",
}

// getSetting answers 404 for settings that were never set
// (https://docs.databricks.com/api/workspace/restrictworkspaceadmins/get).
func (c *call) getSetting() reply {
	name := c.params["type"]
	value, set := c.ws.Settings[name]
	if name == "restrict_workspace_admins" && c.ws.RestrictAdmins != "" {
		value, set = map[string]string{"status": c.ws.RestrictAdmins}, true
	}
	return settingReply(name, value, set, fmt.Sprintf("ws-%d", c.ws.ID))
}

// getAccountSetting: https://docs.databricks.com/api/account/personalcompute/get
func (c *call) getAccountSetting() reply {
	name := c.params["type"]
	set := name == "dcp_acct_enable" && c.acct.PersonalCompute != ""
	return settingReply(name, map[string]string{"value": c.acct.PersonalCompute}, set, "acct")
}

// settingReply also gives the etag of a setting that is not set: the first write needs one.
func settingReply(name string, value any, set bool, etag string) reply {
	if !set {
		r := notFound("NOT_FOUND", "Setting %s is not set", name)
		r.err.details = []any{map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "metadata": map[string]string{"etag": etag}}}
		return r
	}
	return ok(map[string]any{"etag": etag, "setting_name": "default", either(settingFields[name], name): value})
}

// knownConf are keys that workspace-conf knows besides those that are set.
var knownConf = []string{
	"enableTokensConfig", "maxTokenLifetimeDays", "enableIpAccessLists", "enableExportNotebook", "enableResultsDownloading",
	"enableDbfsFileBrowser", "enableNotebookTableClipboard", "enableWebTerminal", "enableVerboseAuditLogs", "enforceUserIsolation",
	"enableProjectsAllowList", "projectsAllowList", "projectsAllowListPermissions",
}

// getConf: an unknown key fails the whole call
// (https://docs.databricks.com/api/workspace/workspaceconf/getstatus).
func (c *call) getConf() reply {
	out := map[string]any{}
	for _, key := range strings.Split(c.query.Get("keys"), ",") {
		value, set := c.ws.Conf[key]
		switch {
		case set:
			out[key] = value
		case slices.Contains(knownConf, key):
			out[key] = nil
		default:
			return fail(http.StatusBadRequest, "BAD_REQUEST", "Invalid keys: "+strconv.Quote(key))
		}
	}
	return ok(out)
}

// listInitScripts: https://docs.databricks.com/api/workspace/globalinitscripts/list
func (c *call) listInitScripts() reply {
	var out []map[string]any
	for _, s := range c.ws.GlobalInitScripts {
		out = append(out, map[string]any{"script_id": s.ID, "name": s.Name, "created_by": s.CreatedBy, "enabled": s.Enabled, "position": s.Position})
	}
	return listReply(c, whole("scripts"), out)
}
