package databricks

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"databricks-access-audit/core/identity"
)

func TestScrubbedLine(t *testing.T) {
	s := &scrubber{}
	s.learn("p@ss/w0rd+x")
	s.learn("ab")
	for in, want := range map[string]string{
		"plain":                               "plain",
		"got p@ss/w0rd+x here":                "got [redacted] here",
		"q=" + url.QueryEscape("p@ss/w0rd+x"): "q=[redacted]",
		base64.StdEncoding.EncodeToString([]byte("p@ss/w0rd+x")): "[redacted]",
		"Authorization: Bearer abc.def-ghi_jkl":                  "Authorization: [redacted]",
		"jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln end":      "jwt [redacted] end",
		"dapi00112233445566778899aabbccddeeff-2":                 "[redacted]",
		`{"client_secret":"xyz","a":1}`:                          `{"[redacted]","a":1}`,
		"a\nb\tc\x1b[31md\x00":                                   "a b c [31md",
		"  lead  and   trail  ":                                  "lead and trail",
		"ab stays":                                               "ab stays",
		"\u202egnp.exe":                                          "gnp.exe",
	} {
		if got := s.line(in); got != want {
			t.Errorf("line(%q) = %q, want %q", in, got, want)
		}
	}
	if got := s.line(strings.Repeat("é", 5000)); len([]rune(got)) != maxMessage {
		t.Errorf("%d runes", len([]rune(got)))
	}
}

// Servers echo what they were sent. Neither errors nor logs may hold a secret for that.
func TestT23_EchoedSecretsAreNeverShown(t *testing.T) {
	var logged bytes.Buffer
	for name, answer := range map[string]http.HandlerFunc{
		"json": func(rw http.ResponseWriter, r *http.Request) {
			b, _ := json.Marshal(map[string]any{"error_code": "X_" + r.Header.Get("Authorization"), "message": fmt.Sprint("headers were ", r.Header, " secret ", testSecret)})
			refuse(rw, 400, string(b))
		},
		"text": func(rw http.ResponseWriter, r *http.Request) { refuse(rw, 502, fmt.Sprint(r.Header, testSecret)) },
		"long": func(rw http.ResponseWriter, r *http.Request) {
			refuse(rw, 403, `{"message":"`+strings.Repeat("x", 280)+r.Header.Get("Authorization")+`"}`)
		},
		"edge": func(rw http.ResponseWriter, r *http.Request) {
			refuse(rw, 403, strings.Repeat("y", maxScrubbed-12)+r.Header.Get("Authorization"))
		},
		"redirect": func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "https://evil.test/"+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), http.StatusFound)
		},
		"bad json": func(rw http.ResponseWriter, r *http.Request) { refuse(rw, 200, `{"`+r.Header.Get("Authorization")) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.handle("GET "+workspacesPath, answer)
			s := w.session(func(o *Options) {
				o.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug - 10}))
			})
			_, err := s.Workspaces(t.Context())
			f := wantKind(t, err, identity.FailureOf(err).Kind, "")
			text := fmt.Sprintf("%v %+v %#v %s %v", err, f, *f, f.Code, errors.Unwrap(err))
			if strings.Contains(text, "canary") || strings.Contains(text, testSecret[:12]) || strings.Contains(text, "tok-account") {
				t.Errorf("a secret is in %s", text)
			}
		})
	}
	if text := logged.String(); strings.Contains(text, "canary") || strings.Contains(text, testSecret) || text == "" {
		t.Errorf("logged: %s", text)
	}
}

func TestIdentityHoldsNoSecret(t *testing.T) {
	w := newWorld(t)
	a := w.open()
	text := fmt.Sprintf("%+v", a.Identity())
	if strings.Contains(text, testSecret) || !strings.Contains(text, "oauth-m2m") || !strings.Contains(text, testAccount) || !strings.Contains(text, "client") {
		t.Errorf("identity %s", text)
	}
}
