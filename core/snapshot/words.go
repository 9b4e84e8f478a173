package snapshot

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"databricks-access-audit/core/identity"
)

// words are how the file spells the values of an enumeration. They are the file's own: a value may be
// called otherwise elsewhere without making old files unreadable.
type words[T ~uint8] []string

var (
	kinds       = words[identity.Kind]{"unknown", "user", "service_principal", "group"}
	origins     = words[identity.Origin]{"unknown", "databricks", "idp", "system", "workspace_local"}
	statuses    = words[identity.Status]{"unknown", "active", "inactive"}
	switches    = words[identity.Switch]{"unknown", "on", "off"}
	isolations  = words[identity.Isolation]{"unknown", "open", "isolated"}
	permissions = words[identity.WorkspacePermission]{"none", "user", "admin"}
	restricted  = words[identity.RestrictAdmins]{"unknown", "allow_all", "restricted"}
)

// of spells a value. The first value of each enumeration is what was not told, and needs no word.
func (w words[T]) of(v T) string {
	switch {
	case v == 0:
		return ""
	case int(v) < len(w):
		return w[v]
	default:
		return strconv.Itoa(int(v)) // not one that exists; kept all the same
	}
}

func (w words[T]) parse(s string) (T, error) {
	if s == "" {
		return 0, nil
	}
	if i := slices.Index(w, s); i >= 0 {
		return T(i), nil
	}
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("%q is none of %s", s, strings.Join(w, ", "))
	}
	return T(n), nil
}

// key spells the key of a principal: "user:123", "group:77@4411". The workspace follows the last @, and
// is written as 0 where the id holds an @ itself.
func key(k identity.PrincipalKey) string {
	kind := kinds.of(k.Kind)
	if k.Workspace == 0 && !strings.Contains(k.ID, "@") {
		return kind + ":" + k.ID
	}
	return kind + ":" + k.ID + "@" + k.Workspace.String()
}

func parseKey(s string) (identity.PrincipalKey, error) {
	kind, id, ok := strings.Cut(s, ":")
	if !ok {
		return identity.PrincipalKey{}, fmt.Errorf("%q names no principal", s)
	}
	k, err := kinds.parse(kind)
	if err != nil {
		return identity.PrincipalKey{}, err
	}
	var in int64
	if i := strings.LastIndexByte(id, '@'); i >= 0 {
		if in, err = strconv.ParseInt(id[i+1:], 10, 64); err != nil {
			return identity.PrincipalKey{}, fmt.Errorf("%q names no principal", s)
		}
		id = id[:i]
	}
	return identity.PrincipalKey{Kind: k, Workspace: identity.WorkspaceID(in), ID: id}, nil
}

func keys(of []identity.PrincipalKey) []string {
	list := make([]string, len(of))
	for i, k := range of {
		list[i] = key(k)
	}
	return list
}
