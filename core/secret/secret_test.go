package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"databricks-access-audit/core/secret"
)

func TestT23_SecretPrintsAsAMask(t *testing.T) {
	s := secret.Value("hunter2-canary")
	o := struct{ A, B secret.Value }{s, s}
	var buf bytes.Buffer
	slog.New(slog.NewJSONHandler(&buf, nil)).Info("x", "s", s, "o", o)
	slog.New(slog.NewTextHandler(&buf, nil)).Info("x", "s", s, "o", o)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s", "%T %v"} {
		fmt.Fprintf(&buf, verb, s)
		fmt.Fprintf(&buf, verb, &o)
		fmt.Fprintf(&buf, verb, []secret.Value{s})
		fmt.Fprintf(&buf, verb, map[secret.Value]secret.Value{s: s})
	}
	b, _ := json.Marshal(map[string]any{"s": s, "p": &s})
	buf.Write(b)
	x, _ := xml.Marshal(struct{ S secret.Value }{s})
	buf.Write(x)
	text := buf.String()
	for _, leak := range []string{"hunter2", "68756e746572", base64.StdEncoding.EncodeToString([]byte(s))} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(leak)) {
			t.Errorf("%q is in %s", leak, text)
		}
	}
	if !strings.Contains(text, secret.Mask) {
		t.Error("no mask")
	}
}
