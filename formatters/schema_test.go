package formatters

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/report"
)

// schema is as much of JSON Schema 2020-12 as ours use.
//
// https://json-schema.org/draft/2020-12/json-schema-validation
type schema struct {
	Ref        string             `json:"$ref"`
	Type       types              `json:"type"`
	Const      any                `json:"const"`
	Enum       []string           `json:"enum"`
	AllOf      []*schema          `json:"allOf"`
	AnyOf      []*schema          `json:"anyOf"`
	Required   []string           `json:"required"`
	Properties map[string]*schema `json:"properties"`
	Items      *schema            `json:"items"`
	Additional *schema            `json:"additionalProperties"`
	Defs       map[string]*schema `json:"$defs"`
}

// types is one name or a list of them.
type types []string

func (t *types) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = types{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(t))
}

func readSchema(t *testing.T, mode string) *schema {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "manifests", "schema", mode+".v1.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	s := &schema{}
	if err := json.Unmarshal(b, s); err != nil {
		t.Fatal(err)
	}
	return s
}

// flat resolves references and merges allOf and a nullable anyOf, so that types, required names and
// properties stand in one place.
func (s *schema) flat(root *schema) *schema {
	if s.Ref != "" {
		target, ok := root.Defs[strings.TrimPrefix(s.Ref, "#/$defs/")]
		if !ok {
			panic("dangling reference " + s.Ref)
		}
		return target.flat(root)
	}
	f := *s
	f.Properties = maps.Clone(s.Properties)
	for _, part := range slices.Concat(s.AllOf, s.AnyOf) {
		p := part.flat(root)
		f.Required = slices.Concat(f.Required, p.Required)
		if len(f.Type) == 0 || len(s.AnyOf) > 0 {
			f.Type = slices.Concat(f.Type, p.Type)
		}
		if f.Properties == nil {
			f.Properties = map[string]*schema{}
		}
		for name, sub := range p.Properties {
			merged := *sub
			if narrower := f.Properties[name]; narrower != nil {
				merged.Const = narrower.Const
			}
			f.Properties[name] = &merged
		}
	}
	return &f
}

// contract is what Go's encoder makes of a type, in the terms of a schema.
type contract struct{ problems []string }

func (c *contract) failf(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// field is one member of the JSON object of a struct.
type field struct {
	typ      reflect.Type
	optional bool
}

func fields(t reflect.Type) map[string]field {
	all := map[string]field{}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			maps.Copy(all, fields(f.Type))
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue // not written
		}
		all[name] = field{f.Type, options == "omitempty" || options == "omitzero"}
	}
	return all
}

// compare checks a type against a schema. nullable says whether a nil of the type would be printed.
func (c *contract) compare(at string, t reflect.Type, s *schema, root *schema, nullable bool) {
	s = s.flat(root)
	want := types{}
	switch {
	case t.Kind() == reflect.Interface:
		if len(s.Type) > 0 {
			c.failf("%s: is anything in Go, %v in the schema", at, s.Type)
		}
		return
	case t.Kind() == reflect.Pointer:
		sub := t.Elem()
		want = types{basic(sub), "null"}
		if sub.Kind() == reflect.Struct && sub != reflect.TypeFor[time.Time]() {
			c.compareStruct(at, sub, s, root)
		}
	case t == reflect.TypeFor[time.Time](), t.Kind() == reflect.String, t.Kind() == reflect.Bool, t.Kind() == reflect.Int:
		want = types{basic(t)}
	case t.Kind() == reflect.Struct:
		want = types{"object"}
		c.compareStruct(at, t, s, root)
	case t.Kind() == reflect.Slice, t.Kind() == reflect.Map:
		want = types{basic(t)}
		if nullable {
			want = append(want, "null")
		}
		sub := s.Items
		if t.Kind() == reflect.Map {
			sub = s.Additional
		}
		if sub == nil {
			c.failf("%s: the schema does not say what is in it", at)
		} else {
			c.compare(at+"[]", t.Elem(), sub, root, true)
		}
	default:
		c.failf("%s: no rule for %v", at, t)
	}
	if !slices.Equal(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(s.Type))) {
		c.failf("%s: %v in Go, %v in the schema", at, want, s.Type)
	}
}

