package bot

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/ledger/ledgertest"
)

// Deliveries that come at once are each kept, a second one of the same is known, and one that cannot be kept is no harm to others.
func TestBatch(t *testing.T) {
	l := ledgertest.Open(t, ledger.Options{Location: ledger.Memory})
	b := &batch{ledger: l, limit: 10 * time.Second}
	const each = 3 // times
	var mu sync.Mutex
	fresh, ids := map[string]int{}, map[string]map[string]bool{}
	var wg sync.WaitGroup
	for n := range 100 * each {
		wg.Go(func() {
			key := fmt.Sprint("envelope/", n/each)
			m, is, err := b.receive(t.Context(), ledger.Message{Keys: []string{key}, Body: []byte("x")})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if is {
				fresh[key]++
			}
			if ids[key] == nil {
				ids[key] = map[string]bool{}
			}
			ids[key][m.ID] = true
		})
		if n%10 == 0 {
			wg.Go(func() {
				if _, _, err := b.receive(t.Context(), ledger.Message{}); err == nil {
					t.Error("a message without a key was kept")
				}
			})
		}
	}
	wg.Wait()
	left, err := l.Unhandled(t.Context(), time.Now().Add(time.Hour))
	if err != nil || len(left) != 100 {
		t.Errorf("%d are kept: %v", len(left), err)
	}
	for key, n := range fresh {
		if n != 1 || len(ids[key]) != 1 {
			t.Errorf("%s was fresh %d times, and is %d messages", key, n, len(ids[key]))
		}
	}
}
