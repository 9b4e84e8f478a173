package collect

import (
	"context"
	"sync"
)

// task is one read and what follows from it. It must return soon after its context ends.
type task func(context.Context)

// queue runs tasks that add further tasks, on a fixed number of workers. The newest task runs
// first, so that a crawl goes to the bottom of one branch before it opens the next and the number of
// waiting tasks stays small.
type queue struct {
	mu      sync.Mutex
	changed sync.Cond
	waiting []task
	running int
	started int
	done    func(done, planned int)
}

func newQueue(done func(done, planned int)) *queue {
	q := &queue{done: done}
	q.changed.L = &q.mu
	return q
}

// add plans a task. It may be called before run and from running tasks.
func (q *queue) add(t task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, t)
	q.changed.Signal()
}

// run works until no task is left. Tasks that are still waiting when the context ends run too: each
// then records that its read was not made.
func (q *queue) run(ctx context.Context, workers int) {
	var workersDone sync.WaitGroup
	for range max(workers, 1) {
		workersDone.Go(func() {
			for t := q.next(); t != nil; t = q.next() {
				t(ctx)
				q.finish()
			}
		})
	}
	workersDone.Wait()
}

// next waits for a task; nil means that there will be none.
func (q *queue) next() task {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 && q.running > 0 {
		q.changed.Wait()
	}
	if len(q.waiting) == 0 {
		q.changed.Broadcast()
		return nil
	}
	last := len(q.waiting) - 1
	t := q.waiting[last]
	q.waiting[last] = nil
	q.waiting = q.waiting[:last]
	q.running++
	q.started++
	return t
}

func (q *queue) finish() {
	q.mu.Lock()
	q.running--
	done, planned := q.started-q.running, q.started+len(q.waiting)
	q.changed.Broadcast()
	q.mu.Unlock()
	if q.done != nil {
		q.done(done, planned)
	}
}
