package formatters

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"databricks-access-audit/core/report"
)

// writeJSON writes the report as its types say: their tags are the contract.
func writeJSON(out *bytes.Buffer, r report.Report) error {
	b, err := marshal(r)
	if err != nil {
		return fmt.Errorf("write report as JSON: %w", err)
	}
	if err := json.Indent(out, b, "", "  "); err != nil {
		return fmt.Errorf("indent report: %w", err)
	}
	out.WriteByte('\n')
	return nil
}

// marshal gives compact JSON with < > & as they are, and with every code point that Escape would
// show as a JSON escape: the value is the same, and the bytes are safe on a terminal.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return visible(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// WriteLine writes any value that is no report as one line of JSON that is safe on a terminal.
func WriteLine(w io.Writer, v any) error {
	b, err := marshal(v)
	if err != nil {
		return fmt.Errorf("write a line of JSON: %w", err)
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// visible replaces hidden code points by \u escapes. Outside strings JSON is ASCII, so it may look
// at the bytes alone. ASCII controls but DEL are escaped by the encoder.
func visible(doc []byte) []byte {
	if !bytes.ContainsFunc(doc, inString) {
		return doc
	}
	out := make([]byte, 0, len(doc)+len(doc)/8)
	for i := 0; i < len(doc); {
		r, size := utf8.DecodeRune(doc[i:])
		switch {
		case !inString(r) && (r != utf8.RuneError || size > 1):
			out = append(out, doc[i:i+size]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += size
	}
	return out
}

func inString(r rune) bool { return r >= 0x7f && (hidden(r) || r == utf8.RuneError) }

// failure is the JSON form of an error.
type failure struct {
	Kind       string   `json:"kind"`
	Message    string   `json:"message"`
	Candidates []string `json:"candidates"`
}

// WriteError writes why there is no report: for the formats that are JSON as an object
// {"error":{"kind","message","candidates"}}, for the other formats as a line that starts with
// "Error: " with the candidates under it. The texts may hold remote names; they are escaped.
func WriteError(w io.Writer, f Format, kind, message string, candidates []string) error {
	if f != JSON && f != NDJSON && f != OpenGraph {
		return writeErrorText(w, message, candidates)
	}
	b, err := marshal(map[string]failure{"error": {kind, message, append([]string{}, candidates...)}})
	if err != nil {
		return err
	}
	if f != NDJSON {
		var indented bytes.Buffer
		if err := json.Indent(&indented, b, "", "  "); err != nil {
			return err
		}
		b = indented.Bytes()
	}
	_, err = w.Write(append(slices.Clip(b), '\n'))
	return err
}

func writeErrorText(w io.Writer, message string, candidates []string) error {
	var b strings.Builder
	b.WriteString("Error: " + Escape(message) + "\n")
	if len(candidates) > 0 {
		b.WriteString("Did you mean:\n")
	}
	for _, c := range candidates {
		b.WriteString("  " + name(c) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
