package plan_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// made is a plan for a random account.
func made(t *rapid.T) plan.Plan {
	m, w := drawn(t)
	var random [10]byte
	copy(random[:], rapid.SliceOfN(rapid.Byte(), 10, 10).Draw(t, "id"))
	p, _, err := plan.Make(m, w, plan.About{
		ID: plan.ID(random), Host: "https://accounts.x.test", Tool: rapid.String().Draw(t, "tool"), Complete: rapid.Bool().Draw(t, "complete"),
		At: time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "at"), 0).UTC(), For: time.Duration(rapid.IntRange(0, 100).Draw(t, "hours")) * time.Hour,
	})
	if err != nil {
		t.Skip("refused")
	}
	return p
}

// TestFile holds that what is written is read again as it was.
func TestFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := made(t)
		b, err := plan.Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		again, sum, err := plan.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if want, _ := plan.Digest(p); sum != want || !reflect.DeepEqual(p, again) {
			t.Errorf("written %+v\nread %+v", p, again)
		}
	})
}

// TestT09_EveryByte flips each byte of plans.
func TestT09_EveryByte(t *testing.T) {
	b, err := plan.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		for _, flip := range []byte{1, 0x20, 0x80} {
			bad := bytes.Clone(b)
			bad[i] ^= flip
			if _, _, err := plan.Decode(bad); !errors.As(err, new(*plan.TamperedError)) {
				t.Fatalf("byte %d changed from %q to %q: %v", i, b[i], bad[i], err)
			}
		}
	}
	for n := range b {
		if _, _, err := plan.Decode(b[:n]); !errors.As(err, new(*plan.TamperedError)) {
			t.Fatalf("cut after %d bytes: %v", n, err)
		}
	}
}

// sample has something of everything.
func sample() plan.Plan {
	who := identity.PrincipalKey{Kind: identity.KindUser, ID: "2"}
	change := func(c plan.Cell, before, after plan.Value) *plan.Change {
		c.Holder = who
		return &plan.Change{Cell: c, Before: before, After: after, HolderName: "bob@x.test", GroupName: "<g> \u2028 \"q\" \ufffd", ObjectName: "o", Through: 7}
	}
	return plan.Plan{
		ID: "p-0123456789", Kind: plan.Clone, Account: "acc", Host: "https://h.test", Tool: "1.0", Facts: "f", Gain: "g", Tier: plan.High, Complete: true,
		Source: plan.Party{Key: identity.PrincipalKey{Kind: identity.KindUser, ID: "1"}, Name: "alice@x.test"}, Target: plan.Party{Key: who, Name: "bob@x.test"},
		CreatedAt: time.Date(2026, 11, 22, 18, 0, 0, 5, time.UTC), ExpiresAt: time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC), For: 3600,
		Depth: plan.Depth{Below: []identity.SecurableType{identity.TypeSchema, identity.TypeTable}, Entitlements: true, Objects: true, Workspaces: []string{"prod"}},
		Steps: []plan.Step{
			{ID: "s1", Kind: plan.WorkspaceAssignment, Change: change(plan.Cell{Kind: plan.Assigned, Workspace: 7}, "USER", "ADMIN")},
			{ID: "s2", Kind: plan.Entitlement, Change: change(plan.Cell{Kind: plan.Entitled, Workspace: 7, Entitlement: identity.SQLAccess}, plan.Absent, plan.Present)},
			{ID: "s3", Kind: plan.ObjectACL, Change: change(plan.Cell{Kind: plan.ObjectLevel, Object: identity.Object{Workspace: 7, Type: identity.ObjectJob, ID: "5"}}, "CAN_VIEW", "CAN_MANAGE")},
			{ID: "s4", Kind: plan.Grant, Change: change(plan.Cell{Kind: plan.Granted, Securable: identity.SchemaSecurable("m", "c.d", "s"), Privilege: identity.Select}, plan.Absent, plan.Present)},
			{ID: "s5", Kind: plan.AddMember, Change: change(plan.Cell{Kind: plan.Member, Group: identity.PrincipalKey{Kind: identity.KindGroup, Workspace: 7, ID: "a:b@c"}}, plan.Absent, plan.Present)},
			{ID: "s6", Kind: plan.Skipped, Reason: "why not"},
		},
	}
}

// TestEncodeRefuses holds that no plan is written that could not be carried out as it says.
func TestEncodeRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*plan.Plan){
		"an id of another kind":       func(p *plan.Plan) { p.ID = "p-OIL" },
		"a name that is not UTF-8":    func(p *plan.Plan) { p.Target.Name = "\xff" },
		"a step that is not known":    func(p *plan.Plan) { p.Steps[0].Kind = "drop" },
		"a step twice":                func(p *plan.Plan) { p.Steps[1].ID = "s1" },
		"a step without change":       func(p *plan.Plan) { p.Steps[1].Change = nil },
		"another cell than the kind":  func(p *plan.Plan) { p.Steps[1].Kind = plan.Grant },
		"T31: an assignment to OWNER": func(p *plan.Plan) { p.Steps[0].Change.After = "OWNER" },
		"a level that is not there":   func(p *plan.Plan) { p.Steps[2].Change.After = "CAN_READ" },
		"a time in the past":          func(p *plan.Plan) { p.For = -1 },
		"a tier that is not known":    func(p *plan.Plan) { p.Tier = "low" },
	} {
		t.Run(name, func(t *testing.T) {
			p := sample()
			spoil(&p)
			if b, err := plan.Encode(p); err == nil {
				t.Errorf("written: %s", b)
			}
		})
	}
}

// TestDecodeIsStrict refuses other spellings of the same.
func TestDecodeIsStrict(t *testing.T) {
	b, err := plan.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for name, other := range map[string]string{
		"blanks":          strings.Replace(text, `{"digest"`, `{ "digest"`, 1),
		"a field twice":   strings.Replace(text, `{"digest"`, `{"digest":"","digest"`, 1),
		"another field":   strings.Replace(text, `{"digest"`, `{"a":1,"digest"`, 1),
		"two plans":       text + text,
		"another version": strings.Replace(text, "plan-v1", "plan-v2", 1),
		"a float":         strings.Replace(text, `"for_seconds":3600`, `"for_seconds":3600.0`, 1),
		"nothing":         "",
		"something else":  "[]",
		"no plan":         `{"digest":"","format":"dbaudit-plan-v1","plan":null}` + "\n",
	} {
		if _, _, err := plan.Decode([]byte(other)); !errors.As(err, new(*plan.TamperedError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzDecode holds that whatever is read is written again byte for byte.
func FuzzDecode(f *testing.F) {
	b, err := plan.Encode(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"digest":"","format":"dbaudit-plan-v1","plan":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, _, err := plan.Decode(b)
		if err != nil {
			if !errors.As(err, new(*plan.TamperedError)) {
				t.Errorf("another error: %v", err)
			}
			return
		}
		again, err := plan.Encode(p)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("read %q, written %q (%v)", b, again, err)
		}
	})
}
