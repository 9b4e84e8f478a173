package sandbox

import (
	"fmt"
	"strings"
)

// maxFilterNodes is the documented size limit of a filter
// (https://docs.databricks.com/api/account/accountusers/list).
const maxFilterNodes = 200

// scimFilter is a parsed filter: a comparison, or two filters joined.
type scimFilter struct {
	attr, op, value string
	joint           string // "and", "or", or empty for a comparison
	left, right     *scimFilter
}

// matches evaluates the filter; value returns an attribute's values.
func (f *scimFilter) matches(value func(attr string) []string) bool {
	switch f.joint {
	case "and":
		return f.left.matches(value) && f.right.matches(value)
	case "or":
		return f.left.matches(value) || f.right.matches(value)
	}
	any := false
	for _, v := range value(f.attr) {
		any = any || compare(strings.ToLower(v), f.op, strings.ToLower(f.value))
	}
	if f.op == "ne" {
		return !any
	}
	return any
}

// compare is case-insensitive, as all filterable attributes are. For ne it
// tells whether the value is there, the caller negates.
func compare(v, op, want string) bool {
	switch op {
	case "co":
		return strings.Contains(v, want)
	case "sw":
		return strings.HasPrefix(v, want)
	}
	return v == want
}

// parseSCIMFilter reads the documented subset of RFC 7644 section 3.4.2.2:
// eq, ne, co and sw over simple attributes, joined by and (binds tighter) and
// or, with parentheses. Names of attributes are matched without case; known
// maps their lower-case form to true.
func parseSCIMFilter(text string, known map[string]bool) (*scimFilter, error) {
	p := &filterParser{known: known}
	if err := p.tokenize(text); err != nil {
		return nil, err
	}
	f, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.at < len(p.tokens) {
		return nil, fmt.Errorf("unexpected %q", p.tokens[p.at].text)
	}
	if p.nodes > maxFilterNodes {
		return nil, fmt.Errorf("filter has %d nodes, more than %d", p.nodes, maxFilterNodes)
	}
	return f, nil
}

type filterToken struct {
	text   string
	quoted bool
}

type filterParser struct {
	tokens []filterToken
	at     int
	nodes  int
	known  map[string]bool
}

func (p *filterParser) tokenize(text string) error {
	for i := 0; i < len(text); {
		switch ch := text[i]; {
		case ch == ' ' || ch == '\t':
			i++
		case ch == '(' || ch == ')':
			p.tokens = append(p.tokens, filterToken{text: string(ch)})
			i++
		case ch == '"':
			value, n, err := unquoteFilter(text[i:])
			if err != nil {
				return err
			}
			p.tokens = append(p.tokens, filterToken{text: value, quoted: true})
			i += n
		default:
			n := strings.IndexAny(text[i:], " \t()\"")
			if n < 0 {
				n = len(text) - i
			}
			p.tokens = append(p.tokens, filterToken{text: text[i : i+n]})
			i += n
		}
	}
	return nil
}

// unquoteFilter reads a string literal with the escapes \" and \\.
func unquoteFilter(s string) (value string, length int, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), i + 1, nil
		case '\\':
			i++
			if i == len(s) || s[i] != '"' && s[i] != '\\' {
				return "", 0, fmt.Errorf("bad escape in string")
			}
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return "", 0, fmt.Errorf("unclosed string")
}

func (p *filterParser) word(s string) bool {
	if p.at < len(p.tokens) && !p.tokens[p.at].quoted && strings.EqualFold(p.tokens[p.at].text, s) {
		p.at++
		return true
	}
	return false
}

func (p *filterParser) or() (*scimFilter, error) { return p.chain("or", p.and) }

func (p *filterParser) and() (*scimFilter, error) { return p.chain("and", p.term) }

func (p *filterParser) chain(joint string, next func() (*scimFilter, error)) (*scimFilter, error) {
	left, err := next()
	if err != nil {
		return nil, err
	}
	for p.word(joint) {
		right, err := next()
		if err != nil {
			return nil, err
		}
		p.nodes++
		left = &scimFilter{joint: joint, left: left, right: right}
	}
	return left, nil
}

func (p *filterParser) term() (*scimFilter, error) {
	if p.word("(") {
		f, err := p.or()
		if err != nil {
			return nil, err
		}
		if !p.word(")") {
			return nil, fmt.Errorf("missing )")
		}
		return f, nil
	}
	if p.at+3 > len(p.tokens) {
		return nil, fmt.Errorf("incomplete comparison")
	}
	attr, op, value := p.tokens[p.at], p.tokens[p.at+1], p.tokens[p.at+2]
	p.at += 3
	p.nodes++
	f := &scimFilter{attr: strings.ToLower(attr.text), op: strings.ToLower(op.text), value: value.text}
	if attr.quoted || !p.known[f.attr] {
		return nil, fmt.Errorf("attribute %q cannot be filtered", attr.text)
	}
	switch f.op {
	case "eq", "ne", "co", "sw":
	default:
		return nil, fmt.Errorf("operator %q is not supported", op.text)
	}
	if !value.quoted && value.text != "true" && value.text != "false" {
		return nil, fmt.Errorf("value %q is not quoted", value.text)
	}
	return f, nil
}
