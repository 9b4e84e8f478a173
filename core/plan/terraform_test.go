package plan_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// reading reads the part of HCL that resources need, by its specification and by nothing of ours: blocks with quoted labels, and
// arguments that are quoted templates without interpolation, lists of them, true, or references. It gives the texts that quotes hold.
//
// https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
type reading struct {
	rest  []rune
	texts []string
}

func (r *reading) fail(what string) {
	panic(fmt.Sprintf("%s at %q", what, string(r.rest[:min(len(r.rest), 60)])))
}

func (r *reading) peek() rune {
	for len(r.rest) > 0 && r.rest[0] == ' ' {
		r.rest = r.rest[1:]
	}
	if len(r.rest) > 0 && r.rest[0] == '#' {
		for len(r.rest) > 0 && r.rest[0] != '\n' {
			r.rest = r.rest[1:]
		}
	}
	if len(r.rest) == 0 {
		return 0
	}
	return r.rest[0]
}

func (r *reading) take(want rune) {
	if r.peek() != want {
		r.fail("no " + strconv.QuoteRune(want))
	}
	r.rest = r.rest[1:]
}

func (r *reading) word() {
	n := 0
	r.peek()
	for n < len(r.rest) && (unicode.IsLetter(r.rest[n]) || unicode.IsDigit(r.rest[n]) || r.rest[n] == '_' || r.rest[n] == '.') {
		n++
	}
	if n == 0 || unicode.IsDigit(r.rest[0]) {
		r.fail("no word")
	}
	r.rest = r.rest[n:]
}

func (r *reading) quoted() {
	r.take('"')
	var b strings.Builder
	for {
		text := string(r.rest)
		switch {
		case text == "" || text[0] == '\n' || text[0] < ' ':
			r.fail("a string that does not end")
		case text[0] == '"':
			r.rest = r.rest[1:]
			r.texts = append(r.texts, b.String())
			return
		case strings.HasPrefix(text, "$${"), strings.HasPrefix(text, "%%{"):
			b.WriteString(text[1:3])
			r.rest = r.rest[3:]
		case strings.HasPrefix(text, "${"), strings.HasPrefix(text, "%{"):
			r.fail("a template")
		case text[0] == '\\':
			n := map[rune]int{'u': 4, 'U': 8}[r.rest[1]]
			if n == 0 {
				c, ok := map[rune]rune{'n': '\n', 'r': '\r', 't': '\t', '"': '"', '\\': '\\'}[r.rest[1]]
				if !ok {
					r.fail("an escape that there is not")
				}
				b.WriteRune(c)
				r.rest = r.rest[2:]
				continue
			}
			code, err := strconv.ParseUint(string(r.rest[2:2+n]), 16, 32)
			if err != nil {
				r.fail("an escape that is none")
			}
			b.WriteRune(rune(code))
			r.rest = r.rest[2+n:]
		default:
			b.WriteRune(r.rest[0])
			r.rest = r.rest[1:]
		}
	}
}

func (r *reading) value() {
	switch r.peek() {
	case '"':
		r.quoted()
	case '[':
		for r.take('['); r.peek() != ']'; {
			if r.quoted(); r.peek() == ',' {
				r.take(',')
			}
		}
		r.take(']')
	default:
		r.word()
	}
}

func (r *reading) body(end rune) {
	for r.peek() != end {
		if r.peek() == '\n' {
			r.take('\n')
			continue
		}
		r.word()
		if r.peek() == '=' {
			r.take('=')
			r.value()
		} else {
			for r.peek() == '"' {
				r.quoted()
			}
			r.take('{')
			r.take('\n')
			r.body('}')
			r.take('}')
		}
		r.take('\n')
	}
}

// readHCL gives the texts in quotes, or what is wrong.
func readHCL(text string) (texts []string, err error) {
	r := &reading{rest: []rune(text)}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	r.body(0)
	return r.texts, nil
}

