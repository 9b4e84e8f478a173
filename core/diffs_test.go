package core_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"databricks-access-audit/core"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/snapshot"
)

// savedAccount is a file of an account in which ann is called so.
func savedAccount(t *testing.T, account, question, ann string) *core.Saved {
	t.Helper()
	b := estate.NewBuilder(account)
	k := identity.PrincipalKey{Kind: identity.KindUser, ID: "101"}
	b.AddPrincipal(identity.Principal{Key: k, Name: ann, DisplayName: "Ann", Status: identity.StatusActive})
	for _, kind := range []identity.Kind{identity.KindUser, identity.KindServicePrincipal} {
		b.Record(estate.ReadKey{Op: estate.OpPrincipals, Principal: identity.PrincipalKey{Kind: kind}}, estate.Outcome{Needed: true, At: time.Unix(100, 0)})
	}
	for _, op := range []estate.Op{estate.OpGroups, estate.OpWorkspaces, estate.OpMetastores} {
		b.Record(estate.ReadKey{Op: op}, estate.Outcome{Needed: true, At: time.Unix(100, 0)})
	}
	var file bytes.Buffer
	if err := snapshot.Write(&file, b.Build(), snapshot.About{Tool: "1", Question: question}); err != nil {
		t.Fatal(err)
	}
	saved, err := core.Load(&file)
	if err != nil {
		t.Fatal(err)
	}
	saved.Name = question + ".snap"
	return saved
}

func over(s *core.Saved) *core.Engine { return core.New(core.Options{Open: s.Open, Version: "2"}) }

// TestOtherAccountIsNotCompared: neither by files, nor with the account, nor for one question.
func TestOtherAccountIsNotCompared(t *testing.T) {
	here, there := savedAccount(t, "here", core.SnapshotMode, "ann@x.test"), savedAccount(t, "there", core.SnapshotMode, "bob@x.test")
	g := over(here)
	since, err := g.Since(t.Context(), there, nil)
	if err != nil {
		t.Fatal(err)
	}
	against, err := g.Against(t.Context(), query.Principal{Who: "ann@x.test"}, there, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*report.DiffReport{"files": g.Diff(there, here), "account": since, "question": against} {
		if r.Comparable || r.HasChanges || r.Added != nil || r.Coverage.Complete || r.Before.AccountID != "there" || r.After.AccountID != "here" {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// TestBaselineUnderAnotherName: a question about somebody is put to the file by id where the name is
// another there.
func TestBaselineUnderAnotherName(t *testing.T) {
	now, then := savedAccount(t, "here", core.SnapshotMode, "ann.new@x.test"), savedAccount(t, "here", core.SnapshotMode, "ann@x.test")
	r, err := over(now).Against(t.Context(), query.Principal{Who: "ann.new@x.test"}, then, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Changed) != 1 || r.Changed[0].Before.Name != "ann@x.test" || r.Changed[0].After.Name != "ann.new@x.test" || len(r.Added)+len(r.Removed) > 0 {
		t.Errorf("%+v %+v %+v", r.Added, r.Removed, r.Changed)
	}
	if _, err := over(now).Against(t.Context(), query.Principal{Who: "ann@x.test"}, then, nil); !errors.As(err, new(*core.UnknownError)) {
		t.Errorf("who is not there any more: %v", err)
	}
}

// TestSinceNeedsTheWholeAccount: what was saved for one question is not compared with everything.
func TestSinceNeedsTheWholeAccount(t *testing.T) {
	now := savedAccount(t, "here", core.SnapshotMode, "ann@x.test")
	if _, err := over(now).Since(t.Context(), savedAccount(t, "here", "principal", "ann@x.test"), nil); !errors.As(err, new(*core.BaselineError)) {
		t.Errorf("error %v", err)
	}
	asked := false
	g := core.New(core.Options{Open: func() collect.Source { asked = true; return now.Open() }})
	if _, err := g.Since(t.Context(), savedAccount(t, "here", "principal", "ann@x.test"), nil); err == nil || asked {
		t.Errorf("the account was asked: %v, %v", asked, err)
	}
}
