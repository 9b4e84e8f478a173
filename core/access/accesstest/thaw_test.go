package accesstest

import (
	"testing"

	"pgregory.net/rapid"
)

// TestThaw holds copies of estates against the estates: every fact must be in them.
func TestThaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := Generate(t).Estate()
		if got := e.Thaw().Build().Fingerprint(); got != e.Fingerprint() {
			t.Errorf("the copy has fingerprint %s, the estate %s", got, e.Fingerprint())
		}
	})
}
