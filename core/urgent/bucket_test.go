package urgent

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"
)

// TestUrgentCallsGoFirst has calls of both lines at one rate. What is kept of the burst is there for urgent ones at once, those that
// come later are next, and the whole rate is used whoever calls.
func TestUrgentCallsGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBucket(rate.NewLimiter(1, 4), func(burst int) int { return burst / 2 })
		start := time.Now()
		type call struct {
			urgent bool
			at     time.Duration
		}
		var mu sync.Mutex
		var calls []call
		var calling sync.WaitGroup
		try := func(ctx context.Context) {
			calling.Go(func() {
				if _, err := b.Wait(ctx, nil); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				calls = append(calls, call{Is(ctx), time.Since(start).Round(time.Second)})
			})
		}
		for range 5 {
			try(t.Context())
		}
		synctest.Wait()
		for range 4 {
			try(Mark(t.Context()))
		}
		calling.Wait()
		want := []call{
			{false, 0}, {false, 0}, // two of four are left to
			{true, 0}, {true, 0}, {true, time.Second}, {true, 2 * time.Second}, // those that are urgent, which then have the rate
			{false, 5 * time.Second}, {false, 6 * time.Second}, {false, 7 * time.Second}, // until two are left again
		}
		if !slices.Equal(calls, want) {
			t.Errorf("the calls were %v, want %v", calls, want)
		}
	})
}

// TestWaitEnds lets somebody go whose context ends, in line and while nothing may go out.
func TestWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBucket(rate.NewLimiter(1, 1), func(int) int { return 0 })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var waiting sync.WaitGroup
		for range 2 { // one has the turn, the other waits for it
			waiting.Go(func() {
				if _, err := b.Wait(ctx, func() time.Duration { return time.Hour }); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v", err)
				}
			})
		}
		waiting.Wait()
		paused := 90 * time.Second
		start := time.Now()
		waited, err := b.Wait(t.Context(), func() time.Duration { return paused - time.Since(start) })
		if took := time.Since(start); err != nil || waited || took != paused {
			t.Errorf("after a pause: waited for the rate %t, %v, %v", waited, took, err)
		}
	})
}

// TestUnmark takes the mark away for what is derived, and for nothing else.
func TestUnmark(t *testing.T) {
	marked := Mark(t.Context())
	if Is(t.Context()) || !Is(marked) || Is(Unmark(marked)) || !Is(Mark(Unmark(marked))) {
		t.Error("the mark is not where it was made")
	}
}
