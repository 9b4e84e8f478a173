package bot

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"databricks-access-audit/bot/slackapi"
)

// reads counts those of an audit.
type reads struct{ done, planned atomic.Int64 }

// count is a core.Progress.
func (r *reads) count(done, planned int) {
	r.done.Store(int64(done))
	r.planned.Store(int64(planned))
}

// String says how far the reading is; empty when nothing is known of it.
func (r *reads) String() string {
	if r.planned.Load() == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d reads known so far are done", r.done.Load(), r.planned.Load())
}

// progress tells a person that a long audit goes on, at most as often as pace.progress has times.
type progress struct {
	quit func()
	wg   sync.WaitGroup
}

// watchProgress begins to tell. Call stop before the last word.
func (b *bot) watchProgress(n *job) *progress {
	quit := make(chan struct{})
	p := &progress{quit: sync.OnceFunc(func() { close(quit) })}
	p.wg.Go(func() {
		var passed time.Duration
		for _, at := range b.pace.progress {
			timer := time.NewTimer(at - passed)
			select {
			case <-timer.C:
			case <-quit:
				timer.Stop()
				return
			}
			passed = at
			n.reply.note(b.work, slackapi.Say(stillWorking(n)), true)
		}
	})
	return p
}

func stillWorking(n *job) string {
	s := "Still working on " + n.asked + " (job " + n.id + ")"
	if far := n.counts.String(); far != "" {
		s += ": " + far
	}
	return s + " …"
}

// stop ends the telling and waits for a note that is under way.
func (p *progress) stop() {
	p.quit()
	p.wg.Wait()
}
