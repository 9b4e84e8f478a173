package sqltext

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"databricks-access-audit/core/identity"
)

// Statement is one GRANT or REVOKE.
type Statement struct {
	// Revoke is false for GRANT.
	Revoke     bool
	Privileges []identity.Privilege
	// Type is empty where the statement leaves it out, which stands for a table.
	Type identity.SecurableType
	// Parts are the parts of the securable's name; none for the metastore.
	Parts     []string
	Principal string
	// Line is where it begins, from 1.
	Line int
}

// ParseError says that a script holds something else than GRANT and REVOKE.
type ParseError struct {
	Line int
	Why  string
}

// Error says where and what.
func (e *ParseError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Why) }

// Parse reads a script of GRANT and REVOKE statements. Nothing in it is passed over: a statement of another
// kind, or one that is not understood, is a *ParseError.
//
// https://docs.databricks.com/aws/en/sql/language-manual/security-grant,
// https://docs.databricks.com/aws/en/sql/language-manual/security-revoke
func Parse(script string) ([]Statement, error) {
	tokens, err := lex(script)
	if err != nil {
		return nil, err
	}
	var all []Statement
	for len(tokens) > 0 {
		end := slices.IndexFunc(tokens, func(t token) bool { return t.is(";") })
		if end < 0 {
			end = len(tokens)
		}
		if end > 0 {
			s, err := statement(tokens[:end])
			if err != nil {
				return nil, err
			}
			all = append(all, s)
		}
		tokens = tokens[min(end+1, len(tokens)):]
	}
	return all, nil
}

// token is a word, a name in backticks or a sign.
type token struct {
	text   string
	quoted bool
	line   int
}

func (t token) is(word string) bool { return !t.quoted && strings.EqualFold(t.text, word) }

// lex takes a script apart. A bracketed comment may hold others.
func lex(script string) ([]token, error) {
	if !utf8.ValidString(script) {
		return nil, &ParseError{1, "the script is not UTF-8"}
	}
	var tokens []token
	line := 1
	for i := 0; i < len(script); {
		r, size := utf8.DecodeRuneInString(script[i:])
		rest := script[i:]
		switch {
		case r == '\n':
			line++
			i++
		case unicode.IsSpace(r) || r == '\ufeff' && i == 0:
			i += size
		case strings.HasPrefix(rest, "--"):
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			if strings.HasSuffix(strings.TrimRight(rest[:n], "\r"), `\`) {
				return nil, &ParseError{line, "a comment that ends in a backslash goes on in the next line: leave the backslash out"}
			}
			i += n
		case strings.HasPrefix(rest, "/*"):
			n := comment(rest)
			if n < 0 {
				return nil, &ParseError{line, "a comment is not closed"}
			}
			line += strings.Count(rest[:n], "\n")
			i += n
		case r == '`':
			name, n := delimited(rest)
			if n < 0 {
				return nil, &ParseError{line, "a name in backticks is not closed"}
			}
			tokens = append(tokens, token{name, true, line})
			line += strings.Count(rest[:n], "\n")
			i += n
		case strings.ContainsRune(";,.()", r):
			tokens = append(tokens, token{string(r), false, line})
			i += size
		case word(r):
			n := strings.IndexFunc(rest, func(r rune) bool { return !word(r) })
			if n < 0 {
				n = len(rest)
			}
			tokens = append(tokens, token{rest[:n], false, line})
			i += n
		default:
			return nil, &ParseError{line, fmt.Sprintf("%q is not understood: names with other signs than letters, digits and _ stand in backticks", r)}
		}
	}
	return tokens, nil
}

func word(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }

// comment is the length of a bracketed comment; negative when it is not closed.
func comment(text string) int {
	depth := 0
	for i := 0; i+1 < len(text); {
		switch text[i : i+2] {
		case "/*":
			depth++
			i += 2
		case "*/":
			i += 2
			if depth--; depth == 0 {
				return i
			}
		default:
			i++
		}
	}
	return -1
}

// delimited reads a name in backticks, in which two stand for one.
func delimited(text string) (name string, n int) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		if text[i] != '`' {
			b.WriteByte(text[i])
			continue
		}
		if i+1 < len(text) && text[i+1] == '`' {
			b.WriteByte('`')
			i++
			continue
		}
		return b.String(), i + 1
	}
	return "", -1
}

