package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// terraform are the steps as resources of the Databricks provider. Resources that set all that a holder has
// somewhere hold what it has now, too, as far as that is known. Import blocks are for what is there already,
// and stand as comments: Terraform refuses to import what is not.
//
// https://registry.terraform.io/providers/databricks/databricks/latest/docs
func (w *scribe) terraform() string {
	var b strings.Builder
	b.WriteString(w.head(func(text string) string { return "# " + visible(text) }))
	b.WriteString("# providers: databricks.account is the account's, databricks.w_<id> that of a workspace\n")
	b.WriteString("# where the plan was applied by other means, the import blocks take over what is there: uncomment them then\n")
	for _, s := range w.p.Executable() {
		if s.Change.After == Absent {
			fmt.Fprintf(&b, "\n# step %s takes away: %s; remove its resource\n", s.ID, visible(words(*s.Change)))
			continue
		}
		if !w.saidBefore(s) {
			w.resource(&b, s)
		}
	}
	return b.String()
}

// saidBefore reports whether an earlier step's resource says what a step does.
func (w *scribe) saidBefore(s Step) bool {
	for _, one := range w.p.Executable() {
		switch a, b := one.Change.Cell, s.Change.Cell; {
		case one.ID == s.ID:
			return false
		case a.Kind == Granted && b.Kind == Granted && a.Securable == b.Securable, a.Kind == Entitled && b.Kind == Entitled && a.Workspace == b.Workspace,
			a.Kind == ObjectLevel && b.Kind == ObjectLevel && a.Object == b.Object:
			return one.Change.After != Absent
		}
	}
	return false
}

// setting says what a resource sets as a whole.
func (w *scribe) setting(what string) string {
	if w.m == nil {
		return "this sets all " + what + ": add what the holder has already, which is not known here"
	}
	return "this sets all " + what + ": with what the holder has already"
}

// granted are the privileges that the holder has on a securable, and those that the plan gives.
func (w *scribe) granted(c Change) []string {
	var ps []identity.Privilege
	for _, other := range w.p.changes(Granted) {
		if other.Cell.Securable == c.Cell.Securable && other.After != Absent {
			ps = append(ps, other.Cell.Privilege)
		}
	}
	if w.m != nil {
		for g := range w.m.Estate().GrantsOn(c.Cell.Securable) {
			if g.Holder.Key == c.Cell.Holder {
				ps = append(ps, g.Privileges...)
			}
		}
	}
	var list []string
	for _, p := range identity.SortPrivileges(ps) {
		list = append(list, hcl(string(p)))
	}
	return list
}

// entitled are the entitlements that the holder has in a workspace, and those that the plan gives.
func (w *scribe) entitled(c Change) []string {
	var all []identity.Entitlement
	for _, other := range w.p.changes(Entitled) {
		if other.Cell.Workspace == c.Cell.Workspace && other.After != Absent {
			all = append(all, other.Cell.Entitlement)
		}
	}
	if w.m != nil {
		all = append(all, entitlements(w.m.Estate(), c.Cell.Workspace, c.Cell.Holder)...)
	}
	slices.Sort(all)
	var list []string
	for _, x := range slices.Compact(all) {
		list = append(list, resourceName(strings.ReplaceAll(string(x), "-", "_"))+" = true")
	}
	return list
}

func (w *scribe) resource(b *strings.Builder, s Step) {
	name := resourceName(w.p.ID + "_" + s.ID)
	c := *s.Change
	put := func(kind, provider, id, remark string, attributes ...string) {
		fmt.Fprintf(b, "\n# step %s: %s\n", s.ID, visible(words(c)))
		fmt.Fprintf(b, "# import {\n#   to = %s.%s\n#   id = %s\n# }\n", kind, name, hcl(id))
		fmt.Fprintf(b, "resource %q %q {\n  provider = databricks.%s\n", kind, name, provider)
		if remark != "" {
			fmt.Fprintf(b, "  # %s\n", remark)
		}
		for _, a := range attributes {
			fmt.Fprintf(b, "  %s\n", a)
		}
		b.WriteString("}\n")
	}
	at := "w_" + place(c.Through)
	switch cell := c.Cell; cell.Kind {
	case Member:
		put("databricks_group_member", "account", cell.Group.ID+"|"+cell.Holder.ID, "", "group_id = "+hcl(cell.Group.ID), "member_id = "+hcl(cell.Holder.ID))
	case Assigned:
		put("databricks_mws_permission_assignment", "account", cell.Workspace.String()+"|"+cell.Holder.ID, "",
			"workspace_id = "+hcl(cell.Workspace.String()), "principal_id = "+hcl(cell.Holder.ID), "permissions  = ["+hcl(string(c.After))+"]")
	case Entitled:
		field := map[identity.Kind]string{identity.KindUser: "user_id", identity.KindServicePrincipal: "service_principal_id", identity.KindGroup: "group_id"}[cell.Holder.Kind]
		// https://registry.terraform.io/providers/databricks/databricks/latest/docs/resources/entitlements#import
		imported := map[identity.Kind]string{identity.KindUser: "user", identity.KindServicePrincipal: "spn", identity.KindGroup: "group"}[cell.Holder.Kind]
		put("databricks_entitlements", at, imported+"/"+cell.Holder.ID,
			w.setting("entitlements in the workspace"), append([]string{field + " = " + hcl(cell.Holder.ID)}, w.entitled(c)...)...)
	case Granted:
		field, known := grantField[cell.Securable.Type]
		if !known {
			fmt.Fprintf(b, "\n# step %s has no resource: %s\n", s.ID, visible(words(c)))
			return
		}
		full := cell.Securable.FullName()
		put("databricks_grant", at, field+"/"+full+"/"+c.HolderName,
			w.setting("privileges on the securable"), field+" = "+hcl(full), "principal  = "+hcl(c.HolderName), "privileges = ["+strings.Join(w.granted(c), ", ")+"]")
	case ObjectLevel:
		w.permissions(b, s, put, at)
	}
}

