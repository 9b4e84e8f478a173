package query

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
)

// Action is what somebody would do: an everyday verb, creating something, or holding a privilege or a
// permission level. What it comes to depends on what it is done with.
type Action struct {
	verb   string             // one of the verbs below; empty otherwise
	create string             // what would be created; empty otherwise
	named  identity.Privilege // a privilege or level by name
}

// The everyday verbs.
const (
	Read   = "read"
	Write  = "write"
	Run    = "run"
	Query  = "query" // read by SQL: asks for a warehouse too
	Manage = "manage"
	Grant  = "grant"
	Enter  = "enter" // a workspace
	See    = "see"   // that something exists, and what it is like

	Impersonate = "impersonate" // a service principal, group or user
)

var verbs = []string{Read, Write, "edit", Run, Query, Manage, Grant, Enter, See, Impersonate}

// securableVerbs are the privileges that verbs mean.
var securableVerbs = map[string]map[identity.SecurableType]identity.Privilege{
	Read: {
		identity.TypeTable: identity.Select, identity.TypeVolume: identity.ReadVolume,
		identity.TypeFunction: identity.Execute, identity.TypeModel: identity.Execute,
		identity.TypeExternalLocation: identity.ReadFiles,
	},
	Write: {
		identity.TypeTable: identity.Modify, identity.TypeVolume: identity.WriteVolume,
		identity.TypeExternalLocation: identity.WriteFiles,
	},
	Run:   {identity.TypeFunction: identity.Execute, identity.TypeModel: identity.Execute},
	Query: {identity.TypeTable: identity.Select},
}

// runs are the levels by which objects are run or used, where that is not the lowest.
var runs = map[identity.ObjectType]identity.Level{
	identity.ObjectJob: identity.CanManageRun, identity.ObjectPipeline: identity.CanRun, identity.ObjectNotebook: identity.CanRun,
	identity.ObjectFile: identity.CanRun, identity.ObjectDirectory: identity.CanRun, identity.ObjectRepo: identity.CanRun,
	identity.ObjectWarehouse: identity.CanUse, identity.ObjectQuery: identity.CanRun, identity.ObjectAlert: identity.CanRun,
	identity.ObjectAlertV2: identity.CanRun, identity.ObjectLegacyDashboard: identity.CanRun, identity.ObjectDashboard: identity.CanRun,
	identity.ObjectGenie: identity.CanRun, identity.ObjectServing: identity.CanQuery,
}

// created are the privileges that creating something in Unity Catalog takes, and on what.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/access-control/privileges-reference
var created = map[string]struct {
	privilege identity.Privilege
	in        identity.SecurableType
}{
	"catalog":            {"CREATE_CATALOG", identity.TypeMetastore},
	"connection":         {"CREATE_CONNECTION", identity.TypeMetastore},
	"share":              {"CREATE_SHARE", identity.TypeMetastore},
	"recipient":          {"CREATE_RECIPIENT", identity.TypeMetastore},
	"provider":           {"CREATE_PROVIDER", identity.TypeMetastore},
	"clean room":         {"CREATE_CLEAN_ROOM", identity.TypeMetastore},
	"external metadata":  {"CREATE_EXTERNAL_METADATA", identity.TypeMetastore},
	"storage credential": {"CREATE_STORAGE_CREDENTIAL", identity.TypeMetastore},
	"service credential": {"CREATE_SERVICE_CREDENTIAL", identity.TypeMetastore},
	"external location":  {"CREATE_EXTERNAL_LOCATION", identity.TypeStorageCredential},
	"foreign catalog":    {"CREATE_FOREIGN_CATALOG", identity.TypeConnection},
	"schema":             {"CREATE_SCHEMA", identity.TypeCatalog},
	"table":              {"CREATE_TABLE", identity.TypeSchema},
	"view":               {"CREATE_TABLE", identity.TypeSchema},
	"feature table":      {"CREATE_TABLE", identity.TypeSchema},
	"materialized view":  {"CREATE_MATERIALIZED_VIEW", identity.TypeSchema},
	"volume":             {"CREATE_VOLUME", identity.TypeSchema},
	"function":           {"CREATE_FUNCTION", identity.TypeSchema},
	"model":              {"CREATE_MODEL", identity.TypeSchema},
	"model version":      {"CREATE_MODEL_VERSION", identity.TypeModel},
	"external table":     {"CREATE_EXTERNAL_TABLE", identity.TypeExternalLocation},
	"external volume":    {"CREATE_EXTERNAL_VOLUME", identity.TypeExternalLocation},
}

