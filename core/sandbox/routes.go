package sandbox

import (
	"net/http"
	"net/url"
	"strings"
)

// hostKind says which of the account's hosts serve a route.
type hostKind int

const (
	onAccount hostKind = 1 << iota
	onWorkspace
	onStorage // the cloud storage that large results of statements are fetched from
	onBoth    = onAccount | onWorkspace
)

// access says who may call a route at all; handlers refine it.
type access int

const (
	open           access = iota // nobody needs to log in
	accountAdmin                 // account admins
	accountMember                // any principal of the account
	member                       // principals that can enter the workspace
	workspaceAdmin               // admins of the workspace
)

// route is one operation of the API.
type route struct {
	method   string
	host     hostKind
	template string
	access   access
	class    LimitClass
	handle   func(*call) reply
	// reads marks POSTs that change nothing in the account.
	reads    bool
	segments []string
}

// routeTable finds routes by method and number of path segments.
type routeTable map[string][]*route

// routes is the whole API; it is filled from the tables beside the handlers and
// never changes.
var routes = newRouteTable(
	authRoutes(),
	accountRoutes(),
	scimRoutes(),
	workspaceSCIMRoutes(),
	assignmentRoutes(),
	ruleSetRoutes(),
	iamv2Routes(),
	catalogRoutes(),
	grantRoutes(),
	policyRoutes(),
	objectRoutes(),
	statementRoutes(),
)

func newRouteTable(tables ...[]route) routeTable {
	t := routeTable{}
	for _, table := range tables {
		for _, r := range table {
			r.segments = strings.Split(strings.Trim(r.template, "/"), "/")
			key := routeKey(r.method, len(r.segments))
			t[key] = append(t[key], &r)
		}
	}
	return t
}

func routeKey(method string, n int) string { return method + string(rune('0'+n)) }

// match finds the route of an escaped path. Literal segments win over
// placeholders, the first of them most. Placeholders are decoded after the path
// is split, so a name may hold a slash.
func (t routeTable) match(method string, host hostKind, escapedPath string) (*route, map[string]string) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	segments := strings.Split(strings.Trim(escapedPath, "/"), "/")
	var best *route
	for _, r := range t[routeKey(method, len(segments))] {
		if r.host&host != 0 && r.matches(segments) && (best == nil || r.moreLiteral(best)) {
			best = r
		}
	}
	if best == nil {
		return nil, nil
	}
	params := map[string]string{}
	for i, s := range best.segments {
		if !isPlaceholder(s) {
			continue
		}
		v, err := url.PathUnescape(segments[i])
		if err != nil {
			return nil, nil
		}
		params[strings.Trim(s, "{}")] = v
	}
	return best, params
}

func isPlaceholder(segment string) bool { return strings.HasPrefix(segment, "{") }

func (r *route) matches(segments []string) bool {
	for i, s := range r.segments {
		if isPlaceholder(s) {
			if segments[i] == "" {
				return false
			}
			continue
		}
		if s != segments[i] {
			return false
		}
	}
	return true
}

func (r *route) moreLiteral(other *route) bool {
	for i, s := range r.segments {
		if a, b := isPlaceholder(s), isPlaceholder(other.segments[i]); a != b {
			return b
		}
	}
	return false
}