func (c *contract) compareStruct(at string, t reflect.Type, s *schema, root *schema) {
	inGo := fields(t)
	for name, f := range inGo {
		sub, ok := s.Properties[name]
		if !ok {
			c.failf("%s.%s: missing in the schema", at, name)
			continue
		}
		if required := slices.Contains(s.Required, name); required == f.optional {
			c.failf("%s.%s: required is %v in the schema, optional is %v in Go", at, name, required, f.optional)
		}
		c.compare(at+"."+name, f.typ, sub, root, !f.optional)
	}
	for name := range s.Properties {
		if _, ok := inGo[name]; !ok {
			c.failf("%s.%s: missing in Go", at, name)
		}
	}
}

func basic(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time](), t.Kind() == reflect.String:
		return "string"
	case t.Kind() == reflect.Bool:
		return "boolean"
	case t.Kind() == reflect.Int:
		return "integer"
	case t.Kind() == reflect.Slice:
		return "array"
	default:
		return "object"
	}
}

var reportTypes = map[string]reflect.Type{
	"principal":   reflect.TypeFor[report.PrincipalReport](),
	"group":       reflect.TypeFor[report.GroupReport](),
	"can":         reflect.TypeFor[report.CanReport](),
	"compare":     reflect.TypeFor[report.CompareReport](),
	"clone":       reflect.TypeFor[report.CloneReport](),
	"plan":        reflect.TypeFor[report.CloneReport](),
	"apply":       reflect.TypeFor[report.CloneReport](),
	"what-if":     reflect.TypeFor[report.WhatIfReport](),
	"resource":    reflect.TypeFor[report.ResourceReport](),
	"roles":       reflect.TypeFor[report.RolesReport](),
	"escalations": reflect.TypeFor[report.EscalationsReport](),
	"doctor":      reflect.TypeFor[report.DoctorReport](),
	"verify":      reflect.TypeFor[report.VerifyReport](),
	"diff":        reflect.TypeFor[report.DiffReport](),
	"snapshot":    reflect.TypeFor[report.SnapshotReport](),
	"history":     reflect.TypeFor[report.HistoryReport](),
}

func TestSchemasSayWhatTheTypesSay(t *testing.T) {
	for mode, typ := range reportTypes {
		root := readSchema(t, mode)
		c := &contract{}
		c.compare(mode, typ, root, root, false)
		for _, p := range slices.Sorted(slices.Values(c.problems)) {
			t.Error(p)
		}
	}
}

func TestSchemasShareDefinitions(t *testing.T) {
	for a := range reportTypes {
		for b := range reportTypes {
			one, two := readSchema(t, a), readSchema(t, b)
			shared := 0
			for name, def := range one.Defs {
				if other, ok := two.Defs[name]; ok {
					shared++
					if diff := cmp.Diff(def, other); diff != "" {
						t.Errorf("$defs/%s differs between %s and %s:\n%s", name, a, b, diff)
					}
				}
			}
			if shared < 3 {
				t.Errorf("%s and %s share %d definitions, want envelope, coverage and gap", a, b, shared)
			}
		}
	}
}

