package collect

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"databricks-access-audit/core/identity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestQueueRunsEverythingOnce grows a tree of tasks from one task.
func TestQueueRunsEverythingOnce(t *testing.T) {
	for _, workers := range []int{0, 1, 3, 32} {
		var ran, most, running atomic.Int64
		var last struct {
			sync.Mutex
			done, planned int
		}
		q := newQueue(func(done, planned int) {
			last.Lock()
			defer last.Unlock()
			last.done, last.planned = max(last.done, done), max(last.planned, planned)
		})
		var grow func(depth int) task
		grow = func(depth int) task {
			return func(context.Context) {
				most.Store(max(most.Load(), running.Add(1)))
				defer running.Add(-1)
				ran.Add(1)
				for range 3 * min(depth, 1) {
					q.add(grow(depth - 1))
				}
			}
		}
		q.add(grow(5))
		q.run(t.Context(), workers)
		const want = 1 + 3 + 9 + 27 + 81 + 243
		if ran.Load() != want || last.done != want || last.planned != want {
			t.Errorf("%d workers: ran %d, progress %d of %d; want %d", workers, ran.Load(), last.done, last.planned, want)
		}
		if limit := int64(max(workers, 1)); most.Load() > limit {
			t.Errorf("%d tasks ran at once on %d workers", most.Load(), limit)
		}
	}
}

// TestQueueRunsTheNewestFirst keeps the number of waiting tasks small: a crawl of a tree must not
// plan all of one level before it starts the next.
func TestQueueRunsTheNewestFirst(t *testing.T) {
	var order []int
	q := newQueue(nil)
	q.add(func(context.Context) {
		for i := range 3 {
			q.add(func(context.Context) {
				order = append(order, i)
				q.add(func(context.Context) { order = append(order, 10+i) })
			})
		}
	})
	q.run(t.Context(), 1)
	if want := []int{2, 12, 1, 11, 0, 10}; !slices.Equal(order, want) {
		t.Errorf("got %v, want %v", order, want)
	}
}

// TestQueueOutlivesItsContext runs what is waiting all the same, so that each task can record that
// its read was not made.
func TestQueueOutlivesItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var stopped atomic.Int64
	q := newQueue(nil)
	q.add(func(context.Context) {
		for range 5 {
			q.add(func(ctx context.Context) {
				if ctx.Err() != nil {
					stopped.Add(1)
				}
			})
		}
		cancel()
	})
	q.run(ctx, 4)
	if stopped.Load() != 5 {
		t.Errorf("%d of 5 tasks saw the end", stopped.Load())
	}
}

// TestQueueKeepsLanesApart fills one lane with tasks that end only when all of another lane have.
func TestQueueKeepsLanesApart(t *testing.T) {
	const slow, quick = 3 * laneWidth, 50
	released := make(chan struct{})
	var running, most, done atomic.Int64
	q := newQueue(nil)
	var next task
	next = func(context.Context) { // one after the other, so that the lane is empty most of the time
		if done.Add(1) == quick {
			close(released)
			return
		}
		time.Sleep(time.Millisecond)
		q.addTo(lane{workspace: 2}, next)
	}
	q.addTo(lane{workspace: 2}, next)
	for range slow {
		q.addTo(lane{workspace: 1}, func(ctx context.Context) {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			select {
			case <-released:
			case <-ctx.Done():
				t.Error("a lane that waits held up another")
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	q.run(ctx, 2*laneWidth)
	if done.Load() != quick || most.Load() > laneWidth {
		t.Errorf("%d of %d ran, and %d of one lane at once", done.Load(), quick, most.Load())
	}
}

// TestQueueSharesWorkers gives each lane its turn where there are fewer workers than tasks.
func TestQueueSharesWorkers(t *testing.T) {
	const workers = 6
	var mu sync.Mutex
	var order []lane
	busy := make(chan struct{})
	q := newQueue(nil)
	lanes := []lane{{}, {workspace: 1}, {metastore: "m"}}
	for _, at := range lanes {
		for range 2 * workers {
			q.addTo(at, func(context.Context) {
				mu.Lock()
				order = append(order, at)
				if len(order) == workers {
					close(busy)
				}
				mu.Unlock()
				<-busy
			})
		}
	}
	q.run(t.Context(), workers)
	for _, at := range lanes {
		n := 0
		for _, of := range order[:workers] {
			if of == at {
				n++
			}
		}
		if n != workers/len(lanes) {
			t.Errorf("%d of the first %d tasks were of lane %v", n, workers, at)
		}
	}
}

func TestMemoReadsOnce(t *testing.T) {
	var m memo[string, int]
	var reads atomic.Int64
	var all sync.WaitGroup
	boom := errors.New("boom")
	for range 20 {
		all.Go(func() {
			v, err := m.get("k", func() (int, error) { return int(reads.Add(1)), boom })
			if v != 1 || !errors.Is(err, boom) {
				t.Errorf("got %d, %v", v, err)
			}
		})
	}
	all.Wait()
	if v, _ := m.get("other", func() (int, error) { return 7, nil }); v != 7 {
		t.Errorf("got %d for another key", v)
	}
}

func TestChoose(t *testing.T) {
	all := []identity.Workspace{{ID: 1, Host: "https://adb-1.2.azuredatabricks.net"}, {ID: 2, Host: "https://dbc-x.cloud.databricks.com"}}
	for _, c := range []struct {
		urls    []string
		chosen  []identity.WorkspaceID
		missing int
	}{
		{nil, []identity.WorkspaceID{1, 2}, 0},
		{[]string{"dbc-x.cloud.databricks.com"}, []identity.WorkspaceID{2}, 0},
		{[]string{"https://DBC-X.cloud.databricks.com/?o=2", "dbc-x.cloud.databricks.com"}, []identity.WorkspaceID{2}, 0},
		{[]string{"elsewhere.test"}, nil, 1},
	} {
		chosen, missing := choose(all, c.urls)
		var ids []identity.WorkspaceID
		for _, w := range chosen {
			ids = append(ids, w.ID)
		}
		if !slices.Equal(ids, c.chosen) || len(missing) != c.missing {
			t.Errorf("%q: got %v, missing %q", c.urls, ids, missing)
		}
	}
}

func TestGuests(t *testing.T) {
	g := guests{}
	zoe := identity.Principal{
		Key: identity.PrincipalKey{Kind: identity.KindUser, ID: "9"}, Name: "zoe@partner.test", ExternalID: "x",
	}
	g.recognise("zoe@partner.test", zoe)
	g.recognise("ann@partner.test", identity.Principal{
		Key: identity.PrincipalKey{Kind: identity.KindUser, ID: "8"}, Name: "ann@partner.test", ExternalID: "y",
	})
	if g.meet("zoe@partner.test") != nil || g.meet("bob_partner.test#EXT#@t") != nil || g.meet("a group") != nil {
		t.Error("takes other names for a second one")
	}
	met := g.meet("zoe_partner.test#EXT#@t")
	if met == nil || met.subject.Key != zoe.Key || g.meet("zoe_partner.test#EXT#@t") != nil {
		t.Error("does not meet her second name exactly once")
	}
	if other := g.meet("ann_partner.test#EXT#@t"); other == nil || other == met {
		t.Error("does not meet the second name of the other subject")
	}
	g.settle(met, "zoe_partner.test#EXT#@t", "y", nil)
	if met.names["zoe_partner.test#EXT#@t"] != stranger || g.meet("zoe_partner.test#EXT#@t") != nil {
		t.Error("keeps the name of somebody else, or asks again")
	}
}
