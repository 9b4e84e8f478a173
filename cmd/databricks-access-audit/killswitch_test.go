package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"databricks-access-audit/core/ledger"
)

// TestPauseBesideABot: whoever has a ledger in a file for itself keeps the kill switch from it, and what to do about that is said.
func TestPauseBesideABot(t *testing.T) {
	at := filepath.Join(t.TempDir(), "own", "ledger.db")
	l, err := ledger.Open(t.Context(), ledger.Options{Location: at, Account: "1"})
	if err != nil {
		t.Fatal(err)
	}
	pause := func() (code int, out, errs string) {
		var o, e bytes.Buffer
		code = run([]string{"bot", "pause-approvals", "--ledger", at, "--reason", "a leaked login"}, streams{out: &o, err: &e, getenv: func(string) string { return "" }})
		return code, o.String(), e.String()
	}
	if code, out, errs := pause(); code != exitFailed || out != "" || !strings.Contains(errs, "nothing was changed") || !strings.Contains(errs, "applies: off") {
		t.Errorf("beside a bot: exit %d, %q, %q", code, out, errs)
	}
	if err := l.Halted(context.Background()); err != nil {
		t.Errorf("it is halted: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := pause(); code != exitOK || !strings.HasPrefix(out, "Halted: ") {
		t.Errorf("after the bot: exit %d, %q, %q", code, out, errs)
	}
}
