package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// sqlType is a type of Databricks SQL: the name and the full text that a
// manifest gives, and the fields of a struct.
type sqlType struct {
	name, text string
	fields     []sqlColumn
}

type sqlColumn struct {
	name string
	typ  *sqlType
}

var (
	sqlStringType    = &sqlType{name: "STRING", text: "STRING"}
	sqlLong          = &sqlType{name: "LONG", text: "BIGINT"}
	sqlInt           = &sqlType{name: "INT", text: "INT"}
	sqlDouble        = &sqlType{name: "DOUBLE", text: "DOUBLE"}
	sqlBool          = &sqlType{name: "BOOLEAN", text: "BOOLEAN"}
	sqlDate          = &sqlType{name: "DATE", text: "DATE"}
	sqlTimestamp     = &sqlType{name: "TIMESTAMP", text: "TIMESTAMP"}
	sqlMap           = &sqlType{name: "MAP", text: "MAP<STRING, STRING>"}
	sqlArray         = &sqlType{name: "ARRAY", text: "ARRAY<STRING>"}
	sqlIntervalType  = &sqlType{name: "INTERVAL", text: "INTERVAL"}
	sqlVoid          = &sqlType{name: "NULL", text: "VOID"}
	sqlTypesByName   = map[string]*sqlType{"STRING": sqlStringType, "BIGINT": sqlLong, "LONG": sqlLong, "INT": sqlInt, "INTEGER": sqlInt, "DOUBLE": sqlDouble, "BOOLEAN": sqlBool, "DATE": sqlDate, "TIMESTAMP": sqlTimestamp}
	sqlTimestampForm = "2006-01-02T15:04:05.000Z"
)

func sqlStruct(fields ...sqlColumn) *sqlType {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = f.name + ": " + f.typ.text
	}
	return &sqlType{name: "STRUCT", text: "STRUCT<" + strings.Join(parts, ", ") + ">", fields: fields}
}

func (t *sqlType) numeric() bool { return t == sqlLong || t == sqlInt || t == sqlDouble }

// Values are nil, string, int64, float64, bool, sqlDay, time.Time (a timestamp,
// UTC), map[string]string, []string, sqlRecord and sqlInterval.

// sqlDay is a date: its midnight in UTC.
type sqlDay struct{ time.Time }

// sqlRecord is the value of a struct.
type sqlRecord struct {
	typ    *sqlType
	fields []any
}

// sqlInterval is a span of months and of time.
type sqlInterval struct {
	months int
	span   time.Duration
}

func dayOf(t time.Time) sqlDay {
	t = t.UTC()
	return sqlDay{time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)}
}

// sqlText is a value as a result holds it: everything is a string, timestamps
// are ISO 8601 in UTC, structs and maps JSON.
func sqlText(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case string:
		return v
	case sqlDay:
		return v.Format(time.DateOnly)
	case time.Time:
		return v.UTC().Format(sqlTimestampForm)
	case float64:
		return strconv.FormatFloat(v, 'G', -1, 64)
	case map[string]string, []string:
		raw, _ := json.Marshal(v)
		return string(raw)
	case sqlRecord:
		parts := make([]string, len(v.fields))
		for i, f := range v.fields {
			name, _ := json.Marshal(v.typ.fields[i].name)
			value := "null"
			if f != nil {
				raw, _ := json.Marshal(sqlText(f))
				value = string(raw)
			}
			parts[i] = string(name) + ":" + value
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return fmt.Sprint(v)
}

var sqlTimeForms = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly,
}

