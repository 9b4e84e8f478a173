package plan_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"

	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/report"
)

// TestFingerprintInParts holds the fingerprint of a gain, whose lists are spelled in parts, against the one of
// the whole: plans that were made by other versions are voted on.
func TestFingerprintInParts(t *testing.T) {
	for _, n := range []int{-1, 0, 1, 1023, 1024, 1025, 2048, 2049, 5000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			var list []report.Gain // -1 is one that is not there
			if n >= 0 {
				list = []report.Gain{}
			}
			for i := range n {
				list = append(list, report.Gain{Kind: report.GainRole, Role: fmt.Sprintf("<&é %d", i), Because: []string{}})
			}
			o := plan.Outcome{Gains: list, Losses: []report.Gain{{Kind: "lost"}}, Excess: list, Tier: plan.High}
			got, err := o.Fingerprint()
			if err != nil {
				t.Fatal(err)
			}
			if want := wholly(t, o); got != want {
				t.Errorf("in parts %s, whole %s", got, want)
			}
		})
	}
}

// wholly is the fingerprint by the book.
func wholly(t *testing.T, o plan.Outcome) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode([]any{o.Gains, o.Losses, o.Unknown, o.Excess, o.Tier}); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	return hex.EncodeToString(sum[:])
}
