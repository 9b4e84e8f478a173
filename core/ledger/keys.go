package ledger

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strings"
	"sync"

	"databricks-access-audit/core/secret"
)

const keyBytes = 32

// Keys prove that rows of the ledger were written by it, and by nobody who merely could write to the database.
// The first key makes new proofs; the others only check old ones, so that keys can be changed. Keys print as
// a mask. The zero value has no key and is refused.
type Keys struct{ ring []key }

type key struct {
	id       string
	material []byte
	macs     *sync.Pool // of hash.Hash: to make one costs more than to use it
}

// NewKeys gives a ring with one new random key.
func NewKeys() Keys {
	material := make([]byte, keyBytes)
	_, _ = rand.Read(material) // it does not fail: crypto/rand ends the program instead
	return Keys{ring: []key{makeKey(material)}}
}

// ParseKeys reads keys as Text writes them: one per line or word, the one for new rows first.
func ParseKeys(text string) (Keys, error) {
	var ring []key
	for i, word := range strings.Fields(text) {
		material, err := base64.StdEncoding.DecodeString(word)
		if err != nil || len(material) != keyBytes {
			return Keys{}, &KeyError{Why: fmt.Sprintf("key %d is not %d bytes in base64", i+1, keyBytes)}
		}
		ring = append(ring, makeKey(material))
	}
	if len(ring) == 0 {
		return Keys{}, &KeyError{Why: "there is none"}
	}
	return Keys{ring: ring}, nil
}

// Text gives the keys for a file that only its owner can read. It is the one way to get at them.
func (k Keys) Text() secret.Value {
	var b strings.Builder
	for _, key := range k.ring {
		b.WriteString(base64.StdEncoding.EncodeToString(key.material) + "\n")
	}
	return secret.Value(b.String())
}

// Rotate puts a new random key before the others.
func (k Keys) Rotate() Keys { return Keys{ring: append(NewKeys().ring, k.ring...)} }

// Format writes a mask, whatever the verb.
func (Keys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, secret.Mask) }

// MarshalText gives a mask.
func (Keys) MarshalText() ([]byte, error) { return []byte(secret.Mask), nil }

func makeKey(material []byte) key {
	mac := hmac.New(sha256.New, material)
	mac.Write([]byte("name of this key"))
	return key{id: "k-" + hex.EncodeToString(mac.Sum(nil)[:6]), material: material, macs: &sync.Pool{New: func() any { return hmac.New(sha256.New, material) }}}
}

// seal is the proof of one row.
type seal struct {
	keyID string
	mac   []byte
}

// seal proves the fields of one row of a kind. A field is a string, a byte slice or an integer; each is
// written with its length, so that no two rows are the same bytes.
func (k Keys) seal(kind string, fields ...any) seal {
	return seal{keyID: k.ring[0].id, mac: k.ring[0].sum(kind, fields)}
}

// check is nil if the proof is of these fields and by one of the keys.
func (k Keys) check(s seal, what, kind string, fields ...any) error {
	for _, key := range k.ring {
		if key.id == s.keyID {
			if !hmac.Equal(s.mac, key.sum(kind, fields)) {
				return &TamperedError{What: what + " is not what was written"}
			}
			return nil
		}
	}
	return &KeyError{Why: fmt.Sprintf("%s was written with key %s, which is not among those given", what, s.keyID)}
}

func (k key) sum(kind string, fields []any) []byte {
	mac := k.macs.Get().(hash.Hash)
	defer k.macs.Put(mac)
	mac.Reset()
	buffer := make([]byte, 0, 256)
	text := func(s string) {
		buffer = binary.BigEndian.AppendUint64(buffer, uint64(len(s)))
		buffer = append(buffer, s...)
	}
	text(kind)
	text(k.id)
	for _, field := range fields {
		switch field := field.(type) {
		case string:
			text(field)
		case []byte:
			text(string(field))
		case int64:
			text("")
			buffer = binary.BigEndian.AppendUint64(buffer, uint64(field))
		default:
			panic(fmt.Sprintf("ledger: a field of type %T cannot be sealed", field))
		}
	}
	mac.Write(buffer)
	return mac.Sum(nil)
}