// made are the things that are created in a workspace.
var made = []string{"cluster", "warehouse", "cluster policy", "instance pool", "job", "notebook"}

// parseAction reads a verb, "create TYPE", a privilege or a permission level. A privilege that this
// program does not know may be a new one of Databricks and is taken as it is, unless it looks like a
// slip of the pen.
func parseAction(word string) (Action, error) {
	folded := strings.ToLower(strings.Join(strings.FieldsFunc(word, func(r rune) bool { return r == ' ' || r == '_' || r == '-' }), " "))
	if slices.Contains(verbs, folded) {
		if folded == "edit" {
			folded = Write
		}
		return Action{verb: folded}, nil
	}
	p := identity.ParsePrivilege(word)
	what, creates := strings.CutPrefix(folded, "create ")
	what = strings.TrimPrefix(what, "sql ")
	switch {
	case p == identity.AllPrivileges:
		return Action{}, &UsageError{Problem: fmt.Sprintf("can does not answer for %s", p.SQL()), Hint: "ask for one privilege to use or manage something, such as SELECT"}
	case creates && (slices.Contains(made, what) || created[what].privilege != ""):
		return Action{create: what}, nil
	case p.Known() || level(p):
		return Action{named: p}, nil
	}
	var near []string
	for _, k := range identity.KnownPrivileges() {
		if identity.EditDistance(string(k), string(p)) <= 2 {
			near = append(near, k.SQL())
		}
	}
	for _, v := range verbs {
		if folded == "" {
			break
		}
		if d := identity.EditDistance(v, folded); d == 1 || d == 2 && len(v) > 3 && v[0] == folded[0] {
			near = append(near, v)
		}
	}
	switch {
	case len(near) > 0:
		return Action{}, &UsageError{Problem: fmt.Sprintf("%q is not an action", word), Hint: "did you mean " + strings.Join(near, " or ")}
	case p == "":
		return Action{}, &UsageError{Problem: fmt.Sprintf("%q is not an action", word), Hint: "write a privilege such as SELECT, a permission level such as CAN_RUN, create TYPE, or one of " + strings.Join(verbs, ", ")}
	case creates:
		return Action{}, &UsageError{Problem: fmt.Sprintf("%q is nothing that is created", what), Hint: "write create with one of " + strings.Join(creatable(), ", ")}
	case word != strings.ToUpper(word):
		return Action{}, &UsageError{Problem: fmt.Sprintf("%q is not an action", word), Hint: "write one of " + strings.Join(verbs, ", ") + ", create TYPE, or a privilege; one that is newer than this program is written in capitals"}
	}
	return Action{named: p}, nil
}

func creatable() []string {
	words := slices.Clone(made)
	for what := range created {
		words = append(words, what)
	}
	slices.Sort(words)
	return words
}

// level reports whether the word is a permission level of some type of object.
func level(p identity.Privilege) bool {
	return slices.ContainsFunc(identity.ObjectTypes(), func(t identity.ObjectType) bool {
		return slices.Contains(t.Levels(), identity.Level(p))
	})
}

// String is the action as it is echoed.
func (a Action) String() string {
	if a.create != "" {
		return "create " + a.create
	}
	return cmp.Or(a.verb, string(a.named))
}