// check validates a decoded document and lists what is wrong.
func (s *schema) check(at string, doc any, root *schema) []string {
	f := s.flat(root)
	if f.Const != nil && !reflect.DeepEqual(f.Const, doc) {
		return []string{fmt.Sprintf("%s: is %v, want %v", at, doc, f.Const)}
	}
	if kind := jsonType(doc); len(f.Type) > 0 && !slices.Contains(f.Type, kind) {
		return []string{fmt.Sprintf("%s: is %s, want %v", at, kind, f.Type)}
	}
	var wrong []string
	switch doc := doc.(type) {
	case string:
		if len(f.Enum) > 0 && !slices.Contains(f.Enum, doc) {
			wrong = append(wrong, fmt.Sprintf("%s: %q is not in the enumeration", at, doc))
		}
	case []any:
		for i, x := range doc {
			wrong = append(wrong, f.Items.check(fmt.Sprintf("%s[%d]", at, i), x, root)...)
		}
	case map[string]any:
		for _, name := range f.Required {
			if _, ok := doc[name]; !ok {
				wrong = append(wrong, at+"."+name+": missing")
			}
		}
		for name, x := range doc {
			if sub := f.Properties[name]; sub != nil {
				wrong = append(wrong, sub.check(at+"."+name, x, root)...)
			}
		}
	}
	return wrong
}

func jsonType(doc any) string {
	switch doc := doc.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		if doc == float64(int64(doc)) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	default:
		return "object"
	}
}

func TestJSONConformsToTheSchema(t *testing.T) {
	for fixture, r := range fixtures() {
		if strings.HasSuffix(fixture, "hostile") || fixture == "unread" { // kinds and mode are not of the tool's making
			continue
		}
		var doc any
		if err := json.Unmarshal([]byte(write(t, r, Options{Format: JSON})), &doc); err != nil {
			t.Fatal(err)
		}
		root := readSchema(t, r.Head().Mode)
		for _, wrong := range root.check(fixture, doc, root) {
			t.Error(wrong)
		}
	}
}

// TestSchemaFindsFaultsInProofs: what the verdict rests on is described down to the last member.
func TestSchemaFindsFaultsInProofs(t *testing.T) {
	for _, plant := range []func(step, missing map[string]any, doc map[string]any){
		func(step, _, _ map[string]any) { delete(step, "fact") },
		func(step, _, _ map[string]any) { step["fact"].(map[string]any)["read_at"] = 5.0 },
		func(_, missing, _ map[string]any) { missing["known"] = "no" },
		func(_, _, doc map[string]any) { doc["verdict"] = "MAYBE" },
		func(_, _, doc map[string]any) { doc["tiers"].(map[string]any)["granted"] = "often" },
		func(_, _, doc map[string]any) { delete(doc, "reachable_in") },
	} {
		r := canAllow()
		r.Missing = canDeny().Missing
		var doc map[string]any
		if err := json.Unmarshal([]byte(write(t, r, Options{Format: JSON})), &doc); err != nil {
			t.Fatal(err)
		}
		root := readSchema(t, "can")
		if wrong := root.check("doc", doc, root); len(wrong) > 0 {
			t.Fatal(wrong)
		}
		item := func(list, sub string) map[string]any {
			return doc[list].([]any)[0].(map[string]any)[sub].([]any)[0].(map[string]any)
		}
		plant(item("proofs", "steps"), item("missing", "facts"), doc)
		if wrong := root.check("doc", doc, root); len(wrong) != 1 {
			t.Errorf("a fault is found as %q", wrong)
		}
	}
}

func TestSchemaCheckerFindsFaults(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal([]byte(write(t, incomplete(), Options{Format: JSON})), &doc); err != nil {
		t.Fatal(err)
	}
	root := readSchema(t, "principal")
	faults := map[string]func(){
		"wrong constant": func() { doc["report"] = "group" },
		"missing member": func() { delete(doc, "grants") },
		"wrong kind":     func() { doc["coverage"].(map[string]any)["gaps"].([]any)[0].(map[string]any)["kind"] = "lazy" },
		"wrong type":     func() { doc["principal"].(map[string]any)["active"] = "yes" },
	}
	for name, plant := range faults {
		before := len(root.check("doc", doc, root))
		plant()
		if len(root.check("doc", doc, root)) <= before {
			t.Errorf("%s is not found", name)
		}
	}
}
