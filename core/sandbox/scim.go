package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// scimRoutes are the account's SCIM API and its read-only proxy on workspace
// hosts (https://docs.databricks.com/api/account/accountusers,
// …/accountgroups, …/accountserviceprincipals).
func scimRoutes() []route {
	const account, proxy = "/api/2.0/accounts/{account_id}/scim/v2/", "/api/2.0/account/scim/v2/"
	var out []route
	for _, kind := range []struct {
		name      string
		list, get func(*call) reply
	}{
		{"Users", (*call).listAccountUsers, (*call).getAccountUser},
		{"Groups", (*call).listAccountGroups, (*call).getAccountGroup},
		{"ServicePrincipals", (*call).listAccountSPs, (*call).getAccountSP},
	} {
		// Managers of a group may change it without being account admins.
		patchers := accountAdmin
		if kind.name == "Groups" {
			patchers = accountMember
		}
		out = append(out,
			route{method: "GET", host: onAccount, template: account + kind.name, access: accountAdmin, class: LimitAccountSCIMList, handle: kind.list},
			route{method: "GET", host: onAccount, template: account + kind.name + "/{id}", access: accountAdmin, class: LimitAccountSCIMGet, handle: kind.get},
			route{method: "POST", host: onAccount, template: account + kind.name, access: accountAdmin, class: LimitAccountSCIMWrite, handle: (*call).createIdentity},
			route{method: "PATCH", host: onAccount, template: account + kind.name + "/{id}", access: patchers, class: LimitAccountSCIMPatch, handle: (*call).patchIdentity},
			route{method: "DELETE", host: onAccount, template: account + kind.name + "/{id}", access: accountAdmin, class: LimitAccountSCIMWrite, handle: (*call).deleteIdentity},
			route{method: "GET", host: onWorkspace, template: proxy + kind.name, access: workspaceAdmin, class: LimitAccountSCIMList, handle: kind.list},
			route{method: "GET", host: onWorkspace, template: proxy + kind.name + "/{id}", access: workspaceAdmin, class: LimitAccountSCIMGet, handle: kind.get},
		)
	}
	return out
}

const (
	scimListSchema  = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	scimUserSchema  = "urn:ietf:params:scim:schemas:core:2.0:User"
	scimGroupSchema = "urn:ietf:params:scim:schemas:core:2.0:Group"
	scimSPSchema    = "urn:ietf:params:scim:schemas:core:2.0:ServicePrincipal"
	// scimPageLimit is the documented largest count.
	scimPageLimit = 100
)

// scimItem is one resource of a list: its attributes for filters, and its full
// form, made only for the resources of the page.
type scimItem struct {
	attr func(name string) []string
	full func() map[string]any
}

type wireSCIMList struct {
	Schemas      []string         `json:"schemas"`
	TotalResults int              `json:"totalResults"`
	StartIndex   int              `json:"startIndex"`
	ItemsPerPage int              `json:"itemsPerPage"`
	Resources    []map[string]any `json:"Resources"`
}

// scimList filters, pages and projects.
func (c *call) scimList(items []scimItem, filterable ...string) reply {
	items, failed := c.scimFiltered(items, filterable)
	if failed != nil {
		return *failed
	}
	start, count, failed := c.scimWindow()
	if failed != nil {
		return *failed
	}
	if c.anomaly == ExpiredToken || c.anomaly == ShrinkTotal {
		count = min(count, max(1, len(items)/2))
	}
	switch {
	case c.anomaly == ExpiredToken && start > 1:
		return scimFail(http.StatusBadRequest, "invalidValue", "The list has expired, start again")
	case c.anomaly == ShrinkTotal && start > 1 && len(items) > 0:
		items = items[1:]
	case c.anomaly == RepeatToken:
		start = 1
	}
	total := len(items)
	from := min(start-1, total)
	part := items[from:min(from+count, total)]
	if c.anomaly == EmptyPage {
		part = nil
	}
	if c.anomaly == DuplicateItems && len(part) > 0 {
		part = append(slices.Clone(part), part[0])
	}
	list := wireSCIMList{Schemas: []string{scimListSchema}, TotalResults: total, StartIndex: start, ItemsPerPage: len(part), Resources: []map[string]any{}}
	for _, it := range part {
		list.Resources = append(list.Resources, c.projected(it.full()))
	}
	return ok(list)
}