// permissions are the whole list of an object, since the resource sets that: whoever is not on it loses what it has. Where the
// list of today was not read they stand as a comment, to be completed by hand. Admins are left out: the provider refuses them.
//
// https://registry.terraform.io/providers/databricks/databricks/latest/docs/resources/permissions
func (w *scribe) permissions(b *strings.Builder, s Step, put func(kind, provider, id, remark string, attributes ...string), at string) {
	c, on := *s.Change, s.Change.Cell.Object
	if on.Type == identity.ObjectSecretScope {
		put("databricks_secret_acl", at, on.ID+"|||"+c.HolderName, "",
			"scope      = "+hcl(on.ID), "principal  = "+hcl(c.HolderName), "permission = "+hcl(string(c.After)))
		return
	}
	argument, known := objectArgument(on.Type)
	if !known {
		fmt.Fprintf(b, "\n# step %s has no resource: %s\n", s.ID, visible(words(c)))
		return
	}
	list, read := w.listed(on)
	remark := "authoritative: it replaces the whole list of the object, in workspace " + w.where(on.Workspace) + "; "
	if read {
		remark += "with what was on the list when the plan was made: whoever was added since loses it"
	} else {
		remark += "what is on the list is not known here: add all of it before you use this, or everybody else loses what they have"
	}
	start := b.Len()
	put("databricks_permissions", at, "/"+importType(on.Type)+"/"+on.ID, remark, append([]string{argument + " = " + hcl(on.ID)}, list...)...)
	if read {
		return
	}
	text := b.String()
	b.Reset()
	b.WriteString(text[:start])
	for line := range strings.Lines(text[start:]) {
		if line != "\n" && !strings.HasPrefix(line, "#") {
			line = "# " + line
		}
		b.WriteString(line)
	}
}

// listed are the entries of an object's list with the plan carried out, and whether its list of today was read.
func (w *scribe) listed(on identity.Object) (blocks []string, read bool) {
	type entry struct{ field, name, level string }
	var all []entry
	given := map[identity.PrincipalKey]bool{}
	for _, c := range w.p.changes(ObjectLevel) {
		if c.Cell.Object == on && c.After != Absent {
			given[c.Cell.Holder] = true
			all = append(all, entry{holderField(c.Cell.Holder.Kind), c.HolderName, string(c.After)})
		}
	}
	if w.m != nil {
		e := w.m.Estate()
		read = e.Saw(estate.ReadKey{Op: estate.OpObjectGrants, Object: on})
		for _, g := range e.ObjectGrants(on) {
			if g.From == "" && g.Holder.Key != identity.WorkspaceAdmins(on.Workspace) && !given[g.Holder.Key] {
				all = append(all, entry{holderField(g.Kind), g.Holder.Name, string(g.Level)})
			}
		}
	}
	for _, x := range all {
		blocks = append(blocks, "access_control {\n    "+x.field+" = "+hcl(x.name)+"\n    permission_level = "+hcl(x.level)+"\n  }")
	}
	return blocks, read
}

// where names a workspace by its id, and by its address where that is known.
func (w *scribe) where(id identity.WorkspaceID) string {
	if w.m != nil {
		if at, ok := w.m.Estate().Workspace(id); ok && at.Host != "" {
			return id.String() + " (" + visible(at.Host) + ")"
		}
	}
	return id.String()
}

// objectArgument is the argument of databricks_permissions that names objects of a type.
func objectArgument(t identity.ObjectType) (argument string, known bool) {
	if t == identity.ObjectTokens || t == identity.ObjectPasswords {
		return "authorization", true
	}
	for argument, of := range tfObjects {
		if of == t {
			return argument, true
		}
	}
	return "", false
}

// importType is how ids of databricks_permissions spell a type, which is not always as the API does.
//
// https://github.com/databricks/terraform-provider-databricks/blob/main/permissions/permission_definitions.go
func importType(t identity.ObjectType) string {
	switch t {
	case identity.ObjectWarehouse, identity.ObjectQuery, identity.ObjectAlert:
		return "sql/" + objectTypes[t]
	case identity.ObjectTokens, identity.ObjectPasswords:
		return "authorization"
	default:
		return objectTypes[t]
	}
}

// grantField are the arguments of databricks_grant that name a securable.
//
// https://registry.terraform.io/providers/databricks/databricks/latest/docs/resources/grant
var grantField = map[identity.SecurableType]string{
	identity.TypeMetastore: "metastore", identity.TypeCatalog: "catalog", identity.TypeSchema: "schema", identity.TypeTable: "table",
	identity.TypeVolume: "volume", identity.TypeFunction: "function", identity.TypeModel: "model", identity.TypeExternalLocation: "external_location",
	identity.TypeStorageCredential: "storage_credential", identity.TypeServiceCredential: "credential", identity.TypeConnection: "foreign_connection",
}

// resourceName is a name that Terraform takes.
func resourceName(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, text)
}

// hcl quotes a text so that nothing in it ends the string or is taken for a template, and nothing in it
// cannot be seen.
//
// https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#template-expressions
func hcl(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	runes := []rune(text)
	for i, r := range runes {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case (r == '$' || r == '%') && i+1 < len(runes) && runes[i+1] == '{':
			b.WriteString(string(r) + string(r))
		case strconv.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
