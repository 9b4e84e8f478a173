package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// PageAnomaly is a way for a paged list to misbehave.
type PageAnomaly string

// The anomalies of paged lists.
const (
	// EmptyPage sends an empty page with a token that leads to the real one; each
	// matched request is answered so. SCIM lists keep their totalResults.
	EmptyPage PageAnomaly = "empty"
	// RepeatToken sends a page whose token leads to that same page again; SCIM
	// lists ignore startIndex and send the first page.
	RepeatToken PageAnomaly = "repeat"
	// DuplicateItems repeats the page's first item at its end.
	DuplicateItems PageAnomaly = "duplicate"
	// ExpiredToken makes the first page half as long and refuses what follows it with 400.
	ExpiredToken PageAnomaly = "expired"
	// ShrinkTotal makes the first page half as long and behaves afterwards as if
	// the first item had been deleted meanwhile: everything moves up by one, and
	// totalResults of SCIM lists shrinks.
	ShrinkTotal PageAnomaly = "shrink"
)

// Fault makes matching requests go wrong. Of a list of faults the first that
// matches and is due applies. The zero match matches everything; a fault
// without an effect lets the request through, which shields it from later
// faults.
type Fault struct {
	// Method is an HTTP method, or empty for all.
	Method string
	// Host is a pattern of the host name, with * for any characters; empty for all.
	Host string
	// Route is a route template, word for word, or a pattern of the escaped path; empty for all.
	Route string
	// Query is a part of the raw query.
	Query string
	// Nth is the first match that the fault applies to, counted from 1; 0 means 1.
	Nth int
	// Times is how many matches it applies to from there; 0 means all.
	Times int

	// Status replaces the reply; Body is sent as it is, or an error made from
	// the status (with ErrorCode and Message, if set) when it is empty.
	Status             int
	Body               string
	ErrorCode, Message string
	// RetryAfter is the Retry-After header of the replacement.
	RetryAfter string
	// HTML replaces the reply by a login page with status 200.
	HTML bool
	// Executed makes a fault that replaces the reply do so after the request has
	// been carried out.
	Executed bool
	// Delay postpones the reply.
	Delay time.Duration
	// CutBody cuts the reply off after CutBody-1 bytes, under the full
	// Content-Length: 1 means right after the header, 0 means no cut.
	CutBody int
	// Reset resets the connection instead of replying; the request has been carried out.
	Reset bool
	// Lost resets the connection before the request has been carried out.
	Lost bool
	// Page makes a paged list misbehave.
	Page PageAnomaly
	// Lag makes reads show what was there before the last writes.
	Lag ReadLag
}

// replaces reports whether the caller gets another reply.
func (f *Fault) replaces() bool { return f.Status != 0 || f.HTML }

// runs reports whether the request is carried out.
func (f *Fault) runs() bool { return !f.Lost && (!f.replaces() || f.Executed) }

// drops reports whether the caller gets no reply, or not all of it.
func (f *Fault) drops() bool { return f != nil && (f.Reset || f.Lost || f.CutBody > 0) }

func (f *Fault) reply() reply {
	if f.HTML {
		return loginPage()
	}
	rep := reply{status: f.Status, raw: []byte(f.Body), contentType: "application/json"}
	if f.Body == "" {
		code, message := f.ErrorCode, f.Message
		if code == "" {
			code = errorCodeFor(f.Status)
		}
		if message == "" {
			message = "injected fault: " + http.StatusText(f.Status)
		}
		rep = fail(f.Status, code, message).render(false)
	}
	if f.RetryAfter != "" {
		rep = rep.with("Retry-After", f.RetryAfter)
	}
	return rep
}

func errorCodeFor(code int) string {
	switch code {
	case http.StatusBadRequest:
		return "INVALID_PARAMETER_VALUE"
	case http.StatusUnauthorized:
		return "UNAUTHENTICATED"
	case http.StatusForbidden:
		return "PERMISSION_DENIED"
	case http.StatusNotFound:
		return "RESOURCE_DOES_NOT_EXIST"
	case http.StatusConflict:
		return "RESOURCE_CONFLICT"
	case http.StatusTooManyRequests:
		return "REQUEST_LIMIT_EXCEEDED"
	case http.StatusServiceUnavailable:
		return "TEMPORARILY_UNAVAILABLE"
	case http.StatusGatewayTimeout:
		return "DEADLINE_EXCEEDED"
	}
	return "INTERNAL_ERROR"
}

func (f *Fault) matches(c *call) bool {
	if f.Method != "" && !strings.EqualFold(f.Method, c.r.Method) {
		return false
	}
	if f.Host != "" && !glob(f.Host, c.host) {
		return false
	}
	if f.Query != "" && !strings.Contains(c.r.URL.RawQuery, f.Query) {
		return false
	}
	if f.Route == "" || c.route != nil && f.Route == c.route.template {
		return true
	}
	return glob(f.Route, c.r.URL.EscapedPath())
}

// glob matches a whole string against a pattern in which * stands for any
// characters, slashes too.
func glob(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return strings.HasSuffix(s, last)
}

// faultList is the ordered list with a counter for each fault.
type faultList struct {
	mu     sync.Mutex
	faults []Fault
	seen   []int
}

func (l *faultList) set(faults []Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append([]Fault(nil), faults...)
	l.seen = make([]int, len(faults))
}

