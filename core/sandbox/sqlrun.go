package sandbox

import (
	"slices"
	"strings"
	"time"
)

// sqlTable is a table as a statement reads it.
type sqlTable struct {
	columns []sqlColumn
	rows    [][]any
}

// sqlValue is the value of a parameter.
type sqlValue struct {
	typ   *sqlType
	value any
}

// sqlRun runs one statement.
type sqlRun struct {
	now    time.Time
	user   string
	params map[string]sqlValue
	// table finds a table by its name, or fails the statement.
	table func(name []string) (*sqlTable, *sqlError)

	with map[string]*sqlTable
}

// run parses and computes a statement.
func (r *sqlRun) run(text string) (out *sqlTable, failed *sqlError) {
	q, failed := parseSQL(text)
	if failed != nil {
		return nil, failed
	}
	defer func() {
		if p := recover(); p != nil {
			e, is := p.(*sqlError)
			if !is {
				panic(p)
			}
			out, failed = nil, e
		}
	}()
	r.with = map[string]*sqlTable{}
	return r.query(q), nil
}

func (r *sqlRun) query(q *sqlQuery) *sqlTable {
	for _, w := range q.with {
		r.with[strings.ToLower(w.name)] = r.query(w.query)
	}
	if len(q.selects) == 1 {
		return r.selectFrom(q.selects[0], q.order, q.limit)
	}
	var out *sqlTable
	for _, s := range q.selects {
		part := r.selectFrom(s, nil, nil)
		if out == nil {
			out = part
			continue
		}
		if len(part.columns) != len(out.columns) {
			raise("NUM_COLUMNS_MISMATCH", "42826", "UNION can only be performed on inputs with the same number of columns.")
		}
		for i, c := range part.columns {
			if t := commonType(out.columns[i].typ, c.typ); t != nil {
				out.columns[i].typ = t
			}
		}
		out.rows = append(out.rows, part.rows...)
	}
	// Order and limit apply to all of it, by the columns of the result.
	all := &sqlSelect{}
	for _, c := range out.columns {
		all.items = append(all.items, sqlItem{&sqlNode{op: "name", name: c.name}, c.name})
	}
	return r.project(all, out, "", q.order, q.limit)
}

func (r *sqlRun) selectFrom(s *sqlSelect, order []sqlOrder, limit *sqlNode) *sqlTable {
	from := &sqlTable{rows: [][]any{{}}}
	alias := s.alias
	switch {
	case s.sub != nil:
		from = r.query(s.sub)
	case len(s.table) == 1 && r.with[strings.ToLower(s.table[0])] != nil:
		from = r.with[strings.ToLower(s.table[0])]
	case len(s.table) > 0:
		t, failed := r.table(s.table)
		if failed != nil {
			panic(failed)
		}
		from = t
	}
	if alias == "" && len(s.table) > 0 {
		alias = s.table[len(s.table)-1]
	}
	return r.project(s, from, alias, order, limit)
}

// sqlOutput is a row of the result with what it is ordered by.
type sqlOutput struct {
	row, by []any
}

func (r *sqlRun) project(s *sqlSelect, from *sqlTable, alias string, order []sqlOrder, limit *sqlNode) *sqlTable {
	scope := &sqlScope{run: r, columns: from.columns, alias: alias}
	items := expandStar(s.items, from.columns)
	scope.dropAlias(s.where, s.having)
	scope.dropAlias(s.group...)
	for _, it := range items {
		scope.dropAlias(it.node)
	}
	for _, o := range order {
		scope.dropAlias(o.node)
	}
	if s.where != nil {
		where := scope.must(scope.compile(s.where), sqlBool, s.where)
		var kept [][]any
		for _, row := range from.rows {
			if where.eval(&sqlEnv{row: row}) == true {
				kept = append(kept, row)
			}
		}
		from = &sqlTable{from.columns, kept}
	}
	aliases := map[string]*sqlNode{}
	for _, it := range items {
		aliases[strings.ToLower(it.name)] = it.node
	}
	if !s.grouped && slices.ContainsFunc(items, func(it sqlItem) bool { return it.node.aggregates() }) {
		s.grouped = true
	}
	envs := r.groups(s, scope, items, aliases, from.rows)

	exprs := make([]sqlExpr, len(items))
	out := &sqlTable{columns: make([]sqlColumn, len(items))}
	for i, it := range items {
		exprs[i] = scope.compile(it.node)
		out.columns[i] = sqlColumn{it.name, exprs[i].typ}
	}
	scope.aliases = aliases
	var having *sqlExpr
	if s.having != nil {
		h := scope.must(scope.compile(s.having), sqlBool, s.having)
		having = &h
	}
	by := make([]sqlExpr, len(order))
	for i, o := range order {
		by[i] = scope.compile(pointedAt(o.node, items, aliases))
	}
	var results []sqlOutput
	for _, env := range envs {
		if having != nil && having.eval(env) != true {
			continue
		}
		o := sqlOutput{row: make([]any, len(exprs)), by: make([]any, len(by))}
		for i, x := range exprs {
			o.row[i] = x.eval(env)
		}
		for i, x := range by {
			o.by[i] = x.eval(env)
		}
		results = append(results, o)
	}
	if s.distinct {
		seen := map[string]bool{}
		results = slices.DeleteFunc(results, func(o sqlOutput) bool {
			k := rowKey(o.row)
			was := seen[k]
			seen[k] = true
			return was
		})
	}
	slices.SortStableFunc(results, func(a, b sqlOutput) int { return compareBy(order, a.by, b.by) })
	out.rows = make([][]any, 0, len(results))
	for _, o := range results[:r.limited(scope, limit, len(results))] {
		out.rows = append(out.rows, o.row)
	}
	return out
}

