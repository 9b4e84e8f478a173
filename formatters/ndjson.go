package formatters

import (
	"bytes"
	"fmt"
)

// writeNDJSON writes one object a line, each with a leading "record": the envelope with the whole
// coverage, one "section" for each list with its length or null, every item of every list, and the
// coverage again, so that a file without a last line of coverage is known to be cut.
func writeNDJSON(out *bytes.Buffer, v view) error {
	if err := record(out, "envelope", v.head()); err != nil {
		return err
	}
	for _, s := range v.sections() {
		state := struct {
			Section string `json:"section"`
			Count   *int   `json:"count"`
		}{Section: s.name}
		if n := len(s.items); s.read {
			state.Count = &n
		}
		if err := record(out, "section", state); err != nil {
			return err
		}
		for _, i := range s.items {
			if err := record(out, s.record, i.value); err != nil {
				return err
			}
		}
	}
	return record(out, "coverage", v.head().Coverage)
}

// record writes a value that is an object in JSON, with its kind as the first member.
func record(out *bytes.Buffer, kind string, value any) error {
	b, err := marshal(value)
	if err != nil {
		return fmt.Errorf("write %s as JSON: %w", kind, err)
	}
	fmt.Fprintf(out, `{"record":%q`, kind)
	if rest := b[1:]; len(rest) > 1 {
		out.WriteByte(',')
		out.Write(rest)
	} else {
		out.WriteByte('}')
	}
	out.WriteByte('\n')
	return nil
}