// find returns a copy of the first fault that matches and is due.
func (l *faultList) find(c *call) *Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.faults {
		f := &l.faults[i]
		if !f.matches(c) {
			continue
		}
		l.seen[i]++
		if !isDue(l.seen[i], f.Nth, f.Times) {
			continue
		}
		due := *f
		return &due
	}
	return nil
}

// isDue reports whether match number n, counted from 1, is among those that
// begin with nth, times of them, or all for 0.
func isDue(n, nth, times int) bool {
	first := max(nth, 1)
	return n >= first && (times == 0 || n < first+times)
}

// lagging reports whether there is a fault that shows the past.
func (l *faultList) lagging() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.faults, func(f Fault) bool { return f.Lag.on() })
}

// ParseFault reads a fault from text:
//
//	[METHOD] ROUTE key=value … effect
//
// METHOD is a method or *, ROUTE a template or pattern of a path. Keys are
// host, query, nth, times, status, body, error_code, message, retry_after,
// delay (a duration), cut (bytes that still arrive), page (empty, repeat,
// duplicate, expired, shrink) and lag (a number of reads, or a duration); the
// words reset, lost and html are effects too. The word executed goes with status
// and html, flap with lag. Values may be quoted as in Go.
//
//	GET /api/2.1/unity-catalog/permissions/catalog/* status=403 times=1
//	PATCH */scim/v2/Groups/* times=1 reset                      (carried out, no answer)
//	PATCH */scim/v2/Groups/* times=1 lost                       (not carried out, no answer)
//	PATCH */permissions/* times=1 status=503 executed           (carried out, and denied)
//	PUT */permissionassignments/* status=429 retry_after=1
//	GET */scim/v2/Groups/* lag=60s flap
func ParseFault(text string) (Fault, error) {
	words, err := splitWords(text)
	if err != nil {
		return Fault{}, fmt.Errorf("fault %q: %w", text, err)
	}
	var f Fault
	if len(words) > 0 && !strings.Contains(words[0], "/") && !strings.Contains(words[0], "=") {
		f.Method = strings.ToUpper(words[0])
		if f.Method == "*" {
			f.Method = ""
		}
		words = words[1:]
	}
	if len(words) == 0 || strings.Contains(words[0], "=") {
		return Fault{}, fmt.Errorf("fault %q: no route", text)
	}
	f.Route, words = words[0], words[1:]
	effects := 0
	for _, w := range words {
		effect, err := f.parseWord(w)
		if err != nil {
			return Fault{}, fmt.Errorf("fault %q: %w", text, err)
		}
		if effect {
			effects++
		}
	}
	if effects == 0 {
		return Fault{}, fmt.Errorf("fault %q: no effect (status, delay, cut, reset, lost, html, page or lag)", text)
	}
	if f.Executed && !f.replaces() {
		return Fault{}, fmt.Errorf("fault %q: executed needs status or html", text)
	}
	if f.Lag.Flap && !f.Lag.on() {
		return Fault{}, fmt.Errorf("fault %q: flap needs lag", text)
	}
	return f, nil
}

// parseWord reads one word after the route and reports whether it is an effect.
func (f *Fault) parseWord(word string) (effect bool, err error) {
	key, value, hasValue := strings.Cut(word, "=")
	if !hasValue {
		switch key {
		case "reset":
			f.Reset = true
		case "html":
			f.HTML = true
		case "lost":
			f.Lost = true
		case "executed":
			f.Executed = true
			return false, nil
		case "flap":
			f.Lag.Flap = true
			return false, nil
		default:
			return false, fmt.Errorf("unknown word %q", word)
		}
		return true, nil
	}
	switch key {
	case "host":
		f.Host = value
	case "query":
		f.Query = value
	case "body":
		f.Body = value
	case "error_code":
		f.ErrorCode = value
	case "message":
		f.Message = value
	case "retry_after":
		f.RetryAfter = value
	case "nth":
		f.Nth, err = strconv.Atoi(value)
	case "times":
		f.Times, err = strconv.Atoi(value)
	case "status":
		f.Status, err = parseStatus(value)
		return true, err
	case "delay":
		f.Delay, err = time.ParseDuration(value)
		return true, err
	case "cut":
		f.CutBody, err = strconv.Atoi(value)
		f.CutBody++
		return true, err
	case "lag":
		return true, f.Lag.parseLag(value)
	case "page":
		f.Page, err = parseAnomaly(value)
		return true, err
	default:
		err = fmt.Errorf("unknown key %q", key)
	}
	return false, err
}

func parseStatus(value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err == nil && (n < 200 || n > 599) {
		err = fmt.Errorf("status %d is not between 200 and 599", n)
	}
	return n, err
}

func parseAnomaly(value string) (PageAnomaly, error) {
	switch a := PageAnomaly(value); a {
	case EmptyPage, RepeatToken, DuplicateItems, ExpiredToken, ShrinkTotal:
		return a, nil
	}
	return "", fmt.Errorf("unknown page anomaly %q", value)
}

// splitWords splits at spaces, keeping quoted values whole.
func splitWords(text string) ([]string, error) {
	var words []string
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimLeft(text, " \t") {
		end := strings.IndexAny(text, " \t\"")
		switch {
		case end < 0:
			end = len(text)
		case text[end] == '"':
			quoted, err := strconv.QuotedPrefix(text[end:])
			if err != nil {
				return nil, fmt.Errorf("unclosed quote")
			}
			value, _ := strconv.Unquote(quoted)
			words = append(words, text[:end]+value)
			text = text[end+len(quoted):]
			continue
		}
		words = append(words, text[:end])
		text = text[end:]
	}
	return words, nil
}
