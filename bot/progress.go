package bot

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"databricks-access-audit/bot/slackapi"
)

// progress tells a person that a long audit goes on, at most as often as pace.progress has times.
type progress struct {
	done, planned atomic.Int64
	quit          func()
	wg            sync.WaitGroup
}

// watchProgress begins to tell. Call stop before the last word.
func (b *bot) watchProgress(t *task) *progress {
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
			t.reply.note(b.work, slackapi.Say(p.sentence(t.asked)), true)
		}
	})
	return p
}

// count is a core.Progress.
func (p *progress) count(done, planned int) {
	p.done.Store(int64(done))
	p.planned.Store(int64(planned))
}

func (p *progress) sentence(asked string) string {
	if p.planned.Load() == 0 {
		return "Still working on " + asked + " …"
	}
	return fmt.Sprintf("Still working on %s: %d of %d reads known so far are done …", asked, p.done.Load(), p.planned.Load())
}

// stop ends the telling and waits for a note that is under way.
func (p *progress) stop() {
	p.quit()
	p.wg.Wait()
}
