package main

import (
	"bytes"
	"testing"
)

// TestPagesAreNotForTerminals: what a terminal cannot show is refused before anything is read, with the
// flag that helps.
func TestPagesAreNotForTerminals(t *testing.T) {
	for _, format := range []string{"html", "xlsx", "svg", "png"} {
		var out, errs bytes.Buffer
		app := newApp(streams{out: &out, err: &errs, outIsTerminal: true})
		err := app.Run([]string{"databricks-access-audit", "--sandbox", "principal", "-o", format, "alice@acme.test"})
		if exitCode(err) != exitUsage || out.Len() > 0 {
			t.Errorf("%s: %v, %d bytes", format, err, out.Len())
		}
	}
}
