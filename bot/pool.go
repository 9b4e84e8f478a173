package bot

import "sync"

// pool runs jobs on a fixed number of goroutines, behind a queue of a fixed length.
type pool struct {
	mu     sync.RWMutex // guards closing against offers
	closed bool
	jobs   chan func()
	wg     sync.WaitGroup
}

// newPool starts the workers. recovered hears of a job's panic; the worker goes on.
func newPool(workers, queue int, recovered func(any)) *pool {
	p := &pool{jobs: make(chan func(), queue)}
	for range workers {
		p.wg.Go(func() {
			for job := range p.jobs {
				guard(job, recovered)
			}
		})
	}
	return p
}

func guard(job func(), recovered func(any)) {
	defer func() {
		if r := recover(); r != nil {
			recovered(r)
		}
	}()
	job()
}

// offer queues a job. It never waits: false means that the queue is full or the pool closed.
func (p *pool) offer(job func()) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return false
	}
	select {
	case p.jobs <- job:
		return true
	default:
		return false
	}
}

// waiting is how many jobs are queued.
func (p *pool) waiting() int { return len(p.jobs) }

// close ends the intake. Queued jobs still run; wait for them with done.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		close(p.jobs)
	}
}

// done is closed when the last job has ended. Call it after close.
func (p *pool) done() <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		p.wg.Wait()
		close(ended)
	}()
	return ended
}
