package sandbox

import (
	"math"
	"slices"
	"strings"
	"time"
)

// callOf finds a function (https://docs.databricks.com/sql/language-manual/sql-ref-functions-builtin).
func (s *sqlScope) callOf(n *sqlNode) sqlExpr {
	if agg, known := sqlAggregates[n.name]; known {
		return s.aggregate(n, agg)
	}
	if n.star || n.distinct || n.filter != nil {
		raise("INVALID_SQL_SYNTAX", "42000", "Function `%s` does not support these arguments.", n.name)
	}
	if n.name == "dateadd" || n.name == "date_add" && len(n.args) == 3 || n.name == "timestampadd" {
		return s.addUnits(n)
	}
	if (n.name == "datediff" || n.name == "timestampdiff") && len(n.args) == 3 {
		return s.diffUnits(n)
	}
	f, known := sqlFuncs[n.name]
	if !known {
		raise("UNRESOLVED_ROUTINE", "42883", "Cannot resolve routine `%s` on search path [`system`.`builtin`, `system`.`session`].", n.name)
	}
	args := make([]sqlExpr, len(n.args))
	for i, a := range n.args {
		args[i] = s.compile(a)
	}
	takes(n, f.min, f.max)
	return f.make(s, n, args)
}

// takes refuses a call with too few or too many arguments.
func takes(n *sqlNode, least, most int) {
	if len(n.args) < least || len(n.args) > most {
		raise("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605", "The `%s` requires %d to %d parameters but the actual number is %d.", n.name, least, most, len(n.args))
	}
}

type sqlFunc struct {
	min, max int
	make     func(s *sqlScope, n *sqlNode, args []sqlExpr) sqlExpr
}

// sqlMany is no limit of arguments.
const sqlMany = 1 << 20

// strict is a function of some types that is NULL if an argument is.
func strict(result *sqlType, takes []*sqlType, f func(args []any) any) sqlFunc {
	return sqlFunc{len(takes), len(takes), func(_ *sqlScope, _ *sqlNode, args []sqlExpr) sqlExpr {
		for i := range args {
			args[i] = args[i].as(takes[i])
		}
		return sqlExpr{result, func(e *sqlEnv) any {
			vals := make([]any, len(args))
			for i, a := range args {
				if vals[i] = a.eval(e); vals[i] == nil {
					return nil
				}
			}
			return f(vals)
		}}
	}}
}

// ofStrings is a strict function of strings.
func ofStrings(n int, result *sqlType, f func(s []string) any) sqlFunc {
	return strict(result, slices.Repeat([]*sqlType{sqlStringType}, n), func(args []any) any {
		s := make([]string, len(args))
		for i, a := range args {
			s[i] = a.(string)
		}
		return f(s)
	})
}

func constant(typ *sqlType, value func(*sqlRun) any) sqlFunc {
	return sqlFunc{0, 0, func(s *sqlScope, _ *sqlNode, _ []sqlExpr) sqlExpr {
		v := value(s.run)
		return sqlExpr{typ, func(*sqlEnv) any { return v }}
	}}
}

// sameType brings all arguments to one type.
func sameType(s *sqlScope, n *sqlNode, args []sqlExpr) *sqlType {
	typ := sqlVoid
	for _, a := range args {
		typ = s.common(n, typ, a.typ)
	}
	for i := range args {
		args[i] = args[i].as(typ)
	}
	return typ
}

var coalesce = sqlFunc{1, sqlMany, func(s *sqlScope, n *sqlNode, args []sqlExpr) sqlExpr {
	return sqlExpr{sameType(s, n, args), func(e *sqlEnv) any {
		for _, a := range args {
			if v := a.eval(e); v != nil {
				return v
			}
		}
		return nil
	}}
}}

// extreme is greatest or least: NULLs are left out.
func extreme(sign int) sqlFunc {
	return sqlFunc{2, sqlMany, func(s *sqlScope, n *sqlNode, args []sqlExpr) sqlExpr {
		return sqlExpr{sameType(s, n, args), func(e *sqlEnv) any {
			var best any
			for _, a := range args {
				if v := a.eval(e); v != nil && (best == nil || sign*sqlCompare(v, best) > 0) {
					best = v
				}
			}
			return best
		}}
	}}
}

