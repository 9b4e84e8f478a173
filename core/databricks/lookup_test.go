package databricks

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"databricks-access-audit/core/identity"
)

const catalogHost = "prod.cloud.databricks.com/api/2.1/unity-catalog/"

// leaf names an object in schema c.s.
func leaf(t identity.SecurableType, name string) identity.Securable {
	return identity.Securable{Metastore: "m", Type: t, Catalog: "c", Schema: "s", Name: name}
}

// beside names a securable directly under the metastore.
func beside(t identity.SecurableType, name string) identity.Securable {
	return identity.Securable{Metastore: "m", Type: t, Name: name}
}

// answering serves each address below Unity Catalog's root with its own answer, and others with none.
func answering(t *testing.T, bodies map[string]string) (*world, *Session) {
	t.Helper()
	w := newWorld(t)
	w.handle("GET "+catalogHost, func(rw http.ResponseWriter, r *http.Request) {
		body, ok := bodies[strings.TrimPrefix(r.URL.RequestURI(), "/api/2.1/unity-catalog/")]
		if !ok {
			refuse(rw, 400, `{"error_code":"INVALID_PARAMETER_VALUE","message":"unexpected `+r.URL.Path+`"}`)
			return
		}
		refuse(rw, 200, body)
	})
	return w, w.session()
}

