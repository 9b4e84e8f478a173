package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"

	"databricks-access-audit/core"
)

// newProgress shows on stderr how far the reading is: moving on a terminal, as plain lines
// elsewhere. done must be called before anything else is printed.
func newProgress(how string, s streams) (show core.Progress, done func()) {
	switch {
	case how == "off":
		return nil, func() {}
	case how == "auto" && s.errIsTerminal:
		return movingProgress(s.err)
	default:
		return plainProgress(s.err)
	}
}

func movingProgress(w io.Writer) (core.Progress, func()) {
	pw := progress.NewWriter()
	pw.SetOutputWriter(w)
	pw.SetAutoStop(false)
	pw.SetUpdateFrequency(100 * time.Millisecond)
	pw.Style().Visibility.Percentage = false // the plan grows while it is read: a share would run backwards
	pw.Style().Visibility.ETA = false
	tracker := &progress.Tracker{
		Message: "reading the account", Total: 1,
		Units: progress.Units{Notation: " reads", NotationPosition: progress.UnitsNotationPositionAfter, Formatter: progress.FormatNumber},
	}
	pw.AppendTracker(tracker)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		pw.Render()
	}()
	show := func(done, planned int) {
		tracker.UpdateTotal(int64(planned))
		tracker.SetValue(int64(done))
	}
	return show, func() {
		tracker.MarkAsDone()
		pw.Stop()
		<-stopped
	}
}

// plainEvery is how often plain progress says something: often enough to see that it goes on.
const plainEvery = 2 * time.Second

func plainProgress(w io.Writer) (core.Progress, func()) {
	var mu sync.Mutex
	last := time.Now()
	return func(done, planned int) {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(last) < plainEvery {
			return
		}
		last = time.Now()
		fmt.Fprintf(w, "reading the account: %d of %d reads so far\n", done, planned)
	}, func() {}
}
