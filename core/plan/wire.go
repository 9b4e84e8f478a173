package plan

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"databricks-access-audit/core/identity"
)

// wirePlan is a plan as it is written. Its own structs keep the format what it is when the program's types
// change; numbers are whole, times are UTC, and keys are spelled so that people can read them.
type wirePlan struct {
	Account   string     `json:"account"`
	Complete  bool       `json:"complete"`
	CreatedAt string     `json:"created_at"`
	Depth     wireDepth  `json:"depth"`
	ExpiresAt string     `json:"expires_at"`
	Facts     string     `json:"facts"`
	For       int64      `json:"for_seconds"`
	Gain      string     `json:"gain"`
	Host      string     `json:"host"`
	ID        string     `json:"id"`
	Kind      Kind       `json:"kind"`
	Parent    string     `json:"parent"`
	Policy    string     `json:"policy"`
	Source    *wireParty `json:"source"`
	Steps     []wireStep `json:"steps"`
	Target    *wireParty `json:"target"`
	Tier      Tier       `json:"tier"`
	Tool      string     `json:"tool"`
}

type wireDepth struct {
	Below        []identity.SecurableType `json:"below"`
	Entitlements bool                     `json:"entitlements"`
	Objects      bool                     `json:"objects"`
	Workspaces   []string                 `json:"workspaces"`
}

type wireParty struct {
	Key  string `json:"key"`
	Name string `json:"name"`
}

type wireStep struct {
	Change *wireChange `json:"change"`
	ID     string      `json:"id"`
	Kind   StepKind    `json:"kind"`
	Reason string      `json:"reason"`
}

type wireChange struct {
	After       Value                `json:"after"`
	Before      Value                `json:"before"`
	Cell        CellKind             `json:"cell"`
	Entitlement identity.Entitlement `json:"entitlement"`
	ExternalID  string               `json:"external_id"`
	Group       string               `json:"group"`
	GroupName   string               `json:"group_name"`
	Holder      string               `json:"holder"`
	HolderName  string               `json:"holder_name"`
	Object      *wireObject          `json:"object"`
	ObjectName  string               `json:"object_name"`
	Privilege   identity.Privilege   `json:"privilege"`
	Securable   *wireSecurable       `json:"securable"`
	Through     string               `json:"through"`
	Workspace   string               `json:"workspace"`
}

type wireObject struct {
	ID        string              `json:"id"`
	Type      identity.ObjectType `json:"type"`
	Workspace string              `json:"workspace"`
}

type wireSecurable struct {
	Catalog   string                 `json:"catalog"`
	Metastore string                 `json:"metastore"`
	Name      string                 `json:"name"`
	Schema    string                 `json:"schema"`
	Type      identity.SecurableType `json:"type"`
}

func toWire(p Plan) wirePlan {
	w := wirePlan{
		Account: p.Account, Complete: p.Complete, CreatedAt: clock(p.CreatedAt), ExpiresAt: clock(p.ExpiresAt), Depth: p.Depth.wire(),
		Facts: p.Facts, For: p.For, Gain: p.Gain, Host: p.Host, ID: p.ID, Kind: p.Kind, Parent: p.Parent, Policy: p.Policy,
		Source: p.Source.wire(), Target: p.Target.wire(), Tier: p.Tier, Tool: p.Tool, Steps: []wireStep{},
	}
	for _, s := range p.Steps {
		w.Steps = append(w.Steps, wireStep{Change: s.Change.wire(), ID: s.ID, Kind: s.Kind, Reason: s.Reason})
	}
	return w
}

func (d Depth) wire() wireDepth {
	w := wireDepth(d)
	if w.Below == nil {
		w.Below = []identity.SecurableType{}
	}
	if w.Workspaces == nil {
		w.Workspaces = []string{}
	}
	return w
}

func (p Party) wire() *wireParty {
	if p == (Party{}) {
		return nil
	}
	return &wireParty{key(p.Key), p.Name}
}