// MarshalText is the action as reports echo it.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// literal is the privilege or level that was named as such.
func (a Action) literal() (identity.Privilege, error) {
	if a.named == "" {
		return "", &UsageError{Problem: fmt.Sprintf("%q is not a privilege", a), Hint: "name one, such as SELECT"}
	}
	return a.named, nil
}

// plain reports whether the action is done with something whose name has no parts: a principal or a
// workspace.
func (a Action) plain() bool {
	return a.verb == Impersonate || a.verb == Enter || slices.Contains(made, a.create)
}

// place makes the target agree with what is created, or entered: the name alone may not tell.
func (a Action) place(t *Target) error {
	switch {
	case a.verb == Impersonate && (t.Type != "" || t.Object != "" || t.Workspace):
		return &UsageError{Problem: "impersonate is asked of a service principal, group or user", Hint: "leave out --" + resourceType}
	case a.verb == Impersonate:
		t.Principal = true
	case a.verb == Enter || slices.Contains(made, a.create):
		if t.Type != "" || t.Object != "" {
			return &UsageError{Problem: a.String() + " is asked of a workspace", Hint: "name the workspace, and leave out --" + resourceType}
		}
		t.Workspace = true
	case a.create != "" && t.Workspace:
		return &UsageError{Problem: "a " + a.create + " is not created in a workspace", Hint: "name the " + created[a.create].in.Title() + " that it would be created in or with"}
	case a.create != "" && t.Type == "":
		t.Type = created[a.create].in
		if t.Type == identity.TypeMetastore {
			t.Parts = []string{strings.Join(t.Parts, ".")}
		}
	}
	return nil
}

// Creates is what would be created in a workspace; empty when the action is another.
func (a Action) Creates() string {
	if slices.Contains(made, a.create) {
		return a.create
	}
	return ""
}

// Registers reports whether an external location would be created, which takes more than its privilege
// on the credential.
func (a Action) Registers() bool { return a.create == "external location" }

// Enters reports whether the action is entering a workspace.
func (a Action) Enters() bool { return a.verb == Enter }

// On is the privilege that the action comes to on a type of securable; the error says what would.
func (a Action) On(t identity.SecurableType) (identity.Privilege, error) {
	switch {
	case a.named != "":
		return a.named, nil
	case a.verb == Manage || a.verb == Grant:
		return identity.Manage, nil
	case a.verb == See:
		return identity.Browse, nil
	case a.create != "" && created[a.create].in == t:
		return created[a.create].privilege, nil
	case a.create != "":
		return "", &UsageError{Problem: fmt.Sprintf("no %s is created in a %s", a.create, t.Title()), Hint: "name the " + created[a.create].in.Title()}
	}
	if p, ok := securableVerbs[a.verb][t]; ok {
		return p, nil
	}
	return "", &UsageError{Problem: fmt.Sprintf("%s means nothing on a %s", a, t.Title()), Hint: "name a privilege, such as USE CATALOG"}
}

// At is the level that the action comes to on a type of object; the error says what would.
func (a Action) At(t identity.ObjectType) (identity.Level, error) {
	levels := t.Levels()
	switch {
	case len(levels) == 0:
	case a.named != "" && t.Has(identity.Level(a.named)):
		return identity.Level(a.named), nil
	case a.verb == Read || a.verb == See:
		return levels[0], nil
	case a.verb == Manage || a.verb == Grant:
		return t.Highest(), nil
	case a.verb == Write && t == identity.ObjectSecretScope:
		return identity.SecretWrite, nil
	case a.verb == Write && t.Has(identity.CanEdit):
		return identity.CanEdit, nil
	case a.verb == Write:
		return t.Highest(), nil
	case a.verb == Run || a.verb == Query:
		return cmp.Or(runs[t], levels[0]), nil
	}
	var names []string
	for _, l := range levels {
		names = append(names, string(l))
	}
	return "", &UsageError{Problem: fmt.Sprintf("%s means nothing on a %s", a, t.Title()), Hint: "name a permission level: " + strings.Join(names, ", ")}
}
