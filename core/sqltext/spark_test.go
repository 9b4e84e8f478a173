package sqltext_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Spark's lexis, as far as a script of these statements can use it, written from the grammar and from
// nothing of this package. Databricks SQL is Spark's.
//
// https://github.com/apache/spark/blob/master/sql/api/src/main/antlr4/org/apache/spark/sql/catalyst/parser/SqlBaseLexer.g4

// token is a word, a delimited name (decoded), or a sign.
type token struct {
	kind string // word, name, sign
	text string
}

// statements splits a script as the lexer would see it, comments and blanks dropped.
func statements(script string) (list [][]token, err error) {
	var now []token
	for i := 0; i < len(script); {
		switch c := script[i]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			i++
		case strings.HasPrefix(script[i:], "--"):
			// '--' ('\\\n' | ~[\r\n])* '\r'? '\n'?
			for i < len(script) {
				if strings.HasPrefix(script[i:], "\\\n") {
					i += 2
					continue
				}
				if script[i] == '\r' || script[i] == '\n' {
					break
				}
				i++
			}
		case strings.HasPrefix(script[i:], "/*"):
			return nil, fmt.Errorf("a bracketed comment at %d", i)
		case c == '`':
			// '`' ( ~'`' | '``' )* '`'
			end := i + 1
			for {
				at := strings.IndexByte(script[end:], '`')
				if at < 0 {
					return nil, fmt.Errorf("a name without end at %d", i)
				}
				end += at + 1
				if end < len(script) && script[end] == '`' {
					end++
					continue
				}
				break
			}
			now = append(now, token{"name", strings.ReplaceAll(script[i+1:end-1], "``", "`")})
			i = end
		case c == ';':
			list, now = append(list, now), nil
			i++
		case c == '.' || c == ',':
			now = append(now, token{"sign", string(c)})
			i++
		case c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_':
			end := i
			for end < len(script) && (script[end] >= 'A' && script[end] <= 'Z' || script[end] >= 'a' && script[end] <= 'z' || script[end] == '_') {
				end++
			}
			now = append(now, token{"word", script[i:end]})
			i = end
		default:
			return nil, fmt.Errorf("%q at %d starts nothing", c, i)
		}
	}
	if len(now) > 0 {
		return nil, fmt.Errorf("a statement without end: %v", now)
	}
	return list, nil
}

// revocation is a statement as a reader of the reference would take it.
type revocation struct {
	privileges []string
	keyword    string
	on         []string
	from       string
}

// parse reads REVOKE privilege_types ON securable_object FROM principal.
func parse(ts []token) (r revocation, err error) {
	next := func(kind string) string {
		if err != nil || len(ts) == 0 || ts[0].kind != kind {
			err = fmt.Errorf("wanted a %s before %v", kind, ts)
			return ""
		}
		text := ts[0].text
		ts = ts[1:]
		return text
	}
	words := func() string {
		var ws []string
		for len(ts) > 0 && ts[0].kind == "word" && ts[0].text != "ON" && ts[0].text != "FROM" {
			ws = append(ws, next("word"))
		}
		return strings.Join(ws, " ")
	}
	if next("word") != "REVOKE" {
		return r, errors.Join(errors.New("no REVOKE"), err)
	}
	r.privileges = append(r.privileges, words())
	for len(ts) > 0 && ts[0] == (token{"sign", ","}) {
		ts = ts[1:]
		r.privileges = append(r.privileges, words())
	}
	if slices.Contains(r.privileges, "ALL PRIVILEGES") && len(r.privileges) > 1 {
		return r, fmt.Errorf("ALL PRIVILEGES beside others")
	}
	if next("word") != "ON" {
		return r, errors.Join(errors.New("no ON"), err)
	}
	r.keyword = words()
	for len(ts) > 0 && ts[0].kind == "name" {
		r.on = append(r.on, next("name"))
		if len(ts) > 0 && ts[0] == (token{"sign", "."}) {
			ts = ts[1:]
		}
	}
	if next("word") != "FROM" {
		return r, errors.Join(errors.New("no FROM"), err)
	}
	r.from = next("name")
	if len(ts) > 0 {
		return r, fmt.Errorf("more after the statement: %v", ts)
	}
	return r, err
}
