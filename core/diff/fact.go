package diff

import (
	"cmp"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// key names one thing that may be so: the same thing has the same key on both sides.
type key struct {
	kind      string
	principal id
	group     identity.PrincipalKey // that a membership is in, or that a role is on
	workspace identity.WorkspaceID
	securable identity.Securable
	object    identity.Object
	name      string
}

// id is a principal: its key, or where no principal of either side bears it, the name that facts use.
type id struct {
	key  identity.PrincipalKey
	name string
	// deleted says that name is the id of a principal that is no more.
	deleted bool
}

// named reports whether nothing but a name is known of the principal.
func (i id) named() bool { return i.key.IsZero() && !i.deleted && i.name != "" }

// value is how a thing is on one side.
type value struct {
	// holder is whom it names, where that is not part of the key.
	holder id
	// same is equal for states that differ in names alone.
	same  string
	state report.State
}

// kinds are the kinds in the order in which changes are listed.
var kinds = []string{
	report.KindPrincipal, report.KindMembership, report.KindWorkspace, report.KindRole, report.KindEntitlement, report.KindSecurable,
	report.KindOwner, report.KindGrant, report.KindBinding, report.KindObject, report.KindSetting, report.KindEffective,
}

func (k key) compare(other key) int {
	return cmp.Or(
		cmp.Compare(slices.Index(kinds, k.kind), slices.Index(kinds, other.kind)),
		k.securable.Compare(other.securable),
		cmp.Compare(k.workspace, other.workspace),
		k.object.Compare(other.object),
		k.principal.compare(other.principal),
		k.group.Compare(other.group),
		strings.Compare(k.name, other.name),
	)
}

func (i id) compare(other id) int {
	return cmp.Or(i.key.Compare(other.key), strings.Compare(i.name, other.name))
}

// joined is a text that is the same for the same list of words, whatever is in them.
func joined[S ~string](words ...S) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(string(w), "\\", "\\\\"), "\n", "\\n"))
		b.WriteByte('\n')
	}
	return b.String()
}