// warehouses is a plan that gives levels on an object with a name of somebody's choice, and the account that it is of.
func warehouses(name string, read bool) (plan.Plan, *access.Model) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	robot := identity.PrincipalKey{Kind: identity.KindGroup, ID: "7"}
	on := identity.Object{Workspace: 42, Type: identity.ObjectWarehouse, ID: "x"}
	b := estate.NewBuilder("acc")
	b.AddWorkspace(identity.Workspace{ID: 42, Name: "w", Host: "https://w.example.test"})
	b.AddPrincipal(identity.Principal{Key: robot, Name: name})
	b.AddPrincipal(person("1"))
	b.AddObject(identity.ObjectInfo{Object: on, Name: name})
	if read {
		b.Record(estate.ReadKey{Op: estate.OpObjectGrants, Object: on}, estate.OutcomeOf(nil, at))
		b.AddObjectGrants(on, []identity.ObjectGrant{
			{Holder: identity.PrincipalName{Kind: identity.KindUser, Name: "u1@x.test"}, Level: identity.IsOwner},
			{Holder: identity.PrincipalName{Kind: identity.KindGroup, Name: "admins"}, Level: identity.CanManage},
		})
	}
	securable := identity.Securable{Metastore: "m", Type: identity.TypeCatalog, Catalog: name}
	return plan.Plan{
		ID: "p-0000000000", Kind: plan.Clone, Account: "acc", Host: "https://accounts.example.test", Tool: "v", CreatedAt: at, ExpiresAt: at.Add(time.Hour),
		Source: plan.Party{Key: identity.PrincipalKey{Kind: identity.KindUser, ID: "1"}, Name: "a"}, Target: plan.Party{Key: robot, Name: name},
		Complete: true, Facts: strings.Repeat("0", 64), Gain: strings.Repeat("0", 64), Tier: plan.Normal,
		Steps: []plan.Step{
			{ID: "s1", Kind: plan.ObjectACL, Change: &plan.Change{Cell: plan.Cell{Kind: plan.ObjectLevel, Holder: robot, Object: on}, After: "CAN_USE", HolderName: name, ObjectName: name, Through: 42}},
			{ID: "s2", Kind: plan.Grant, Change: &plan.Change{Cell: plan.Cell{Kind: plan.Granted, Holder: robot, Securable: securable, Privilege: "BROWSE"}, After: plan.Present, HolderName: name, ObjectName: name, Through: 42}},
		},
	}, access.Over(b.Build(), access.Options{})
}

// TestResourcesReadBack holds that no name ends a string, a comment or a block, or is taken for a template, and that each is read
// as it is.
func TestResourcesReadBack(t *testing.T) {
	for _, name := range []string{
		"plain", `a"b`, "${path}", "%{if}", "$${x}", "$$", "%%{", `\`, `\${x}`, "a\nb", "a\r\nresource \"x\" \"y\" {}\n", "\t\x00\x1b[2J\x7f", "# no", "*/ //",
		"\u202ea\u2028\u0085", "ж\U0001f600\U000e0001", `"} resource {`, "$", "%", "{",
	} {
		p, m := warehouses(name, true)
		got, err := plan.Scripts(p, m)
		if err != nil {
			t.Fatal(err)
		}
		texts, err := readHCL(got.Terraform)
		if err != nil {
			t.Errorf("%q: %v in\n%s", name, err, got.Terraform)
			continue
		}
		found := 0
		for _, text := range texts {
			if text == name {
				found++
			}
		}
		if found != 3 { // the holder twice, the catalog once
			t.Errorf("%q is read %d times, of %q", name, found, texts)
		}
	}
}

// TestPermissionsAreWhole holds that the resource of an object's permissions names the object and keeps who is on its list; where the
// list is not known, nothing can be applied.
func TestPermissionsAreWhole(t *testing.T) {
	p, m := warehouses("readers", true)
	got, err := plan.Scripts(p, m)
	if err != nil {
		t.Fatal(err)
	}
	want := `# import {
#   to = databricks_permissions.p_0000000000_s1
#   id = "/sql/warehouses/x"
# }
resource "databricks_permissions" "p_0000000000_s1" {
  provider = databricks.w_42
  # authoritative: it replaces the whole list of the object, in workspace 42 (https://w.example.test); with what was on the list when the plan was made: whoever was added since loses it
  sql_endpoint_id = "x"
  access_control {
    group_name = "readers"
    permission_level = "CAN_USE"
  }
  access_control {
    user_name = "u1@x.test"
    permission_level = "IS_OWNER"
  }
}
`
	if !strings.Contains(got.Terraform, want) {
		t.Errorf("the resources are\n%s", got.Terraform)
	}
	p, m = warehouses("readers", false)
	p.Steps = p.Steps[:1]
	for _, m := range []*access.Model{m, nil} {
		got, err := plan.Scripts(p, m)
		if err != nil {
			t.Fatal(err)
		}
		if texts, err := readHCL(got.Terraform); err != nil || len(texts) > 0 {
			t.Errorf("what is not whole is no comment: %v\n%s", err, got.Terraform)
		}
		for _, want := range []string{"#   sql_endpoint_id = \"x\"\n", "in workspace 42", "authoritative: ", "or everybody else loses what they have"} {
			if !strings.Contains(got.Terraform, want) {
				t.Errorf("no %s in\n%s", want, got.Terraform)
			}
		}
	}
}
