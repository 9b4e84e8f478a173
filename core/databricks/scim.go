package databricks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
)

// scimList is a page of a SCIM listing.
//
// https://docs.databricks.com/api/account/accountusersv2/list, RFC 7644 §3.4.2
type scimList struct {
	TotalResults *int           `json:"totalResults"`
	Resources    []scimResource `json:"Resources"`
}

// scimResource is a user, service principal or group.
//
// https://docs.databricks.com/api/account/accountusersv2/get,
// https://docs.databricks.com/api/account/accountserviceprincipalsv2/get,
// https://docs.databricks.com/api/account/accountgroupsv2/get
type scimResource struct {
	ID            scalar       `json:"id"`
	UserName      string       `json:"userName"`
	ApplicationID string       `json:"applicationId"`
	DisplayName   string       `json:"displayName"`
	ExternalID    string       `json:"externalId"`
	Active        *bool        `json:"active"`
	Emails        []scimValue  `json:"emails"`
	Roles         []scimValue  `json:"roles"`
	Members       []scimMember `json:"members"`
	// The rest is of workspaces alone.
	Entitlements []scimValue  `json:"entitlements"`
	Groups       []scimMember `json:"groups"`
	Meta         struct {
		ResourceType string `json:"resourceType"`
	} `json:"meta"`
}

type scimValue struct {
	Value string `json:"value"`
}

// scimMember refers to a member of a group; the path in $ref tells its kind, "Users/123". Where it
// refers to a group that somebody is in, the type says whether directly.
type scimMember struct {
	Value   scalar `json:"value"`
	Display string `json:"display"`
	Ref     string `json:"$ref"`
	Type    string `json:"type"`
}

// Attributes to ask for: answers hold everything otherwise, members of thousands included.
const (
	userAttributes  = "id,userName,displayName,emails,externalId,active,roles"
	spAttributes    = "id,applicationId,displayName,externalId,active,roles"
	groupAttributes = "id,displayName,externalId,roles"
)

// scimKind is what differs between the three kinds of principal.
type scimKind struct {
	resource   string
	attributes string
	fields     map[identity.Field]string
}

var scimKinds = map[identity.Kind]scimKind{
	identity.KindUser: {"Users", userAttributes, map[identity.Field]string{
		identity.ByName: "userName", identity.ByDisplayName: "displayName", identity.ByEmail: "emails.value", identity.ByExternalID: "externalId"}},
	identity.KindServicePrincipal: {"ServicePrincipals", spAttributes, map[identity.Field]string{
		identity.ByName: "applicationId", identity.ByDisplayName: "displayName", identity.ByExternalID: "externalId"}},
	identity.KindGroup: {"Groups", groupAttributes, map[identity.Field]string{
		identity.ByName: "displayName", identity.ByDisplayName: "displayName", identity.ByExternalID: "externalId"}},
}

// scimRequest makes a request to account SCIM, or where the credentials reach a workspace only, to
// the account's SCIM as the workspace passes it on.
//
// https://docs.databricks.com/aws/en/admin/users-groups/scim/ (workspace-level: account API on a
// workspace's host, /api/2.0/account/scim/v2)
func (s *Session) scimRequest(c class, path string, values ...string) request {
	if s.degraded() {
		return s.own(get(c, "/api/2.0/account/scim/v2/"+path), values...)
	}
	return s.own(get(c, "/api/2.0/accounts/{account_id}/scim/v2/"+path), append([]string{s.account.reach.AccountID}, values...)...)
}

// FindPrincipals searches account SCIM, for all the matches in one request where they fit into one. A field which principals of
// the kind do not have matches nobody.
//
// Filters: https://docs.databricks.com/api/account/accountusersv2/list (simple expressions, joined with "or")
func (s *Session) FindPrincipals(ctx context.Context, kind identity.Kind, matches ...identity.Match) ([]identity.Principal, error) {
	k, ok := scimKinds[kind]
	if !ok {
		return nil, s.failed(fmt.Errorf("principals of kind %s cannot be searched", kind))
	}
	matches = slices.DeleteFunc(slices.Clone(matches), func(m identity.Match) bool {
		_, has := k.fields[m.Field]
		return !has || m.Value == "" && !m.Contains
	})
	var found listing[identity.Principal]
	for some := range slices.Chunk(matches, scimCompared) {
		rows, err := s.scimSearch(ctx, kind, some)
		if f, refused := errors.AsType[*identity.Failure](err); refused && f.Status == http.StatusBadRequest && len(some) > 1 {
			rows, err = s.scimSearches(ctx, kind, some)
		}
		for _, row := range rows {
			if slices.ContainsFunc(some, row.matches) {
				found.add(string(row.ID), row.principal(kind))
			}
		}
		if err != nil {
			return found.items, partly(found.items, err)
		}
	}
	return found.items, nil
}

