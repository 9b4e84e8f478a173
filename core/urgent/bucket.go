package urgent

import (
	"context"
	"time"

	"golang.org/x/time/rate"
)

// Bucket has the calls at one rate stand in two lines: urgent ones go out before all others. These leave a part of the burst to
// them, and take nothing while one waits. Nothing of the rate is lost when nothing is urgent. It is safe for concurrent use.
type Bucket struct {
	*rate.Limiter
	kept func(burst int) int
	// turns are held by the one of each line that waits for the rate. The others wait for the turn, so that what is left of a
	// line moves at the new rate when the rate changes.
	turn, urgentTurn chan struct{}
}

// NewBucket takes over a limiter. Of its burst, as it is at the time, kept gives how much is left to urgent calls.
func NewBucket(l *rate.Limiter, kept func(burst int) int) *Bucket {
	return &Bucket{Limiter: l, kept: kept, turn: make(chan struct{}, 1), urgentTurn: make(chan struct{}, 1)}
}

// Wait returns when a call may go out, and whether it had to wait for the rate; or the context's error as soon as that is done.
// Pause says how long nothing may go out at all; it may be nil, and is asked again after each time that the call waited.
func (b *Bucket) Wait(ctx context.Context, pause func() time.Duration) (waited bool, err error) {
	// While an urgent call waits, its turn is taken: then others leave at least that one.
	turn, leave := b.turn, func() int { return max(b.kept(b.Burst()), len(b.urgentTurn)) }
	if Is(ctx) {
		turn, leave = b.urgentTurn, func() int { return 0 }
	}
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	for {
		if pause != nil {
			if err := sleep(ctx, pause()); err != nil {
				return waited, err
			}
		}
		missing := float64(leave()+1) - b.Tokens()
		if missing <= 0 && b.Allow() {
			return waited, nil
		}
		waited = true
		// Something may change meanwhile. Those who waited then queue again, so that they do not all set off at once.
		if err := sleep(ctx, time.Microsecond+time.Duration(missing/float64(b.Limit())*float64(time.Second))); err != nil {
			return waited, err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