var (
	upperFunc  = ofStrings(1, sqlStringType, func(s []string) any { return strings.ToUpper(s[0]) })
	lowerFunc  = ofStrings(1, sqlStringType, func(s []string) any { return strings.ToLower(s[0]) })
	lengthFunc = ofStrings(1, sqlInt, func(s []string) any { return int64(len([]rune(s[0]))) })
	dateFunc   = sqlFunc{1, 1, func(_ *sqlScope, _ *sqlNode, args []sqlExpr) sqlExpr { return args[0].as(sqlDate) }}
	stampFunc  = sqlFunc{1, 1, func(_ *sqlScope, _ *sqlNode, args []sqlExpr) sqlExpr { return args[0].as(sqlTimestamp) }}
	nowFunc    = constant(sqlTimestamp, func(r *sqlRun) any { return r.now })
	todayFunc  = constant(sqlDate, func(r *sqlRun) any { return dayOf(r.now) })
	meFunc     = constant(sqlStringType, func(r *sqlRun) any { return r.user })
	substrFunc = sqlFunc{2, 3, substring}
	concatFunc = sqlFunc{1, sqlMany, func(_ *sqlScope, _ *sqlNode, args []sqlExpr) sqlExpr { return concat(args) }}
	elementAt  = sqlFunc{2, 2, func(s *sqlScope, n *sqlNode, args []sqlExpr) sqlExpr {
		m, k := s.must(args[0], sqlMap, n.args[0]), args[1]
		return sqlExpr{sqlStringType, func(e *sqlEnv) any { return lookup(m.eval(e), k.eval(e)) }}
	}}
)

var sqlFuncs = map[string]sqlFunc{
	"coalesce": coalesce, "nvl": coalesce, "ifnull": coalesce,
	"greatest": extreme(1), "least": extreme(-1),
	"nullif": {2, 2, func(s *sqlScope, n *sqlNode, args []sqlExpr) sqlExpr {
		return sqlExpr{sameType(s, n, args), func(e *sqlEnv) any {
			a, b := args[0].eval(e), args[1].eval(e)
			if a != nil && b != nil && sqlCompare(a, b) == 0 {
				return nil
			}
			return a
		}}
	}},
	"if": {3, 3, func(s *sqlScope, n *sqlNode, args []sqlExpr) sqlExpr {
		cond := s.must(args[0], sqlBool, n.args[0])
		typ := sameType(s, n, args[1:])
		return sqlExpr{typ, func(e *sqlEnv) any {
			if cond.eval(e) == true {
				return args[1].eval(e)
			}
			return args[2].eval(e)
		}}
	}},
	"isnull": {1, 1, func(_ *sqlScope, _ *sqlNode, args []sqlExpr) sqlExpr {
		return sqlExpr{sqlBool, func(e *sqlEnv) any { return args[0].eval(e) == nil }}
	}},
	"isnotnull": {1, 1, func(_ *sqlScope, _ *sqlNode, args []sqlExpr) sqlExpr {
		return sqlExpr{sqlBool, func(e *sqlEnv) any { return args[0].eval(e) != nil }}
	}},
	"upper": upperFunc, "ucase": upperFunc, "lower": lowerFunc, "lcase": lowerFunc,
	"length": lengthFunc, "len": lengthFunc, "char_length": lengthFunc,
	"trim":   ofStrings(1, sqlStringType, func(s []string) any { return strings.Trim(s[0], " ") }),
	"concat": concatFunc, "substring": substrFunc, "substr": substrFunc,
	"replace":    ofStrings(3, sqlStringType, func(s []string) any { return strings.ReplaceAll(s[0], s[1], s[2]) }),
	"contains":   ofStrings(2, sqlBool, func(s []string) any { return strings.Contains(s[0], s[1]) }),
	"startswith": ofStrings(2, sqlBool, func(s []string) any { return strings.HasPrefix(s[0], s[1]) }),
	"endswith":   ofStrings(2, sqlBool, func(s []string) any { return strings.HasSuffix(s[0], s[1]) }),
	"split":      ofStrings(2, sqlArray, func(s []string) any { return strings.Split(s[0], s[1]) }),
	"array_contains": strict(sqlBool, []*sqlType{sqlArray, sqlStringType}, func(a []any) any {
		return slices.Contains(a[0].([]string), a[1].(string))
	}),
	"element_at": elementAt, "try_element_at": elementAt,
	"to_date": dateFunc, "date": dateFunc, "to_timestamp": stampFunc, "timestamp": stampFunc,
	"now": nowFunc, "current_timestamp": nowFunc, "current_date": todayFunc, "curdate": todayFunc,
	"current_user": meFunc, "session_user": meFunc, "user": meFunc,
	"date_add":       strict(sqlDate, []*sqlType{sqlDate, sqlLong}, func(a []any) any { return shift(a[0], days(a[1]), 1) }),
	"date_sub":       strict(sqlDate, []*sqlType{sqlDate, sqlLong}, func(a []any) any { return shift(a[0], days(a[1]), -1) }),
	"datediff":       strict(sqlInt, []*sqlType{sqlDate, sqlDate}, func(a []any) any { return daysBetween(a[1].(sqlDay).Time, a[0].(sqlDay).Time) }),
	"date_diff":      strict(sqlInt, []*sqlType{sqlDate, sqlDate}, func(a []any) any { return daysBetween(a[1].(sqlDay).Time, a[0].(sqlDay).Time) }),
	"unix_timestamp": strict(sqlLong, []*sqlType{sqlTimestamp}, func(a []any) any { return a[0].(time.Time).Unix() }),
	"unix_millis":    strict(sqlLong, []*sqlType{sqlTimestamp}, func(a []any) any { return a[0].(time.Time).UnixMilli() }),
	"unix_micros":    strict(sqlLong, []*sqlType{sqlTimestamp}, func(a []any) any { return a[0].(time.Time).UnixMicro() }),
	"date_trunc":     strict(sqlTimestamp, []*sqlType{sqlStringType, sqlTimestamp}, func(a []any) any { return truncated(a[0].(string), a[1].(time.Time)) }),
	"date_format":    strict(sqlStringType, []*sqlType{sqlTimestamp, sqlStringType}, func(a []any) any { return a[0].(time.Time).Format(goForm(a[1].(string))) }),
}

