package formatters

import "encoding/json"

// sides are the parts of the request that say which half of the answer was wanted alone.
type sides struct {
	Why    bool `json:"why"`
	WhyNot bool `json:"why_not"`
}

// sides reads them from the request as the report echoes it, whatever type it has.
func (v canView) sides() sides {
	var s sides
	if b, err := json.Marshal(v.Request); err == nil {
		_ = json.Unmarshal(b, &s) // a request without them asked for both halves
	}
	return s
}

// noProofs and noMissing are the reasons for a null list: it was not asked for where the other half of
// the answer alone was.
func (v canView) noProofs() string { return whyNull(v.sides().WhyNot) }

func (v canView) noMissing() string { return whyNull(v.sides().Why) }

func whyNull(unwanted bool) string {
	if unwanted {
		return notAsked
	}
	return notRead
}

// wanted reports whether a list has a block of its own: what nobody asked for needs none.
func wanted(read bool, reason string) bool { return read || reason != notAsked }
