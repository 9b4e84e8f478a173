package sandbox

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// sqlExpr is an expression that was found to make sense: its type, and how to
// compute it.
type sqlExpr struct {
	typ  *sqlType
	eval func(*sqlEnv) any
}

// sqlEnv is what an expression is computed on: one row, or a group of rows, of
// which row is the first.
type sqlEnv struct {
	row   []any
	group [][]any
}

// sqlScope is what the names of an expression mean.
type sqlScope struct {
	run     *sqlRun
	columns []sqlColumn
	alias   string // of the table, may stand before a column
	// aliases are the select list's names, for HAVING, GROUP BY and ORDER BY.
	aliases map[string]*sqlNode
	// grouped: only keys and what is inside aggregate functions is of one value.
	grouped, inAggregate bool
	keys                 map[string]bool
}

// raise fails the statement, from any depth; see sqlRun.
func raise(class, state, format string, args ...any) { panic(sqlFail(class, state, format, args...)) }

// compile checks an expression, and that even where no row will come.
func (s *sqlScope) compile(n *sqlNode) sqlExpr {
	if s.grouped && !s.inAggregate && s.keys[n.key()] {
		inside := *s
		inside.inAggregate = true
		return inside.compile(n)
	}
	switch n.op {
	case "lit":
		v := n.value
		return sqlExpr{literalType(v), func(*sqlEnv) any { return v }}
	case "param":
		p, known := s.run.params[n.name]
		if !known {
			raise("UNBOUND_SQL_PARAMETER", "42P02", "Found the unbound parameter: %s. Please, fix `args` and provide a mapping of the parameter to either a SQL literal or collection constructor functions.", n.name)
		}
		return sqlExpr{p.typ, func(*sqlEnv) any { return p.value }}
	case "name":
		return s.column(n)
	case "field":
		return s.field(n)
	case "index":
		m, k := s.compile(n.args[0]), s.compile(n.args[1])
		if m.typ != sqlMap {
			raise("INVALID_EXTRACT_BASE_FIELD_TYPE", "42000", "Can't extract a value from %q.", n.args[0].title())
		}
		return sqlExpr{sqlStringType, func(e *sqlEnv) any { return lookup(m.eval(e), k.eval(e)) }}
	case "cast", "try_cast":
		return s.cast(n)
	case "interval":
		return s.interval(n)
	case "case":
		return s.caseOf(n)
	case "call":
		return s.callOf(n)
	}
	return s.operator(n)
}

func literalType(v any) *sqlType {
	switch v.(type) {
	case nil:
		return sqlVoid
	case string:
		return sqlStringType
	case bool:
		return sqlBool
	case float64:
		return sqlDouble
	}
	return sqlInt
}

func lookup(m, k any) any {
	values, isMap := m.(map[string]string)
	key, isString := k.(string)
	if v, has := values[key]; isMap && isString && has {
		return v
	}
	return nil
}

func (s *sqlScope) find(name string) int {
	return slices.IndexFunc(s.columns, func(c sqlColumn) bool { return strings.EqualFold(c.name, name) })
}

func (s *sqlScope) column(n *sqlNode) sqlExpr {
	i := s.find(n.name)
	if i < 0 {
		if as := s.aliases[strings.ToLower(n.name)]; as != nil {
			plain := *s
			plain.aliases = nil
			return plain.compile(as)
		}
		raise("UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703", "A column, variable, or function parameter with name `%s` cannot be resolved.", n.name)
	}
	if s.grouped && !s.inAggregate {
		raise("MISSING_AGGREGATION", "42803", "The non-aggregating expression %q is based on columns which are not participating in the GROUP BY clause.", n.name)
	}
	return sqlExpr{s.columns[i].typ, func(e *sqlEnv) any {
		if e.row == nil {
			return nil
		}
		return e.row[i]
	}}
}

// field is struct.field or map.key.
func (s *sqlScope) field(n *sqlNode) sqlExpr {
	of := n.args[0]
	base := s.compile(of)
	if base.typ == sqlMap {
		return sqlExpr{sqlStringType, func(e *sqlEnv) any { return lookup(base.eval(e), n.name) }}
	}
	i := slices.IndexFunc(base.typ.fields, func(f sqlColumn) bool { return strings.EqualFold(f.name, n.name) })
	if len(base.typ.fields) == 0 {
		raise("INVALID_EXTRACT_BASE_FIELD_TYPE", "42000", "Can't extract a value from %q.", of.title())
	}
	if i < 0 {
		raise("FIELD_NOT_FOUND", "42704", "No such struct field `%s` in %s.", n.name, base.typ.text)
	}
	return sqlExpr{base.typ.fields[i].typ, func(e *sqlEnv) any {
		if r, is := base.eval(e).(sqlRecord); is {
			return r.fields[i]
		}
		return nil
	}}
}

func (s *sqlScope) cast(n *sqlNode) sqlExpr {
	to, known := sqlTypesByName[n.name]
	if !known {
		raise("UNSUPPORTED_DATATYPE", "0A000", "Unsupported data type %q.", n.name)
	}
	from := s.compile(n.args[0])
	return sqlExpr{to, func(e *sqlEnv) any {
		v, failed := sqlCast(from.eval(e), to)
		if failed != nil && n.op == "cast" {
			panic(failed)
		}
		return v
	}}
}

