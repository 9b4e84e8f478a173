package ocsf_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/core"
	"databricks-access-audit/core/apply/journal"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
	"databricks-access-audit/core/ocsf"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/formatters"
)

var update = flag.Bool("update", false, "write the golden file anew")

// others are the events that are recorded above the ledger.
var others = []string{core.EventProposed, core.EventVoteReason, core.EventVoteRefused, core.EventRefused, core.EventHeld, core.EventIdentityRefused, journal.EventAlarm, "of a newer program"}

// scene is a ledger in which everything happens that the trail tells of.
type scene struct {
	*testing.T
	*ledger.Ledger
	clock *ledgertest.Clock
}

var (
	bob   = identity.PrincipalKey{Kind: identity.KindUser, ID: "102"}
	actor = ledger.Actor{ID: "103", Email: "carol@acme.test", Via: "slack", Team: "T1", Member: "U1", Channel: "C1", Message: "17.0001", Envelope: "e1", EventHash: strings.Repeat("ab", 32), Host: "one", Tool: "v1"}
	evil  = "=bob\u202e\x1b[31m<!channel>\"\n"
)

func (s *scene) do(f func(tx *ledger.Tx) error) {
	s.Helper()
	if err := s.Do(s.Context(), f); err != nil {
		s.Fatal(err)
	}
}

// changes are one of each kind, and the same taken away.
func changes() (list []plan.Change) {
	at := func(c plan.Cell, before, after plan.Value) {
		c.Holder = bob
		for _, v := range [][2]plan.Value{{before, after}, {after, before}} {
			change := plan.Change{Cell: c, Before: v[0], After: v[1], HolderName: evil}
			if c.Kind == plan.Member {
				change.GroupName = "readers"
			}
			if c.Kind == plan.ObjectLevel {
				change.ObjectName = "nightly"
			}
			list = append(list, change)
		}
	}
	at(plan.Cell{Kind: plan.Member, Group: identity.PrincipalKey{Kind: identity.KindGroup, ID: "7"}}, plan.Absent, plan.Present)
	at(plan.Cell{Kind: plan.Assigned, Workspace: 11}, plan.Absent, "USER")
	at(plan.Cell{Kind: plan.Entitled, Workspace: 11, Entitlement: "allow-cluster-create"}, plan.Absent, plan.Present)
	at(plan.Cell{Kind: plan.Granted, Securable: identity.CatalogSecurable("m1", "main"), Privilege: "USE_CATALOG"}, plan.Absent, plan.Present)
	at(plan.Cell{Kind: plan.ObjectLevel, Object: identity.Object{Workspace: 11, Type: identity.ObjectJob, ID: "5"}}, plan.Absent, "CAN_VIEW")
	return list
}

// put stores a plan.
func (s *scene) put(id string, list []plan.Change) ledger.Plan {
	s.Helper()
	kinds := map[plan.CellKind]plan.StepKind{plan.Member: plan.AddMember, plan.Assigned: plan.WorkspaceAssignment, plan.Entitled: plan.Entitlement, plan.Granted: plan.Grant, plan.ObjectLevel: plan.ObjectACL}
	p := plan.Plan{ID: id, Kind: plan.Clone, Account: ledgertest.Account, Host: "https://accounts.test", Target: plan.Party{Key: bob, Name: evil}, CreatedAt: s.clock.Now(), ExpiresAt: s.clock.Now().Add(time.Hour), Complete: true}
	for i, c := range list {
		p.Steps = append(p.Steps, plan.Step{ID: fmt.Sprintf("s%d", i+1), Kind: kinds[c.Cell.Kind], Change: &c})
	}
	body, err := plan.Encode(p)
	if err != nil {
		s.Fatal(err)
	}
	digest, err := plan.Digest(p)
	if err != nil {
		s.Fatal(err)
	}
	var made ledger.Plan
	s.do(func(tx *ledger.Tx) error {
		made, err = tx.Create(actor, journal.Row(p, body, digest, ledger.Party{ID: "103"}))
		return err
	})
	return made
}

func (s *scene) move(p ledger.Plan, l ledger.Lease, states ...ledger.State) ledger.Plan {
	s.Helper()
	for _, to := range states {
		s.do(func(tx *ledger.Tx) (err error) {
			p, err = tx.Move(ledger.Move{Plan: p.ID, From: p.State, Version: p.Version, To: to, Actor: actor, Lease: l, Reason: evil})
			return err
		})
	}
	return p
}

