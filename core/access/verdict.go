package access

import "fmt"

// Verdict is one of three answers. Unknown is the zero value, so that a forgotten answer is neither
// a permission nor a refusal.
type Verdict uint8

// The verdicts.
const (
	Unknown Verdict = iota
	Denied
	Allowed
)

// String is the word for people.
func (v Verdict) String() string {
	switch v {
	case Unknown:
		return "unknown"
	case Denied:
		return "denied"
	case Allowed:
		return "allowed"
	default:
		return fmt.Sprintf("Verdict(%d)", uint8(v))
	}
}

// Any is the answer when one witness suffices: Allowed beats Unknown beats Denied. Without any
// witness it is Denied.
func Any(verdicts ...Verdict) Verdict {
	best := Denied
	for _, v := range verdicts {
		switch v {
		case Allowed:
			return Allowed
		case Unknown:
			best = Unknown
		case Denied:
		}
	}
	return best
}

// All is the answer when every condition must hold: Denied beats Unknown beats Allowed. Without any
// condition it is Allowed.
func All(verdicts ...Verdict) Verdict {
	worst := Allowed
	for _, v := range verdicts {
		switch v {
		case Denied:
			return Denied
		case Unknown:
			worst = Unknown
		case Allowed:
		}
	}
	return worst
}

// Holds turns a known fact into a verdict.
func Holds(fact bool) Verdict {
	if fact {
		return Allowed
	}
	return Denied
}
