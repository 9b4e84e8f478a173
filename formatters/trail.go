package formatters

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"databricks-access-audit/core/report"
)

// WriteTrailCheck writes whether an audit trail is whole, as Text or JSON. In Text, what is amiss is left to the error.
func WriteTrailCheck(w io.Writer, f Format, r report.TrailCheck) error {
	var out bytes.Buffer
	switch {
	case f == JSON:
		b, err := marshal(r)
		if err == nil {
			err = json.Indent(&out, b, "", "  ")
		}
		if err != nil {
			return fmt.Errorf("write the check as JSON: %w", err)
		}
		out.WriteByte('\n')
	case f != Text:
		return fmt.Errorf("a check of the audit trail cannot be shown as %s: write text or json", f)
	case !r.Whole:
		return nil
	default:
		fmt.Fprintf(&out, "The audit trail of account %s is whole: rows %d to %d, and the last one is %s.\n", EscapeLine(r.AccountID), r.FirstRow, r.LastRow, r.Head)
		if r.AnchorsGiven > 0 {
			fmt.Fprintf(&out, "It goes through %d anchors.\n", r.AnchorsMet)
		} else {
			out.WriteString("Whether it was put back to an older state only anchors can tell: --anchor FILE.\n")
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}
