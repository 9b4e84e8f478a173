package identity_test

import (
	"testing"

	"databricks-access-audit/core/identity"
)

func TestLocationsCover(t *testing.T) {
	at := func(name, path string) identity.SecurableInfo {
		return identity.SecurableInfo{Securable: identity.Securable{Metastore: "m", Type: identity.TypeExternalLocation, Name: name}, Path: path}
	}
	l := identity.Locations{}
	for _, s := range []identity.SecurableInfo{
		at("bucket", "s3://lake/"), at("raw", "s3://lake/raw"), at("deep", "s3://lake/raw/a/b/"), at("lake", "abfss://c@acc.dfs.core.windows.net/"),
		at("empty", ""), at("old", "dbfs:/mnt/x"), {Securable: identity.Securable{Metastore: "m", Type: identity.TypeTable, Name: "t"}, Path: "s3://lake/raw/t"},
	} {
		l.Add(s)
	}
	for path, want := range map[string]string{
		"s3://lake/raw/t":                      "raw",
		"s3://lake/raw/":                       "raw",
		"s3://lake/raw//t":                     "raw",
		"s3://lake/rawer/t":                    "bucket", // not at a boundary
		"s3://lake/RAW/t":                      "bucket", // what is in a bucket is told apart by case
		"S3A://Lake/raw/t":                     "raw",    // the bucket and the scheme are not
		"s3://lake/raw/a/b/c":                  "deep",
		"s3://lake/raw/a/x":                    "raw",
		"s3://lake":                            "bucket",
		"s3://lakes/raw":                       "",
		"gs://lake/raw":                        "",
		"abfs://c@ACC.dfs.core.windows.net/x":  "lake",
		"abfss://d@acc.dfs.core.windows.net/x": "",
		"dbfs:/mnt/x/y":                        "old",
		"dbfs:/mnt":                            "",
		"":                                     "",
		"/":                                    "",
	} {
		got, ok := l.Covering(path)
		if got.Name != want || ok != (want != "") {
			t.Errorf("%q lies in %q (%v), want %q", path, got.Name, ok, want)
		}
	}
}

func TestWhatIsExternal(t *testing.T) {
	for _, c := range []struct {
		info      identity.SecurableInfo
		is, known bool
	}{
		{identity.SecurableInfo{Securable: identity.Securable{Type: identity.TypeTable}, TableType: "EXTERNAL"}, true, true},
		{identity.SecurableInfo{Securable: identity.Securable{Type: identity.TypeTable}, TableType: "EXTERNAL_SHALLOW_CLONE"}, true, true},
		{identity.SecurableInfo{Securable: identity.Securable{Type: identity.TypeTable}, TableType: "MANAGED"}, false, true},
		{identity.SecurableInfo{Securable: identity.Securable{Type: identity.TypeTable}, TableType: "VIEW"}, false, true},
		{identity.SecurableInfo{Securable: identity.Securable{Type: identity.TypeTable}}, false, false},
		{identity.SecurableInfo{Securable: identity.Securable{Type: identity.TypeVolume}, VolumeType: "EXTERNAL"}, true, true},
		{identity.SecurableInfo{Securable: identity.Securable{Type: identity.TypeVolume}, VolumeType: "MANAGED"}, false, true},
		{identity.SecurableInfo{Securable: identity.Securable{Type: identity.TypeVolume}, TableType: "EXTERNAL"}, false, false},
		{identity.SecurableInfo{Securable: identity.Securable{Type: identity.TypeSchema}}, false, true},
	} {
		if is, known := c.info.External(); is != c.is || known != c.known {
			t.Errorf("%+v: %v, %v", c.info, is, known)
		}
	}
}
