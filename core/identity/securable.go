package identity

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// SecurableType is a type of Unity Catalog object, in the upper-snake spelling of reports.
// A type that Databricks has and this package does not know is kept verbatim.
type SecurableType string

// The types of securable.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/securable-objects
const (
	TypeMetastore         SecurableType = "METASTORE"
	TypeCatalog           SecurableType = "CATALOG"
	TypeSchema            SecurableType = "SCHEMA"
	TypeTable             SecurableType = "TABLE" // views and materialized views too: see SecurableInfo.TableType
	TypeVolume            SecurableType = "VOLUME"
	TypeFunction          SecurableType = "FUNCTION"
	TypeModel             SecurableType = "MODEL"
	TypeExternalLocation  SecurableType = "EXTERNAL_LOCATION"
	TypeStorageCredential SecurableType = "STORAGE_CREDENTIAL"
	TypeServiceCredential SecurableType = "SERVICE_CREDENTIAL"
	TypeConnection        SecurableType = "CONNECTION"
	TypeShare             SecurableType = "SHARE"
	TypeRecipient         SecurableType = "RECIPIENT"
	TypeProvider          SecurableType = "PROVIDER"

	// AnyCredential asks a listing for storage and service credentials at once. No securable has
	// this type.
	AnyCredential SecurableType = "CREDENTIAL"
)

var typeOrder = map[SecurableType]int{
	TypeMetastore: 1, TypeCatalog: 2, TypeSchema: 3, TypeTable: 4, TypeVolume: 5, TypeFunction: 6, TypeModel: 7,
	TypeExternalLocation: 8, TypeStorageCredential: 9, TypeServiceCredential: 10, TypeConnection: 11,
	TypeShare: 12, TypeRecipient: 13, TypeProvider: 14,
}

// SecurableTypes lists the types that this package knows, from the metastore downwards.
func SecurableTypes() []SecurableType {
	return slices.SortedFunc(maps.Keys(typeOrder), SecurableType.Compare)
}

// Compare orders types from the metastore downwards, unknown types last by name.
func (t SecurableType) Compare(other SecurableType) int {
	rank := func(t SecurableType) int {
		if r, ok := typeOrder[t]; ok {
			return r
		}
		return len(typeOrder) + 1
	}
	return cmp.Or(cmp.Compare(rank(t), rank(other)), strings.Compare(string(t), string(other)))
}

// Title is the spelling for people: "external location".
func (t SecurableType) Title() string {
	return strings.ToLower(strings.ReplaceAll(string(t), "_", " "))
}

// View reports whether whoever reads it reads what it is made from with the rights of its owner.
// Materialized views do not: they hold what they show.
//
// https://docs.databricks.com/aws/en/views/create-views
func (s SecurableInfo) View() bool {
	return s.Type == TypeTable && (s.TableType == "VIEW" || s.TableType == "METRIC_VIEW")
}

// ReadsAsOwner reports whether whoever uses it reads what it is made from with the rights of its owner:
// views, and functions, whose type of security is DEFINER.
//
// https://docs.databricks.com/api/workspace/functions/get (security_type)
func (s SecurableInfo) ReadsAsOwner() bool { return s.View() || s.Type == TypeFunction }

// InSchema reports whether objects of the type live in a schema.
func (t SecurableType) InSchema() bool {
	switch t {
	case TypeTable, TypeVolume, TypeFunction, TypeModel:
		return true
	default:
		return false
	}
}

// UnderMetastore reports whether objects of the type stand directly under the metastore without
// being a container: external locations, credentials, connections, shares, recipients, providers.
func (t SecurableType) UnderMetastore() bool {
	return !t.InSchema() && t != TypeMetastore && t != TypeCatalog && t != TypeSchema
}

// Securable names one Unity Catalog object. It is comparable and keeps the parts of the name apart,
// so that a dot inside a name cannot be mistaken for a separator.
//
// Catalogs set Catalog; schemas Catalog and Schema; objects in a schema all three; objects directly
// under the metastore set Name alone; the metastore itself sets none.
type Securable struct {
	Metastore string // metastore id
	Type      SecurableType
	Catalog   string
	Schema    string
	Name      string
}

// MetastoreSecurable names the metastore itself.
func MetastoreSecurable(metastore string) Securable {
	return Securable{Metastore: metastore, Type: TypeMetastore}
}

// CatalogSecurable names a catalog.
func CatalogSecurable(metastore, catalog string) Securable {
	return Securable{Metastore: metastore, Type: TypeCatalog, Catalog: catalog}
}

// SchemaSecurable names a schema.
func SchemaSecurable(metastore, catalog, schema string) Securable {
	return Securable{Metastore: metastore, Type: TypeSchema, Catalog: catalog, Schema: schema}
}

