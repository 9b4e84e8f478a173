package bot

import (
	"context"
	"errors"
	"sync"
	"time"
)

// jobs are the audits under way: one for each person, so many at once, the others in the order in which they came.
type jobs struct {
	mu     sync.Mutex
	byUser map[string]*job
	took   time.Duration // what an audit takes lately
}

// job is an audit under way.
type job struct {
	*task
	counts reads
	ctx    context.Context
	stop   context.CancelCauseFunc

	queued time.Time
	began  time.Time // zero while it waits; guarded by jobs.mu
}

// errCancelled is why an audit is interrupted that its person no longer wants.
var errCancelled = errors.New("the audit was cancelled")

// firstGuess is what an audit is thought to take before one has ended.
const firstGuess = time.Minute

func newJobs() *jobs { return &jobs{byUser: map[string]*job{}, took: firstGuess} }

// Why a job is not taken.
var (
	errOneAtATime = errors.New("the person has an audit under way")
	errQueueFull  = errors.New("too many audits wait")
)

// begin takes a person's audit in. After errOneAtATime the job is the one that is in the way. ctx carries the audit.
func (j *jobs) begin(ctx context.Context, t *task, now time.Time) (*job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if other := j.byUser[t.user]; other != nil {
		return other, errOneAtATime
	}
	if _, waiting := j.load(); waiting >= auditQueue {
		return nil, errQueueFull
	}
	n := &job{task: t, queued: now}
	n.ctx, n.stop = context.WithCancelCause(ctx)
	j.byUser[t.user] = n
	return n, nil
}

// start marks a job as running; false means that it was cancelled while it waited.
func (j *jobs) start(n *job, now time.Time) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.byUser[n.user] != n {
		return false
	}
	n.began = now
	return true
}

// end lets go of a job. Only the first call for a job does something.
func (j *jobs) end(n *job, now time.Time) {
	n.stop(nil)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.byUser[n.user] != n {
		return
	}
	delete(j.byUser, n.user)
	if !n.began.IsZero() {
		j.took = (3*j.took + now.Sub(n.began)) / 4
	}
}

// cancel stops a person's audit: that of the id, or of any when it is empty. One that waits is forgotten at once, one that
// runs answers with what it knows. It gives nil when the person has none such; that others have it makes no difference.
func (j *jobs) cancel(user, id string) (n *job, ran bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n = j.byUser[user]
	if n == nil || id != "" && id != n.id {
		return nil, false
	}
	n.stop(errCancelled)
	if n.began.IsZero() {
		delete(j.byUser, user)
	}
	return n, !n.began.IsZero()
}

// standing is how a person's audit stands.
type standing struct {
	job    *job
	began  time.Time
	before int // so many wait before it
}

// of gives a person's audit; its job is nil when there is none.
func (j *jobs) of(user string) standing {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := j.byUser[user]
	if n == nil {
		return standing{}
	}
	s := standing{job: n, began: n.began}
	for _, other := range j.byUser {
		if other.began.IsZero() && other.queued.Before(n.queued) {
			s.before++
		}
	}
	return s
}

// load counts the audits that run and that wait. The caller holds mu.
func (j *jobs) load() (running, waiting int) {
	for _, n := range j.byUser {
		if n.began.IsZero() {
			waiting++
		} else {
			running++
		}
	}
	return running, waiting
}

// busy counts the audits that run and that wait.
func (j *jobs) busy() (running, waiting int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.load()
}

// room guesses when there will be room for another audit, from what audits take lately.
func (j *jobs) room() time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.took / auditsAtOnce
}
