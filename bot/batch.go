package bot

import (
	"context"
	"fmt"
	"sync"
	"time"

	"databricks-access-audit/core/ledger"
)

// batch keeps deliveries in the inbox, those that come while others are being committed together: a commit takes about as long for one
// as for many, and there is one at a time for all processes. It is safe for concurrent use.
type batch struct {
	ledger *ledger.Ledger
	limit  time.Duration // for one commit

	mu      sync.Mutex
	waiting []*entry
	busy    bool
}

// entry is a delivery to be kept, and what came of that once done is closed.
type entry struct {
	message ledger.Message
	fresh   bool
	err     error
	done    chan struct{}
}

// receive stores a message, as Tx.Receive does, and waits until it is committed.
func (b *batch) receive(ctx context.Context, m ledger.Message) (ledger.Message, bool, error) {
	e := &entry{message: m, done: make(chan struct{})}
	b.mu.Lock()
	b.waiting = append(b.waiting, e)
	lead := !b.busy
	b.busy = true
	b.mu.Unlock()
	if lead {
		b.drain(ctx)
	}
	<-e.done
	return e.message, e.fresh, e.err
}

// drain commits until nothing waits.
func (b *batch) drain(ctx context.Context) {
	for {
		b.mu.Lock()
		list := b.waiting
		b.waiting, b.busy = nil, len(list) > 0
		b.mu.Unlock()
		if len(list) == 0 {
			return
		}
		b.commit(ctx, list)
	}
}

// commit keeps some messages. If they cannot be kept together, because of one of them perhaps, each is tried alone.
func (b *batch) commit(ctx context.Context, list []*entry) {
	within, cancel := context.WithTimeout(ctx, b.limit)
	defer cancel()
	defer func() { // nobody else would tell those who wait
		if p := recover(); p != nil {
			for _, e := range list {
				e.err = fmt.Errorf("panic: %v", p)
				close(e.done)
			}
		}
	}()
	kept := make([]entry, len(list))
	err := b.ledger.Do(within, func(tx *ledger.Tx) (err error) {
		for i, e := range list {
			if kept[i].message, kept[i].fresh, err = tx.Receive(e.message); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && len(list) > 1 && within.Err() == nil {
		for _, e := range list {
			b.commit(ctx, []*entry{e})
		}
		return
	}
	for i, e := range list {
		e.message, e.fresh, e.err = kept[i].message, kept[i].fresh, err
		close(e.done)
	}
}