func daysBetween(from, to time.Time) any { return int64(math.Round(to.Sub(from).Hours() / 24)) }

func truncated(unit string, t time.Time) any {
	switch strings.ToUpper(unit) {
	case "YEAR":
		return time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	case "MONTH":
		return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	case "DAY":
		return dayOf(t).Time
	case "HOUR":
		return t.Truncate(time.Hour)
	case "MINUTE":
		return t.Truncate(time.Minute)
	case "SECOND":
		return t.Truncate(time.Second)
	}
	return nil
}

// goForm turns a datetime pattern into the layout of package time
// (https://docs.databricks.com/sql/language-manual/sql-ref-datetime-pattern).
// Milliseconds need a dot before them there, as they do here.
func goForm(pattern string) string {
	return strings.NewReplacer("yyyy", "2006", "MM", "01", "dd", "02", "HH", "15", "mm", "04", "SSSSSS", "000000", "SSS", "000", "ss", "05", "XXX", "Z07:00", "''", "'", "'", "").Replace(pattern)
}

func substring(_ *sqlScope, _ *sqlNode, args []sqlExpr) sqlExpr {
	text := args[0].as(sqlStringType)
	return sqlExpr{sqlStringType, func(e *sqlEnv) any {
		s, is := text.eval(e).(string)
		at, isAt := args[1].eval(e).(int64)
		if !is || !isAt {
			return nil
		}
		rs := []rune(s)
		from := int(at) - 1
		if at <= 0 {
			from = max(0, len(rs)*int(min(1, -at))+int(at))
		}
		to := len(rs)
		if len(args) == 3 {
			n, isN := args[2].eval(e).(int64)
			if !isN {
				return nil
			}
			to = min(to, from+int(n))
		}
		if from >= to {
			return ""
		}
		return string(rs[from:to])
	}}
}

// unitOf reads the bare unit of time that is the first of a function's three arguments.
func unitOf(n *sqlNode) sqlInterval {
	takes(n, 3, 3)
	unit, known := sqlUnits[strings.TrimSuffix(strings.ToUpper(n.args[0].name), "S")]
	if !known || n.args[0].op != "name" {
		raise("INVALID_PARAMETER_VALUE.DATETIME_UNIT", "22023", "The value of parameter(s) `unit` in `%s` is invalid: expects one of the units without quotes YEAR, MONTH, WEEK, DAY, HOUR, MINUTE, SECOND.", n.name)
	}
	return unit
}

func (s *sqlScope) addUnits(n *sqlNode) sqlExpr {
	if len(n.args) == 2 {
		return s.callOf(&sqlNode{op: "call", name: "date_add", args: n.args})
	}
	unit, count, at := unitOf(n), s.compile(n.args[1]).as(sqlLong), s.compile(n.args[2])
	if at.typ != sqlDate || unit.span%(24*time.Hour) != 0 {
		at = at.as(sqlTimestamp)
	}
	return sqlExpr{at.typ, func(e *sqlEnv) any {
		c, is := count.eval(e).(int64)
		if !is {
			return nil
		}
		return shift(at.eval(e), sqlInterval{unit.months * int(c), unit.span * time.Duration(c)}, 1)
	}}
}

func (s *sqlScope) diffUnits(n *sqlNode) sqlExpr {
	unit, from, to := unitOf(n), s.compile(n.args[1]).as(sqlTimestamp), s.compile(n.args[2]).as(sqlTimestamp)
	return sqlExpr{sqlLong, func(e *sqlEnv) any {
		a, isA := from.eval(e).(time.Time)
		b, isB := to.eval(e).(time.Time)
		switch {
		case !isA || !isB:
			return nil
		case unit.months > 0:
			return int64(((b.Year()-a.Year())*12 + int(b.Month()) - int(a.Month())) / unit.months)
		}
		return int64(b.Sub(a) / unit.span)
	}}
}

