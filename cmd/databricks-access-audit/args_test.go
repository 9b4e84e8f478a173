package main

import (
	"slices"
	"strings"
	"testing"
)

func TestArrange(t *testing.T) {
	app := newApp(streams{})
	for line, want := range map[string]string{
		"principal alice":                           "principal -- alice",
		"--sandbox principal alice":                 "principal --sandbox -- alice",
		"principal alice --sandbox -o json":         "principal --sandbox -o=json -- alice",
		"--principal alice -o json --sandbox":       "principal -o=json --sandbox -- alice",
		"--principal=alice":                         "principal -- alice",
		"principal --profile p alice":               "principal --profile=p -- alice",
		"principal -- --sandbox":                    "principal -- --sandbox",
		"principal --retry-base-delay 1s a --bogus": "principal --retry-base-delay=1s --bogus -- a",
		"sandbox serve --addr 127.0.0.1:1":          "sandbox serve --addr=127.0.0.1:1 --",
		"completion bash":                           "completion -- bash",
		"doctor":                                    "doctor --",
		"--version":                                 "--version",
		"help":                                      "--help",
		"help principal":                            "principal --help",
		"principal alice -h":                        "principal --help",
		"principal --output json alice -o json":     "principal --output=json -o=json -- alice",
	} {
		got, err := arrange(app, strings.Fields(line))
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%s:\n got %s\nwant %s", line, g, want)
		}
	}
	for _, line := range []string{"principle alice", "--principal", "--principal a --principal b", "principal a --profile", "principal a -o tree -o json", "principal a -o csv --output=json"} {
		if got, err := arrange(app, strings.Fields(line)); exitCode(err) != exitUsage {
			t.Errorf("%s: got %q and %v, want a usage error", line, got, err)
		}
	}
}

// FuzzArrange gives any words: never a panic, and what was positional stays so, in its order.
func FuzzArrange(f *testing.F) {
	for _, seed := range []string{"principal alice", "--sandbox\nprincipal\nx", "--principal\n--sandbox", "--\n--", "-", "principal\n--o", "--principal=\x00"} {
		f.Add(seed)
	}
	app := newApp(streams{})
	f.Fuzz(func(t *testing.T, lines string) {
		args := strings.Split(lines, "\n")
		got, err := arrange(app, args)
		if err != nil {
			return
		}
		end := slices.Index(got, "--")
		if end < 0 {
			return // no command: only flags
		}
		for _, w := range got[end+1:] {
			if w != "" && !strings.Contains(lines, w) {
				t.Errorf("%q came from nowhere in %q", w, args)
			}
		}
		for _, w := range got[:end] {
			if strings.HasPrefix(w, "-") {
				continue
			}
			if !slices.Contains(args, w) && !slices.Contains(args, "--"+w) && !slices.ContainsFunc(args, func(a string) bool {
				return strings.HasPrefix(strings.TrimLeft(a, "-"), w+"=") || strings.TrimLeft(a, "-") == w
			}) {
				t.Errorf("command %q came from nowhere in %q", w, args)
			}
		}
	})
}