func TestLookup(t *testing.T) {
	for _, c := range []struct {
		name string
		on   identity.Securable
		path string
		body string
		want identity.SecurableInfo // Securable is on, unless set
	}{
		{"catalog", identity.CatalogSecurable("m", "c"), "catalogs/c?include_browse=true",
			`{"name":"c","full_name":"c","owner":"` + "`data team`" + `","isolation_mode":"ISOLATED","catalog_type":"MANAGED_CATALOG","browse_only":true}`,
			identity.SecurableInfo{Owner: "data team", Isolation: identity.Isolated, CatalogType: "MANAGED_CATALOG", BrowseOnly: true}},
		{"open catalog", identity.CatalogSecurable("m", "c"), "catalogs/c?include_browse=true",
			`{"name":"c","isolation_mode":"OPEN"}`, identity.SecurableInfo{Isolation: identity.IsolationOpen}},
		{"schema", identity.SchemaSecurable("m", "c", "s"), "schemas/c.s?include_browse=true",
			`{"name":"s","catalog_name":"c","full_name":"c.s","owner":"own"}`, identity.SecurableInfo{Owner: "own"}},
		{"table", leaf(identity.TypeTable, "t"), "tables/c.s.t?include_browse=true",
			`{"name":"t","catalog_name":"c","schema_name":"s","full_name":"c.s.t","owner":"own","table_type":"VIEW","columns":[{"name":"a"},{"name":"b","mask":null}],"row_filter":null}`,
			identity.SecurableInfo{Owner: "own", TableType: "VIEW"}},
		{"table with a row filter", leaf(identity.TypeTable, "t"), "tables/c.s.t?include_browse=true",
			`{"full_name":"c.s.t","row_filter":{"function_name":"c.s.f","input_column_names":["a"]}}`, identity.SecurableInfo{RowFilter: true}},
		{"table with a mask", leaf(identity.TypeTable, "t"), "tables/c.s.t?include_browse=true",
			`{"full_name":"c.s.t","columns":[{"name":"a"},{"name":"b","mask":{"function_name":"c.s.f"}},{"name":"d"}]}`, identity.SecurableInfo{ColumnMask: true}},
		{"external table", leaf(identity.TypeTable, "t"), "tables/c.s.t?include_browse=true",
			`{"full_name":"c.s.t","table_type":"EXTERNAL","storage_location":"s3://lake/t"}`, identity.SecurableInfo{TableType: "EXTERNAL", Path: "s3://lake/t"}},
		{"managed table", leaf(identity.TypeTable, "t"), "tables/c.s.t?include_browse=true",
			`{"full_name":"c.s.t","table_type":"MANAGED","storage_location":"s3://lake/__unitystorage/t","volume_type":"EXTERNAL"}`, identity.SecurableInfo{TableType: "MANAGED"}},
		{"volume", leaf(identity.TypeVolume, "v"), "volumes/c.s.v?include_browse=true", `{"full_name":"c.s.v","owner":"own"}`, identity.SecurableInfo{Owner: "own"}},
		{"external volume", leaf(identity.TypeVolume, "v"), "volumes/c.s.v?include_browse=true",
			`{"full_name":"c.s.v","volume_type":"EXTERNAL","storage_location":"s3://lake/v"}`, identity.SecurableInfo{VolumeType: "EXTERNAL", Path: "s3://lake/v"}},
		{"managed volume", leaf(identity.TypeVolume, "v"), "volumes/c.s.v?include_browse=true",
			`{"full_name":"c.s.v","volume_type":"MANAGED","storage_location":"s3://lake/__unitystorage/v"}`, identity.SecurableInfo{VolumeType: "MANAGED"}},
		{"function", leaf(identity.TypeFunction, "f"), "functions/c.s.f?include_browse=true&include_dependencies=true", `{"full_name":"c.s.f","owner":"own"}`, identity.SecurableInfo{Owner: "own"}},
		{"model", leaf(identity.TypeModel, "m"), "models/c.s.m?include_browse=true", `{"full_name":"c.s.m","owner":"own"}`, identity.SecurableInfo{Owner: "own"}},
		{"external location", beside(identity.TypeExternalLocation, "l"), "external-locations/l?include_browse=true",
			`{"name":"l","owner":"own","url":"s3://lake/","isolation_mode":"ISOLATION_MODE_ISOLATED"}`, identity.SecurableInfo{Owner: "own", Isolation: identity.Isolated, Path: "s3://lake/"}},
		{"storage credential", beside(identity.TypeStorageCredential, "x"), "storage-credentials/x",
			`{"name":"x","full_name":"x","owner":"own","isolation_mode":"ISOLATION_MODE_OPEN"}`, identity.SecurableInfo{Owner: "own", Isolation: identity.IsolationOpen}},
		{"service credential", beside(identity.TypeServiceCredential, "x"), "credentials/x", `{"name":"x","owner":"own","purpose":"SERVICE"}`, identity.SecurableInfo{Owner: "own"}},
		{"either credential, storage", beside(identity.AnyCredential, "x"), "credentials/x", `{"name":"x","owner":"own","purpose":"STORAGE"}`,
			identity.SecurableInfo{Securable: beside(identity.TypeStorageCredential, "x"), Owner: "own"}},
		{"either credential, service", beside(identity.AnyCredential, "x"), "credentials/x", `{"name":"x","owner":"own","purpose":"SERVICE"}`,
			identity.SecurableInfo{Securable: beside(identity.TypeServiceCredential, "x"), Owner: "own"}},
		{"connection", beside(identity.TypeConnection, "x"), "connections/x", `{"name":"x","full_name":"x","owner":"own"}`, identity.SecurableInfo{Owner: "own"}},
		{"share", beside(identity.TypeShare, "x"), "shares/x", `{"name":"x","owner":"own"}`, identity.SecurableInfo{Owner: "own"}},
		// Of a Databricks-to-Databricks recipient or provider, the metastore is the other side's.
		{"recipient", beside(identity.TypeRecipient, "x"), "recipients/x", `{"name":"x","owner":"own","metastore_id":"theirs"}`, identity.SecurableInfo{Owner: "own"}},
		{"provider", beside(identity.TypeProvider, "x"), "providers/x", `{"name":"x","owner":"own","metastore_id":"theirs"}`, identity.SecurableInfo{Owner: "own"}},

		{"other case", identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: "C", Schema: "Sales", Name: "ÜT"}, "tables/C.Sales.%C3%9CT?include_browse=true",
			`{"name":"üt","catalog_name":"c","schema_name":"sales","full_name":"c.sales.üt","owner":"own"}`, identity.SecurableInfo{Owner: "own"}},
		{"dots in parts", identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: "a.b", Schema: "c", Name: "d/e.f"}, "tables/a.b.c.d%2Fe.f?include_browse=true",
			`{"name":"d/e.f","catalog_name":"a.b","schema_name":"c","full_name":"a.b.c.d/e.f"}`, identity.SecurableInfo{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, s := answering(t, map[string]string{c.path: c.body})
			if c.want.Securable == (identity.Securable{}) {
				c.want.Securable = c.on
			}
			got, err := s.Lookup(t.Context(), workspaceNamed("prod"), c.on)
			check(t, got, err, c.want)
			check(t, len(w.requests()), nil, 1)
			template, _, _ := strings.Cut(c.path, "/")
			if calls := s.Calls(); len(calls) != 1 || calls["GET /api/2.1/unity-catalog/"+template+"/{name}"]+calls["GET /api/2.1/unity-catalog/"+template+"/{full_name}"] != 1 {
				t.Errorf("calls %v", calls)
			}
		})
	}
}

