package sandbox

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func fingerprint(t *testing.T, a *Account) [32]byte {
	t.Helper()
	raw, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(raw)
}

func TestFaultOrderAndCounts(t *testing.T) {
	c := acme(t, Options{})
	c.srv.SetFaults(
		Fault{Method: "GET", Route: "/api/2.0/accounts/{account_id}/scim/v2/Groups/{id}", Nth: 2, Times: 2, Status: 503, RetryAfter: "7"},
		Fault{Route: "*/scim/v2/*", Query: "x=1", Status: 403, ErrorCode: "NO", Message: "not for you"},
		Fault{Host: "acme-staging.*", HTML: true},
	)
	var got []int
	for range 5 {
		got = append(got, c.account(groupsPath+"/3005").status)
	}
	if !slices.Equal(got, []int{200, 503, 503, 200, 200}) {
		t.Errorf("statuses %v", got)
	}
	if r := c.account(usersPath + "?x=1"); r.status != 403 || r.str("error_code") != "NO" || r.str("message") != "not for you" {
		t.Error(r)
	}
	if r := c.on("staging", "/api/2.0/preview/scim/v2/Me"); !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
		t.Error(r)
	}
	c.want(c.on("prod", "/api/2.0/preview/scim/v2/Me"), 200)
	c.srv.SetFaults()
	c.want(c.account(usersPath+"?x=1"), 200)
}

func TestCutAndReset(t *testing.T) {
	for _, h2 := range []bool{true, false} {
		t.Run(fmt.Sprint("http2 ", h2), func(t *testing.T) {
			c := acme(t, Options{})
			if !h2 {
				tr := &http.Transport{Proxy: http.ProxyURL(c.srv.ProxyURL()), TLSClientConfig: &tls.Config{RootCAs: c.srv.CertPool()}}
				defer tr.CloseIdleConnections()
				c.http = &http.Client{Transport: tr}
			}
			get := func() error {
				req, _ := http.NewRequest("POST", c.srv.AccountHost()+"/api/2.0/accounts/"+AcmeAccountID+"/scim/v2/Groups", strings.NewReader(`{"displayName":"x"}`))
				req.Header.Set("Authorization", "Bearer "+c.token)
				resp, err := c.http.Do(req)
				if err != nil {
					return err
				}
				defer resp.Body.Close()
				if (resp.ProtoMajor == 2) != h2 {
					t.Errorf("over %s", resp.Proto)
				}
				raw, err := io.ReadAll(resp.Body)
				if err != nil && len(raw) != 10 {
					t.Errorf("%d bytes arrived", len(raw))
				}
				return err
			}
			c.srv.SetFaults(Fault{CutBody: 11})
			if err := get(); !errors.Is(err, io.ErrUnexpectedEOF) && !strings.Contains(fmt.Sprint(err), "stream error") {
				t.Errorf("cut: %v", err)
			}
			c.srv.SetFaults(Fault{Reset: true})
			if err := get(); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("reset: %v", err)
			}
		})
	}
}

func TestPageAnomalies(t *testing.T) {
	c := acme(t, Options{})
	path := uc + "catalogs?max_results=0"
	all := c.on("prod", path).names("catalogs", "name")
	next := func(r response) string { return path + "&page_token=" + url.QueryEscape(r.str("next_page_token")) }
	set := func(a PageAnomaly, times int) { c.srv.SetFaults(Fault{Route: "*/catalogs", Page: a, Times: times}) }

	set(EmptyPage, 1)
	r := c.on("prod", path)
	if len(r.list("catalogs")) != 0 || !slices.Equal(c.on("prod", next(r)).names("catalogs", "name"), all) {
		t.Error("empty page")
	}
	set(RepeatToken, 0)
	r = c.on("prod", path)
	if again := c.on("prod", next(r)); again.str("next_page_token") != r.str("next_page_token") || !slices.Equal(again.names("catalogs", "name"), all) {
		t.Error("repeated token")
	}
	set(DuplicateItems, 0)
	if got := c.on("prod", path).names("catalogs", "name"); len(got) != len(all)+1 || got[len(all)] != all[0] {
		t.Errorf("duplicate: %v", got)
	}
	set(ExpiredToken, 0)
	c.want(c.on("prod", next(c.on("prod", path))), 400)
	set(ShrinkTotal, 0)
	r = c.on("prod", path)
	got := append(r.names("catalogs", "name"), c.on("prod", next(r)).names("catalogs", "name")...)
	if len(got) != len(all)-1 {
		t.Errorf("shrink: %v", got)
	}
	c.srv.SetFaults(Fault{Route: "*/Users", Page: ShrinkTotal})
	a, b := c.account(usersPath), c.account(usersPath+"?startIndex=13")
	if a.json()["totalResults"] != 25.0 || b.json()["totalResults"] != 24.0 || len(a.list("Resources")) != 12 || b.names("Resources", "id")[0] != "1014" {
		t.Errorf("SCIM shrink: %s", b)
	}
}

