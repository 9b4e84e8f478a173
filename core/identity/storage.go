package identity

import "strings"

// External reports whether a table or volume lies in storage that it was created with, and not in that of
// its schema, catalog or metastore. Known is false where its type was not told.
//
// https://docs.databricks.com/aws/en/tables/external
func (s SecurableInfo) External() (is, known bool) {
	switch s.Type {
	case TypeTable:
		return s.TableType == "EXTERNAL" || s.TableType == "EXTERNAL_SHALLOW_CLONE", s.TableType != ""
	case TypeVolume:
		return s.VolumeType == "EXTERNAL", s.VolumeType != ""
	default:
		return false, true
	}
}

// Locations are external locations of one metastore by what they cover, to look paths up in.
type Locations map[string]Securable

// Add adds an external location. One without a path covers nothing.
func (l Locations) Add(s SecurableInfo) {
	if s.Type == TypeExternalLocation && s.Path != "" {
		l[storagePath(s.Path)] = s.Securable
	}
}

// Covering gives the external location through which a path is reached: the one that covers the longest
// part of it. It reports false where none does.
//
// https://docs.databricks.com/aws/en/connect/unity-catalog/cloud-storage/external-locations
func (l Locations) Covering(path string) (Securable, bool) {
	for at := storagePath(path); at != ""; {
		if s, ok := l[at]; ok {
			return s, true
		}
		i := strings.LastIndexByte(at, '/')
		if i < 0 {
			break
		}
		at = at[:i]
	}
	return Securable{}, false
}

// storageSchemes are other spellings of schemes that name the same storage.
var storageSchemes = map[string]string{"s3a": "s3", "s3n": "s3", "abfs": "abfss"}

// storagePath is the spelling under which paths to one place are equal: buckets, containers and accounts
// are the same in any case, what is in them is not.
func storagePath(path string) string {
	scheme, rest, ok := strings.Cut(strings.TrimRight(path, "/"), "://")
	if !ok {
		return scheme
	}
	scheme = strings.ToLower(scheme)
	if same, ok := storageSchemes[scheme]; ok {
		scheme = same
	}
	authority, below, _ := strings.Cut(rest, "/")
	return strings.TrimRight(scheme+"://"+strings.ToLower(authority)+"/"+below, "/")
}
