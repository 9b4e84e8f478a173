package query

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"databricks-access-audit/core/identity"
)

// Clone asks for the steps that give one principal what another has, and what would come of them.
type Clone struct {
	// From and To are as Principal.Who.
	From, To string
	// Include are what to take over: groups, assignments, entitlements, grants, objects.
	Include []string
	// Only, if set, limits the steps to these names, and Exclude leaves them out.
	Only, Exclude []string
	// For is how long the target is to have it; zero means for good.
	For time.Duration
	// Minimal asks for the groups with the least that the source does not have, instead of all.
	Minimal bool
	// Scan is as in Principal; Deep says that it is everything in Unity Catalog.
	Scan []identity.SecurableType
	Deep bool
	// WorkspaceURLs limits the question to these workspaces; empty means all.
	WorkspaceURLs []string
}

// Mode is "clone".
func (Clone) Mode() string { return "clone" }

// Takes reports whether a part of the access is to be taken over.
func (q Clone) Takes(part string) bool { return slices.Contains(q.Include, part) }

// MarshalJSON is the question as reports echo it.
func (q Clone) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Mode          string                   `json:"mode"`
		From          string                   `json:"from"`
		To            string                   `json:"to"`
		Include       []string                 `json:"include"`
		Only          []string                 `json:"only"`
		Exclude       []string                 `json:"exclude"`
		ForSeconds    int64                    `json:"for_seconds,omitempty"`
		Minimal       bool                     `json:"minimal,omitempty"`
		Deep          bool                     `json:"scan_uc"`
		Scan          []identity.SecurableType `json:"scan"`
		WorkspaceURLs []string                 `json:"workspace_urls"`
	}{q.Mode(), q.From, q.To, orEmpty(q.Include), orEmpty(q.Only), orEmpty(q.Exclude), int64(q.For / time.Second), q.Minimal, q.Deep, orEmpty(q.Scan), orEmpty(q.WorkspaceURLs)})
}

// cloneParts are what can be taken over, in the order in which help texts show them.
var cloneParts = []string{"groups", "assignments", "entitlements", "grants", "objects"}

const scanUC = "scan-uc"

var cloneForm = Form{
	Mode:  "clone",
	About: "the steps that give one principal what another has, and what would come of them",
	Args:  []string{"[FROM]", "[TO]"},
	Flags: append([]Flag{
		{Name: "from", Value: "A", Usage: "who has what is wanted"},
		{Name: "to", Value: "B", Usage: "who is to have it"},
		{Name: "include", Value: "PART,…", Usage: "what to take over: " + strings.Join(cloneParts, ", ") + "; groups and assignments when left out"},
		{Name: "only", Value: "NAME,…", Usage: "only the steps about these groups, workspaces, securables or objects"},
		{Name: "exclude", Value: "NAME,…", Usage: "all steps but those about these"},
		{Name: "for", Value: "DURATION", Usage: "for a time, such as 8h: what is applied is taken back then"},
		{Name: "minimal", Usage: "of the groups, only those that are needed, with the least that the source does not have"},
		{Name: scanUC, Usage: "look at everything in Unity Catalog, to find out what groups give that give nothing on catalogs"},
	}, depthFlags()...),
	build: buildClone,
}

func buildClone(args []string, v Values) (Request, error) {
	q := Clone{Only: list(v.String("only")), Exclude: list(v.String("exclude")), Minimal: v.Bool("minimal"), Deep: v.Bool(scanUC), Scan: scan(v), WorkspaceURLs: list(v.String(workspaceURLs))}
	if v.IsSet(workspaceURLs) && len(q.WorkspaceURLs) == 0 {
		return nil, noWorkspace
	}
	var err error
	if q.From, q.To, err = fromTo(args, v); err != nil {
		return nil, err
	}
	if q.Include, err = parts(v); err != nil {
		return nil, err
	}
	for _, flag := range []string{"only", "exclude"} {
		if v.IsSet(flag) && len(list(v.String(flag))) == 0 {
			return nil, &UsageError{Problem: "--" + flag + " is empty", Hint: "name groups, workspaces, securables or objects"}
		}
	}
	if v.IsSet("for") {
		if q.For, err = time.ParseDuration(v.String("for")); err != nil || q.For < time.Minute {
			return nil, &UsageError{Problem: fmt.Sprintf("--for %q is no time of a minute or more", v.String("for")), Hint: "write --for 8h or --for 90m"}
		}
		q.For = q.For.Truncate(time.Second)
	}
	if q.Deep {
		q.Scan = []identity.SecurableType{identity.TypeSchema, identity.TypeTable, identity.TypeVolume, identity.TypeFunction, identity.TypeModel}
	}
	return q, nil
}

// CloneForm is how hints write a clone: a front that has other words for it puts those in its place.
const CloneForm = "clone --from A --to B"

// fromTo are the two names, each given by its flag or in its place.
func fromTo(args []string, v Values) (from, to string, err error) {
	names := args
	take := func(flag string) string {
		if v.IsSet(flag) {
			return v.String(flag)
		}
		if len(names) == 0 {
			return ""
		}
		first := names[0]
		names = names[1:]
		return first
	}
	from, to = take("from"), take("to")
	switch {
	case strings.TrimSpace(from) == "" || strings.TrimSpace(to) == "":
		return "", "", &UsageError{Problem: "clone needs somebody to take from and somebody to give to", Hint: "write " + CloneForm}
	case len(names) > 0:
		return "", "", &UsageError{Problem: fmt.Sprintf("clone does not take %q", names[0]), Hint: "a name with spaces needs quotes: write " + CloneForm}
	}
	return from, to, nil
}

// parts are what to take over, each once, in the usual order.
func parts(v Values) ([]string, error) {
	if !v.IsSet("include") {
		return []string{"groups", "assignments"}, nil
	}
	asked := list(v.String("include"))
	for _, p := range asked {
		if !slices.Contains(cloneParts, strings.ToLower(p)) {
			return nil, &UsageError{Problem: fmt.Sprintf("--include %q cannot be taken over", p), Hint: "there are " + strings.Join(cloneParts, ", ")}
		}
	}
	chosen := slices.DeleteFunc(slices.Clone(cloneParts), func(p string) bool {
		return !slices.ContainsFunc(asked, func(a string) bool { return strings.EqualFold(a, p) })
	})
	if len(chosen) == 0 {
		return nil, &UsageError{Problem: "--include is empty", Hint: "there are " + strings.Join(cloneParts, ", ")}
	}
	return chosen, nil
}
