package snapshot

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// TestQuickKnowsEveryField sets every field of the lines that are read quickly, and one at a time, and
// sees that none of them is left to the reader of JSON.
func TestQuickKnowsEveryField(t *testing.T) {
	for _, x := range []line{
		{Securables: &securables{place: place{"m", "c", "s"}, List: filled[securable]()}},
		{Securables: &securables{List: []securable{}}},
		{Securables: &securables{List: []securable{{Bases: []fullName{}}, {Grants: []grant{{Privileges: []identity.Privilege{}}}}}}},
		{Reads: &reads{Op: "grants", place: place{"m", "c", "s"}, List: filled[read]()}},
		{Reads: &reads{List: []read{}}},
	} {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(x); err != nil {
			t.Fatal(err)
		}
		q := quick{texts: &texts{}}
		for range 2 { // the second time over what the first left behind
			got, ok := q.line(b.Bytes())
			if !ok || !reflect.DeepEqual(got, x) {
				t.Errorf("%s\nread quickly: %v, as\n%s", &b, ok, asJSON(t, got))
			}
		}
	}
}

// filled gives one value with all fields set, and one for each field with that alone.
func filled[T any]() []T {
	var all T
	list := []T{all}
	v := reflect.ValueOf(&all).Elem()
	for i := range v.NumField() {
		var one T
		fill(v.Field(i))
		reflect.ValueOf(&one).Elem().Field(i).Set(v.Field(i))
		list = append(list, one)
	}
	return append(list, all)
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("naïve <text> & so on")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(123_456_789_012_345_678)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i))
				continue
			}
			v.Addr().Interface().(*fullName).place = place{"m", "c", "s"} // embedded, and not exported
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0))
		fill(v.Index(1))
	default:
		panic("a field of kind " + v.Kind().String() + " is not known to this test")
	}
}

func asJSON(t *testing.T, x any) string {
	t.Helper()
	b, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// FuzzQuick sees that what is read quickly is what a reader of JSON reads.
func FuzzQuick(f *testing.F) {
	for _, s := range []string{
		`{"securables":{"metastore":"m","list":[{"type":"TABLE","name":"t","grants":[{"to":"a","privileges":["SELECT"]}]}]}}`,
		`{"reads":{"op":"grants","list":[{"name":"t","status":403,"needed":true,"object":{"workspace":7}}]}}`,
		`{"securables":{"list":[{"name":"a","name":"b"}]}}`, `{"reads":{"op":"x","list":[{"status":007}]}}`,
		`{"reads":{"op":"x","list":[{"needed":tru}]}}`, `{"reads":{"op":"x","list":[,]}}`, `{"reads":{"op":"\u0041","list":[]}}`,
		"{\"reads\":{\"op\":\"\xff\",\"list\":[]}}", `{"reads":{"list":[{}]},"end":{"lines":1}}`, `{"securables":{"list":null}}`, `{`,
		`{"securables":{"list":[{"grants":[]}]}}`, `{"securables":{"list":[]}}`, `{"reads":{"op":"x","list":[]}}`, `{"securables":{"list":[{"bases":[],"grants":[{"privileges":[]}]}]}}`,
	} {
		f.Add([]byte(s + "\n"))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		q := quick{texts: &texts{}}
		got, ok := q.line(b)
		if !ok {
			return
		}
		var want line
		if err := json.Unmarshal(b, &want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q\nread quickly as\n%s\nand else as\n%s\n%v", b, asJSON(t, got), asJSON(t, want), err)
		}
	})
}

// TestQuickReadsFiles sees that nothing of a usual file is left to the reader of JSON that need not be.
func TestQuickReadsFiles(t *testing.T) {
	b := estate.NewBuilder("a")
	s := identity.Securable{Metastore: "m", Type: identity.TypeTable, Catalog: "c", Schema: "s", Name: "t"}
	b.AddSecurable(identity.SecurableInfo{Securable: s, Owner: "alice@acme.test"})
	b.AddGrants(s, []identity.Grant{{Holder: "bob@acme.test", Privileges: []identity.Privilege{identity.Select}}})
	b.Record(estate.ReadKey{Op: estate.OpGrants, Securable: s}, estate.Outcome{Needed: true})
	var file bytes.Buffer
	if err := Write(&file, b.Build(), About{}); err != nil {
		t.Fatal(err)
	}
	read := 0
	for text := range strings.Lines(file.String()) {
		q := quick{texts: &texts{}}
		if _, ok := q.line([]byte(text)); ok {
			read++
		}
	}
	if read != 2 {
		t.Errorf("%d lines were read quickly:\n%s", read, &file)
	}
}
