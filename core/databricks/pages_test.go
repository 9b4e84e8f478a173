package databricks

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"databricks-access-audit/core/identity"
)

const catalogsPath = "prod.cloud.databricks.com/api/2.1/unity-catalog/catalogs"

func catalogs(t *testing.T, s *Session) ([]string, error) {
	t.Helper()
	rows, err := s.Children(t.Context(), workspaceNamed("prod"), identity.MetastoreSecurable("m"), identity.TypeCatalog)
	return catalogNames(rows), err
}

func catalogNames(rows []identity.SecurableInfo) []string {
	var names []string
	for _, r := range rows {
		names = append(names, r.Catalog)
	}
	slices.Sort(names)
	return names
}

type catalogPage struct {
	names []string
	next  string
}

func (p catalogPage) write(rw http.ResponseWriter) {
	rows := []any{}
	for _, n := range p.names {
		rows = append(rows, map[string]string{"name": n})
	}
	out := map[string]any{"catalogs": rows}
	if p.next != "" {
		out["next_page_token"] = p.next
	}
	if len(p.names) == 0 {
		delete(out, "catalogs")
	}
	writeJSON(rw, out)
}

// Whatever a server does to a listing that goes by tokens, the answer is the truth or says that it is
// not all of it.
func TestR07_TokenPagesAreTheTruthOrPartial(t *testing.T) {
	w := newWorld(t)
	var answer http.HandlerFunc
	w.handle("GET "+catalogsPath, func(rw http.ResponseWriter, r *http.Request) { answer(rw, r) })
	a := w.open()
	whole, partial := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		truth := make([]string, rapid.IntRange(0, 40).Draw(rt, "size"))
		for i := range truth {
			truth[i] = fmt.Sprintf("c%02d", i)
		}
		order := rapid.Permutation(truth).Draw(rt, "order")
		// Cut into pages, some empty, some repeating what came before.
		var pages [][]string
		for rest := order; len(rest) > 0; {
			n := rapid.IntRange(0, min(len(rest), 15)).Draw(rt, "page")
			p := slices.Clone(rest[:n])
			if n > 0 && rapid.Bool().Draw(rt, "repeat") {
				p = append(p, order[rapid.IntRange(0, len(order)-len(rest)+n-1).Draw(rt, "which")])
			}
			pages, rest = append(pages, p), rest[n:]
			if len(pages) > 100 {
				pages, rest = append(pages, rest), nil
			}
		}
		if len(pages) == 0 {
			pages = [][]string{nil}
		}
		fault := rapid.SampledFrom([]string{"none", "none", "expiry", "expiry for ever", "forbidden", "circle", "garbage"}).Draw(rt, "fault")
		at := rapid.IntRange(0, len(pages)-1).Draw(rt, "at")
		expiries := rapid.IntRange(1, 4).Draw(rt, "expiries")
		answer = func(rw http.ResponseWriter, r *http.Request) {
			n, _ := strconv.Atoi(r.URL.Query().Get("page_token"))
			if n == at {
				switch {
				case fault == "expiry" && n > 0 && expiries > 0, fault == "expiry for ever" && n > 0:
					expiries--
					refuse(rw, 400, `{"error_code":"INVALID_PARAMETER_VALUE","message":"Invalid page token"}`)
					return
				case fault == "forbidden":
					refuse(rw, 403, `{"error_code":"PERMISSION_DENIED","message":"no"}`)
					return
				case fault == "circle" && n > 0:
					catalogPage{pages[n], "0"}.write(rw)
					return
				case fault == "garbage":
					refuse(rw, 200, `{"catalogs":[{"name":`)
					return
				}
			}
			p := catalogPage{names: pages[n]}
			if n+1 < len(pages) {
				p.next = strconv.Itoa(n + 1)
			}
			p.write(rw)
		}
		rows, err := a.Session().Children(t.Context(), workspaceNamed("prod"), identity.MetastoreSecurable("m"), identity.TypeCatalog)
		got := catalogNames(rows)
		switch f := identity.FailureOf(err); {
		case err == nil && !slices.Equal(got, truth):
			rt.Fatalf("%s: got %v, want %v, and no error", fault, got, truth)
		case err == nil:
			whole++
		case len(got) > 0 && !f.Partial:
			rt.Fatalf("%s: %d items beside a failure that is not partial: %v", fault, len(got), err)
		default:
			partial++
			if dup := slices.Compact(slices.Clone(got)); len(dup) != len(got) {
				rt.Fatalf("duplicates in %v", got)
			}
		}
		if fault == "none" && err != nil {
			rt.Fatalf("no fault, yet %v", err)
		}
		if fault == "expiry" && expiries <= 0 && err != nil && at > 0 {
			// up to three restarts are forgiven
			if identity.FailureOf(err).Message == "" {
				rt.Fatal("no message")
			}
		}
	})
	if whole == 0 || partial == 0 {
		t.Errorf("%d whole, %d partial: the generator misses one", whole, partial)
	}
}