func TestParseFault(t *testing.T) {
	for text, want := range map[string]Fault{
		"GET /api/2.1/unity-catalog/permissions/catalog/* status=403 times=1":          {Method: "GET", Route: "/api/2.1/unity-catalog/permissions/catalog/*", Status: 403, Times: 1},
		`* /x host=acme-*.test query=a=b nth=3 delay=30ms`:                             {Route: "/x", Host: "acme-*.test", Query: "a=b", Nth: 3, Delay: 30 * time.Millisecond},
		`/x status=500 message="it broke" error_code=E body="{\"a\":1}" retry_after=9`: {Route: "/x", Status: 500, Message: "it broke", ErrorCode: "E", Body: `{"a":1}`, RetryAfter: "9"},
		"post /x reset":      {Method: "POST", Route: "/x", Reset: true},
		"/x html":            {Route: "/x", HTML: true},
		"/x cut=0":           {Route: "/x", CutBody: 1},
		"GET /x page=repeat": {Method: "GET", Route: "/x", Page: RepeatToken},
		"/x lost":            {Route: "/x", Lost: true},
		"/x html executed":   {Route: "/x", HTML: true, Executed: true},
		"/x lag=3":           {Route: "/x", Lag: ReadLag{Requests: 3}},
		"/x lag=1m flap":     {Route: "/x", Lag: ReadLag{For: time.Minute, Flap: true}},
	} {
		if got, err := ParseFault(text); err != nil || got != want {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "GET", "GET /x", "GET status=403", "/x status=9", "/x status=x", "/x fly", "/x page=odd", "/x colour=red reset", "/x executed", "/x reset executed", "/x flap", "/x reset flap", "/x lag=soon", "/x lag=0", "/x lag=-1", `/x body="a`} {
		if f, err := ParseFault(bad); err == nil {
			t.Errorf("%q parsed as %+v", bad, f)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`GET /x status=403 body="a b"`)
	f.Add(`(userName eq "a\"b" or id ne "1") and displayName co "x"`)
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = ParseFault(text)
		_, _ = parseSCIMFilter(text, map[string]bool{"username": true, "id": true})
	})
}

func TestLimits(t *testing.T) {
	for _, tc := range []struct {
		name   string
		opts   Options
		path   string
		burst  int
		status int
		header func(string) bool
	}{
		{"seconds", Options{}, groupsPath + "/3005", 20, 429, func(h string) bool { return h == "1" }},
		{"list", Options{}, usersPath, 20, 429, func(h string) bool { return h == "1" }},
		{"date", Options{RetryAfter: RetryAfterDate}, groupsPath + "/3005", 20, 429, func(h string) bool {
			at, err := http.ParseTime(h)
			return err == nil && at.Equal(time.Date(2026, 11, 1, 9, 0, 1, 0, time.UTC))
		}},
		{"absent", Options{RetryAfter: RetryAfterAbsent}, groupsPath + "/3005", 20, 429, func(h string) bool { return h == "" }},
		{"hidden in a 500", Options{SCIM429As500: true}, groupsPath + "/3005", 20, 500, func(h string) bool { return h == "" }},
		{"own limit", Options{Limits: map[LimitClass]Limit{LimitAccountSCIMGet: {PerSecond: 1, Burst: 2}}}, groupsPath + "/3005", 2, 429, func(h string) bool { return h == "1" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			clock := newClock()
			tc.opts.Now, tc.opts.EnforceLimits = clock.Now, true
			c := acme(t, tc.opts)
			for range tc.burst {
				c.want(c.account(tc.path), 200)
			}
			r := c.want(c.account(tc.path), tc.status)
			if !tc.header(r.header.Get("Retry-After")) {
				t.Errorf("Retry-After %q", r.header.Get("Retry-After"))
			}
			if tc.status == 500 && !strings.Contains(string(r.raw), "REQUEST_LIMIT_EXCEEDED") {
				t.Error(r)
			}
			clock.advance(time.Second)
			c.want(c.account(tc.path), 200)
		})
	}
	off := acme(t, Options{})
	for range 30 {
		off.want(off.account(groupsPath+"/3005"), 200)
	}
}

func TestLatencyAndDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := newServer(Acme(), Options{Now: time.Now, Latency: 30 * time.Millisecond, Faults: []Fault{{Route: "/.well-known/*", Nth: 2, Times: 1, Delay: time.Minute}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []time.Duration{30 * time.Millisecond, time.Minute + 30*time.Millisecond, 30 * time.Millisecond} {
			before := time.Now()
			w := httptest.NewRecorder()
			s.ServeHTTP(w, httptest.NewRequest("GET", "http://accounts.acme.test/.well-known/databricks-config", nil))
			if took := time.Since(before); took != want || w.Code != 200 {
				t.Errorf("took %v, want %v (%d)", took, want, w.Code)
			}
		}
	})
}
