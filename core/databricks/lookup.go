package databricks

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"databricks-access-audit/core/identity"
)

// lookup is how one securable of a type is read by its full name.
type lookup struct {
	route route
	query url.Values
}

func single(path string) lookup { return lookup{route: get(classCatalog, catalogAPI+path)} }

// browsable asks for what the caller sees by BROWSE alone, too.
func (l lookup) browsable() lookup {
	l.query = url.Values{"include_browse": {"true"}}
	return l
}

// depending asks for what a function reads. No page has the parameter, but Databricks' own client for
// feature functions sends it, since the answer leaves that out otherwise.
//
// https://pypi.org/project/databricks-feature-engineering/
func (l lookup) depending() lookup {
	l.query.Set("include_dependencies", "true")
	return l
}

// lookups are the reads by type. Tables have no parameter that leaves out columns, which say what is
// masked.
//
// https://docs.databricks.com/api/workspace/catalogs/get and the get pages of schemas, tables,
// functions, registeredmodels, externallocations, storagecredentials, connections, shares, recipients
// and providers beside it; https://docs.databricks.com/api/workspace/volumes/read,
// https://docs.databricks.com/api/workspace/credentials/getcredential
var lookups = map[identity.SecurableType]lookup{
	identity.TypeCatalog:           single("catalogs/{name}").browsable(),
	identity.TypeSchema:            single("schemas/{full_name}").browsable(),
	identity.TypeTable:             single("tables/{full_name}").browsable(),
	identity.TypeVolume:            single("volumes/{name}").browsable(),
	identity.TypeFunction:          single("functions/{name}").browsable().depending(),
	identity.TypeModel:             single("models/{full_name}").browsable(),
	identity.TypeExternalLocation:  single("external-locations/{name}").browsable(),
	identity.AnyCredential:         single("credentials/{name}"),
	identity.TypeServiceCredential: single("credentials/{name}"),
	identity.TypeStorageCredential: single("storage-credentials/{name}"),
	identity.TypeConnection:        single("connections/{name}"),
	identity.TypeShare:             single("shares/{name}"),
	identity.TypeRecipient:         single("recipients/{name}"),
	identity.TypeProvider:          single("providers/{name}"),
}

// securableDetail is one securable of any type, with what listings leave out.
//
// https://docs.databricks.com/api/workspace/tables/get has row filters, column masks and what views are
// made from, https://docs.databricks.com/api/workspace/functions/get what functions read.
type securableDetail struct {
	securableRow
	FullName    string    `json:"full_name"`
	CatalogName string    `json:"catalog_name"`
	SchemaName  string    `json:"schema_name"`
	RowFilter   *struct{} `json:"row_filter"`
	Columns     []struct {
		Mask *struct{} `json:"mask"`
	} `json:"columns"`
	Bases  bases `json:"view_dependencies"`
	Inside bases `json:"routine_dependencies"`
}

// Lookup reads one securable by name, with what listings leave out. What it gives bears the name that
// was asked for, in the same case.
func (s *Session) Lookup(ctx context.Context, at identity.Workspace, on identity.Securable) (identity.SecurableInfo, error) {
	l, ok := lookups[on.Type]
	if !ok {
		return identity.SecurableInfo{}, unsupported(fmt.Sprintf("securables of type %s cannot be looked up by name", on.Type))
	}
	row, err := s.detail(ctx, at, l, on)
	if on.Type == identity.AnyCredential && (identity.IsKind(err, identity.Unsupported) || identity.IsKind(err, identity.NotFound)) {
		// Service credentials came later: without them the older endpoint has everything. Where the
		// newer one only does not know the name, its word stands unless the older one does.
		older, olderErr := s.detail(ctx, at, lookups[identity.TypeStorageCredential], on)
		if olderErr == nil || !identity.IsKind(olderErr, identity.Unsupported) {
			row, err = older, olderErr
		}
	}
	if err != nil {
		return identity.SecurableInfo{}, err
	}
	if on.Type == identity.TypeServiceCredential && !row.service() || on.Type == identity.TypeStorageCredential && row.service() {
		// The endpoints may give credentials of either purpose.
		return identity.SecurableInfo{}, &identity.Failure{Kind: identity.NotFound,
			Message: s.account.scrub.line(fmt.Sprintf("credential %q is not a %s", on.Name, on.Type.Title()))}
	}
	return row.as(on), nil
}

// detail reads one securable and makes sure that the answer is about it.
func (s *Session) detail(ctx context.Context, at identity.Workspace, l lookup, on identity.Securable) (securableDetail, error) {
	var row securableDetail
	if err := s.named(on); err != nil {
		return row, err
	}
	r, err := s.at(at, l.route, on.FullName())
	if err != nil {
		return row, err
	}
	r.query = l.query
	if _, err := s.fetch(ctx, r, &row); err != nil {
		return row, err
	}
	if !row.is(on) {
		said := firstNonEmpty(row.FullName, row.Name)
		return row, s.failed(fmt.Errorf("%s: asked for %s, the answer is about %q", r.route, on, said))
	}
	return row, nil
}

// is reports whether the answer is about the securable. Names are the same in any case; not every
// type of answer states all parts, but what it states must agree, since dots inside names can make
// two full names one.
func (row securableDetail) is(on identity.Securable) bool {
	if row.FullName == "" && row.Name == "" {
		return false
	}
	parts := on.Parts()
	agrees := func(said, asked string) bool { return said == "" || strings.EqualFold(said, asked) }
	inCatalog := on.Type == identity.TypeSchema || on.Type.InSchema()
	return agrees(row.FullName, on.FullName()) && agrees(row.Name, parts[len(parts)-1]) &&
		(!inCatalog || agrees(row.CatalogName, on.Catalog)) &&
		(!on.Type.InSchema() || agrees(row.SchemaName, on.Schema))
}

// as gives what the answer says under the name that was asked for.
func (row securableDetail) as(asked identity.Securable) identity.SecurableInfo {
	info := row.info(asked, asked.Type)
	asked.Type = info.Type // that of a credential was left to the answer
	info.Securable = asked
	info.RowFilter = row.RowFilter != nil
	for _, c := range row.Columns {
		info.ColumnMask = info.ColumnMask || c.Mask != nil
	}
	told := row.Bases
	if asked.Type == identity.TypeFunction {
		told = row.Inside
	}
	info.Bases, info.BasesKnown = told.in(asked.Metastore)
	return info
}
