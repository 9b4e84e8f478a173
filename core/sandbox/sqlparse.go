package sandbox

import (
	"slices"
	"strconv"
	"strings"
)

// sqlQuery is a statement or subquery: one select or several joined by UNION
// ALL, ordered and cut as a whole.
type sqlQuery struct {
	with    []sqlCTE
	selects []*sqlSelect
	order   []sqlOrder
	limit   *sqlNode
}

type sqlCTE struct {
	name  string
	query *sqlQuery
}

type sqlSelect struct {
	distinct bool
	items    []sqlItem
	// One of table and sub is set, or neither if there is no FROM.
	table   []string
	sub     *sqlQuery
	alias   string
	where   *sqlNode
	group   []*sqlNode
	all     bool // GROUP BY ALL
	grouped bool
	having  *sqlNode
}

type sqlItem struct {
	node *sqlNode // nil for *
	name string
}

type sqlOrder struct {
	node       *sqlNode
	desc       bool
	nullsFirst bool
}

// sqlNode is an expression. op is lit, param, name, field, index, call, cast,
// interval, case, or an operator.
type sqlNode struct {
	op    string
	name  string
	value any
	args  []*sqlNode
	// distinct and filter belong to aggregate functions; star to count(*).
	distinct, star bool
	filter         *sqlNode
}

// key is the same for expressions that are the same.
func (n *sqlNode) key() string {
	if n == nil {
		return ""
	}
	parts := []string{n.op, strings.ToLower(n.name)}
	if n.value != nil {
		parts = append(parts, sqlText(n.value))
	}
	for _, a := range append(slices.Clone(n.args), n.filter) {
		parts = append(parts, a.key())
	}
	return strconv.Quote(strings.Join(parts, "\x00")) + strconv.FormatBool(n.distinct) + strconv.FormatBool(n.star)
}

// parseSQL reads one statement of the subset that the package comment gives.
func parseSQL(text string) (q *sqlQuery, failed *sqlError) {
	tokens, failed := sqlTokens(text)
	if failed != nil {
		return nil, failed
	}
	p := &sqlParser{tokens: tokens}
	// The parser gives up at the first wrong word, from any depth.
	defer func() {
		if r := recover(); r != nil {
			e, is := r.(*sqlError)
			if !is {
				panic(r)
			}
			q, failed = nil, e
		}
	}()
	q = p.query()
	p.accept(";")
	if p.peek().kind != sqlEnd {
		p.fail()
	}
	return q, nil
}

type sqlParser struct {
	tokens []sqlToken
	at     int
	depth  int
}

func (p *sqlParser) peek() sqlToken { return p.tokens[p.at] }

func (p *sqlParser) next() sqlToken {
	t := p.tokens[p.at]
	if t.kind != sqlEnd {
		p.at++
	}
	return t
}

func (p *sqlParser) fail() { panic(sqlSyntax(p.peek())) }

// accept takes the next words if they are these keywords or signs.
func (p *sqlParser) accept(words ...string) bool {
	for i, w := range words {
		if p.at+i >= len(p.tokens) {
			return false
		}
		t := p.tokens[p.at+i]
		if t.upper() != w && (t.kind != sqlPunct || t.text != w) {
			return false
		}
	}
	p.at += len(words)
	return true
}

func (p *sqlParser) expect(words ...string) {
	if !p.accept(words...) {
		p.fail()
	}
}

// sqlReserved are words that cannot be a bare alias here.
var sqlReserved = strings.Fields("FROM WHERE GROUP HAVING ORDER LIMIT UNION ON AS AND OR NOT IN IS LIKE BETWEEN WHEN THEN ELSE END ASC DESC NULLS SELECT JOIN LEFT RIGHT INNER CROSS FULL LATERAL QUALIFY WINDOW OFFSET EXCEPT INTERSECT CASE")

