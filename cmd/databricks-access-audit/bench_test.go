package main

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// program builds the program once for a benchmark, as it is released.
func program(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), name)
	build := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-o", path, ".")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return path
}

// BenchmarkProcess times whole processes. Reach: --version 50 ms, an audit of the sample account 1 s.
func BenchmarkProcess(b *testing.B) {
	path := program(b)
	for _, c := range []struct {
		name  string
		args  []string
		limit time.Duration
	}{
		{"version", []string{"--version"}, 50 * time.Millisecond},
		{"sandbox_audit", []string{"--sandbox", "principal", "alice@acme.test", "--progress", "off"}, time.Second},
		{"sandbox_audit_of_everything", []string{"--sandbox", "principal", "alice@acme.test", "--scan-all", "--progress", "off"}, 0},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if out, err := exec.CommandContext(b.Context(), path, c.args...).CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
			}
			if c.limit > 0 {
				b.ReportMetric(float64(c.limit.Milliseconds()), "limit-ms/op")
			}
		})
	}
}
