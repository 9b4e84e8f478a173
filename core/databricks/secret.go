package databricks

import (
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// mask stands for every secret, set or not: even its length is nobody's business.
const mask = "[redacted]"

// Secret is a string that prints as a mask by every usual way of printing. A conversion to string
// gives the value; nothing else does.
type Secret string

// String gives the mask.
func (Secret) String() string { return mask }

// GoString gives the mask, for %#v.
func (Secret) GoString() string { return mask }

// Format writes the mask whatever the verb, so that %x and %d do not slip by String.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// MarshalJSON gives the mask as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + mask + `"`), nil }

// MarshalText gives the mask.
func (Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// LogValue gives the mask to slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// maxMessage bounds a message for people, in runes.
const maxMessage = 300

// maxScrubbed bounds how much of an error body is looked at, in bytes.
const maxScrubbed = 2 << 10

// secretShapes are the shapes of secrets that may turn up in remote text although this process
// never held them: bearer headers, JSON web tokens, Databricks tokens and secrets, form fields.
var secretShapes = sync.OnceValue(func() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`(?i)\b(?:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}`),
		regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}`),
		regexp.MustCompile(`\b(?:dapi|dose|dkea|dsapi)[0-9a-fA-F]{16,}(?:-\d+)?`),
		regexp.MustCompile(`(?i)\b(?:client_secret|access_token|refresh_token|id_token|subject_token|assertion|client_assertion|password)["']?\s*[=:]\s*["']?[^\s"'&,}]+`),
	}
})

// scrubber takes secrets out of text. It is safe for concurrent use.
type scrubber struct {
	mu    sync.RWMutex
	known []string
}

// learn remembers a secret and the ways in which it may be written.
func (s *scrubber) learn(secret string) {
	// A short one would blot out innocent text, and guards nothing worth the name.
	if len(secret) < 6 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret))} {
		if !slices.Contains(s.known, form) {
			s.known = append(s.known, form)
		}
	}
	// Longest first, so that a secret within another does not leave the rest behind.
	slices.SortFunc(s.known, func(a, b string) int { return len(b) - len(a) })
}

// learnHeaders remembers the credentials in request headers.
func (s *scrubber) learnHeaders(h http.Header) {
	for _, values := range h {
		for _, v := range values {
			_, token, ok := strings.Cut(v, " ")
			if ok {
				s.learn(token)
			} else {
				s.learn(v)
			}
		}
	}
}

// line makes remote text fit for a message: without secrets, on one line, without control
// characters, at most maxMessage runes.
func (s *scrubber) line(text string) string {
	text = s.clean(text)
	var b strings.Builder
	space := false
	n := 0
	for _, r := range text {
		if unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError || unicode.Is(unicode.Bidi_Control, r) {
			space = b.Len() > 0
			continue
		}
		if n >= maxMessage-1 {
			b.WriteRune('…')
			break
		}
		if space {
			b.WriteByte(' ')
			n++
			space = false
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// clean takes secrets out and cuts the text to maxScrubbed bytes.
func (s *scrubber) clean(text string) string {
	// Known secrets go before the cut, lest half a secret survive at the edge. Looking at twice
	// the bound is enough: no secret kept here is longer than that, or the shapes below catch it.
	if len(text) > 8*maxScrubbed {
		text = text[:8*maxScrubbed]
	}
	s.mu.RLock()
	for _, k := range s.known {
		text = strings.ReplaceAll(text, k, mask)
	}
	s.mu.RUnlock()
	for _, shape := range secretShapes() {
		text = shape.ReplaceAllString(text, mask)
	}
	if len(text) > maxScrubbed {
		text = text[:maxScrubbed]
	}
	return text
}
