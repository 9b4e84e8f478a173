package snapshot

import (
	"time"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// ledger writes entries about one place together.
func (p *printer) ledger(e *estate.Estate) {
	var same reads
	flush := func() {
		if len(same.List) > 0 {
			p.put(line{Reads: &same})
		}
		same.List = same.List[:0]
	}
	for _, r := range e.Reads() {
		k, o := r.Key, r.Outcome
		if op, at := ops.of(k.Op), placeOf(k.Securable); op != same.Op || at != same.place || len(same.List) >= most {
			flush()
			same.Op, same.place = op, at
		}
		one := read{
			Type: k.Securable.Type, Name: k.Securable.Name, Workspace: k.Workspace, Listed: k.Type, Searched: k.Name,
			Failure: o.Kind, Status: o.Status, Message: o.Message, Partial: o.Partial, Needed: o.Needed, At: clock(o.At),
		}
		if !k.Principal.IsZero() {
			one.Principal = key(k.Principal)
		}
		if k.Object != (identity.Object{}) {
			name := objectName(k.Object)
			one.Object = &name
		}
		same.List = append(same.List, one)
	}
	flush()
}

// clock spells a time; the zero time is not told.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func parseClock(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339Nano, s)
}