func (c *Change) wire() *wireChange {
	if c == nil {
		return nil
	}
	w := &wireChange{
		After: c.After, Before: c.Before, Cell: c.Cell.Kind, Entitlement: c.Cell.Entitlement, ExternalID: c.ExternalID,
		Group: key(c.Cell.Group), GroupName: c.GroupName, Holder: key(c.Cell.Holder), HolderName: c.HolderName,
		ObjectName: c.ObjectName, Privilege: c.Cell.Privilege, Through: place(c.Through), Workspace: place(c.Cell.Workspace),
	}
	if o := c.Cell.Object; o != (identity.Object{}) {
		w.Object = &wireObject{o.ID, o.Type, place(o.Workspace)}
	}
	if s := c.Cell.Securable; s != (identity.Securable{}) {
		w.Securable = &wireSecurable{s.Catalog, s.Metastore, s.Name, s.Schema, s.Type}
	}
	return w
}

// clock spells a time; the zero time is empty.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// place spells the id of a workspace; none is empty.
func place(id identity.WorkspaceID) string {
	if id == 0 {
		return ""
	}
	return id.String()
}

// key spells a principal's key, "user:1001" or "group:77@4411"; nobody's is empty. The id comes last, since
// it alone may hold anything.
func key(k identity.PrincipalKey) string {
	if k.IsZero() {
		return ""
	}
	return k.Kind.String() + "@" + place(k.Workspace) + ":" + k.ID
}

// reader turns what was written into a plan, and remembers what does not fit.
type reader struct{ err error }

func (r *reader) fail(what, text string) {
	if r.err == nil {
		r.err = fmt.Errorf("%q is not %s", text, what)
	}
}

func (r *reader) plan(w wirePlan) Plan {
	p := Plan{
		ID: w.ID, Kind: w.Kind, Account: w.Account, Host: w.Host, Source: r.party(w.Source), Target: r.party(w.Target), Parent: w.Parent,
		CreatedAt: r.clock(w.CreatedAt), ExpiresAt: r.clock(w.ExpiresAt), For: w.For, Tool: w.Tool, Policy: w.Policy,
		Facts: w.Facts, Complete: w.Complete, Gain: w.Gain, Tier: w.Tier,
		Depth: Depth{Entitlements: w.Depth.Entitlements, Objects: w.Depth.Objects},
	}
	if len(w.Depth.Below) > 0 {
		p.Depth.Below = w.Depth.Below
	}
	if len(w.Depth.Workspaces) > 0 {
		p.Depth.Workspaces = w.Depth.Workspaces
	}
	for _, s := range w.Steps {
		p.Steps = append(p.Steps, Step{ID: s.ID, Kind: s.Kind, Change: r.change(s.Change), Reason: s.Reason})
	}
	return p
}

func (r *reader) party(w *wireParty) Party {
	if w == nil {
		return Party{}
	}
	return Party{Key: r.key(w.Key), Name: w.Name}
}

func (r *reader) change(w *wireChange) *Change {
	if w == nil {
		return nil
	}
	c := &Change{
		Cell: Cell{
			Kind: w.Cell, Holder: r.key(w.Holder), Group: r.key(w.Group), Workspace: r.place(w.Workspace),
			Entitlement: w.Entitlement, Privilege: w.Privilege,
		},
		Before: w.Before, After: w.After, HolderName: w.HolderName, GroupName: w.GroupName, ObjectName: w.ObjectName,
		ExternalID: w.ExternalID, Through: r.place(w.Through),
	}
	if o := w.Object; o != nil {
		c.Cell.Object = identity.Object{Workspace: r.place(o.Workspace), Type: o.Type, ID: o.ID}
	}
	if s := w.Securable; s != nil {
		c.Cell.Securable = identity.Securable{Metastore: s.Metastore, Type: s.Type, Catalog: s.Catalog, Schema: s.Schema, Name: s.Name}
	}
	return c
}

func (r *reader) clock(text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || clock(t) != text {
		r.fail("a time", text)
	}
	return t.UTC()
}

func (r *reader) place(text string) identity.WorkspaceID {
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || identity.WorkspaceID(n).String() != text {
		r.fail("the id of a workspace", text)
	}
	return identity.WorkspaceID(n)
}

func (r *reader) key(text string) identity.PrincipalKey {
	if text == "" {
		return identity.PrincipalKey{}
	}
	head, id, ok := strings.Cut(text, ":")
	kind, in, both := strings.Cut(head, "@")
	for _, k := range []identity.Kind{identity.KindUser, identity.KindServicePrincipal, identity.KindGroup, identity.KindUnknown} {
		if ok && both && k.String() == kind {
			return identity.PrincipalKey{Kind: k, Workspace: r.place(in), ID: id}
		}
	}
	r.fail("the key of a principal", text)
	return identity.PrincipalKey{}
}
