package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Hash is a SHA-256. It prints as hexadecimal.
type Hash [sha256.Size]byte

// String gives the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText gives the hash in hexadecimal.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText gives.
func (h *Hash) UnmarshalText(text []byte) error {
	if n, err := hex.Decode(h[:], text); err != nil || n != len(h) || len(text) != 2*len(h) {
		return fmt.Errorf("%q is not a hash of %d bytes in hexadecimal", text, len(h))
	}
	return nil
}

// Actor is who did something, as far as is known. All of it is kept in the audit trail: ids, and nothing secret.
type Actor struct {
	Channel   string `json:"channel,omitempty"`    // Slack channel
	Email     string `json:"email,omitempty"`      // as the identity was mapped
	Envelope  string `json:"envelope,omitempty"`   // id of the Slack envelope
	EventHash string `json:"event_hash,omitempty"` // SHA-256 of what arrived, in hexadecimal
	Host      string `json:"host,omitempty"`       // machine or replica
	ID        string `json:"id,omitempty"`         // Databricks user or service principal id
	Member    string `json:"member,omitempty"`     // Slack user id
	Message   string `json:"message,omitempty"`    // Slack ts
	Team      string `json:"team,omitempty"`       // Slack team id
	Tool      string `json:"tool,omitempty"`       // version of the program
	Via       string `json:"via,omitempty"`        // "cli", "slack", "sweeper", "recovery"
}

// The events of the audit trail that the ledger writes itself. Others may be added by Tx.Record, under
// names of the caller's.
const (
	EventGenesis           = "genesis"
	EventPlanCreated       = "plan_created"
	EventPlanMoved         = "plan_moved"
	EventVoted             = "voted"
	EventVoteWithdrawn     = "vote_withdrawn"
	EventVoteJudged        = "vote_judged"
	EventIntent            = "intent"
	EventOutcome           = "outcome"
	EventLeaseTaken        = "lease_taken"
	EventLeaseDropped      = "lease_dropped"
	EventElevationTaken    = "elevation_taken"
	EventElevationJoined   = "elevation_joined"
	EventElevationLeft     = "elevation_left"
	EventElevationRestored = "elevation_restored"
	EventPinned            = "pinned"
	EventUnpinned          = "unpinned"
	EventHalted            = "halted"
	EventResumed           = "resumed"
	EventPurged            = "purged"
	EventRestored          = "restored"
	EventClockBack         = "clock_back"
)

// Event is the body of one row of the audit trail. Its JSON has its keys in order, so that it is canonical.
type Event struct {
	Account     string            `json:"account,omitempty"` // of the genesis
	Actor       Actor             `json:"actor,omitzero"`
	After       string            `json:"after,omitempty"` // SHA-256 of the state after a step, in hexadecimal
	At          Time              `json:"at"`
	Attempt     int64             `json:"attempt,omitempty"`
	Attribution Attribution       `json:"attribution,omitempty"`
	Before      string            `json:"before,omitempty"` // SHA-256 of the state before a step, in hexadecimal
	Chain       string            `json:"chain,omitempty"`  // of the genesis
	Decision    Decision          `json:"decision,omitempty"`
	Detail      map[string]string `json:"detail,omitempty"` // ids and decisions; never a secret
	Digest      string            `json:"digest,omitempty"`
	Epoch       int64             `json:"epoch,omitempty"`
	Event       string            `json:"event"`
	From        State             `json:"from,omitempty"`
	Plan        string            `json:"plan,omitempty"`
	Policy      string            `json:"policy,omitempty"`
	Reason      string            `json:"reason,omitempty"`
	Result      Result            `json:"result,omitempty"`
	Rule        string            `json:"rule,omitempty"`
	Step        string            `json:"step,omitempty"`
	Subject     string            `json:"subject,omitempty"` // a voter, a holder, a scope, a pinned member
	To          State             `json:"to,omitempty"`
	Version     int64             `json:"version,omitempty"`
}

// Time is a time in microseconds, as the ledger keeps it. It is always UTC.
type Time struct{ time.Time }

const timeLayout = "2006-01-02T15:04:05.000000Z"

// MarshalText writes the time with all six digits, so that it is always written the same way.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.UTC().Format(timeLayout)), nil }

// MarshalJSON is MarshalText in quotes.
func (t Time) MarshalJSON() ([]byte, error) {
	return []byte(t.UTC().Format(`"` + timeLayout + `"`)), nil
}

// UnmarshalJSON reads what MarshalJSON gives, and nothing else.
func (t *Time) UnmarshalJSON(text []byte) error {
	at, err := time.Parse(`"`+timeLayout+`"`, string(text))
	t.Time = at
	return err
}

// Entry is one row of the audit trail, as it is stored and exported.
type Entry struct {
	Seq   int64           `json:"seq"`
	Prev  Hash            `json:"prev"`
	Hash  Hash            `json:"hash"`
	KeyID string          `json:"key_id"`
	MAC   Hash            `json:"mac"`
	Body  json.RawMessage `json:"body"`
}

// Event reads the body.
func (e Entry) Event() (Event, error) {
	var event Event
	d := json.NewDecoder(bytes.NewReader(e.Body))
	d.DisallowUnknownFields()
	if err := d.Decode(&event); err != nil {
		return Event{}, &TamperedError{What: fmt.Sprintf("row %d of the audit trail cannot be read", e.Seq), Seq: e.Seq}
	}
	return event, nil
}

// link is the hash of a row: over what trail it is of, its place, the row before it, and what it says.
func link(chain []byte, seq int64, prev Hash, body []byte) Hash {
	preimage := make([]byte, 0, 1+len(chain)+8+len(prev)+len(body))
	preimage = append(preimage, 1)
	preimage = append(preimage, chain...)
	preimage = binary.BigEndian.AppendUint64(preimage, uint64(seq))
	preimage = append(preimage, prev[:]...)
	preimage = append(preimage, body...)
	return sha256.Sum256(preimage)
}

// sum is the SHA-256 of a state before or after a step, in hexadecimal; of none, nothing.
func sum(state []byte) string {
	if len(state) == 0 {
		return ""
	}
	return Hash(sha256.Sum256(state)).String()
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
