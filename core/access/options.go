package access

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"databricks-access-audit/core/identity"
)

// Options are choices where Databricks' documentation leaves one, or says different things in different
// places. The zero value makes the usual ones; every report prints what was chosen.
type Options struct {
	// PrivilegeModel is taken for that of every metastore; empty means what each says itself.
	PrivilegeModel string
	// StrictManage asks for USE on the very container where MANAGE or ownership is held, as older
	// documentation did, and not only above it.
	StrictManage bool
	// CatalogOwnersUseSchemas lets the owner of a catalog use every schema in it.
	CatalogOwnersUseSchemas bool
	// AssignedGroupsOnly counts permissions of account groups on workspace objects only where the group
	// is assigned to the workspace, as it was before 2025.
	AssignedGroupsOnly bool
	// AdminsRestricted takes the admins of workspaces whose setting was not read for restricted.
	AdminsRestricted bool
	// GrantsThroughReadOnly says whether access may be granted from a workspace whose binding to the
	// catalog is read-only, of which no page of Databricks tells.
	GrantsThroughReadOnly Verdict
	// JobEditNeedsUser says that changing what runs as a service principal takes the right to use it.
	JobEditNeedsUser bool
	// MaxActs is how many acts a way to access may take before somebody acts as another; zero means 3.
	MaxActs int
	// FunctionsAsCaller leaves out whether the owner of a function may use what it reads.
	FunctionsAsCaller bool
	// LocationsBindTables keeps external tables and volumes from the workspaces that the isolated external
	// location over them is not bound to.
	LocationsBindTables bool
	// StrictCompute counts compute that was seen only: serverless compute, which no API tells of, is
	// then taken for absent.
	StrictCompute bool
}

const defaultMaxActs = 3

func (o Options) maxActs() int {
	if o.MaxActs == 0 {
		return defaultMaxActs
	}
	return o.MaxActs
}

// option is one choice by its name, with the values that it takes, the usual one first.
type option struct {
	name   string
	values []string
	get    func(Options) string
	set    func(*Options, string)
}

// flag is an option that has two values.
func flag(name, usual, other string, field func(*Options) *bool) option {
	return option{
		name: name, values: []string{usual, other},
		get: func(o Options) string {
			if *field(&o) {
				return other
			}
			return usual
		},
		set: func(o *Options, value string) { *field(o) = value == other },
	}
}

var options = []option{
	{
		name: "model_version", values: []string{"metastore", "1.0", "0"},
		get: func(o Options) string {
			if o.PrivilegeModel == "" {
				return "metastore"
			}
			return o.PrivilegeModel
		},
		set: func(o *Options, value string) {
			o.PrivilegeModel = value
			if value == "metastore" {
				o.PrivilegeModel = ""
			}
		},
	},
	flag("manage_usage", "reduced", "strict", func(o *Options) *bool { return &o.StrictManage }),
	flag("catalog_owner_implies_use_schema", "false", "true", func(o *Options) *bool { return &o.CatalogOwnersUseSchemas }),
	flag("acl_from_unassigned_groups", "true", "false", func(o *Options) *bool { return &o.AssignedGroupsOnly }),
	flag("restrict_ws_admins_default", identity.AdminsAllowAll.String(), identity.AdminsRestricted.String(), func(o *Options) *bool { return &o.AdminsRestricted }),
	{
		name: "readonly_binding_blocks_grant", values: []string{"unknown", "true", "false"},
		get: func(o Options) string {
			return map[Verdict]string{Unknown: "unknown", Denied: "true", Allowed: "false"}[o.GrantsThroughReadOnly]
		},
		set: func(o *Options, value string) {
			o.GrantsThroughReadOnly = map[string]Verdict{"unknown": Unknown, "true": Denied, "false": Allowed}[value]
		},
	},
	flag("job_edit_requires_sp_user", "false", "true", func(o *Options) *bool { return &o.JobEditNeedsUser }),
	{
		name: "max_acts", values: []string{"3", "1", "2", "4", "5"},
		get: func(o Options) string { return strconv.Itoa(o.maxActs()) },
		set: func(o *Options, value string) { o.MaxActs, _ = strconv.Atoi(value) },
	},
	flag("udf_definer", "true", "false", func(o *Options) *bool { return &o.FunctionsAsCaller }),
	flag("ext_location_binding_on_existing_tables", "false", "true", func(o *Options) *bool { return &o.LocationsBindTables }),
	flag("strict_compute", "false", "true", func(o *Options) *bool { return &o.StrictCompute }),
}

// OptionNames lists the names that Set takes, each with its values, the usual one first.
func OptionNames() []string {
	var list []string
	for _, o := range options {
		list = append(list, o.name+"="+strings.Join(o.values, "|"))
	}
	return list
}

// Set makes the choice that a text of the form name=value names. The error says which there are.
func (o *Options) Set(choice string) error {
	name, value, _ := strings.Cut(choice, "=")
	i := slices.IndexFunc(options, func(o option) bool { return o.name == name })
	switch {
	case i < 0:
		return fmt.Errorf("%q is not an option of the engine; there are %s", name, strings.Join(OptionNames(), ", "))
	case !slices.Contains(options[i].values, value):
		return fmt.Errorf("%s takes %s, not %q", name, strings.Join(options[i].values, ", "), value)
	}
	options[i].set(o, value)
	return nil
}

// Chosen gives every option with its value, for reports.
func (o Options) Chosen() map[string]string {
	chosen := map[string]string{}
	for _, one := range options {
		chosen[one.name] = one.get(o)
	}
	return chosen
}
