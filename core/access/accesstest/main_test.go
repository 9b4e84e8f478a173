package accesstest

import (
	"flag"
	"os"
	"testing"
)

// TestMain pins rapid's seed, so that every run is the same run; -rapid.seed on the command line
// still wins.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{"rapid.seed": "1", "rapid.nofailfile": "true"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