// as brings an expression to a type.
func (x sqlExpr) as(to *sqlType) sqlExpr {
	if x.typ == to || to == nil || x.typ == sqlVoid {
		return sqlExpr{to, x.eval}
	}
	return sqlExpr{to, func(e *sqlEnv) any {
		v, failed := sqlCast(x.eval(e), to)
		if failed != nil {
			panic(failed)
		}
		return v
	}}
}

func (s *sqlScope) interval(n *sqlNode) sqlExpr {
	unit, known := sqlUnits[n.name]
	if !known {
		raise("PARSE_SYNTAX_ERROR", "42601", "Syntax error at or near '%s'.", n.name)
	}
	count := s.compile(n.args[0]).as(sqlLong)
	return sqlExpr{sqlIntervalType, func(e *sqlEnv) any {
		c, is := count.eval(e).(int64)
		if !is {
			return nil
		}
		return sqlInterval{unit.months * int(c), unit.span * time.Duration(c)}
	}}
}

func (s *sqlScope) caseOf(n *sqlNode) sqlExpr {
	var conds, vals []sqlExpr
	var typ *sqlType = sqlVoid
	for i, a := range n.args {
		x := s.compile(a)
		if i%2 == 0 && i < len(n.args)-1 {
			conds = append(conds, s.must(x, sqlBool, a))
			continue
		}
		vals = append(vals, x)
		typ = s.common(n, typ, x.typ)
	}
	for i := range vals {
		vals[i] = vals[i].as(typ)
	}
	return sqlExpr{typ, func(e *sqlEnv) any {
		for i, c := range conds {
			if c.eval(e) == true {
				return vals[i].eval(e)
			}
		}
		return vals[len(vals)-1].eval(e)
	}}
}

func (s *sqlScope) common(n *sqlNode, a, b *sqlType) *sqlType {
	c := commonType(a, b)
	if c == nil {
		raise("DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES", "42K09", "Cannot resolve %q due to data type mismatch: the left and right operands of the binary operator have incompatible types (%q and %q).", n.title(), a.text, b.text)
	}
	return c
}

func (s *sqlScope) must(x sqlExpr, want *sqlType, n *sqlNode) sqlExpr {
	if x.typ != want && x.typ != sqlVoid {
		raise("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09", "Cannot resolve %q due to data type mismatch: requires the %q type, has the type %q.", n.title(), want.text, x.typ.text)
	}
	return x
}

// operator follows three-valued logic: what is not known is NULL.
func (s *sqlScope) operator(n *sqlNode) sqlExpr {
	args := make([]sqlExpr, len(n.args))
	for i, a := range n.args {
		args[i] = s.compile(a)
	}
	switch n.op {
	case "and", "or", "not":
		for i, a := range n.args {
			args[i] = s.must(args[i], sqlBool, a)
		}
		return sqlExpr{sqlBool, func(e *sqlEnv) any { return logic(n.op, args, e) }}
	case "isnull":
		return sqlExpr{sqlBool, func(e *sqlEnv) any { return args[0].eval(e) == nil }}
	case "in":
		return s.in(n, args)
	case "like", "ilike":
		return likeOf(n.op == "ilike", args)
	case "||":
		return concat(args)
	case "negative":
		return sqlExpr{args[0].typ, func(e *sqlEnv) any {
			switch v := args[0].eval(e).(type) {
			case int64:
				return -v
			case float64:
				return -v
			}
			return nil
		}}
	case "+", "-", "*", "/", "%":
		return s.arithmetic(n, args)
	}
	return s.compare(n, args)
}

func logic(op string, args []sqlExpr, e *sqlEnv) any {
	a := args[0].eval(e)
	if op == "not" {
		if a == nil {
			return nil
		}
		return a != true
	}
	decides := op == "or" // OR is decided by true, AND by false
	if a == decides {
		return decides
	}
	b := args[1].eval(e)
	if b == decides {
		return decides
	}
	if a == nil || b == nil {
		return nil
	}
	return !decides
}

func (s *sqlScope) compare(n *sqlNode, args []sqlExpr) sqlExpr {
	typ := s.common(n, args[0].typ, args[1].typ)
	a, b := args[0].as(typ), args[1].as(typ)
	return sqlExpr{sqlBool, func(e *sqlEnv) any {
		x, y := a.eval(e), b.eval(e)
		if x == nil || y == nil {
			return nil
		}
		c := sqlCompare(x, y)
		switch n.op {
		case "=":
			return c == 0
		case "!=":
			return c != 0
		case "<":
			return c < 0
		case "<=":
			return c <= 0
		case ">":
			return c > 0
		}
		return c >= 0
	}}
}

