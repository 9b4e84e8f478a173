package databricks

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"databricks-access-audit/core/secret"
)

// Secret is a token or a client secret.
type Secret = secret.Value

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
func (s *scrubber) learn(word string) {
	// A short one would blot out innocent text, and guards nothing worth the name.
	if len(word) < 6 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, form := range []string{word, url.QueryEscape(word), url.PathEscape(word), base64.StdEncoding.EncodeToString([]byte(word))} {
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
		text = strings.ReplaceAll(text, k, secret.Mask)
	}
	s.mu.RUnlock()
	for _, shape := range secretShapes() {
		text = shape.ReplaceAllString(text, secret.Mask)
	}
	if len(text) > maxScrubbed {
		text = text[:maxScrubbed]
	}
	return text
}
