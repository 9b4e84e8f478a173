// Package sqltext writes statements of Databricks SQL about grants, from names that strangers chose.
//
// A name is always delimited, and one that cannot be written safely makes no statement but an
// *UnwritableError. What is written has no code point that cannot be seen, so that a script reads as it
// runs and needs no escaping where it is shown. Scripts are data: nothing here, and nobody here, carries
// one out.
package sqltext

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"databricks-access-audit/core/identity"
)

// UnwritableError says that something cannot be put into a statement.
type UnwritableError struct {
	What string // "name", "privilege", "type of securable"
	Name string
	Why  string
}

func (e *UnwritableError) Error() string {
	return fmt.Sprintf("%s %q cannot be written in SQL: %s", e.What, e.Name, e.Why)
}

// Identifier delimits a name: in backticks, inner ones doubled. A name that is empty, is not UTF-8, or
// holds what cannot be seen or what tools replace before the statement is parsed is an
// *UnwritableError.
//
// https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-identifiers,
// https://docs.databricks.com/aws/en/sql/user/queries/query-parameters,
// https://spark.apache.org/docs/latest/configuration.html (spark.sql.variable.substitute)
func Identifier(name string) (string, error) {
	why := ""
	switch {
	case name == "":
		why = "it is empty"
	case !utf8.ValidString(name):
		why = "it is not UTF-8"
	case strings.ContainsFunc(name, unicode.IsControl):
		why = "it has a control character"
	case strings.ContainsFunc(name, hidden):
		why = "it has a character that cannot be seen"
	case strings.Contains(name, "${") || strings.Contains(name, "{{"):
		why = "it looks like a variable, which would be replaced"
	default:
		return "`" + strings.ReplaceAll(name, "`", "``") + "`", nil
	}
	return "", &UnwritableError{"name", name, why}
}

// keywords are what statements call the types of securable. Registered models are functions there.
//
// https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-privileges#securable-objects
var keywords = map[identity.SecurableType]string{
	identity.TypeMetastore:         "METASTORE",
	identity.TypeCatalog:           "CATALOG",
	identity.TypeSchema:            "SCHEMA",
	identity.TypeTable:             "TABLE",
	identity.TypeVolume:            "VOLUME",
	identity.TypeFunction:          "FUNCTION",
	identity.TypeModel:             "FUNCTION",
	identity.TypeExternalLocation:  "EXTERNAL LOCATION",
	identity.TypeStorageCredential: "STORAGE CREDENTIAL",
	identity.TypeServiceCredential: "SERVICE CREDENTIAL",
	identity.TypeConnection:        "CONNECTION",
}

// views are what statements call what is listed among the tables and is none.
var views = map[string]string{
	"VIEW": "VIEW", "METRIC_VIEW": "VIEW", "MATERIALIZED_VIEW": "MATERIALIZED VIEW",
}

// Securable is how statements name a securable: its type, and the parts of its name, each delimited. A
// metastore is the one that is attached to where the statement runs, and is not named.
func Securable(on identity.SecurableInfo) (string, error) {
	keyword, ok := keywords[on.Type]
	if !ok {
		return "", &UnwritableError{"type of securable", string(on.Type), "privileges on it are not granted and revoked by GRANT and REVOKE ON a securable"}
	}
	if view, ok := views[on.TableType]; ok && on.Type == identity.TypeTable {
		keyword = view
	}
	var parts []string
	for _, part := range on.Parts() {
		p, err := Identifier(part)
		if err != nil {
			return "", err
		}
		parts = append(parts, p)
	}
	return strings.TrimSuffix(keyword+" "+strings.Join(parts, "."), " "), nil
}

// Privilege is how statements spell a privilege. One that is not in Databricks' reference as package
// identity knows it is an *UnwritableError: how it is spelled would be a guess.
func Privilege(p identity.Privilege) (string, error) {
	if !p.Known() {
		return "", &UnwritableError{"privilege", string(p), "it is not in the reference of privileges"}
	}
	return p.SQL(), nil
}

// Revoke gives the statements that take privileges on a securable away from a user name, application id
// or group name. ALL PRIVILEGES stands in a statement of its own, as the syntax has it, and takes with it
// whatever individual privileges it implies: callers must mean these, too.
//
// https://docs.databricks.com/aws/en/sql/language-manual/security-revoke
func Revoke(ps []identity.Privilege, on identity.SecurableInfo, from string) ([]string, error) {
	return statements("REVOKE", "FROM", ps, on, from)
}

// Grant gives the statements that give privileges on a securable to a user name, application id or group
// name, ALL PRIVILEGES in one of its own.
//
// https://docs.databricks.com/aws/en/sql/language-manual/security-grant
func Grant(ps []identity.Privilege, on identity.SecurableInfo, to string) ([]string, error) {
	return statements("GRANT", "TO", ps, on, to)
}

func statements(verb, preposition string, ps []identity.Privilege, on identity.SecurableInfo, principal string) ([]string, error) {
	target, err := Securable(on)
	if err != nil {
		return nil, err
	}
	holder, err := Identifier(principal)
	if err != nil {
		return nil, err
	}
	var all, named []string
	for _, p := range ps {
		spelled, err := Privilege(p)
		if err != nil {
			return nil, err
		}
		if p == identity.AllPrivileges {
			all = []string{spelled}
		} else {
			named = append(named, spelled)
		}
	}
	var list []string
	for _, one := range [][]string{all, named} {
		if len(one) > 0 {
			list = append(list, fmt.Sprintf("%s %s ON %s %s %s;", verb, strings.Join(one, ", "), target, preposition, holder))
		}
	}
	return list, nil
}

// Comment is a line that does nothing, whatever the text: what cannot be seen shows as \u{hex}, and so
// does what would carry the comment on to the next line or be replaced before it is parsed. In Spark a
// backslash at the end of a line continues a comment.
//
// https://github.com/apache/spark/blob/master/sql/api/src/main/antlr4/org/apache/spark/sql/catalyst/parser/SqlBaseLexer.g4
func Comment(text string) string {
	text = strings.TrimRight(text, " ") // before the last character is looked at
	var b strings.Builder
	b.WriteString("-- ")
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		rest := text[i+size:]
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\u{%x}`, 0xdc00+int(text[i])) // as PEP 383 has it
		case hidden(r), r == '\\' && (rest == "" || strings.HasPrefix(rest, "u{")), r == '{' && i > 0 && (text[i-1] == '$' || text[i-1] == '{'):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteString(text[i : i+size])
		}
		i += size
	}
	return b.String()
}

// hidden reports whether a code point cannot be seen, or does something else instead.
func hidden(r rune) bool {
	if r >= 0x20 && r < 0x7f {
		return false
	}
	return !unicode.IsGraphic(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