func TestTokenExpiry(t *testing.T) {
	for name, c := range map[string]struct {
		expiries int
		status   int
		partial  bool
	}{"once": {1, 400, false}, "thrice": {3, 404, false}, "four times": {4, 400, true}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			left := c.expiries
			w.handle("GET "+catalogsPath, func(rw http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Query().Get("page_token") == "":
					catalogPage{[]string{"a"}, "n"}.write(rw)
				case left > 0:
					left--
					refuse(rw, c.status, `{"error_code":"BAD_REQUEST","message":"The page_token has expired."}`)
				default:
					catalogPage{[]string{"b"}, ""}.write(rw)
				}
			})
			got, err := catalogs(t, w.session())
			if c.partial {
				if f := wantKind(t, err, identity.Failed, "expired"); !f.Partial || !slices.Equal(got, []string{"a"}) {
					t.Errorf("got %v, partial %v", got, f.Partial)
				}
				return
			}
			check(t, got, err, []string{"a", "b"})
		})
	}
}

// On the first page "token" in a message is about something else, and no reason to start over.
func TestRefusalOfTheFirstPage(t *testing.T) {
	w := newWorld(t)
	w.handle("GET "+catalogsPath, func(rw http.ResponseWriter, _ *http.Request) {
		refuse(rw, 400, `{"error_code":"BAD_REQUEST","message":"unexpected token"}`)
	})
	_, err := catalogs(t, w.session())
	if f := wantKind(t, err, identity.Failed, "unexpected token"); f.Partial || len(w.requests()) != 1 {
		t.Errorf("partial %v, requests %v", f.Partial, w.requests())
	}
}

func TestT38_EndlessLists(t *testing.T) {
	for name, c := range map[string]struct {
		page   func(n int) catalogPage
		text   string
		atMost int
	}{
		"the same token":      {func(int) catalogPage { return catalogPage{[]string{"a"}, "same"} }, "in circles", 2},
		"tokens in a circle":  {func(n int) catalogPage { return catalogPage{[]string{"a"}, strconv.Itoa(n % 3)} }, "in circles", 4},
		"the same items":      {func(n int) catalogPage { return catalogPage{[]string{"a"}, strconv.Itoa(n)} }, "no end", maxEmptyPages + 1},
		"nothing, for ever":   {func(n int) catalogPage { return catalogPage{nil, strconv.Itoa(n)} }, "no end", maxEmptyPages},
		"something, for ever": {func(n int) catalogPage { return catalogPage{[]string{fmt.Sprint("c", n)}, strconv.Itoa(n)} }, "no end", maxPages},
		"97 of 99 pages empty": {func(n int) catalogPage {
			return map[int]catalogPage{1: {[]string{"a"}, "1"}, 99: {[]string{"b"}, ""}}[n].or(n)
		}, "", 99},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			n := 0
			w.handle("GET "+catalogsPath, func(rw http.ResponseWriter, _ *http.Request) { n++; c.page(n).write(rw) })
			got, err := catalogs(t, w.session())
			if c.text == "" {
				check(t, got, err, []string{"a", "b"})
			} else if f := wantKind(t, err, identity.Failed, c.text); !f.Partial {
				t.Error("not partial")
			}
			if n > c.atMost {
				t.Errorf("%d requests, want at most %d", n, c.atMost)
			}
		})
	}
}

func (p catalogPage) or(n int) catalogPage {
	if p.names == nil {
		return catalogPage{nil, "e" + strconv.Itoa(n)}
	}
	return p
}

// scimServer lists groups the way a server may.
type scimServer struct {
	names    []string
	clamp    int // rows per page
	requests int
	tamper   func(n, start int, rows []string, total int) ([]string, any)
}

func (s *scimServer) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	s.requests++
	start, _ := strconv.Atoi(r.URL.Query().Get("startIndex"))
	count, _ := strconv.Atoi(r.URL.Query().Get("count"))
	from := min(max(start-1, 0), len(s.names))
	to := min(from+min(count, s.clamp), len(s.names))
	rows, total := slices.Clone(s.names[from:to]), any(len(s.names))
	if s.tamper != nil {
		rows, total = s.tamper(s.requests, start, rows, len(s.names))
	}
	out := map[string]any{"Resources": []any{}}
	if total != nil {
		out["totalResults"] = total
	}
	for _, n := range rows {
		out["Resources"] = append(out["Resources"].([]any), map[string]string{"id": n, "displayName": "g" + n})
	}
	writeJSON(rw, out)
}

func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = strconv.Itoa(i + 1)
	}
	return names
}

func groupIDs(gs []identity.Group) []string {
	ids := []string{}
	for _, g := range gs {
		ids = append(ids, g.Key.ID)
	}
	slices.SortFunc(ids, func(a, b string) int { return len(a)*1000 - len(b)*1000 + slices.Compare([]byte(a), []byte(b)) })
	return ids
}

