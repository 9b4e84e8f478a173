package query

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
)

// Objects says which workspace objects a question looks at. The zero value is none.
type Objects struct {
	Asked bool
	// Types narrows it to these types; empty means all that Databricks lists. What lies in the tree of a
	// workspace is looked at only where it is named, since that takes a call for each directory.
	Types []identity.ObjectType
}

var (
	objectsFlag     = Flag{Name: "scan-workspace-objects", Usage: "look at jobs, pipelines, clusters, secret scopes and other workspace objects"}
	objectTypesFlag = Flag{
		Name: "workspace-object-types", Value: "TYPE,…",
		Usage: "look at workspace objects of these types; notebooks, files, directories and repos have to be named",
	}
)

// objects reads which objects are asked for. Naming types asks for them.
func objects(v Values) (Objects, error) {
	o := Objects{Asked: v.Bool(objectsFlag.Name)}
	if !v.IsSet(objectTypesFlag.Name) {
		return o, nil
	}
	o.Asked = true
	for _, word := range list(v.String(objectTypesFlag.Name)) {
		t, err := objectTypeNamed(word)
		if err != nil {
			return Objects{}, err
		}
		o.Types = append(o.Types, t)
	}
	if len(o.Types) == 0 {
		return Objects{}, &UsageError{Problem: "--" + objectTypesFlag.Name + " names no type", Hint: "write one or more of " + typeNames(identity.ObjectTypes())}
	}
	slices.Sort(o.Types)
	o.Types = slices.Compact(o.Types)
	return o, nil
}

// objectTypeNamed reads the name of a type, with dashes or underscores, in any case.
func objectTypeNamed(word string) (identity.ObjectType, error) {
	t := identity.ObjectType(strings.ReplaceAll(strings.ToLower(word), "-", "_"))
	all := identity.ObjectTypes()
	if slices.Contains(all, t) {
		return t, nil
	}
	hint := "write one or more of " + typeNames(all)
	if near := nearTypes(string(t), all); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "; there are " + typeNames(all)
	}
	return "", &UsageError{Problem: fmt.Sprintf("--%s: %q is not a type of workspace object", objectTypesFlag.Name, word), Hint: hint}
}

// nearTypes are the types whose name, or a word of it, is spelt like the word, the likeliest first.
func nearTypes(word string, all []identity.ObjectType) (near []string) {
	distance := func(name string) int {
		least := identity.EditDistance(name, word)
		for part := range strings.SplitSeq(name, "_") {
			least = min(least, identity.EditDistance(part, word), identity.EditDistance(strings.TrimSuffix(part, "s"), word))
		}
		return least
	}
	for _, t := range all {
		if distance(string(t)) <= min(2, len(word)/2) {
			near = append(near, string(t))
		}
	}
	slices.SortStableFunc(near, func(a, b string) int { return cmp.Compare(distance(a), distance(b)) })
	return near
}

func typeNames(types []identity.ObjectType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}

// steering are the objects by which somebody may come to act as others, which alone can be ways.
func (o Objects) steering() error {
	for _, t := range o.Types {
		if _, ok := t.Steering(); !ok {
			var steering []identity.ObjectType
			for _, other := range identity.ObjectTypes() {
				if _, ok := other.Steering(); ok {
					steering = append(steering, other)
				}
			}
			return &UsageError{
				Problem: fmt.Sprintf("--%s: %s run nothing as somebody else, so that no way leads through them", objectTypesFlag.Name, t),
				Hint:    "write one or more of " + typeNames(steering),
			}
		}
	}
	return nil
}

// objectsEcho is which objects are asked for, as reports echo it.
type objectsEcho struct {
	Types []identity.ObjectType `json:"workspace_object_types,omitempty"`
}

func (o Objects) echo() objectsEcho { return objectsEcho{o.Types} }