// dropAlias takes the table's name off its columns, so that a column is the same
// expression with and without it.
func (s *sqlScope) dropAlias(nodes ...*sqlNode) {
	for _, n := range nodes {
		if n == nil {
			continue
		}
		if n.op == "field" && n.args[0].op == "name" && s.find(n.args[0].name) < 0 && strings.EqualFold(n.args[0].name, s.alias) {
			n.op, n.args = "name", nil
		}
		s.dropAlias(n.args...)
		s.dropAlias(n.filter)
	}
}

func (r *sqlRun) limited(scope *sqlScope, limit *sqlNode, n int) int {
	if limit == nil {
		return n
	}
	plain := sqlScope{run: scope.run}
	v, is := plain.compile(limit).as(sqlLong).eval(&sqlEnv{}).(int64)
	if !is || v < 0 {
		raise("INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE", "42K0E", "The limit expression must be equal to or greater than 0.")
	}
	return int(min(v, int64(n)))
}

func compareBy(order []sqlOrder, a, b []any) int {
	for i, o := range order {
		x, y := a[i], b[i]
		if (x == nil) != (y == nil) {
			if (x == nil) == o.nullsFirst {
				return -1
			}
			return 1
		}
		c := sqlCompareNulls(x, y)
		if o.desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

func expandStar(items []sqlItem, columns []sqlColumn) []sqlItem {
	var out []sqlItem
	for _, it := range items {
		if it.node != nil {
			out = append(out, it)
			continue
		}
		for _, c := range columns {
			out = append(out, sqlItem{&sqlNode{op: "name", name: c.name}, c.name})
		}
	}
	return out
}

// aggregates reports whether an aggregate function is in the expression.
func (n *sqlNode) aggregates() bool {
	if n == nil {
		return false
	}
	if _, is := sqlAggregates[n.name]; is && n.op == "call" {
		return true
	}
	return slices.ContainsFunc(n.args, (*sqlNode).aggregates)
}

// pointedAt is what an ordinal or the name of a column of the result stands for.
func pointedAt(n *sqlNode, items []sqlItem, aliases map[string]*sqlNode) *sqlNode {
	if i, is := n.value.(int64); is && n.op == "lit" {
		if i < 1 || int(i) > len(items) {
			raise("GROUP_BY_POS_OUT_OF_RANGE", "42805", "Position %d is not in select list.", i)
		}
		return items[i-1].node
	}
	if as := aliases[strings.ToLower(n.name)]; n.op == "name" && as != nil {
		return as
	}
	return n
}

// groups are the rows that the select list is computed on: each row by itself,
// or the groups. It makes the scope one of groups.
func (r *sqlRun) groups(s *sqlSelect, scope *sqlScope, items []sqlItem, aliases map[string]*sqlNode, rows [][]any) []*sqlEnv {
	if !s.grouped {
		out := make([]*sqlEnv, len(rows))
		for i, row := range rows {
			out[i] = &sqlEnv{row: row}
		}
		return out
	}
	keys := s.group
	if s.all {
		for _, it := range items {
			if !it.node.aggregates() {
				keys = append(keys, it.node)
			}
		}
	}
	var exprs []sqlExpr
	scope.keys = map[string]bool{}
	for _, k := range keys {
		// A column of the table is meant before one of the result.
		if k.op != "name" || scope.find(k.name) < 0 {
			k = pointedAt(k, items, aliases)
		}
		exprs = append(exprs, scope.compile(k))
		scope.keys[k.key()] = true
	}
	scope.grouped = true
	byKey := map[string]*sqlEnv{}
	var out []*sqlEnv
	for _, row := range rows {
		vals := make([]any, len(exprs))
		for i, x := range exprs {
			vals[i] = x.eval(&sqlEnv{row: row})
		}
		k := rowKey(vals)
		env := byKey[k]
		if env == nil {
			env = &sqlEnv{row: row}
			byKey[k] = env
			out = append(out, env)
		}
		env.group = append(env.group, row)
	}
	if len(out) == 0 && len(exprs) == 0 {
		out = append(out, &sqlEnv{}) // of nothing, count(*) is 0
	}
	return out
}
