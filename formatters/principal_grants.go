package formatters

import (
	"cmp"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// The words for grants, and their order.

func inCatalog(t identity.SecurableType) bool {
	return t == identity.TypeCatalog || t == identity.TypeSchema || t.InSchema()
}

// catalogOf is the catalog that a securable is in, for grouping. Names of catalogs hold no dot.
//
// https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-names
func catalogOf(s report.Securable) string {
	if s.Type == identity.TypeCatalog {
		return s.FullName
	}
	catalog, _, _ := strings.Cut(s.FullName, ".")
	return catalog
}

// grantNode says what is held, how, and where it can be used.
func grantNode(g report.Grant, how string) node {
	n := line(privileges(g.Privileges) + how + "; " + usable(g.ReachableIn, g.ReachUnknown))
	for _, c := range g.Caveats {
		n.kids = append(n.kids, line("but: "+EscapeLine(c)))
	}
	return n
}

// manner says what else than a plain grant it is.
func manner(g report.Grant) string {
	switch g.Source {
	case report.SourceOwner:
		return " as owner"
	case report.SourceImplicit:
		return " (as everybody)"
	default:
		return ""
	}
}

// privileges shows none as such: an empty text would read as if the line were cut.
func privileges(ps []identity.Privilege) string {
	if len(ps) == 0 {
		return "no privilege"
	}
	return names(ps)
}

// usable says in which workspaces something can be used; unknown that there may be more.
func usable(in []string, unknown bool) string {
	switch {
	case in == nil:
		return "where it is usable was not read"
	case len(in) == 0 && unknown:
		return "whether it is usable anywhere is not known"
	case len(in) == 0:
		return "usable in no workspace"
	case unknown:
		return "usable in " + names(in) + ", perhaps in more"
	default:
		return "usable in " + names(in)
	}
}

func securable(s report.Securable) string {
	text := noun(s.Type) + " " + name(s.FullName)
	if s.Owner != nil && *s.Owner != "" {
		text += " (owner " + name(*s.Owner) + ")"
	}
	return text
}

// sortedGrants orders grants as a tree: by metastore, then catalogs with what is in them, then what
// stands beside; on one securable, direct ones first.
func (v principalView) sortedGrants() []report.Grant {
	place := func(t identity.SecurableType) int {
		switch {
		case t == identity.TypeMetastore:
			return 0
		case inCatalog(t):
			return 1
		default:
			return 2
		}
	}
	return slices.SortedStableFunc(slices.Values(v.Grants), func(a, b report.Grant) int {
		s, t := a.Securable, b.Securable
		return cmp.Or(
			strings.Compare(s.Metastore, t.Metastore),
			cmp.Compare(place(s.Type), place(t.Type)),
			strings.Compare(catalogOf(s), catalogOf(t)),
			strings.Compare(s.FullName, t.FullName),
			s.Type.Compare(t.Type),
			cmp.Compare(len(a.Path), len(b.Path)),
			slices.Compare(a.Path, b.Path),
		)
	})
}