// in: a list with a NULL never says no.
func (s *sqlScope) in(n *sqlNode, args []sqlExpr) sqlExpr {
	typ := args[0].typ
	for _, a := range args[1:] {
		typ = s.common(n, typ, a.typ)
	}
	for i := range args {
		args[i] = args[i].as(typ)
	}
	return sqlExpr{sqlBool, func(e *sqlEnv) any {
		v := args[0].eval(e)
		if v == nil {
			return nil
		}
		var unknown bool
		for _, a := range args[1:] {
			w := a.eval(e)
			if w == nil {
				unknown = true
			} else if sqlCompare(v, w) == 0 {
				return true
			}
		}
		if unknown {
			return nil
		}
		return false
	}}
}

func likeOf(fold bool, args []sqlExpr) sqlExpr {
	text, pattern := args[0].as(sqlStringType), args[1].as(sqlStringType)
	return sqlExpr{sqlBool, func(e *sqlEnv) any {
		s, isText := text.eval(e).(string)
		p, isPattern := pattern.eval(e).(string)
		if !isText || !isPattern {
			return nil
		}
		return regexp.MustCompile(likeRegexp(p, fold)).MatchString(s)
	}}
}

func likeRegexp(pattern string, fold bool) string {
	var b strings.Builder
	b.WriteString("(?s)^")
	if fold {
		b.WriteString("(?i)")
	}
	for rs := []rune(pattern); len(rs) > 0; rs = rs[1:] {
		switch {
		case rs[0] == '%':
			b.WriteString(".*")
		case rs[0] == '_':
			b.WriteString(".")
		case rs[0] == '\\' && len(rs) > 1:
			rs = rs[1:]
			b.WriteString(regexp.QuoteMeta(string(rs[0])))
		default:
			b.WriteString(regexp.QuoteMeta(string(rs[0])))
		}
	}
	b.WriteString("$")
	return b.String()
}

func concat(args []sqlExpr) sqlExpr {
	for i := range args {
		args[i] = args[i].as(sqlStringType)
	}
	return sqlExpr{sqlStringType, func(e *sqlEnv) any {
		var b strings.Builder
		for _, a := range args {
			s, is := a.eval(e).(string)
			if !is {
				return nil
			}
			b.WriteString(s)
		}
		return b.String()
	}}
}

// arithmetic is that of numbers, and of points in time with intervals or, for
// dates, days.
func (s *sqlScope) arithmetic(n *sqlNode, args []sqlExpr) sqlExpr {
	a, b := args[0], args[1]
	temporal := func(t *sqlType) bool { return t == sqlDate || t == sqlTimestamp }
	sign := map[string]int{"+": 1, "-": -1}[n.op]
	switch {
	case sign != 0 && temporal(a.typ) && b.typ == sqlIntervalType:
		return sqlExpr{a.typ, func(e *sqlEnv) any { return shift(a.eval(e), b.eval(e), sign) }}
	case n.op == "+" && temporal(b.typ) && a.typ == sqlIntervalType:
		return sqlExpr{b.typ, func(e *sqlEnv) any { return shift(b.eval(e), a.eval(e), 1) }}
	case sign != 0 && a.typ == sqlDate && b.typ.numeric():
		return sqlExpr{sqlDate, func(e *sqlEnv) any { return shift(a.eval(e), days(b.eval(e)), sign) }}
	}
	for i, x := range args {
		if !x.typ.numeric() && x.typ != sqlStringType && x.typ != sqlVoid {
			s.must(x, sqlLong, n.args[i])
		}
	}
	if a.typ == sqlDouble || b.typ == sqlDouble || n.op == "/" || a.typ == sqlStringType || b.typ == sqlStringType {
		a, b = a.as(sqlDouble), b.as(sqlDouble)
		return sqlExpr{sqlDouble, func(e *sqlEnv) any {
			x, isX := a.eval(e).(float64)
			y, isY := b.eval(e).(float64)
			if !isX || !isY {
				return nil
			}
			return floatOp(n.op, x, y)
		}}
	}
	return sqlExpr{sqlLong, func(e *sqlEnv) any {
		x, isX := a.eval(e).(int64)
		y, isY := b.eval(e).(int64)
		if !isX || !isY {
			return nil
		}
		switch n.op {
		case "+":
			return x + y
		case "-":
			return x - y
		case "*":
			return x * y
		}
		if y == 0 {
			raise("DIVIDE_BY_ZERO", "22012", "Division by zero.")
		}
		return x % y
	}}
}

func floatOp(op string, x, y float64) any {
	switch op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	}
	if y == 0 {
		raise("DIVIDE_BY_ZERO", "22012", "Division by zero.")
	}
	if op == "/" {
		return x / y
	}
	return x - y*float64(int64(x/y))
}

func days(v any) any {
	if n, is := v.(int64); is {
		return sqlInterval{span: time.Duration(n) * 24 * time.Hour}
	}
	return nil
}

func shift(v, by any, sign int) any {
	i, is := by.(sqlInterval)
	if !is {
		return nil
	}
	i.months, i.span = sign*i.months, time.Duration(sign)*i.span
	switch t := v.(type) {
	case sqlDay:
		return dayOf(i.plus(t.Time))
	case time.Time:
		return i.plus(t)
	}
	return nil
}