func (c *call) scimFiltered(items []scimItem, filterable []string) ([]scimItem, *reply) {
	text := c.query.Get("filter")
	if text == "" {
		return items, nil
	}
	known := map[string]bool{"id": true, "displayname": true, "externalid": true}
	for _, f := range filterable {
		known[strings.ToLower(f)] = true
	}
	f, err := parseSCIMFilter(text, known)
	if err != nil {
		r := scimFail(http.StatusBadRequest, "invalidFilter", "INVALID_FILTER: "+err.Error())
		return nil, &r
	}
	var out []scimItem
	for _, it := range items {
		if f.matches(it.attr) {
			out = append(out, it)
		}
	}
	return out, nil
}

// scimWindow reads startIndex and count. The documentation limits count to 100
// and a larger one is cut to that; a startIndex below 1 means 1.
func (c *call) scimWindow() (start, count int, failed *reply) {
	start, count = 1, scimPageLimit
	for _, p := range []struct {
		name string
		into *int
		low  int
	}{{"startIndex", &start, 1}, {"count", &count, 0}} {
		text := c.query.Get(p.name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			r := scimFail(http.StatusBadRequest, "invalidValue", p.name+" is not a number")
			return 0, 0, &r
		}
		*p.into = max(n, p.low)
	}
	return start, min(count, scimPageLimit), nil
}

// projected applies attributes and excludedAttributes (RFC 7644 section 3.9);
// id and schemas are always returned.
func (c *call) projected(full map[string]any) map[string]any {
	only, except := lowerSet(c.query.Get("attributes")), lowerSet(c.query.Get("excludedAttributes"))
	if len(only) == 0 && len(except) == 0 {
		return full
	}
	out := map[string]any{}
	for k, v := range full {
		name := strings.ToLower(k)
		always := name == "id" || name == "schemas"
		if always || (len(only) == 0 || only[name]) && !except[name] {
			out[k] = v
		}
	}
	return out
}

// lowerSet reads a comma list; of a path like name.familyName it keeps the first part.
func lowerSet(list string) map[string]bool {
	out := map[string]bool{}
	for _, s := range strings.Split(list, ",") {
		s, _, _ = strings.Cut(strings.TrimSpace(s), ".")
		if s != "" {
			out[strings.ToLower(s)] = true
		}
	}
	return out
}

type wireValue struct {
	Value   string `json:"value"`
	Type    string `json:"type,omitempty"`
	Primary bool   `json:"primary,omitempty"`
}

type wireMember struct {
	Ref     string `json:"$ref,omitempty"`
	Value   string `json:"value"`
	Display string `json:"display,omitempty"`
}

func values(list []string) []wireValue {
	out := make([]wireValue, len(list))
	for i, v := range list {
		out[i] = wireValue{Value: v}
	}
	return out
}

// put sets a key unless the value is empty: SCIM leaves unassigned attributes out.
func put(m map[string]any, key, value string) {
	if value != "" {
		m[key] = value
	}
}

func putValues(m map[string]any, key string, list []string) {
	if len(list) > 0 {
		m[key] = values(list)
	}
}

// userResource is an account user. The account API has no groups attribute
// (https://github.com/databricks/terraform-provider-databricks/pull/2398).
func userResource(u *User) map[string]any {
	m := map[string]any{
		"schemas":  []string{scimUserSchema},
		"id":       u.ID,
		"userName": u.UserName,
		"active":   !u.Inactive,
	}
	emails := []wireValue{{Value: u.UserName, Type: "work", Primary: true}}
	for _, e := range u.Emails {
		emails = append(emails, wireValue{Value: e, Type: "other"})
	}
	m["emails"] = emails
	put(m, "displayName", u.DisplayName)
	put(m, "externalId", u.ExternalID)
	putValues(m, "roles", u.Roles)
	if given, family, ok := strings.Cut(u.DisplayName, " "); ok {
		m["name"] = map[string]string{"givenName": given, "familyName": family}
	}
	return m
}

func spResource(sp *ServicePrincipal) map[string]any {
	m := map[string]any{
		"schemas":       []string{scimSPSchema},
		"id":            sp.ID,
		"applicationId": sp.ApplicationID,
		"active":        !sp.Inactive,
	}
	put(m, "displayName", sp.DisplayName)
	put(m, "externalId", sp.ExternalID)
	putValues(m, "roles", sp.Roles)
	return m
}

