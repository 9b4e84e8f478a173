package databricks

import (
	"bytes"
	"encoding/json"
	"strings"

	"databricks-access-audit/core/identity"
)

// bases are the tables, views and functions that a view is made from or a function reads. Some answers
// wrap the list once more; either may also depend on credentials and connections, which give nothing to
// read.
//
// https://docs.databricks.com/api/workspace/tables/get (view_dependencies),
// https://docs.databricks.com/api/workspace/functions/get (routine_dependencies)
type bases struct {
	told bool
	list []oneBase
}

type oneBase struct {
	Table *struct {
		Name string `json:"table_full_name"`
	} `json:"table"`
	Function *struct {
		Name string `json:"function_full_name"`
	} `json:"function"`
}

// named gives what is depended on; ok is false for what has nothing to read.
func (b oneBase) named() (t identity.SecurableType, name string, ok bool) {
	switch {
	case b.Table != nil:
		return identity.TypeTable, b.Table.Name, true
	case b.Function != nil:
		return identity.TypeFunction, b.Function.Name, true
	default:
		return "", "", false
	}
}

// UnmarshalJSON reads the list, or the object around it, or that around that.
func (v *bases) UnmarshalJSON(b []byte) error {
	for b = bytes.TrimSpace(b); ; {
		if bytes.Equal(b, []byte("null")) {
			return nil
		}
		v.told = true
		if bytes.HasPrefix(b, []byte("[")) {
			return json.Unmarshal(b, &v.list)
		}
		var wrapped struct {
			Inner json.RawMessage `json:"dependencies"`
		}
		if err := json.Unmarshal(b, &wrapped); err != nil {
			return err
		}
		if b = bytes.TrimSpace(wrapped.Inner); len(b) == 0 {
			return nil // an empty list is left out of some answers
		}
	}
}

// in gives the bases as securables of a metastore. They are known only when each name could be read.
func (v bases) in(metastore string) (of []identity.Securable, known bool) {
	known = v.told
	var found listing[identity.Securable]
	for _, b := range v.list {
		t, name, ok := b.named()
		if !ok {
			continue
		}
		parts, err := identity.ParseFullName(name)
		if err != nil || len(parts) != 3 {
			known = false // a dot in a part, for example: which it is cannot be told
			continue
		}
		on := identity.Securable{Metastore: metastore, Type: t, Catalog: parts[0], Schema: parts[1], Name: parts[2]}
		found.add(string(t)+"\x00"+strings.Join(parts, "\x00"), on)
	}
	return found.items, known
}