// play lets everything happen.
func play(t *testing.T) *scene {
	t.Helper()
	s := &scene{T: t, clock: ledgertest.NewClock()}
	keys := ledger.NewKeys()
	s.Ledger = ledgertest.Open(t, ledger.Options{Location: filepath.Join(t.TempDir(), "own", "ledger.db"), Clock: s.clock.Now, Keys: keys})
	p := s.put("p-0000000001", changes())
	p = s.move(p, ledger.Lease{}, ledger.Pending)
	for _, voter := range []string{"104", "105"} {
		s.do(func(tx *ledger.Tx) error {
			_, err := tx.Vote(actor, ledger.Vote{Plan: p.ID, Voter: ledger.Party{ID: voter}, Decision: ledger.Approve, Digest: p.Digest, Policy: "1"})
			return err
		})
	}
	s.do(func(tx *ledger.Tx) error { return tx.Judge(actor, p.ID, "104", "near") })
	s.do(func(tx *ledger.Tx) error { return tx.Withdraw(actor, p.ID, "105", "edited") })
	var l ledger.Lease
	s.do(func(tx *ledger.Tx) (err error) {
		l, err = tx.Acquire(ledger.PlanLease(p.ID), "one", time.Minute)
		return err
	})
	p = s.move(p, l, ledger.Approved, ledger.Applying)
	results := []ledger.Result{ledger.Done, ledger.Already, ledger.StepFailed, ledger.Unknown, ledger.StepRefused}
	for i, step := range p.Steps {
		s.clock.Add(time.Second)
		s.do(func(tx *ledger.Tx) error {
			a, err := tx.Begin(l, actor, p.ID, step, []byte("x"))
			if err == nil {
				_, err = tx.End(l, actor, p.ID, step, a.Number, ledger.Outcome{Result: results[i%len(results)], Attribution: ledger.Certain, After: []byte("y"), Error: evil})
			}
			return err
		})
	}
	for _, name := range others {
		s.do(func(tx *ledger.Tx) error {
			return tx.Record(ledger.Event{Event: name, Actor: actor, Plan: p.ID, Reason: evil})
		})
	}
	s.elsewhere()
	var copied bytes.Buffer
	if _, err := s.Backup(t.Context(), &copied); err != nil {
		t.Fatal(err)
	}
	again := ledger.Options{Location: filepath.Join(t.TempDir(), "again", "ledger.db"), Clock: s.clock.Now, Keys: keys}
	if _, err := ledger.Restore(t.Context(), again, bytes.NewReader(copied.Bytes())); err != nil {
		t.Fatal(err)
	}
	s.Ledger = ledgertest.Open(t, again)
	return s
}

// elsewhere is what is not about plans. In the end the clock goes back, which also ends leases, and an old plan is forgotten.
func (s *scene) elsewhere() {
	old := s.put("p-0000000002", changes()[:1])
	s.move(old, ledger.Lease{}, ledger.Cancelled)
	for _, f := range []func(tx *ledger.Tx) error{
		func(tx *ledger.Tx) error {
			_, _, err := tx.Elevate(actor, "workspace/11", "one", []byte("USER"), s.clock.Now().Add(time.Hour))
			return err
		},
		func(tx *ledger.Tx) error {
			_, _, err := tx.Elevate(actor, "workspace/11", "two", []byte("USER"), s.clock.Now().Add(time.Hour))
			return err
		},
		func(tx *ledger.Tx) error { _, _, err := tx.Leave(actor, "workspace/11", "one"); return err },
		func(tx *ledger.Tx) error { _, _, err := tx.Leave(actor, "workspace/11", "two"); return err },
		func(tx *ledger.Tx) error { return tx.Restored(actor, "workspace/11") },
		func(tx *ledger.Tx) error {
			_, err := tx.Pin(actor, ledger.Pin{Team: "T1", Member: "U1", Email: "carol@acme.test", Principal: "103"})
			return err
		},
		func(tx *ledger.Tx) error { _, err := tx.Unpin(actor, "T1", "U1", "left"); return err },
		func(tx *ledger.Tx) error { return tx.Halt(actor, "wait") },
		func(tx *ledger.Tx) error { return tx.Resume(actor, "go on") },
	} {
		s.do(f)
	}
	s.clock.Add(-time.Hour)
	s.do(func(*ledger.Tx) error { return nil })
	if _, err := s.Purge(s.Context(), actor, s.clock.Now().Add(2*time.Hour), time.Time{}); err != nil {
		s.Fatal(err)
	}
}