func statement(tokens []token) (Statement, error) {
	s := Statement{Line: tokens[0].line}
	fail := func(format string, args ...any) (Statement, error) {
		return Statement{}, &ParseError{s.Line, fmt.Sprintf(format, args...)}
	}
	to := "TO"
	switch {
	case tokens[0].is("GRANT"):
	case tokens[0].is("REVOKE"):
		s.Revoke, to = true, "FROM"
	default:
		return fail("%q is neither GRANT nor REVOKE", tokens[0].text)
	}
	on := slices.IndexFunc(tokens, func(t token) bool { return t.is("ON") })
	last := len(tokens) - 2
	if on < 0 || last <= on || !tokens[last].is(to) {
		return fail("it should read %s … ON … %s `principal`", strings.ToUpper(tokens[0].text), to)
	}
	for _, words := range split(tokens[1:on]) {
		if words == "" {
			return fail("a privilege is missing")
		}
		p := identity.ParsePrivilege(words)
		if strings.EqualFold(words, "ALL") {
			p = identity.AllPrivileges
		}
		if !p.Known() {
			return fail("%q is not a privilege that this program knows", words)
		}
		s.Privileges = append(s.Privileges, p)
	}
	var name []token
	s.Type, name = securableType(tokens[on+1 : last])
	for i, t := range name {
		if (i%2 == 1) != t.is(".") {
			return fail("the name of the securable is not understood")
		}
		if i%2 == 0 {
			s.Parts = append(s.Parts, t.text)
		}
	}
	s.Principal = tokens[len(tokens)-1].text
	switch {
	case len(name)%2 == 0 && s.Type != identity.TypeMetastore, len(name) > 0 && s.Type == identity.TypeMetastore:
		return fail("the name of the securable is not understood")
	case s.Principal == "" || !tokens[len(tokens)-1].quoted && strings.ContainsAny(s.Principal, ";,.()"):
		return fail("the principal is not understood")
	}
	return s, nil
}

// split joins words between commas.
func split(tokens []token) []string {
	list := []string{""}
	for _, t := range tokens {
		if t.is(",") {
			list = append(list, "")
			continue
		}
		list[len(list)-1] = strings.TrimSpace(list[len(list)-1] + " " + t.text)
	}
	return list
}

// types are the words by which statements name types of securable.
var types = []struct {
	words string
	is    identity.SecurableType
}{
	{"EXTERNAL LOCATION", identity.TypeExternalLocation}, {"STORAGE CREDENTIAL", identity.TypeStorageCredential},
	{"SERVICE CREDENTIAL", identity.TypeServiceCredential}, {"MATERIALIZED VIEW", identity.TypeTable},
	{"METASTORE", identity.TypeMetastore}, {"CATALOG", identity.TypeCatalog}, {"SCHEMA", identity.TypeSchema}, {"DATABASE", identity.TypeSchema},
	{"TABLE", identity.TypeTable}, {"VIEW", identity.TypeTable}, {"VOLUME", identity.TypeVolume}, {"FUNCTION", identity.TypeFunction},
	{"PROCEDURE", identity.TypeFunction}, {"MODEL", identity.TypeModel}, {"CONNECTION", identity.TypeConnection}, {"SHARE", identity.TypeShare},
}

// securableType takes the type off what stands between ON and the principal. A name may be spelled like a
// type: it is one only where something follows it.
func securableType(tokens []token) (identity.SecurableType, []token) {
	for _, t := range types {
		words := strings.Fields(t.words)
		if len(tokens) < len(words) || len(tokens) == len(words) && t.is != identity.TypeMetastore || len(tokens) > len(words) && tokens[len(words)].is(".") {
			continue
		}
		match := true
		for i, w := range words {
			match = match && tokens[i].is(w)
		}
		if match {
			return t.is, tokens[len(words):]
		}
	}
	return "", tokens
}
