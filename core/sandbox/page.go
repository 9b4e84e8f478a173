package sandbox

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
)

// pageToken is what an opaque page token holds. It is good for one list only.
type pageToken struct {
	List   string `json:"l"`
	Offset int    `json:"o"`
	// Turn makes tokens of empty pages differ from each other.
	Turn int `json:"t,omitempty"`
}

func (t pageToken) String() string {
	raw, err := json.Marshal(t)
	if err != nil {
		panic("sandbox: page token does not marshal: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// paging describes how one operation pages.
type paging struct {
	// key names the list in the response.
	key string
	// size is the name of the size parameter, token that of the token parameter.
	size, token string
	// standard is the page size if none, or 0, is asked for; limit the largest.
	standard, limit int
	// positive makes a size of 0 an error instead of the standard.
	positive bool
	// refuse makes sizes above the limit an error instead of the limit.
	refuse bool
	// unpaged means that without the size parameter everything comes at once.
	unpaged bool
}

// page cuts the page out of items that the request asks for, and returns the
// token of the next one. The failed reply is set if the request is wrong.
func page[T any](c *call, p paging, items []T) (part []T, next string, failed *reply) {
	size, rep := c.pageSize(p, len(items))
	if rep != nil {
		return nil, "", rep
	}
	at, rep := c.pageStart(p)
	if rep != nil {
		return nil, "", rep
	}
	if c.anomaly == ExpiredToken || c.anomaly == ShrinkTotal {
		size = min(size, max(1, len(items)/2))
	}
	if c.anomaly == ExpiredToken && at.Offset > 0 {
		r := badRequest("The page token has expired")
		return nil, "", &r
	}
	if c.anomaly == ShrinkTotal && at.Offset > 0 && len(items) > 0 {
		items = items[1:]
	}
	if c.anomaly == EmptyPage || c.startsEmpty(p, at) {
		at.Turn++
		return []T{}, at.String(), nil
	}
	from := min(at.Offset, len(items))
	to := min(from+size, len(items))
	part = items[from:to]
	if c.anomaly == DuplicateItems && len(part) > 0 {
		part = append(slices.Clone(part), part[0])
	}
	if c.anomaly == RepeatToken {
		return part, at.String(), nil
	}
	if to < len(items) {
		next = pageToken{List: at.List, Offset: to, Turn: at.Turn}.String()
	}
	return part, next, nil
}

func (c *call) pageSize(p paging, all int) (int, *reply) {
	asked := c.query.Get(p.size)
	if p.unpaged && !c.query.Has(p.size) && !c.query.Has(p.token) {
		return max(all, 1), nil
	}
	n := 0
	if asked != "" {
		var err error
		if n, err = strconv.Atoi(asked); err != nil || n < 0 {
			r := badRequest("%s must be a number of at least 0, not %q", p.size, asked)
			return 0, &r
		}
	}
	if n == 0 && asked != "" && p.positive {
		r := badRequest("%s must be greater than 0", p.size)
		return 0, &r
	}
	if n > p.limit && p.refuse {
		r := badRequest("%s must be at most %d, not %d", p.size, p.limit, n)
		return 0, &r
	}
	if n == 0 {
		n = p.standard
	}
	return min(n, p.limit), nil
}

func (c *call) pageStart(p paging) (pageToken, *reply) {
	at := pageToken{List: c.listIdentity(p)}
	text := c.query.Get(p.token)
	if text == "" {
		return at, nil
	}
	var got pageToken
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &got)
	}
	if err != nil || got.List != at.List || got.Offset < 0 {
		r := badRequest("Invalid page token")
		return at, &r
	}
	return got, nil
}

// listIdentity binds a token to path and query, other than size and token: the
// API refuses a token that is used with other parameters.
func (c *call) listIdentity(p paging) string {
	q := url.Values{}
	for k, v := range c.query {
		if k != p.size && k != p.token {
			q[k] = v
		}
	}
	sum := sha256.Sum256([]byte(c.host + c.r.URL.EscapedPath() + "?" + q.Encode()))
	return hex.EncodeToString(sum[:6])
}

// startsEmpty reports whether the account wants this paged list to begin with
// an empty page.
func (c *call) startsEmpty(p paging, at pageToken) bool {
	paged := c.query.Has(p.size) || !p.unpaged
	return paged && at.Offset == 0 && at.Turn == 0 && slices.Contains(c.acct.EmptyPages, p.key)
}

// listReply is a response with one list and its token. Like the service, it
// leaves an empty list out.
func listReply[T any](c *call, p paging, items []T) reply {
	part, next, failed := page(c, p, items)
	if failed != nil {
		return *failed
	}
	body := map[string]any{}
	if len(part) > 0 {
		body[p.key] = part
	}
	if next != "" {
		body["next_page_token"] = next
	}
	return ok(body)
}
