package slackapi

import (
	"fmt"
	"io"
	"log/slog"
)

const mask = "[redacted]"

// Secret is a token, or an address that works like one, and prints as a mask by every usual way of
// printing. A conversion to string gives the value; nothing else does.
type Secret string

// String gives the mask.
func (Secret) String() string { return mask }

// GoString gives the mask, for %#v.
func (Secret) GoString() string { return mask }

// Format writes the mask whatever the verb, so that %x and %d do not slip by String.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// MarshalJSON gives the mask as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + mask + `"`), nil }

// MarshalText gives the mask.
func (Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// LogValue gives the mask to slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(mask) }