// scimCompared is how many comparisons one filter joins. A filter may have 200 nodes; counted with each comparison's attribute
// and value, and each "or", these are as many.
const scimCompared = 50

// scimSearches makes a search of its own for each match: what is refused joined may be answered so.
func (s *Session) scimSearches(ctx context.Context, kind identity.Kind, matches []identity.Match) (all []scimResource, err error) {
	for one := range slices.Chunk(matches, 1) {
		rows, err := s.scimSearch(ctx, kind, one)
		all = append(all, rows...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// scimSearch asks for whoever fits any of the matches. If one of them is for parts of values, it asks for one page only.
func (s *Session) scimSearch(ctx context.Context, kind identity.Kind, matches []identity.Match) ([]scimResource, error) {
	k := scimKinds[kind]
	var terms []string
	anyone, onePage := false, false
	for _, m := range matches {
		operator := "eq"
		if m.Contains {
			operator, onePage = "co", true
		}
		anyone = anyone || m.Value == ""
		terms = append(terms, k.fields[m.Field]+" "+operator+" "+scimQuote(m.Value))
	}
	query := url.Values{"attributes": {k.attributes}}
	if !anyone {
		query.Set("filter", strings.Join(terms, " or "))
	}
	read := func(r request) ([]scimResource, error) {
		r.query = query
		if onePage {
			return s.scimFirstPage(ctx, r)
		}
		return scimPages(ctx, s, r)
	}
	rows, err := read(s.scimRequest(classAccountSCIMList, k.resource))
	if s.degraded() && kind != identity.KindGroup && identity.IsKind(err, identity.Unsupported) {
		// A workspace that does not pass the account's SCIM on has its own, where users and service
		// principals of the account bear the same ids. Its groups are not the account's.
		rows, err = read(s.own(get(classWorkspaceSCIM, "/api/2.0/preview/scim/v2/"+k.resource)))
	}
	return rows, err
}

func (s *Session) scimFirstPage(ctx context.Context, r request) ([]scimResource, error) {
	var wire scimList
	if _, err := s.fetch(ctx, r.with("startIndex", "1").with("count", fmt.Sprint(scimPage)), &wire); err != nil {
		return nil, err
	}
	var found listing[scimResource]
	for _, row := range wire.Resources {
		if row.ID != "" {
			found.add(string(row.ID), row)
		}
	}
	return found.items, nil
}

// matches checks an answer against the question, so that a filter which the server did not
// understand can never give the wrong person.
func (r scimResource) matches(m identity.Match) bool {
	fits := func(v string) bool {
		if m.Contains {
			return strings.Contains(identity.FoldName(v), identity.FoldName(m.Value))
		}
		return identity.SameName(v, m.Value)
	}
	switch m.Field {
	case identity.ByEmail:
		for _, e := range r.Emails {
			if fits(e.Value) {
				return true
			}
		}
		return false
	case identity.ByExternalID:
		return fits(r.ExternalID)
	case identity.ByDisplayName:
		return fits(r.DisplayName)
	default:
		return fits(r.UserName) || fits(r.ApplicationID) || r.UserName == "" && r.ApplicationID == "" && fits(r.DisplayName)
	}
}

// scimQuote writes a string literal of a SCIM filter.
//
// RFC 7644 §3.4.2.2: literals are JSON strings
func scimQuote(v string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
}

// Principal reads one account principal. Of a key without a kind it tries users, service principals
// and groups in turn.
func (s *Session) Principal(ctx context.Context, key identity.PrincipalKey) (identity.Principal, error) {
	if err := s.accountKey(key); err != nil {
		return identity.Principal{}, err
	}
	if key.Kind != identity.KindUnknown {
		row, err := s.scimGet(ctx, key.Kind, key.ID, scimKinds[key.Kind].attributes)
		return row.principal(key.Kind), err
	}
	var err error
	for _, kind := range []identity.Kind{identity.KindUser, identity.KindServicePrincipal, identity.KindGroup} {
		var row scimResource
		if row, err = s.scimGet(ctx, kind, key.ID, scimKinds[kind].attributes); err == nil {
			return row.principal(kind), nil
		}
		if !identity.IsKind(err, identity.NotFound) {
			break
		}
	}
	return identity.Principal{}, err
}

// accountKey refuses keys of workspace-local groups, whose numbers mean something else in the account.
func (s *Session) accountKey(key identity.PrincipalKey) error {
	if key.Workspace != 0 {
		return unsupported(fmt.Sprintf("%s exists in one workspace alone, not in the account", key))
	}
	return nil
}

func (s *Session) scimGet(ctx context.Context, kind identity.Kind, id, attributes string) (scimResource, error) {
	r := s.scimRequest(classAccountSCIMGet, scimKinds[kind].resource+"/{id}", id)
	r.query = url.Values{"attributes": {attributes}}
	var row scimResource
	if _, err := s.fetch(ctx, r, &row); err != nil {
		return scimResource{}, err
	}
	if string(row.ID) != id {
		return scimResource{}, s.failed(fmt.Errorf("%s: the answer is about %q", r.route, row.ID))
	}
	return row, nil
}

// Group reads one account group with its direct members, which one answer holds in full.
func (s *Session) Group(ctx context.Context, key identity.PrincipalKey) (identity.Group, error) {
	if err := s.accountKey(key); err != nil {
		return identity.Group{}, err
	}
	row, err := s.scimGet(ctx, identity.KindGroup, key.ID, groupAttributes+",members")
	if err != nil {
		return identity.Group{}, err
	}
	return identity.Group{Principal: row.principal(identity.KindGroup), Members: row.members(), MembersListed: true}, nil
}

// Groups lists all account groups. Since August 2025 the list leaves members out, except for accounts
// that relied on them: only a row that shows members is taken at its word, since an empty array may
// be either.
//
// https://docs.databricks.com/api/account/accountgroupsv2/list
func (s *Session) Groups(ctx context.Context) ([]identity.Group, error) {
	r := s.scimRequest(classAccountSCIMList, "Groups")
	r.query = url.Values{"attributes": {groupAttributes + ",members"}}
	rows, err := scimPages(ctx, s, r)
	groups := make([]identity.Group, 0, len(rows))
	for _, row := range rows {
		members := row.members()
		groups = append(groups, identity.Group{Principal: row.principal(identity.KindGroup), Members: members, MembersListed: len(members) > 0})
	}
	return groups, err
}

// Principals lists all principals of a kind.
//
// https://docs.databricks.com/api/account/accountusersv2/list
func (s *Session) Principals(ctx context.Context, kind identity.Kind) ([]identity.Principal, error) {
	k, ok := scimKinds[kind]
	if !ok {
		return nil, s.failed(fmt.Errorf("principals of kind %s cannot be listed", kind))
	}
	r := s.scimRequest(classAccountSCIMList, k.resource)
	r.query = url.Values{"attributes": {k.attributes}}
	rows, err := scimPages(ctx, s, r)
	all := make([]identity.Principal, 0, len(rows))
	for _, row := range rows {
		all = append(all, row.principal(kind))
	}
	return all, err
}

// members are the group's direct members, each once.
func (r scimResource) members() []identity.PrincipalKey {
	var found listing[identity.PrincipalKey]
	for _, m := range r.Members {
		if m.Value == "" {
			continue
		}
		key := identity.PrincipalKey{Kind: m.kind(), ID: string(m.Value)}
		found.add(key.String(), key)
	}
	return found.items
}

func (m scimMember) kind() identity.Kind {
	parts := strings.Split(m.Ref, "/")
	word := m.Type
	if len(parts) > 1 {
		word = parts[len(parts)-2]
	}
	switch strings.TrimSuffix(strings.ToLower(word), "s") {
	case "user":
		return identity.KindUser
	case "serviceprincipal":
		return identity.KindServicePrincipal
	case "group":
		return identity.KindGroup
	default:
		return identity.KindUnknown
	}
}

// principal turns a SCIM resource into ours.
func (r scimResource) principal(kind identity.Kind) identity.Principal {
	if r.ID == "" {
		return identity.Principal{}
	}
	p := identity.Principal{
		Key:         identity.PrincipalKey{Kind: kind, ID: string(r.ID)},
		DisplayName: r.DisplayName, ExternalID: r.ExternalID, Origin: r.origin(kind), Status: r.status(),
	}
	switch kind {
	case identity.KindServicePrincipal:
		p.Name = firstNonEmpty(r.ApplicationID, r.UserName)
	case identity.KindGroup:
		p.Name = r.DisplayName
	default:
		p.Name = r.UserName
	}
	for _, e := range r.Emails {
		if e.Value != "" && !identity.SameName(e.Value, p.Name) {
			p.Emails = append(p.Emails, e.Value)
		}
	}
	for _, role := range r.Roles {
		if role.Value != "" {
			p.Roles = append(p.Roles, role.Value)
		}
	}
	return p
}

func (r scimResource) origin(kind identity.Kind) identity.Origin {
	switch {
	case kind == identity.KindGroup && r.DisplayName == identity.AccountUsersName:
		return identity.OriginSystem
	case r.ExternalID != "":
		return identity.OriginIDP
	default:
		return identity.OriginDatabricks
	}
}

func (r scimResource) status() identity.Status {
	switch {
	case r.Active == nil:
		return identity.StatusUnknown
	case *r.Active:
		return identity.StatusActive
	default:
		return identity.StatusInactive
	}
}

var (
	routeMe             = get(classWorkspaceSCIM, "/api/2.0/preview/scim/v2/Me")
	routeWorkspaceUsers = get(classWorkspaceSCIM, "/api/2.0/preview/scim/v2/Users")
)

// Caller reads whose credentials the workspace sees.
//
// https://docs.databricks.com/api/workspace/currentuser/me
func (s *Session) Caller(ctx context.Context, at identity.Workspace) (identity.Principal, error) {
	r, err := s.at(at, routeMe)
	if err != nil {
		return identity.Principal{}, err
	}
	r.query = meQuery()
	var row scimResource
	if _, err := s.fetch(ctx, r, &row); err != nil {
		return s.callerByClientID(ctx, err)
	}
	if row.ID == "" {
		return identity.Principal{}, s.failed(fmt.Errorf("%s: the answer names nobody", r.route))
	}
	kind := identity.KindUser
	// A service principal's user name is its application id.
	if row.ApplicationID != "" || uuid.MatchString(row.UserName) {
		kind = identity.KindServicePrincipal
	}
	return row.principal(kind), nil
}

// callerByClientID finds a caller that no workspace names: a service principal is known by the client
// id of its credentials. cause is why the workspace does not say.
func (s *Session) callerByClientID(ctx context.Context, cause error) (identity.Principal, error) {
	id := s.account.identity.ClientID
	if id == "" || ctx.Err() != nil {
		return identity.Principal{}, cause
	}
	found, err := s.FindPrincipals(ctx, identity.KindServicePrincipal, identity.Match{Field: identity.ByName, Value: id})
	if err != nil || len(found) != 1 {
		return identity.Principal{}, cause
	}
	return found[0], nil
}

// meQuery leaves out what makes the answer dear,
// https://github.com/databricks/terraform-provider-databricks/pull/5725
func meQuery() url.Values { return url.Values{"excludedAttributes": {"entitlements"}} }

// WorkspaceUserName finds a user by the name that one workspace knows.
//
// https://docs.databricks.com/api/workspace/usersv2/list
func (s *Session) WorkspaceUserName(ctx context.Context, at identity.Workspace, name string) (string, error) {
	r, err := s.at(at, routeWorkspaceUsers)
	if err != nil {
		return "", err
	}
	r.query = url.Values{"filter": {"userName eq " + scimQuote(name)}, "attributes": {"id,userName,externalId"}}
	rows, err := s.scimFirstPage(ctx, r)
	if err != nil {
		return "", err
	}
	for _, row := range rows {
		if identity.SameName(row.UserName, name) {
			return row.ExternalID, nil
		}
	}
	return "", &identity.Failure{Kind: identity.NotFound, Message: s.account.scrub.line(fmt.Sprintf("the workspace knows no user %q", name))}
}