// An answer about something else is not taken for the one asked for.
func TestLookupOfAnotherSecurable(t *testing.T) {
	table := leaf(identity.TypeTable, "t")
	for name, c := range map[string]struct {
		on   identity.Securable
		body string
	}{
		"full name":         {table, `{"full_name":"c.s.t2"}`},
		"name":              {table, `{"full_name":"c.s.t","name":"t2"}`},
		"catalog":           {table, `{"full_name":"c.s.t","catalog_name":"c.s"}`},
		"schema":            {table, `{"full_name":"c.s.t","schema_name":"s.t"}`},
		"catalog of schema": {identity.SchemaSecurable("m", "c", "s.t"), `{"full_name":"c.s.t","catalog_name":"c.s"}`},
		"share":             {beside(identity.TypeShare, "x"), `{"name":"y"}`},
		"nameless":          {table, `{"owner":"own"}`},
		"empty":             {table, ``},
		"list":              {table, `[]`},
		"null":              {table, `null`},
		"wrong type":        {table, `{"full_name":"c.s.t","owner":7}`},
		"malformed filter":  {table, `{"full_name":"c.s.t","row_filter":"f"}`},
		"login page":        {table, `<!DOCTYPE html><title>Login</title>`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.json("GET "+catalogHost+"{type}/{name}", c.body)
			got, err := w.session().Lookup(t.Context(), workspaceNamed("prod"), c.on)
			wantKind(t, err, identity.Failed, "")
			check(t, got, nil, identity.SecurableInfo{})
		})
	}
}

