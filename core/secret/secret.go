// Package secret holds the one type for values that must never be shown: tokens, client secrets, and
// addresses that work like tokens. It hides them from everything that prints; it neither encrypts nor
// stores them.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// Mask stands for every secret, set or not: even its length is nobody's business.
const Mask = "[redacted]"

// Value is a string that prints as Mask by every usual way of printing. A conversion to string gives
// the value; nothing else does. It must not be the key of a map that is encoded as JSON.
type Value string

// String gives the mask.
func (Value) String() string { return Mask }

// GoString gives the mask, for %#v.
func (Value) GoString() string { return Mask }

// Format writes the mask whatever the verb, so that %x and %d do not slip by String.
func (Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Mask) }

// MarshalJSON gives the mask as a JSON string.
func (Value) MarshalJSON() ([]byte, error) { return []byte(`"` + Mask + `"`), nil }

// MarshalText gives the mask.
func (Value) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// LogValue gives the mask to slog.
func (Value) LogValue() slog.Value { return slog.StringValue(Mask) }