func (p *sqlParser) name() string {
	t := p.next()
	if t.kind != sqlWord && t.kind != sqlQuoted || slices.Contains(sqlReserved, t.upper()) {
		p.at--
		p.fail()
	}
	return t.text
}

// alias reads [AS] name, or nothing.
func (p *sqlParser) alias() string {
	t := p.peek()
	if p.accept("AS") || t.kind == sqlQuoted || t.kind == sqlWord && !slices.Contains(sqlReserved, t.upper()) {
		return p.name()
	}
	return ""
}

func (p *sqlParser) query() *sqlQuery {
	p.deeper()
	defer func() { p.depth-- }()
	q := &sqlQuery{}
	if p.accept("WITH") {
		for more := true; more; more = p.accept(",") {
			name := p.name()
			p.expect("AS", "(")
			q.with = append(q.with, sqlCTE{name, p.query()})
			p.expect(")")
		}
	}
	q.selects = append(q.selects, p.selectClause())
	for p.accept("UNION", "ALL") {
		q.selects = append(q.selects, p.selectClause())
	}
	if p.accept("ORDER", "BY") {
		for more := true; more; more = p.accept(",") {
			q.order = append(q.order, p.order())
		}
	}
	if p.accept("LIMIT") && !p.accept("ALL") {
		q.limit = p.primary()
	}
	return q
}

func (p *sqlParser) order() sqlOrder {
	o := sqlOrder{node: p.expr(), nullsFirst: true}
	if p.accept("DESC") {
		o.desc, o.nullsFirst = true, false
	} else {
		p.accept("ASC")
	}
	if p.accept("NULLS", "FIRST") {
		o.nullsFirst = true
	} else if p.accept("NULLS", "LAST") {
		o.nullsFirst = false
	}
	return o
}

func (p *sqlParser) selectClause() *sqlSelect {
	p.expect("SELECT")
	s := &sqlSelect{distinct: p.accept("DISTINCT")}
	for more := true; more; more = p.accept(",") {
		s.items = append(s.items, p.item())
	}
	if p.accept("FROM") {
		p.from(s)
	}
	if p.accept("WHERE") {
		s.where = p.expr()
	}
	if p.accept("GROUP", "BY") {
		s.grouped = true
		if s.all = p.accept("ALL"); !s.all {
			for more := true; more; more = p.accept(",") {
				s.group = append(s.group, p.expr())
			}
		}
	}
	if p.accept("HAVING") {
		s.having = p.expr()
		s.grouped = true
	}
	return s
}

func (p *sqlParser) item() sqlItem {
	if p.accept("*") {
		return sqlItem{}
	}
	it := sqlItem{node: p.expr()}
	it.name = p.alias()
	if it.name == "" {
		it.name = it.node.title()
	}
	return it
}

// title is the column name of an expression without alias.
func (n *sqlNode) title() string {
	switch n.op {
	case "name", "field":
		return n.name
	case "call":
		if n.star {
			return "count(1)"
		}
		args := make([]string, len(n.args))
		for i, a := range n.args {
			args[i] = a.title()
		}
		return n.name + "(" + strings.Join(args, ", ") + ")"
	case "index":
		return n.args[0].title() + "[" + n.args[1].title() + "]"
	case "lit":
		return sqlText(n.value)
	}
	return "expr"
}

func (p *sqlParser) from(s *sqlSelect) {
	if p.accept("(") {
		s.sub = p.query()
		p.expect(")")
	} else {
		s.table = []string{p.name()}
		for p.accept(".") {
			s.table = append(s.table, p.name())
		}
	}
	s.alias = p.alias()
}

// maxSQLDepth keeps nested brackets from using up the stack.
const maxSQLDepth = 200

func (p *sqlParser) deeper() {
	if p.depth++; p.depth > maxSQLDepth {
		panic(sqlFail("FAILED_TO_PARSE_TOO_COMPLEX", "54001", "The statement is too complex to be parsed."))
	}
}

