package snapshot_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core/access/accesstest"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/snapshot"
)

var about = snapshot.About{Tool: "1.2.3", SavedAt: time.Date(2026, 11, 22, 12, 0, 0, 5, time.UTC), Question: "survey of the whole account"}

func saved(t testing.TB, e *estate.Estate, about snapshot.About) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := snapshot.Write(&b, e, about); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// checkRoundTrip saves an estate and loads it, both ways of writing.
func checkRoundTrip(t *testing.T, e *estate.Estate) {
	t.Helper()
	for _, gzip := range []bool{false, true} {
		wanted := about
		wanted.Gzip = gzip
		var first, second bytes.Buffer
		if err := snapshot.Write(&first, e, wanted); err != nil {
			t.Fatal(err)
		}
		back, got, err := snapshot.Read(iotest.OneByteReader(bytes.NewReader(first.Bytes())))
		if err != nil {
			t.Fatal(err)
		}
		if got != wanted {
			t.Errorf("about %+v, want %+v", got, wanted)
		}
		if diff := cmp.Diff(copied(e), copied(back)); diff != "" {
			t.Errorf("gzip %v: what was loaded is not what was saved:\n%s", gzip, diff)
		}
		if err := snapshot.Write(&second, back, wanted); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("saved again it is another file (%v):\n%s", err, cmp.Diff(first.String(), second.String()))
		}
	}
}

// TestRandomWorlds saves and loads the worlds with which the rules of access are tested.
func TestRandomWorlds(t *testing.T) {
	for i := range uint64(300) {
		checkRoundTrip(t, accesstest.Random(rand.New(rand.NewPCG(1, i))).Estate())
	}
}

// TestEverythingThereIs saves and loads an estate in which every field of every fact is set.
func TestEverythingThereIs(t *testing.T) {
	checkRoundTrip(t, whole(1).Build())
	checkRoundTrip(t, estate.NewBuilder("").Build())
}

// TestWholeIsWhole sees that whole sets every field: a field that is added to a fact must come into the
// file too.
func TestWholeIsWhole(t *testing.T) {
	c := copied(whole(1).Build())
	seen := map[string]bool{}
	for _, root := range []any{c.Principals, c.Workspaces, c.Assignments, c.Metastores, c.Securables, c.Bindings, c.Policies, c.Objects, c.Permissions, c.RuleSets, c.Reads} {
		mark(reflect.ValueOf(root), seen)
	}
	for _, sort := range []any{
		identity.Principal{}, identity.Workspace{}, identity.Assignment{}, identity.Metastore{}, identity.SecurableInfo{}, identity.Securable{},
		identity.Binding{}, identity.Policy{}, identity.ObjectInfo{}, identity.RoleGrant{}, identity.PrincipalName{}, identity.PrincipalKey{},
		estate.ReadKey{}, estate.Outcome{}, estate.ObjectGrant{}, estate.Holder{},
	} {
		kind := reflect.TypeOf(sort)
		for i := range kind.NumField() {
			if f := kind.String() + "." + kind.Field(i).Name; !seen[f] {
				t.Errorf("no fact has %s", f)
			}
		}
	}
}

// mark notes which fields are anywhere set.
func mark(v reflect.Value, seen map[string]bool) {
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			mark(v.Index(i), seen)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			mark(v.MapIndex(k), seen)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				seen[v.Type().String()+"."+v.Type().Field(i).Name] = true
			}
			mark(v.Field(i), seen)
		}
	default: // has no fields
	}
}

// TestOrderDoesNotMatter gathers the same facts in many orders.
func TestOrderDoesNotMatter(t *testing.T) {
	want := saved(t, whole(1).Build(), about)
	for seed := uint64(2); seed < 40; seed++ {
		if got := saved(t, whole(seed).Build(), about); !bytes.Equal(got, want) {
			t.Fatalf("order %d gives another file:\n%s", seed, cmp.Diff(string(want), string(got)))
		}
	}
}