func (c *call) groupResource(g *Group, withMembers bool) map[string]any {
	m := map[string]any{
		"schemas":     []string{scimGroupSchema},
		"id":          g.ID,
		"displayName": g.DisplayName,
		"meta":        map[string]string{"resourceType": "Group"},
	}
	put(m, "externalId", g.ExternalID)
	putValues(m, "roles", g.Roles)
	if ids := c.idx.members(g); withMembers && len(ids) > 0 {
		m["members"] = c.wireMembers(ids)
	}
	return m
}

func (c *call) wireMembers(ids []string) []wireMember {
	out := make([]wireMember, 0, len(ids))
	for _, id := range ids {
		if p := c.idx.principals[id]; p != nil {
			out = append(out, wireMember{Ref: p.ref(), Value: id, Display: p.display})
		}
	}
	return out
}

func userItem(u *User) scimItem {
	return scimItem{
		attr: func(name string) []string {
			if name == "emails" || name == "emails.value" {
				return append([]string{u.UserName}, u.Emails...)
			}
			return userAttr(name, u.ID, u.UserName, u.DisplayName, u.ExternalID, !u.Inactive)
		},
		full: func() map[string]any { return userResource(u) },
	}
}

func userAttr(name, id, userName, display, external string, active bool) []string {
	switch name {
	case "id":
		return []string{id}
	case "username", "emails", "emails.value":
		return []string{userName}
	case "displayname":
		return []string{display}
	case "externalid":
		return []string{external}
	case "active":
		return []string{strconv.FormatBool(active)}
	case "name.givenname", "name.familyname":
		given, family, _ := strings.Cut(display, " ")
		if name == "name.givenname" {
			return []string{given}
		}
		return []string{family}
	}
	return nil
}

var userFilterable = []string{"userName", "emails", "emails.value", "active", "name.givenName", "name.familyName"}

// listAccountUsers: https://docs.databricks.com/api/account/accountusers/list
func (c *call) listAccountUsers() reply {
	items := make([]scimItem, len(c.acct.Users))
	for i, u := range c.acct.Users {
		items[i] = userItem(u)
	}
	return c.scimList(items, userFilterable...)
}

// getAccountUser: https://docs.databricks.com/api/account/accountusers/get
func (c *call) getAccountUser() reply {
	if p := c.idx.principals[c.params["id"]]; p != nil && p.kind == kindUser {
		return ok(c.projected(userResource(p.user)))
	}
	return c.noSuch("User")
}

func (c *call) noSuch(what string) reply {
	return scimFail(http.StatusNotFound, "", fmt.Sprintf("%s with id %s not found.", what, c.params["id"]))
}

// listAccountSPs: https://docs.databricks.com/api/account/accountserviceprincipals/list
func (c *call) listAccountSPs() reply {
	items := make([]scimItem, len(c.acct.ServicePrincipals))
	for i, sp := range c.acct.ServicePrincipals {
		items[i] = scimItem{
			attr: func(name string) []string {
				if name == "applicationid" {
					return []string{sp.ApplicationID}
				}
				return userAttr(name, sp.ID, "", sp.DisplayName, sp.ExternalID, !sp.Inactive)
			},
			full: func() map[string]any { return spResource(sp) },
		}
	}
	return c.scimList(items, "applicationId", "active")
}

// getAccountSP: https://docs.databricks.com/api/account/accountserviceprincipals/get
func (c *call) getAccountSP() reply {
	if p := c.idx.principals[c.params["id"]]; p != nil && p.kind == kindSP {
		return ok(c.projected(spResource(p.sp)))
	}
	return c.noSuch("Service principal")
}

// listAccountGroups leaves members out, whatever attributes are asked for,
// except on accounts that relied on them before 2025-08-22
// (https://docs.databricks.com/api/account/accountgroups/list).
func (c *call) listAccountGroups() reply {
	items := make([]scimItem, len(c.acct.Groups))
	for i, g := range c.acct.Groups {
		items[i] = scimItem{
			attr: func(name string) []string { return userAttr(name, g.ID, "", g.DisplayName, g.ExternalID, true) },
			full: func() map[string]any { return c.groupResource(g, c.srv.opts.GrandfatheredGroupMembers) },
		}
	}
	return c.scimList(items)
}

// getAccountGroup returns all direct members, unpaged
// (https://docs.databricks.com/api/account/accountgroups/get).
func (c *call) getAccountGroup() reply {
	if p := c.idx.principals[c.params["id"]]; p != nil && p.kind == kindGroup {
		return ok(c.projected(c.groupResource(p.group, true)))
	}
	return c.noSuch("Group")
}