// exported is the trail as it is written, native and as OCSF.
func (s *scene) exported() (native, mapped []string) {
	s.Helper()
	var a, b bytes.Buffer
	if _, err := s.Export(s.Context(), &a); err != nil {
		s.Fatal(err)
	}
	n, err := ocsf.Export(s.Context(), s.Ledger, func(e ocsf.Event) error { return formatters.WriteLine(&b, e) })
	if err != nil {
		s.Fatal(err)
	}
	native, mapped = strings.Split(strings.TrimSpace(a.String()), "\n"), strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(native) != len(mapped) || int(n) != len(native) {
		s.Fatalf("%d rows became %d events, and it says %d", len(native), len(mapped), n)
	}
	return native, mapped
}

// TestA04_NothingIsLost: every row can be had back from its event, to the byte, and the fields that were mapped say what it says.
func TestA04_NothingIsLost(t *testing.T) {
	s := play(t)
	native, mapped := s.exported()
	seen := map[string]bool{}
	for i, line := range mapped {
		if strings.ContainsAny(line, "\u202e\x1b") {
			t.Errorf("row %d acts on a terminal: %q", i+1, line)
		}
		var e ocsf.Event
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&e); err != nil {
			t.Fatal(err)
		}
		if e.RawData != native[i] {
			t.Errorf("row %d: %s\nbecame %s", i+1, native[i], e.RawData)
		}
		var row ledger.Entry
		if err := json.Unmarshal([]byte(e.RawData), &row); err != nil {
			t.Fatal(err)
		}
		event, err := row.Event()
		if err != nil {
			t.Fatal(err)
		}
		seen[event.Event] = true
		back := ledger.Event{Event: e.Metadata.EventCode, Plan: e.Metadata.CorrelationUID, Result: ledger.Result(e.Status), Reason: e.StatusDetail}
		if want := (ledger.Event{Event: event.Event, Plan: event.Plan, Result: event.Result, Reason: event.Reason}); !cmp.Equal(back, want) {
			t.Errorf("row %d: %s", i+1, cmp.Diff(want, back))
		}
		if e.Time != event.At.UnixMilli() || e.Metadata.UID != fmt.Sprintf("%s-%d", s.Chain(), row.Seq) || e.TypeUID != e.ClassUID*100+e.ActivityID || e.CategoryUID != e.ClassUID/1000 || e.Metadata.Version != ocsf.Version {
			t.Errorf("row %d: %s", i+1, line)
		}
		if event.Actor.ID != "" && (e.Actor.User.UID != event.Actor.ID || len(e.Enrichments) != 4) {
			t.Errorf("row %d: the actor is %+v, with %v", i+1, e.Actor, e.Enrichments)
		}
	}
	for _, name := range append([]string{
		ledger.EventGenesis, ledger.EventPlanCreated, ledger.EventPlanMoved, ledger.EventVoted, ledger.EventVoteWithdrawn, ledger.EventVoteJudged, ledger.EventIntent, ledger.EventOutcome, ledger.EventLeaseTaken,
		ledger.EventLeaseDropped, ledger.EventElevationTaken, ledger.EventElevationJoined, ledger.EventElevationLeft, ledger.EventElevationRestored, ledger.EventPinned, ledger.EventUnpinned, ledger.EventHalted,
		ledger.EventResumed, ledger.EventPurged, ledger.EventRestored, ledger.EventClockBack,
	}, others...) {
		if !seen[name] {
			t.Errorf("there is no %s among the events", name)
		}
	}
}

// TestA04_Golden is the whole of an export, but for what is random.
func TestA04_Golden(t *testing.T) {
	s := play(t)
	var b bytes.Buffer
	if _, err := ocsf.Export(t.Context(), s.Ledger, func(e ocsf.Event) error {
		e.RawData, e.Unmapped.Event = "the row", json.RawMessage(`"the body"`)
		e.Metadata.UID = strings.Replace(e.Metadata.UID, s.Chain(), "CHAIN", 1)
		if e.FindingInfo != nil {
			e.FindingInfo.UID = e.Metadata.UID
		}
		if e.Entity != nil && e.Entity.UID == s.Chain() {
			e.Entity.UID = "CHAIN"
		}
		return formatters.WriteLine(&b, e)
	}); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/export.golden"
	if *update {
		if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Error(diff)
	}
}