// Parent is the container that the securable is in: schema, catalog or metastore. The metastore has
// none and reports false.
func (s Securable) Parent() (Securable, bool) {
	switch {
	case s.Type == TypeMetastore:
		return Securable{}, false
	case s.Type == TypeCatalog || s.Type.UnderMetastore():
		return MetastoreSecurable(s.Metastore), true
	case s.Type == TypeSchema:
		return CatalogSecurable(s.Metastore, s.Catalog), true
	default:
		return SchemaSecurable(s.Metastore, s.Catalog, s.Schema), true
	}
}

// Parts are the parts of the full name, outermost first. The metastore has none.
func (s Securable) Parts() []string {
	switch {
	case s.Type == TypeMetastore:
		return nil
	case s.Type == TypeCatalog:
		return []string{s.Catalog}
	case s.Type == TypeSchema:
		return []string{s.Catalog, s.Schema}
	case s.Type.InSchema():
		return []string{s.Catalog, s.Schema, s.Name}
	default:
		return []string{s.Name}
	}
}

// FullName is the name that the API uses: parts joined by dots, and for the metastore its id.
func (s Securable) FullName() string {
	if s.Type == TypeMetastore {
		return s.Metastore
	}
	return strings.Join(s.Parts(), ".")
}

// String is for logs and messages: "CATALOG prod".
func (s Securable) String() string { return string(s.Type) + " " + s.FullName() }

// Compare orders securables by metastore, then as a tree: a container before what is in it.
func (s Securable) Compare(other Securable) int {
	return cmp.Or(
		strings.Compare(s.Metastore, other.Metastore),
		cmp.Compare(treeRank(s.Type), treeRank(other.Type)),
		strings.Compare(s.Catalog, other.Catalog),
		strings.Compare(s.Schema, other.Schema),
		s.Type.Compare(other.Type),
		strings.Compare(s.Name, other.Name),
	)
}

// treeRank keeps the metastore first, then the catalog tree, then what stands beside it.
func treeRank(t SecurableType) int {
	switch {
	case t == TypeMetastore:
		return 0
	case t.UnderMetastore():
		return 2
	default:
		return 1
	}
}

// Isolation says whether a securable is limited to the workspaces it is bound to.
type Isolation uint8

// The isolation modes. IsolationUnknown is the zero value: the API did not say.
const (
	IsolationUnknown Isolation = iota
	IsolationOpen
	Isolated
)

// SecurableInfo is what a list call tells of a securable besides its name.
type SecurableInfo struct {
	Securable
	// Owner is a user name, application id or group name; empty when the answer held none.
	Owner     string
	Isolation Isolation
	// TableType is MANAGED, EXTERNAL, VIEW, MATERIALIZED_VIEW, … for tables; empty otherwise.
	TableType string
	// CatalogType is MANAGED_CATALOG, SYSTEM_CATALOG, DELTASHARING_CATALOG, … for catalogs.
	CatalogType string
	// BrowseOnly says that the caller sees the securable only by BROWSE.
	BrowseOnly bool
	// VolumeType is MANAGED or EXTERNAL for volumes; empty otherwise.
	VolumeType string `json:",omitempty"` // left out when empty, so that fingerprints stay what they were
	// Path is where in cloud storage an external table or volume lies, or what an external location
	// covers; empty for everything else, and where it was not told.
	Path string `json:",omitempty"`
	// Bases are the tables, views and functions that a view is made from or a function reads. BasesKnown
	// says that they were told: listings leave them out, and so does every answer about anything else.
	Bases      []Securable
	BasesKnown bool
	// RowFilter and ColumnMask say that a table shows less than all of itself. Only Lookup reads them.
	RowFilter, ColumnMask bool
}

// Policy is one attribute-based policy that holds on a securable, set there or on a container.
//
// https://docs.databricks.com/aws/en/data-governance/unity-catalog/abac/
type Policy struct {
	Name string
	On   string // full name of the securable that it is set on
	Kind PolicyKind
	// To and Except name principals; account users stands for everybody.
	To, Except []string
	// Privileges are what a policy of kind PolicyGrant gives.
	Privileges []Privilege
	// Conditional says that it holds only where tags match, which cannot be told from here.
	Conditional bool
}

// PolicyKind is what a policy does.
type PolicyKind string

// The kinds of policy. Others are kept verbatim.
const (
	PolicyRowFilter  PolicyKind = "ROW_FILTER"
	PolicyColumnMask PolicyKind = "COLUMN_MASK"
	PolicyGrant      PolicyKind = "GRANT"
)

// Binding lets one workspace use an isolated securable.
//
// https://docs.databricks.com/api/workspace/workspacebindings/getbindings
type Binding struct {
	Workspace WorkspaceID
	ReadOnly  bool
}
