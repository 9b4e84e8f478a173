package collect

import (
	"context"
	"sync"

	"databricks-access-audit/core/identity"
)

// task is one read and what follows from it. It must return soon after its context ends.
type task func(context.Context)

// lane is where the reads go that wait for one rate: a workspace, a metastore, or, the zero value, the
// account and all else.
type lane struct {
	workspace identity.WorkspaceID
	metastore string
}

// laneWidth is how many reads of one lane run at once. Those that wait for the rate of one workspace must
// not hold what could be asked of others.
const laneWidth = 32

// queue runs tasks that add further tasks, on a fixed number of workers. The lane that has fewest tasks
// running is served first, and the newest task of a lane, so that a crawl goes to the bottom of one branch
// before it opens the next and the number of waiting tasks stays small.
type queue struct {
	mu      sync.Mutex
	changed sync.Cond
	lanes   map[lane]*tasks
	order   []*tasks // in order of their first task
	waiting int
	running int
	started int
	done    func(done, planned int)
}

// tasks are those of one lane.
type tasks struct {
	waiting []task
	running int
}

func newQueue(done func(done, planned int)) *queue {
	q := &queue{done: done, lanes: map[lane]*tasks{}}
	q.changed.L = &q.mu
	return q
}

// add plans a task that belongs to no workspace or metastore. It may be called before run and from running
// tasks.
func (q *queue) add(t task) { q.addTo(lane{}, t) }

// addTo plans a task of a lane.
func (q *queue) addTo(at lane, t task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lanes[at]
	if l == nil {
		l = &tasks{}
		q.lanes[at] = l
		q.order = append(q.order, l)
	}
	l.waiting = append(l.waiting, t)
	q.waiting++
	q.changed.Signal()
}

// run works until no task is left. Tasks that are still waiting when the context ends run too: each
// then records that its read was not made.
func (q *queue) run(ctx context.Context, workers int) {
	var workersDone sync.WaitGroup
	for range max(workers, 1) {
		workersDone.Go(func() {
			for t, l := q.next(); t != nil; t, l = q.next() {
				t(ctx)
				q.finish(l)
			}
		})
	}
	workersDone.Wait()
}

// next waits for a task; nil means that there will be none.
func (q *queue) next() (task, *tasks) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.free()
	for l == nil && q.running > 0 {
		q.changed.Wait()
		l = q.free()
	}
	if l == nil {
		q.changed.Broadcast()
		return nil, nil
	}
	last := len(l.waiting) - 1
	t := l.waiting[last]
	l.waiting[last] = nil
	l.waiting = l.waiting[:last]
	l.running++
	q.waiting--
	q.running++
	q.started++
	return t, l
}

// free is the lane to serve next, nil if there is none.
func (q *queue) free() *tasks {
	var best *tasks
	for _, l := range q.order {
		if len(l.waiting) > 0 && l.running < laneWidth && (best == nil || l.running < best.running) {
			best = l
		}
	}
	return best
}

func (q *queue) finish(l *tasks) {
	q.mu.Lock()
	l.running--
	q.running--
	done, planned := q.started-q.running, q.started+q.waiting
	q.changed.Broadcast()
	q.mu.Unlock()
	if q.done != nil {
		q.done(done, planned)
	}
}