func TestLookupFailures(t *testing.T) {
	table := leaf(identity.TypeTable, "t")
	for _, c := range []struct {
		on     identity.Securable
		status int
		body   string
		want   identity.FailureKind
	}{
		{table, 404, `{"error_code":"TABLE_DOES_NOT_EXIST","message":"Table 'c.s.t' does not exist."}`, identity.NotFound},
		{table, 404, `{"error_code":"SCHEMA_DOES_NOT_EXIST","message":"x"}`, identity.NotFound},
		{table, 404, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"x"}`, identity.NotFound},
		{table, 400, `{"error_code":"CATALOG_DOES_NOT_EXIST","message":"x"}`, identity.NotFound},
		{table, 404, `{"message":"x"}`, identity.NotFound},
		{table, 403, `{"error_code":"PERMISSION_DENIED","message":"x"}`, identity.Forbidden},
		{table, 404, `{"error_code":"ENDPOINT_NOT_FOUND","message":"x"}`, identity.Unsupported},
		{table, 500, `{"error_code":"INTERNAL_ERROR","message":"x"}`, identity.Failed},
		{beside(identity.TypeServiceCredential, "x"), 200, `{"name":"x","purpose":"STORAGE"}`, identity.NotFound},
		{beside(identity.TypeStorageCredential, "x"), 200, `{"name":"x","purpose":"SERVICE"}`, identity.NotFound},
	} {
		w := newWorld(t)
		w.handle("GET "+catalogHost+"{type}/{name}", func(rw http.ResponseWriter, _ *http.Request) { refuse(rw, c.status, c.body) })
		_, err := w.session().Lookup(t.Context(), workspaceNamed("prod"), c.on)
		if !identity.IsKind(err, c.want) {
			t.Errorf("%v, %d %s: got %v, want kind %s", c.on, c.status, c.body, err, c.want)
		}
	}
}

// What cannot be asked for is not sent.
func TestLookupOfNothing(t *testing.T) {
	w := newWorld(t)
	s := w.session()
	for _, c := range []struct {
		on   identity.Securable
		want identity.FailureKind
	}{
		{identity.MetastoreSecurable("m"), identity.Unsupported},
		{beside("PIPELINE", "x"), identity.Unsupported},
		{identity.CatalogSecurable("m", ""), identity.Failed},
		{identity.CatalogSecurable("m", ".."), identity.Failed},
		{identity.Securable{Type: identity.TypeTable, Catalog: "c", Name: "t"}, identity.Failed},
		{beside(identity.AnyCredential, ""), identity.Failed},
	} {
		_, err := s.Lookup(t.Context(), workspaceNamed("prod"), c.on)
		wantKind(t, err, c.want, "")
	}
	if got := w.requests(); len(got) > 0 {
		t.Errorf("sent %v", got)
	}
}

// The two endpoints of credentials make up for each other.
func TestLookupOfEitherCredential(t *testing.T) {
	const (
		none   = `{"error_code":"CREDENTIAL_DOES_NOT_EXIST","message":"x"}`
		noAPI  = `{"error_code":"ENDPOINT_NOT_FOUND","message":"x"}`
		denied = `{"error_code":"PERMISSION_DENIED","message":"x"}`
		here   = `{"name":"x","owner":"own"}`
	)
	for _, c := range []struct {
		name         string
		newer, older string
		want         identity.FailureKind
		calls        int
	}{
		{"older account", noAPI, here, "", 2},
		{"older account without it", noAPI, none, identity.NotFound, 2},
		{"only the older knows it", none, here, "", 2},
		{"neither knows it", none, none, identity.NotFound, 2},
		{"no older endpoint", none, noAPI, identity.NotFound, 2},
		{"no endpoint", noAPI, noAPI, identity.Unsupported, 2},
		{"the older may know it", none, denied, identity.Forbidden, 2},
		{"denied", denied, here, identity.Forbidden, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			status := map[string]int{none: 404, noAPI: 404, denied: 403, here: 200}
			w := newWorld(t)
			for path, body := range map[string]string{"credentials/x": c.newer, "storage-credentials/x": c.older} {
				w.handle("GET "+catalogHost+path, func(rw http.ResponseWriter, _ *http.Request) { refuse(rw, status[body], body) })
			}
			got, err := w.session().Lookup(t.Context(), workspaceNamed("prod"), beside(identity.AnyCredential, "x"))
			if c.want != "" {
				wantKind(t, err, c.want, "")
			} else {
				check(t, got, err, identity.SecurableInfo{Securable: beside(identity.TypeStorageCredential, "x"), Owner: "own"})
			}
			check(t, len(w.requests()), nil, c.calls)
		})
	}
}

func TestLookupOfHostileNames(t *testing.T) {
	w := newWorld(t)
	var asked string
	w.handle("GET "+catalogHost, func(rw http.ResponseWriter, r *http.Request) {
		segments := strings.Split(r.URL.EscapedPath(), "/")
		asked, _ = url.PathUnescape(segments[len(segments)-1])
		writeJSON(rw, map[string]any{"full_name": asked})
	})
	s := w.session()
	for _, name := range hostile {
		on := identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: name, Schema: "s." + name, Name: name}
		got, err := s.Lookup(t.Context(), workspaceNamed("prod"), on)
		check(t, got, err, identity.SecurableInfo{Securable: on})
		check(t, asked, nil, name+".s."+name+"."+name)
	}
}