func TestSCIMPages(t *testing.T) {
	whole := func(_, _ int, rows []string, total int) ([]string, any) { return rows, total }
	for name, c := range map[string]struct {
		size, clamp int
		tamper      func(n, start int, rows []string, total int) ([]string, any)
		partial     bool
		requests    int
	}{
		"empty":            {0, 100, whole, false, 1},
		"one page exactly": {100, 100, whole, false, 1},
		"three pages":      {250, 100, whole, false, 3},
		"server clamps":    {100, 30, whole, false, 4},
		"without a total":  {150, 100, func(_, _ int, rows []string, _ int) ([]string, any) { return rows, nil }, false, 3},
		"grew meanwhile": {150, 100, func(n, _ int, rows []string, total int) ([]string, any) {
			return rows, map[bool]int{true: total - 1, false: total}[n == 1]
		}, false, 4},
		"shrank meanwhile": {150, 100, func(n, _ int, rows []string, total int) ([]string, any) {
			return rows, map[bool]int{true: total + 1, false: total}[n == 1]
		}, false, 4},
		"keeps growing": {150, 100, func(n, _ int, rows []string, total int) ([]string, any) { return rows, total + n }, true, 6},
		"a row moved over the edge once": {150, 100, func(n, start int, rows []string, total int) ([]string, any) {
			if n == 2 {
				rows[0] = "1"
			}
			return rows, total
		}, false, 4},
		"a row is missing always": {150, 100, func(_, start int, rows []string, total int) ([]string, any) {
			if start == 101 {
				rows[0] = "1"
			}
			return rows, total
		}, true, 4},
		"startIndex is ignored":   {150, 100, func(_, _ int, _ []string, total int) ([]string, any) { return numbered(100), total }, true, 4},
		"ends before its total":   {150, 100, func(_, start int, rows []string, total int) ([]string, any) { return rows, total + 50 }, true, 6},
		"endless without a total": {10, 100, func(int, int, []string, int) ([]string, any) { return numbered(10), nil }, true, 4},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			server := &scimServer{names: numbered(c.size), clamp: c.clamp, tamper: c.tamper}
			w.handle("GET "+scimBase+"Groups", server.ServeHTTP)
			gs, err := w.session().Groups(t.Context())
			if c.partial {
				if f := wantKind(t, err, identity.Failed, "changed while it was read"); !f.Partial {
					t.Error("not partial")
				}
			} else {
				check(t, groupIDs(gs), err, numbered(c.size))
			}
			if server.requests > c.requests {
				t.Errorf("%d requests, want at most %d", server.requests, c.requests)
			}
		})
	}
}

func TestSCIMFailureOnALaterPageIsPartial(t *testing.T) {
	w := newWorld(t)
	server := &scimServer{names: numbered(150), clamp: 100}
	w.handle("GET "+scimBase+"Groups", func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("startIndex") != "1" {
			refuse(rw, 403, `{"detail":"enough"}`)
			return
		}
		server.ServeHTTP(rw, r)
	})
	gs, err := w.session().Groups(t.Context())
	if f := wantKind(t, err, identity.Forbidden, "enough"); !f.Partial || len(gs) != 100 {
		t.Errorf("partial %v, %d groups", f.Partial, len(gs))
	}
}

// The same for SCIM: rows that move between pages, totals that change, pages of any size.
func TestR07_SCIMPagesAreTheTruthOrPartial(t *testing.T) {
	w := newWorld(t)
	var server *scimServer
	w.handle("GET "+scimBase+"Groups", func(rw http.ResponseWriter, r *http.Request) { server.ServeHTTP(rw, r) })
	a := w.open()
	whole, partial := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		truth := numbered(rapid.IntRange(0, 60).Draw(rt, "size"))
		server = &scimServer{names: slices.Clone(truth), clamp: rapid.IntRange(1, 25).Draw(rt, "clamp")}
		turn := rapid.SampledFrom([]int{0, 0, 1, 7}).Draw(rt, "rows move by")
		quietAfter := rapid.IntRange(0, 40).Draw(rt, "requests until they stay")
		server.tamper = func(n, _ int, rows []string, total int) ([]string, any) {
			if n <= quietAfter && total > 0 {
				by := turn % total
				server.names = append(server.names[by:], server.names[:by]...)
			}
			return rows, total
		}
		gs, err := a.Session().Groups(t.Context())
		got := groupIDs(gs)
		switch {
		case err == nil && !slices.Equal(got, truth):
			rt.Fatalf("got %v, want %v, and no error", got, truth)
		case err == nil:
			whole++
		case !identity.FailureOf(err).Partial:
			rt.Fatalf("not partial: %v", err)
		default:
			partial++
		}
	})
	if whole == 0 || partial == 0 {
		t.Errorf("%d whole, %d partial: the generator misses one", whole, partial)
	}
}

// A group that is made while the list is read, and sorts to the front, pushes others over the edge of
// the page and is itself never on one: only the total tells.
func TestSCIMRowThatComesInAtTheFront(t *testing.T) {
	w := newWorld(t)
	server := &scimServer{names: numbered(150), clamp: 100}
	server.tamper = func(n, _ int, rows []string, total int) ([]string, any) {
		if n == 1 {
			server.names = append([]string{"151"}, server.names...)
		}
		return rows, total
	}
	w.handle("GET "+scimBase+"Groups", server.ServeHTTP)
	gs, err := w.session().Groups(t.Context())
	check(t, groupIDs(gs), err, numbered(151))
}