func parseSQLTime(s string) (time.Time, bool) {
	for _, form := range sqlTimeForms {
		if t, err := time.Parse(form, strings.TrimSpace(s)); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// sqlCast converts as ANSI mode does: what does not fit fails the statement
// (https://docs.databricks.com/sql/language-manual/functions/cast).
func sqlCast(v any, to *sqlType) (any, *sqlError) {
	bad := func() (any, *sqlError) {
		return nil, sqlFail("CAST_INVALID_INPUT", "22018", "The value '%s' cannot be cast to %q because it is malformed.", sqlText(v), to.text)
	}
	if v == nil {
		return nil, nil
	}
	switch to {
	case sqlStringType:
		if t, isTime := v.(time.Time); isTime {
			return strings.TrimSuffix(strings.TrimRight(t.Format("2006-01-02 15:04:05.000000"), "0"), "."), nil
		}
		if b, isBool := v.(bool); isBool {
			return strconv.FormatBool(b), nil
		}
		return sqlText(v), nil
	case sqlLong, sqlInt:
		switch x := v.(type) {
		case int64:
			return x, nil
		case float64:
			return int64(x), nil
		case time.Time:
			return x.Unix(), nil
		case string:
			if n, err := strconv.ParseInt(strings.TrimSpace(x), 10, 64); err == nil {
				return n, nil
			}
		}
	case sqlDouble:
		switch x := v.(type) {
		case int64:
			return float64(x), nil
		case float64:
			return x, nil
		case string:
			if f, err := strconv.ParseFloat(strings.TrimSpace(x), 64); err == nil {
				return f, nil
			}
		}
	case sqlBool:
		switch x := v.(type) {
		case bool:
			return x, nil
		case string:
			if b, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(x))); err == nil {
				return b, nil
			}
		}
	case sqlDate, sqlTimestamp:
		t, fits := v.(time.Time)
		switch x := v.(type) {
		case sqlDay:
			t, fits = x.Time, true
		case string:
			t, fits = parseSQLTime(x)
		case int64:
			t, fits = time.Unix(x, 0).UTC(), to == sqlTimestamp
		}
		if fits && to == sqlDate {
			return dayOf(t), nil
		}
		if fits {
			return t, nil
		}
	}
	return bad()
}

// commonType is the type that two sides of a comparison are brought to, or nil
// if they cannot be compared. Strings give way to the other type.
func commonType(a, b *sqlType) *sqlType {
	switch {
	case a == b, b == sqlVoid:
		return a
	case a == sqlVoid:
		return b
	case a.numeric() && b.numeric():
		if a == sqlDouble || b == sqlDouble {
			return sqlDouble
		}
		return sqlLong
	case a == sqlTimestamp && b == sqlDate || a == sqlDate && b == sqlTimestamp:
		return sqlTimestamp
	case a == sqlStringType && sqlTypesByName[strings.ToUpper(b.text)] != nil:
		return b
	case b == sqlStringType && sqlTypesByName[strings.ToUpper(a.text)] != nil:
		return a
	}
	return nil
}

// sqlCompare orders two values of one type, neither of them NULL.
func sqlCompare(a, b any) int {
	switch x := a.(type) {
	case string:
		if y, is := b.(string); is {
			return cmp.Compare(x, y)
		}
	case int64:
		if y, is := b.(int64); is {
			return cmp.Compare(x, y)
		}
	case float64:
		if y, is := b.(float64); is {
			return cmp.Compare(x, y)
		}
	case bool:
		if y, is := b.(bool); is && x != y {
			if y {
				return -1
			}
			return 1
		}
		return 0
	case sqlDay:
		if y, is := b.(sqlDay); is {
			return x.Compare(y.Time)
		}
	case time.Time:
		if y, is := b.(time.Time); is {
			return x.Compare(y)
		}
	case sqlRecord:
		if y, is := b.(sqlRecord); is {
			for i := range x.fields {
				if c := sqlCompareNulls(x.fields[i], y.fields[i]); c != 0 {
					return c
				}
			}
			return 0
		}
	}
	return cmp.Compare(sqlText(a), sqlText(b))
}

// sqlCompareNulls puts NULL first.
func sqlCompareNulls(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return sqlCompare(a, b)
}

// plus adds an interval to a point in time.
func (i sqlInterval) plus(t time.Time) time.Time { return t.AddDate(0, i.months, 0).Add(i.span) }

var sqlUnits = map[string]sqlInterval{
	"YEAR": {months: 12}, "MONTH": {months: 1}, "WEEK": {span: 7 * 24 * time.Hour}, "DAY": {span: 24 * time.Hour},
	"HOUR": {span: time.Hour}, "MINUTE": {span: time.Minute}, "SECOND": {span: time.Second},
}
