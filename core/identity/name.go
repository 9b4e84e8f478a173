package identity

import (
	"fmt"
	"strings"
)

// ParseFullName splits the name of a securable at its dots. A part may stand in backticks, and then
// hold dots itself; a doubled backtick in it is one.
//
// https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-identifiers
func ParseFullName(name string) ([]string, error) {
	var parts []string
	rest := name
	for {
		part, after, err := firstPart(rest)
		if err != nil {
			return nil, fmt.Errorf("the name %s: %w", name, err)
		}
		parts = append(parts, part)
		if after == "" {
			return parts, nil
		}
		if after[0] != '.' {
			return nil, fmt.Errorf("the name %s: something follows a closing backtick", name)
		}
		rest = after[1:]
	}
}

func firstPart(s string) (part, rest string, err error) {
	if !strings.HasPrefix(s, "`") {
		if i := strings.IndexByte(s, '.'); i >= 0 {
			part, rest = s[:i], s[i:]
		} else {
			part = s
		}
		if part == "" {
			return "", "", fmt.Errorf("a part is empty")
		}
		return part, rest, nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '`' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '`' {
			b.WriteByte('`')
			i++
			continue
		}
		if b.Len() == 0 {
			return "", "", fmt.Errorf("a part is empty")
		}
		return b.String(), s[i+1:], nil
	}
	return "", "", fmt.Errorf("a backtick is not closed")
}

// QuoteFullName writes the name that ParseFullName reads as these parts, with backticks only round a
// part that needs them.
func QuoteFullName(parts []string) string {
	quoted := make([]string, len(parts))
	for i, p := range parts {
		if strings.Contains(p, ".") || strings.HasPrefix(p, "`") {
			p = "`" + strings.ReplaceAll(p, "`", "``") + "`"
		}
		quoted[i] = p
	}
	return strings.Join(quoted, ".")
}

// Named gives the securables that a name of so many parts can mean in a metastore, one for each type.
func Named(metastore string, parts []string) []Securable {
	var list []Securable
	switch len(parts) {
	case 1:
		list = append(list, CatalogSecurable(metastore, parts[0]))
		for _, t := range []SecurableType{TypeExternalLocation, AnyCredential, TypeConnection, TypeShare, TypeRecipient, TypeProvider} {
			list = append(list, Securable{Metastore: metastore, Type: t, Name: parts[0]})
		}
	case 2:
		list = append(list, SchemaSecurable(metastore, parts[0], parts[1]))
	case 3:
		for _, t := range []SecurableType{TypeTable, TypeVolume, TypeFunction, TypeModel} {
			list = append(list, Securable{Metastore: metastore, Type: t, Catalog: parts[0], Schema: parts[1], Name: parts[2]})
		}
	}
	return list
}
