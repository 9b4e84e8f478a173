package databricks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"databricks-access-audit/core/identity"
)

const (
	// scimPage is the largest page that account SCIM documents.
	//
	// https://docs.databricks.com/api/account/accountusersv2/list
	scimPage = 100
	// maxPages bounds a listing. The longest that is documented has 10 000 users, or as many tables
	// in a schema at about 50 a page; both get there with room to spare.
	maxPages = 2000
	// maxEmptyPages bounds a run of pages that bring nothing new. Long runs of empty pages are legal
	// and were seen: 97 of 99, https://github.com/databricks/databricks-sdk-java/pull/819
	maxEmptyPages = 500
	// maxRestarts bounds how often a listing starts over because its page token expired.
	maxRestarts = 3
)

// listing collects items in the order they come, each key once.
type listing[T any] struct {
	items []T
	at    map[string]int
}

// add takes an item unless its key was there before, and reports whether it was new.
func (l *listing[T]) add(key string, item T) bool {
	if l.at == nil {
		l.at = make(map[string]int)
	}
	if _, seen := l.at[key]; seen {
		return false
	}
	l.at[key] = len(l.items)
	l.items = append(l.items, item)
	return true
}

// incomplete makes the failure of a listing that ended before its end.
func incomplete(format string, args ...any) *identity.Failure {
	return &identity.Failure{Kind: identity.Failed, Partial: true, Message: fmt.Sprintf(format, args...)}
}

// partly marks a failure as one beside which items are returned. Nothing read yet is not part of
// anything, and a context's error stays what it is.
func partly[T any](items []T, err error) error {
	f, ok := errors.AsType[*identity.Failure](err)
	if !ok || len(items) == 0 {
		return err
	}
	marked := *f
	marked.Partial = true
	return &marked
}

// page is one page of a listing that goes by tokens.
type page[T any] struct {
	items []T
	next  string
}

// tokenPages follows a listing that goes by page tokens to its end. read turns one answer into a page.
//
// A page may be empty and still name a next one: only a missing token ends the list.
// https://docs.databricks.com/api/workspace/catalogs/list
func tokenPages[T any, W any](ctx context.Context, s *Session, r request, key func(T) string, read func(W) page[T]) ([]T, error) {
	for restarts := 0; ; restarts++ {
		items, err := tokenPagesOnce(ctx, s, r, key, read)
		if !errors.Is(err, errTokenExpired) {
			return items, err
		}
		if restarts == maxRestarts {
			return items, incomplete("%s: the page token expired %d times before the list ended", r.route, restarts+1)
		}
	}
}

// errTokenExpired says that a listing must start over.
var errTokenExpired = errors.New("page token expired")

func tokenPagesOnce[T any, W any](ctx context.Context, s *Session, r request, key func(T) string, read func(W) page[T]) ([]T, error) {
	var found listing[T]
	seen := map[string]bool{}
	for n, idle := 0, 0; ; n++ {
		var wire W
		if _, err := s.fetch(ctx, r, &wire); err != nil {
			if n > 0 && pageTokenRefused(err) {
				return found.items, errTokenExpired
			}
			return found.items, partly(found.items, err)
		}
		p := read(wire)
		idle++
		for _, item := range p.items {
			k := key(item)
			if k == "" {
				return found.items, incomplete("%s: an entry has no id or name", r.route)
			}
			if found.add(k, item) {
				idle = 0
			}
		}
		switch {
		case p.next == "":
			return found.items, nil
		case seen[p.next]:
			return found.items, incomplete("%s: the list goes round in circles after %d pages", r.route, n+1)
		case n+1 >= maxPages || idle >= maxEmptyPages:
			return found.items, incomplete("%s: the list has no end after %d pages", r.route, n+1)
		}
		seen[p.next] = true
		r = r.with("page_token", p.next)
	}
}

// pageTokenRefused reports whether a failure is about the page token: they are not good for ever.
func pageTokenRefused(err error) bool {
	f, ok := errors.AsType[*identity.Failure](err)
	if !ok || f.Status != http.StatusBadRequest && f.Status != http.StatusNotFound && f.Status != http.StatusGone {
		return false
	}
	return strings.Contains(strings.ToLower(f.Message+" "+f.Code), "token")
}

// scimPages follows a SCIM listing to its end. The total that each answer states decides: a listing
// is complete when it brought that many different resources and the total stood still meanwhile.
// Otherwise it is read once more, and given as partial when it still does not add up.
//
// RFC 7644 §3.4.2.4
func scimPages(ctx context.Context, s *Session, r request) ([]scimResource, error) {
	items, sound, err := scimPagesOnce(ctx, s, r)
	if err != nil || sound {
		return items, partly(items, err)
	}
	again, sound, err := scimPagesOnce(ctx, s, r)
	if err != nil {
		if len(again) < len(items) {
			again = items
		}
		return again, partly(again, err)
	}
	if !sound {
		return again, incomplete("%s: the list changed while it was read, twice", r.route)
	}
	return again, nil
}

func scimPagesOnce(ctx context.Context, s *Session, r request) (_ []scimResource, sound bool, _ error) {
	var found listing[scimResource]
	var total *int
	moved, received := false, 0
	for n := range maxPages {
		var wire scimList
		page := r.with("startIndex", strconv.Itoa(received+1)).with("count", strconv.Itoa(scimPage))
		if _, err := s.fetch(ctx, page, &wire); err != nil {
			return found.items, false, err
		}
		if n == 0 {
			total = wire.TotalResults
		} else if !slices.Equal(number(total), number(wire.TotalResults)) {
			moved = true
		}
		fresh := 0
		for _, item := range wire.Resources {
			if item.ID == "" {
				return found.items, false, incomplete("%s: an entry has no id", r.route)
			}
			if found.add(string(item.ID), item) {
				fresh++
			}
		}
		received += len(wire.Resources)
		if len(wire.Resources) == 0 || wire.TotalResults != nil && received >= *wire.TotalResults {
			// Without a total, the empty page is all the evidence there is.
			return found.items, !moved && (total == nil || len(found.items) >= *total), nil
		}
		if fresh == 0 && n > 0 {
			return found.items, false, nil // it repeats itself: reading on cannot make it sound
		}
	}
	return found.items, false, incomplete("%s: the list has no end after %d pages", r.route, maxPages)
}

func number(n *int) []int {
	if n == nil {
		return nil
	}
	return []int{*n}
}
