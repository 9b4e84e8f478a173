package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"runtime"
	"slices"
	"time"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// TTL is how long a plan may wait to be applied, where nothing else is said.
const TTL = 24 * time.Hour

// About is what a plan says of itself besides its steps.
type About struct {
	// ID is as ID makes it.
	ID   string
	Host string
	Tool string
	// At is when the plan is made.
	At time.Time
	// For is how long the target is to have what it gets; zero means for good.
	For time.Duration
	// Depth is how deep the account was read, and Complete that everything the plan needs was.
	Depth    Depth
	Complete bool
	// Policy is the version of the rules that the plan is to be voted on by; empty where there are none.
	Policy string
	// Lasts is how long the plan may wait to be applied; zero means TTL.
	Lasts time.Duration
	// Guarded are groups that decide who may approve, ask or see: a plan that leads into one is barred from
	// everything but the command line.
	Guarded []identity.PrincipalKey
}

// Make makes the plan of a wish, and works out what would come of it. The error is a *RefusedError.
func Make(m *access.Model, w Wish, a About) (Plan, Outcome, error) {
	steps, err := Steps(m, w)
	if err != nil {
		return Plan{}, Outcome{}, err
	}
	e := m.Estate()
	out := OutcomeOf(m, w, steps, a.Guarded, a.Complete)
	if a.Lasts == 0 {
		a.Lasts = TTL
	}
	party := func(k identity.PrincipalKey) Party {
		p, _ := e.Principal(k)
		return Party{Key: e.Canonical(k), Name: p.Name}
	}
	p := Plan{
		ID: a.ID, Kind: Clone, Account: e.AccountID(), Host: a.Host, Source: party(w.Source), Target: party(w.Target),
		CreatedAt: a.At.UTC(), ExpiresAt: a.At.UTC().Add(a.Lasts), For: int64(a.For / time.Second), Tool: a.Tool, Policy: a.Policy,
		Depth: a.Depth, Facts: e.Fingerprint(), Complete: a.Complete, Steps: steps, Tier: out.Tier,
	}
	if p.Gain, err = out.fingerprint(); err != nil {
		return Plan{}, Outcome{}, err
	}
	return p, out, nil
}

// fingerprint identifies what was shown of the gain: the lists, which may be long, and the tier as one. It is the
// hash of what compact spells of [gains, losses, unknown, excess, tier].
func (o Outcome) fingerprint() (string, error) {
	sum := sha256.New()
	sum.Write([]byte{'['})
	for _, list := range [][]report.Gain{o.Gains, o.Losses, o.Unknown, o.Excess} {
		if err := hashList(sum, list); err != nil {
			return "", fmt.Errorf("fingerprint the gain: %w", err)
		}
		sum.Write([]byte{','})
	}
	tier, err := compact(o.Tier)
	if err != nil {
		return "", fmt.Errorf("fingerprint the gain: %w", err)
	}
	sum.Write(tier)
	sum.Write([]byte{']'})
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// hashList hashes what compact spells of a list. That may be a hundred megabytes, so it is never spelled whole,
// but in parts, as many at the same time as there are processors.
func hashList[T any](h hash.Hash, list []T) error {
	const part = 1 << 10
	if len(list) <= part {
		text, err := compact(list)
		h.Write(text)
		return err
	}
	between := byte('[')
	for some := range slices.Chunk(list, part*runtime.GOMAXPROCS(0)) {
		parts := slices.Collect(slices.Chunk(some, part))
		texts, errs := make([][]byte, len(parts)), make([]error, len(parts))
		spell := make([]func(), len(parts))
		for i, p := range parts {
			spell[i] = func() { texts[i], errs[i] = compact(p) }
		}
		access.Together(spell...)
		if err := errors.Join(errs...); err != nil {
			return err
		}
		for _, text := range texts {
			h.Write([]byte{between})
			h.Write(text[1 : len(text)-1]) // without its own brackets
			between = ','
		}
	}
	h.Write([]byte{']'})
	return nil
}

// Gained computes anew what the steps of a plan would give, with the fingerprint to hold against Plan.Gain. The guarded
// groups are those that the plan was made with.
func Gained(m *access.Model, p Plan, guarded []identity.PrincipalKey, complete bool) (Outcome, string, error) {
	w := Wish{Source: p.Source.Key, Target: p.Target.Key}
	out := OutcomeOf(m, w, p.Steps, guarded, complete)
	sum, err := out.fingerprint()
	return out, sum, err
}
