package core_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"databricks-access-audit/core"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sandbox"
)

// proved are questions whose proofs have steps of every kind.
var proved = [][]string{
	{"can", "alice@acme.test", "read", "prod_lakehouse.bronze.events_raw"},
	{"can", "bob@acme.test", "read", "main.sales.margin_by_region"},
	{"can", "bob@acme.test", "EXECUTE", "main.sales.margin_of"},
	{"can", "bob@acme.test", "query", "main.sales.orders"},
	{"can", "bob@acme.test", "create schema", "ml"},
	{"can", "alice@acme.test", "manage", "nightly_etl", "--resource-type", "job"},
	{"can", "ivan@acme.test", "create warehouse", "staging"},
	{"can", "alice@acme.test", "impersonate", "etl-nightly"},
	{"can", "heidi@acme.test", "manage", "analytics"},
}

// copied is the answer as a file holds it.
func copied(t *testing.T, r *report.CanReport) *report.CanReport {
	t.Helper()
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var c report.CanReport
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	return &c
}

// TestProofsAreChecked takes every answer's proofs, which must hold, and then leaves out or changes one
// step after the other: no proof may hold then, unless the step is a rule and no fact.
func TestProofsAreChecked(t *testing.T) {
	account := sandbox.Acme()
	// ml-platform, as which bob may act, must be able to enter a workspace itself.
	account.Workspaces[0].Assignments = append(account.Workspaces[0].Assignments, &sandbox.Assignment{PrincipalID: "3012", Permissions: []string{sandbox.AssignUser}})
	server := serve(t, account, sandbox.Options{})
	g := engine(t, server, server.Auditor())
	kinds := map[string]bool{}
	for _, words := range proved {
		q := parse(t, words...)
		r := ask[*report.CanReport](t, g, q)
		if r.Verdict != report.Allow {
			t.Errorf("%v: %s", words, r.Verdict)
			continue
		}
		r.Proofs = r.Proofs[:1]
		verify := func(change string, r *report.CanReport) bool {
			v, err := g.Verify(t.Context(), r, nil)
			if err != nil {
				t.Fatalf("%v, %s: %v", words, change, err)
			}
			return v.Holds
		}
		if !verify("unchanged", copied(t, r)) {
			t.Errorf("%v: the proof does not hold", words)
		}
		for i, s := range r.Proofs[0].Steps {
			kinds[s.Kind] = true
			rule := []string{report.StepImplicit, report.StepAssume, report.StepExpands, report.StepInherits}
			again := slices.ContainsFunc(r.Proofs[0].Steps[:i], func(e report.Step) bool {
				return fmt.Sprint(e.Kind, e.Principal, e.Privilege, e.Detail) == fmt.Sprint(s.Kind, s.Principal, s.Privilege, s.Detail)
			})
			if slices.Contains(rule, s.Kind) || again {
				continue
			}
			less := copied(t, r)
			less.Proofs[0].Steps = slices.Delete(less.Proofs[0].Steps, i, i+1)
			if later := slices.ContainsFunc(less.Proofs[0].Steps, func(e report.Step) bool { return e.Kind == s.Kind && e.Principal == s.Principal }); !later && verify("left out", less) {
				t.Errorf("%v: it holds without step %d, %+v", words, i+1, s)
			}
			other := copied(t, r)
			other.Proofs[0].Steps[i].Principal, other.Proofs[0].Steps[i].Workspace = "nobody@acme.test", "nowhere"
			if verify("changed", other) {
				t.Errorf("%v: it holds with another in step %d, %+v", words, i+1, s)
			}
		}
	}
	for _, kind := range []string{
		report.StepActive, report.StepMember, report.StepGrant, report.StepOwner, report.StepAssigned, report.StepAttached,
		report.StepBinding, report.StepDefiner, report.StepRole, report.StepACL, report.StepEntitlement, report.StepAssume,
	} {
		if !kinds[kind] {
			t.Errorf("no proof has a step of kind %s", kind)
		}
	}
}

// TestForeignProofs are of another account, about somebody else by now, or no answers.
func TestForeignProofs(t *testing.T) {
	server := serve(t, sandbox.Acme(), sandbox.Options{})
	g := engine(t, server, server.Auditor())
	r := ask[*report.CanReport](t, g, parse(t, "can", "bob@acme.test", "read", "main.sales.orders"))
	for name, change := range map[string]func(*report.CanReport){
		"account":  func(r *report.CanReport) { r.AccountID = "another" },
		"subject":  func(r *report.CanReport) { r.Subject.ID = "1" },
		"mode":     func(r *report.CanReport) { r.Mode = "principal" },
		"question": func(r *report.CanReport) { r.Request = map[string]any{"who": "", "action": "fly", "resource": ""} },
	} {
		changed := copied(t, r)
		change(changed)
		_, err := g.Verify(t.Context(), changed, nil)
		if _, foreign := errors.AsType[*core.ForeignProofError](err); !foreign {
			t.Errorf("%s: %v", name, err)
		}
	}
}