// TestTheNameDecidesAgain loads facts that are added to: whom a name means is not in the file.
func TestTheNameDecidesAgain(t *testing.T) {
	b := estate.NewBuilder("a")
	b.AddRoleGrant(identity.RoleGrant{Role: "r", Holder: identity.PrincipalName{Kind: identity.KindGroup, Name: "g"}})
	file := string(saved(t, b.Build(), about))
	if !strings.Contains(file, `{"role":{"role":"r","kind":"group","holder":"g"}}`) {
		t.Errorf("the holder's kind is lost:\n%s", file)
	}
}

// TestT39_Damage cuts a file at every byte and changes every byte: each time Read must say so and give
// nothing.
func TestT39_Damage(t *testing.T) {
	for _, gzip := range []bool{false, true} {
		a := about
		a.Gzip = gzip
		file := saved(t, few(), a)
		same := func(changed []byte) bool { // there are several ways to compress the same
			e, _, err := snapshot.Read(bytes.NewReader(changed))
			return gzip && err == nil && cmp.Equal(copied(e), copied(few()))
		}
		for i := range file {
			checkDamaged(t, file[:i], fmt.Sprintf("gzip %v, cut at %d", gzip, i))
			changed := bytes.Clone(file)
			changed[i] ^= 1 << (i % 7)
			if same(changed) {
				continue
			}
			checkDamaged(t, changed, fmt.Sprintf("gzip %v, byte %d changed from %q to %q", gzip, i, file[i], changed[i]))
		}
		checkDamaged(t, append(bytes.Clone(file), "{}\n"...), "something follows")
		checkDamaged(t, append(bytes.Clone(file), file...), "it is there twice")
	}
}

func checkDamaged(t *testing.T, file []byte, how string) {
	t.Helper()
	e, _, err := snapshot.Read(bytes.NewReader(file))
	if e != nil {
		t.Fatalf("%s: something is loaded", how)
	}
	_, corrupt := errors.AsType[*snapshot.CorruptError](err)
	_, other := errors.AsType[*snapshot.VersionError](err)
	if !corrupt && !other {
		t.Fatalf("%s: %v", how, err)
	}
	if !strings.Contains(err.Error(), "save it anew") {
		t.Fatalf("%s: %v does not say what to do", how, err)
	}
}