func (p *sqlParser) expr() *sqlNode {
	p.deeper()
	defer func() { p.depth-- }()
	n := p.and()
	for p.accept("OR") {
		n = &sqlNode{op: "or", args: []*sqlNode{n, p.and()}}
	}
	return n
}

func (p *sqlParser) and() *sqlNode {
	n := p.not()
	for p.accept("AND") {
		n = &sqlNode{op: "and", args: []*sqlNode{n, p.not()}}
	}
	return n
}

func (p *sqlParser) not() *sqlNode {
	if p.accept("NOT") {
		p.deeper()
		defer func() { p.depth-- }()
		return &sqlNode{op: "not", args: []*sqlNode{p.not()}}
	}
	return p.comparison()
}

var sqlComparisons = map[string]string{"=": "=", "==": "=", "<>": "!=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}

func (p *sqlParser) comparison() *sqlNode {
	n := p.sum()
	for {
		t := p.peek()
		if op := sqlComparisons[t.text]; op != "" && t.kind == sqlPunct {
			p.at++
			n = &sqlNode{op: op, args: []*sqlNode{n, p.sum()}}
			continue
		}
		if p.accept("IS") {
			negated := p.accept("NOT")
			p.expect("NULL")
			n = negateIf(negated, &sqlNode{op: "isnull", args: []*sqlNode{n}})
			continue
		}
		start := p.at
		negated := p.accept("NOT")
		switch {
		case p.accept("IN"):
			n = negateIf(negated, p.in(n))
		case p.accept("LIKE"):
			n = negateIf(negated, &sqlNode{op: "like", args: []*sqlNode{n, p.sum()}})
		case p.accept("ILIKE"):
			n = negateIf(negated, &sqlNode{op: "ilike", args: []*sqlNode{n, p.sum()}})
		case p.accept("BETWEEN"):
			low := p.sum()
			p.expect("AND")
			n = negateIf(negated, &sqlNode{op: "and", args: []*sqlNode{{op: ">=", args: []*sqlNode{n, low}}, {op: "<=", args: []*sqlNode{n, p.sum()}}}})
		default:
			p.at = start
			return n
		}
	}
}

func negateIf(negated bool, n *sqlNode) *sqlNode {
	if negated {
		return &sqlNode{op: "not", args: []*sqlNode{n}}
	}
	return n
}

func (p *sqlParser) in(n *sqlNode) *sqlNode {
	p.expect("(")
	out := &sqlNode{op: "in", args: []*sqlNode{n}}
	for more := true; more; more = p.accept(",") {
		out.args = append(out.args, p.expr())
	}
	p.expect(")")
	return out
}

func (p *sqlParser) sum() *sqlNode {
	n := p.product()
	for {
		t := p.peek()
		if t.kind != sqlPunct || t.text != "+" && t.text != "-" && t.text != "||" {
			return n
		}
		p.at++
		n = &sqlNode{op: t.text, args: []*sqlNode{n, p.product()}}
	}
}

func (p *sqlParser) product() *sqlNode {
	n := p.unary()
	for {
		t := p.peek()
		if t.kind != sqlPunct || t.text != "*" && t.text != "/" && t.text != "%" {
			return n
		}
		p.at++
		n = &sqlNode{op: t.text, args: []*sqlNode{n, p.unary()}}
	}
}

func (p *sqlParser) unary() *sqlNode {
	if p.accept("-") {
		p.deeper()
		defer func() { p.depth-- }()
		return &sqlNode{op: "negative", args: []*sqlNode{p.unary()}}
	}
	n := p.primary()
	for {
		switch {
		case p.accept("."):
			n = &sqlNode{op: "field", name: p.name(), args: []*sqlNode{n}}
		case p.accept("["):
			n = &sqlNode{op: "index", args: []*sqlNode{n, p.expr()}}
			p.expect("]")
		case p.accept("::"):
			n = &sqlNode{op: "cast", name: strings.ToUpper(p.name()), args: []*sqlNode{n}}
		default:
			return n
		}
	}
}

func (p *sqlParser) primary() *sqlNode {
	t := p.next()
	switch t.kind {
	case sqlString:
		return &sqlNode{op: "lit", value: t.text}
	case sqlNumber:
		if n, err := strconv.ParseInt(t.text, 10, 64); err == nil {
			return &sqlNode{op: "lit", value: n}
		}
		if f, err := strconv.ParseFloat(t.text, 64); err == nil {
			return &sqlNode{op: "lit", value: f}
		}
	case sqlParam:
		return &sqlNode{op: "param", name: t.text}
	case sqlQuoted:
		return &sqlNode{op: "name", name: t.text}
	case sqlPunct:
		if t.text == "(" {
			n := p.expr()
			p.expect(")")
			return n
		}
	case sqlWord:
		if n := p.keyword(t); n != nil {
			return n
		}
		if p.accept("(") {
			return p.call(strings.ToLower(t.text))
		}
		if !slices.Contains(sqlReserved, t.upper()) {
			return &sqlNode{op: "name", name: t.text}
		}
	case sqlEnd:
		p.fail()
	}
	p.at--
	p.fail()
	return nil
}

// keyword reads an expression that begins with a word of its own, or nothing.
func (p *sqlParser) keyword(t sqlToken) *sqlNode {
	switch word := t.upper(); word {
	case "NULL":
		return &sqlNode{op: "lit"}
	case "TRUE", "FALSE":
		return &sqlNode{op: "lit", value: word == "TRUE"}
	case "DATE", "TIMESTAMP":
		if lit := p.peek(); lit.kind == sqlString {
			p.at++
			return &sqlNode{op: "cast", name: word, args: []*sqlNode{{op: "lit", value: lit.text}}}
		}
	case "CURRENT_DATE", "CURRENT_TIMESTAMP":
		if p.accept("(") {
			p.expect(")")
		}
		return &sqlNode{op: "call", name: strings.ToLower(word)}
	case "CAST", "TRY_CAST":
		p.expect("(")
		n := &sqlNode{op: strings.ToLower(word), args: []*sqlNode{p.expr()}}
		p.expect("AS")
		n.name = strings.ToUpper(p.name())
		p.expect(")")
		return n
	case "INTERVAL":
		n := &sqlNode{op: "interval", args: []*sqlNode{p.unary()}}
		n.name = strings.TrimSuffix(strings.ToUpper(p.name()), "S")
		return n
	case "CASE":
		return p.caseClause()
	}
	return nil
}

// caseClause makes pairs of condition and value, and the value of ELSE.
func (p *sqlParser) caseClause() *sqlNode {
	n := &sqlNode{op: "case"}
	var subject *sqlNode
	if p.peek().upper() != "WHEN" {
		subject = p.expr()
	}
	for p.accept("WHEN") {
		cond := p.expr()
		if subject != nil {
			cond = &sqlNode{op: "=", args: []*sqlNode{subject, cond}}
		}
		p.expect("THEN")
		n.args = append(n.args, cond, p.expr())
	}
	if len(n.args) == 0 {
		p.fail()
	}
	otherwise := &sqlNode{op: "lit"}
	if p.accept("ELSE") {
		otherwise = p.expr()
	}
	p.expect("END")
	n.args = append(n.args, otherwise)
	return n
}

func (p *sqlParser) call(name string) *sqlNode {
	n := &sqlNode{op: "call", name: name}
	switch {
	case p.accept("*", ")"):
		n.star = true
	case p.accept(")"):
	default:
		n.distinct = p.accept("DISTINCT")
		// The first argument of dateadd and datediff may be a bare unit of time.
		for more := true; more; more = p.accept(",") {
			n.args = append(n.args, p.expr())
		}
		p.expect(")")
	}
	if p.accept("FILTER", "(", "WHERE") {
		n.filter = p.expr()
		p.expect(")")
	}
	return n
}