// sqlAggregate computes one value of a group: of the values of its arguments, row by row.
type sqlAggregate struct {
	args   int
	result func(args []sqlExpr) *sqlType
	fold   func(rows [][]any) any
}

func firstType(args []sqlExpr) *sqlType { return args[0].typ }

func typeAlways(t *sqlType) func([]sqlExpr) *sqlType { return func([]sqlExpr) *sqlType { return t } }

// best is the first argument where the last is largest, or smallest.
func best(sign int) func(rows [][]any) any {
	return func(rows [][]any) any {
		var out, top any
		for _, r := range rows {
			if v := r[len(r)-1]; v != nil && (top == nil || sign*sqlCompare(v, top) > 0) {
				top, out = v, r[0]
			}
		}
		return out
	}
}

var anyValue = sqlAggregate{1, firstType, func(rows [][]any) any {
	if len(rows) == 0 {
		return nil
	}
	return rows[0][0]
}}

var sqlAggregates = map[string]sqlAggregate{
	"max": {1, firstType, best(1)}, "min": {1, firstType, best(-1)},
	"max_by": {2, firstType, best(1)}, "min_by": {2, firstType, best(-1)},
	"count": {1, typeAlways(sqlLong), countRows},
	"count_if": {1, typeAlways(sqlLong), func(rows [][]any) any {
		return int64(len(slices.DeleteFunc(rows, func(r []any) bool { return r[0] != true })))
	}},
	"sum":       {1, firstType, sum},
	"any_value": anyValue, "first": anyValue,
	"bool_or":  {1, typeAlways(sqlBool), best(1)},
	"bool_and": {1, typeAlways(sqlBool), best(-1)},
	"collect_set": {1, typeAlways(sqlArray), func(rows [][]any) any {
		out := []string{}
		for _, r := range rows {
			if r[0] != nil {
				out = append(out, sqlText(r[0]))
			}
		}
		slices.Sort(out)
		return slices.Compact(out)
	}},
}

func countRows(rows [][]any) any {
	n := int64(0)
	for _, r := range rows {
		if !slices.Contains(r, nil) {
			n++
		}
	}
	return n
}

func sum(rows [][]any) any {
	var total any
	for _, r := range rows {
		switch v := r[0].(type) {
		case int64:
			t, _ := total.(int64)
			total = t + v
		case float64:
			t, _ := total.(float64)
			total = t + v
		}
	}
	return total
}

func (s *sqlScope) aggregate(n *sqlNode, agg sqlAggregate) sqlExpr {
	if s.inAggregate || !s.grouped {
		raise("INVALID_WHERE_CONDITION", "42903", "The aggregate function `%s` is not allowed here.", n.name)
	}
	inside := *s
	inside.inAggregate, inside.grouped, inside.aliases = true, false, nil
	var args []sqlExpr
	for _, a := range n.args {
		args = append(args, inside.compile(a))
	}
	if n.star {
		args = []sqlExpr{{sqlInt, func(*sqlEnv) any { return int64(1) }}}
	}
	if len(args) != agg.args && (n.name != "count" || len(args) == 0) || n.star && n.name != "count" {
		raise("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605", "The `%s` requires %d parameters but the actual number is %d.", n.name, agg.args, len(args))
	}
	var filter *sqlExpr
	if n.filter != nil {
		f := inside.must(inside.compile(n.filter), sqlBool, n.filter)
		filter = &f
	}
	return sqlExpr{agg.result(args), func(e *sqlEnv) any {
		var rows [][]any
		for _, row := range e.group {
			env := &sqlEnv{row: row}
			if filter != nil && filter.eval(env) != true {
				continue
			}
			vals := make([]any, len(args))
			for i, a := range args {
				vals[i] = a.eval(env)
			}
			rows = append(rows, vals)
		}
		if n.distinct {
			rows = distinctRows(rows)
		}
		return agg.fold(rows)
	}}
}

func distinctRows(rows [][]any) [][]any {
	seen := map[string]bool{}
	return slices.DeleteFunc(rows, func(r []any) bool {
		k := rowKey(r)
		was := seen[k]
		seen[k] = true
		return was
	})
}

// rowKey is the same for rows of the same values.
func rowKey(row []any) string {
	var b strings.Builder
	for _, v := range row {
		if v != nil {
			b.WriteString(sqlText(v))
			b.WriteByte(0)
		}
		b.WriteByte(1)
	}
	return b.String()
}
