package sandbox

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sqlError fails a statement with an error class of Databricks SQL and its
// SQLSTATE (https://docs.databricks.com/error-messages/error-classes).
type sqlError struct{ class, state, text string }

func (e *sqlError) Error() string {
	return fmt.Sprintf("[%s] %s SQLSTATE: %s", e.class, e.text, e.state)
}

func sqlFail(class, state, format string, args ...any) *sqlError {
	return &sqlError{class, state, fmt.Sprintf(format, args...)}
}

type sqlTokenKind int

const (
	sqlEnd sqlTokenKind = iota
	sqlWord
	sqlQuoted // `name`
	sqlString
	sqlNumber
	sqlParam // :name
	sqlPunct
)

type sqlToken struct {
	kind sqlTokenKind
	text string
	at   int
}

// upper is a word in capitals, or empty for anything else.
func (t sqlToken) upper() string {
	if t.kind != sqlWord {
		return ""
	}
	return strings.ToUpper(t.text)
}

func (t sqlToken) String() string {
	if t.kind == sqlEnd {
		return "end of input"
	}
	return "'" + t.text + "'"
}

// sqlTokens splits a statement into words. Strings take backslash escapes, a
// doubled quote does not stand for one: two literals in a row are one
// (https://docs.databricks.com/sql/language-manual/data-types/string-type).
func sqlTokens(text string) ([]sqlToken, *sqlError) {
	l := sqlLexer{text: text}
	for {
		if failed := l.blanks(); failed != nil {
			return nil, failed
		}
		if l.at >= len(text) {
			return append(l.out, sqlToken{kind: sqlEnd, at: l.at}), nil
		}
		if failed := l.token(); failed != nil {
			return nil, failed
		}
	}
}

type sqlLexer struct {
	text string
	at   int
	out  []sqlToken
}

func (l *sqlLexer) rest() string { return l.text[l.at:] }

// blanks skips white space and comments.
func (l *sqlLexer) blanks() *sqlError {
	for l.at < len(l.text) {
		rest := l.rest()
		switch {
		case strings.ContainsRune(" \t\r\n", rune(rest[0])):
			l.at++
		case strings.HasPrefix(rest, "--"):
			if i := strings.IndexByte(rest, '\n'); i >= 0 {
				l.at += i + 1
			} else {
				l.at = len(l.text)
			}
		case strings.HasPrefix(rest, "/*"):
			i := strings.Index(rest[2:], "*/")
			if i < 0 {
				return sqlFail("UNCLOSED_BRACKETED_COMMENT", "42601", "Found an unclosed bracketed comment.")
			}
			l.at += i + 4
		default:
			return nil
		}
	}
	return nil
}

func (l *sqlLexer) token() *sqlError {
	rest := l.rest()
	r, _ := utf8.DecodeRuneInString(rest)
	switch {
	case rest[0] == '\'' || rest[0] == '"':
		return l.string(rest[0])
	case rest[0] == '`':
		return l.quotedName()
	case isSQLName(r, true):
		l.take(sqlWord, spanOf(rest, isSQLNameRest))
	case unicode.IsDigit(r):
		l.take(sqlNumber, spanOf(rest, func(r rune) bool { return unicode.IsDigit(r) || r == '.' }))
	case rest[0] == ':' && len(rest) > 1 && rest[1] != ':' && isSQLNameRest(rune(rest[1])):
		l.at++
		l.take(sqlParam, spanOf(rest[1:], isSQLNameRest))
	default:
		for _, two := range []string{"<=", ">=", "<>", "!=", "==", "||", "::"} {
			if strings.HasPrefix(rest, two) {
				l.take(sqlPunct, 2)
				return nil
			}
		}
		if !strings.ContainsRune("()[],.;*+-/%=<>", rune(rest[0])) {
			return sqlSyntax(sqlToken{sqlPunct, string(r), l.at})
		}
		l.take(sqlPunct, 1)
	}
	return nil
}

func (l *sqlLexer) take(kind sqlTokenKind, n int) {
	l.out = append(l.out, sqlToken{kind, l.text[l.at : l.at+n], l.at})
	l.at += n
}

func isSQLName(r rune, first bool) bool {
	return r == '_' || r < utf8.RuneSelf && unicode.IsLetter(r) || !first && unicode.IsDigit(r)
}

func isSQLNameRest(r rune) bool { return isSQLName(r, false) }

func spanOf(s string, in func(rune) bool) int {
	if i := strings.IndexFunc(s, func(r rune) bool { return !in(r) }); i >= 0 {
		return i
	}
	return len(s)
}

func (l *sqlLexer) string(quote byte) *sqlError {
	start := l.at
	var b strings.Builder
	for l.at++; l.at < len(l.text); l.at++ {
		switch ch := l.text[l.at]; {
		case ch == '\\' && l.at+1 < len(l.text):
			l.at++
			l.unescape(&b)
		case ch == quote:
			l.at++
			if n := len(l.out); n > 0 && l.out[n-1].kind == sqlString {
				l.out[n-1].text += b.String()
				return nil
			}
			l.out = append(l.out, sqlToken{sqlString, b.String(), start})
			return nil
		default:
			b.WriteByte(ch)
		}
	}
	return sqlSyntax(sqlToken{sqlPunct, string(quote), start})
}

// unescape writes what a backslash and the byte after it stand for. Those of
// LIKE patterns stay as they are.
func (l *sqlLexer) unescape(b *strings.Builder) {
	switch ch := l.text[l.at]; ch {
	case 'n', 't', 'r', 'b', '0', 'Z':
		b.WriteByte(map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', '0': 0, 'Z': 0x1a}[ch])
	case '%', '_':
		b.WriteByte('\\')
		b.WriteByte(ch)
	case 'u':
		if l.at+4 < len(l.text) {
			if n, err := strconv.ParseUint(l.text[l.at+1:l.at+5], 16, 32); err == nil {
				b.WriteRune(rune(n))
				l.at += 4
				return
			}
		}
		b.WriteByte(ch)
	default:
		b.WriteByte(ch)
	}
}

// quotedName reads `a“b`, in which the doubled backtick is one.
func (l *sqlLexer) quotedName() *sqlError {
	start := l.at
	var b strings.Builder
	for l.at++; l.at < len(l.text); l.at++ {
		if l.text[l.at] != '`' {
			b.WriteByte(l.text[l.at])
			continue
		}
		if l.at+1 < len(l.text) && l.text[l.at+1] == '`' {
			l.at++
			b.WriteByte('`')
			continue
		}
		l.at++
		l.out = append(l.out, sqlToken{sqlQuoted, b.String(), start})
		return nil
	}
	return sqlSyntax(sqlToken{sqlPunct, "`", start})
}

func sqlSyntax(t sqlToken) *sqlError {
	return sqlFail("PARSE_SYNTAX_ERROR", "42601", "Syntax error at or near %s (pos %d).", t, t.at)
}
