package analysis

import (
	"fmt"
	"strings"

	"databricks-access-audit/core/identity"
)

// storedIn sorts the external tables and volumes by the external location that they lie in.
func (c *catalogue) storedIn() map[identity.Securable][]identity.Securable {
	in := map[identity.Securable][]identity.Securable{}
	for _, s := range c.external {
		if location, ok := c.m.Location(s.Securable); ok {
			in[location] = append(in[location], s.Securable)
		}
	}
	return in
}

// among names what is known to lie in an external location, the first few of it.
func (c *catalogue) among(location identity.Securable) string {
	const few = 3
	var names []string
	for i, s := range c.stored[location] {
		if i == few {
			names = append(names, fmt.Sprintf("%d more", len(c.stored[location])-few))
			break
		}
		names = append(names, scope(s))
	}
	if len(names) == 0 {
		return ""
	}
	return ", among them those of " + strings.Join(names, ", ")
}