func TestT39_OtherFiles(t *testing.T) {
	file := string(saved(t, few(), about))
	lines := strings.SplitAfter(file, "\n")
	corrupt := func(err error) bool { _, ok := errors.AsType[*snapshot.CorruptError](err); return ok }
	newer := func(err error) bool {
		v, ok := errors.AsType[*snapshot.VersionError](err)
		return ok && v.Version == 4 && v.Known == 3 && v.Tool == "1.2.3" && strings.Contains(err.Error(), "a newer one")
	}
	for name, c := range map[string]struct {
		file string
		want func(error) bool
	}{
		"nothing":                 {"", corrupt},
		"another text":            {"# Notes\nnothing here\n", corrupt},
		"another JSON":            {"{\"account\":\"a\"}\n", corrupt},
		"a picture":               {"\x89PNG\r\n\x1a\n", corrupt},
		"another gzip":            {"\x1f\x8b\x08", corrupt},
		"a newer version":         {strings.Replace(file, `"version":3`, `"version":4`, 1), newer},
		"a line left out":         {strings.Join(append(append([]string{}, lines[:3]...), lines[4:]...), ""), corrupt},
		"lines swapped":           {lines[0] + lines[2] + lines[1] + strings.Join(lines[3:], ""), corrupt},
		"an unknown fact, sealed": {seal(lines[0] + "{\"budget\":{}}\n" + lines[1]), corrupt},
		"a broken fact, sealed":   {seal(lines[0] + "{\"mentioned\":\"nobody\"}\n" + lines[1]), corrupt},
		"an unknown fact":         {lines[0] + "{\"budget\":{}}\n" + strings.Join(lines[1:], ""), corrupt},
	} {
		e, _, err := snapshot.Read(strings.NewReader(c.file))
		if e != nil || !c.want(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOldFiles are read: what they cannot tell is not known of theirs.
func TestOldFiles(t *testing.T) {
	e, _, err := snapshot.Read(strings.NewReader(seal(`{"format":"databricks-access-audit snapshot","version":1,"account":"a"}
{"securables":{"metastore":"m","catalog":"c","schema":"s","list":[{"type":"TABLE","name":"t","owner":"own","table_type":"EXTERNAL"},{"type":"FUNCTION","name":"f"},{"type":"VOLUME","name":"v"}]}}
`)))
	if err != nil {
		t.Fatal(err)
	}
	in := func(kind identity.SecurableType, name string) identity.Securable {
		return identity.Securable{Metastore: "m", Type: kind, Catalog: "c", Schema: "s", Name: name}
	}
	want := []identity.SecurableInfo{
		{Securable: in(identity.TypeTable, "t"), Owner: "own", TableType: "EXTERNAL"}, {Securable: in(identity.TypeVolume, "v")}, {Securable: in(identity.TypeFunction, "f")},
	}
	if diff := cmp.Diff(want, e.SecurableList()); diff != "" {
		t.Error(diff)
	}
	for _, version := range []string{"0", "4", "-1"} {
		if _, _, err := snapshot.Read(strings.NewReader(seal(`{"format":"databricks-access-audit snapshot","version":` + version + "}\n"))); err == nil {
			t.Errorf("format %s is read", version)
		}
	}
}

// seal ends the lines as Write would.
func seal(lines string) string {
	sum := sha256.Sum256([]byte(lines))
	return fmt.Sprintf("%s{\"end\":{\"lines\":%d,\"sha256\":\"%s\"}}\n", lines, strings.Count(lines, "\n"), hex.EncodeToString(sum[:]))
}

// TestTheReadersOwnErrors are not taken for damage, nor the writer's.
func TestTheReadersOwnErrors(t *testing.T) {
	boom := errors.New("boom")
	file := saved(t, whole(1).Build(), about)
	for _, n := range []int{0, 1, 300, len(file) - 1} {
		e, _, err := snapshot.Read(io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(boom)))
		if _, corrupt := errors.AsType[*snapshot.CorruptError](err); e != nil || !errors.Is(err, boom) || corrupt {
			t.Errorf("after %d bytes: %v", n, err)
		}
		for _, gzip := range []bool{false, true} {
			if err := snapshot.Write(&full{room: n}, whole(1).Build(), snapshot.About{Gzip: gzip}); n < 100 && !errors.Is(err, errFull) {
				t.Errorf("room for %d bytes, gzip %v: %v", n, gzip, err)
			}
		}
	}
}

var errFull = errors.New("no space left")

// full is a disk with little room.
type full struct{ room int }

func (f *full) Write(b []byte) (int, error) {
	if f.room -= len(b); f.room < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// shuffled calls the functions in an order that the seed chooses.
func shuffled(seed uint64, facts []func()) {
	r := rand.New(rand.NewPCG(seed, 1))
	for _, i := range r.Perm(len(facts)) {
		facts[i]()
	}
}

func FuzzRead(f *testing.F) {
	file := saved(f, few(), about)
	f.Add(file)
	zipped := about
	zipped.Gzip = true
	f.Add(saved(f, few(), zipped))
	for _, b := range bytes.SplitAfter(file, []byte("\n")) {
		f.Add(b)
	}
	first, _, _ := bytes.Cut(file, []byte("\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		checkFuzzed(t, b)
		checkFuzzed(t, []byte(seal(string(first)+"\n"+string(b)+"\n")))
	})
}

func checkFuzzed(t *testing.T, b []byte) {
	e, about, err := snapshot.Read(bytes.NewReader(b))
	if (e == nil) != (err != nil) || err != nil && about != (snapshot.About{}) {
		t.Fatalf("half loaded: %v, %v", about, err)
	}
	if err == nil {
		_ = copied(e)
	}
}
