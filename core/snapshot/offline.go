package snapshot

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// Offline gives the facts of an estate in the place of the account: it has the methods of a
// collect.Source, without calls. What the estate's ledger does not show to have been read is a failure
// of kind NotAsked that names it, and what failed then fails the same way now; nothing is said to be
// not there unless the list that would have it was read whole. It is safe for concurrent use.
//
// Three things an estate does not tell as the account would. A search that found nobody leaves no
// entry in the ledger, so it fails unless all principals of the kind were listed. Of a table that
// was only listed, row filters and column masks are not known: the failure to read its policies says
// so. And the external id of a guest's second name is only known where it was found to be the guest's.
type Offline struct {
	e      *estate.Estate
	folded func() map[identity.Securable]identity.Securable
}

// Source makes the estate answer in the place of the account.
func Source(e *estate.Estate) *Offline {
	return &Offline{e: e, folded: sync.OnceValue(func() map[identity.Securable]identity.Securable {
		all := make(map[identity.Securable]identity.Securable, len(e.SecurableList()))
		for _, s := range e.SecurableList() {
			all[fold(s.Securable)] = s.Securable
		}
		return all
	})}
}

// Reach is the whole account, unless the credentials that read the facts saw less.
func (s *Offline) Reach() identity.Reach {
	reach := identity.Reach{AccountID: s.e.AccountID(), WholeAccount: true}
	if o, ok := s.e.Outcome(estate.ReadKey{Op: estate.OpReach}); ok && !o.OK() {
		reach.WholeAccount, reach.Limit = false, o.Message
	}
	return reach
}

// Calls is empty: nothing is asked of anybody.
func (s *Offline) Calls() map[string]int { return map[string]int{} }

// said repeats how a read ended: nil when its whole answer is there. Where the error's Partial flag is
// set, some of it is.
func (s *Offline) said(ctx context.Context, k estate.ReadKey) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("read the snapshot: %w", err)
	}
	o, ok := s.e.Outcome(k)
	switch {
	case !ok:
		return s.lacks(k, "")
	case o.OK():
		return nil
	case o.Kind == identity.NotAsked:
		return s.lacks(k, o.Message)
	default:
		return &identity.Failure{Kind: o.Kind, Status: o.Status, Message: o.Message, Partial: o.Partial}
	}
}

// lacks is the failure of a read that was never made, with the reason if there is one.
func (s *Offline) lacks(k estate.ReadKey, why string) *identity.Failure {
	return missing(s.what(k), why)
}

// advice ends the failures of reads that were never made. A failure of an earlier snapshot's reading
// may end so already.
const advice = "save one that reads it"

func missing(what, why string) *identity.Failure {
	switch {
	case strings.HasSuffix(why, advice):
		return &identity.Failure{Kind: identity.NotAsked, Message: why, Advised: true}
	case why != "":
		what += " (" + why + ")"
	}
	return &identity.Failure{Kind: identity.NotAsked, Message: "the snapshot does not hold " + what + ": " + advice, Advised: true}
}

// partly is what a list gives when only some of it is known.
func partly(f *identity.Failure) *identity.Failure {
	f.Partial = true
	return f
}

// answer gives the items of a list when its read succeeded or brought some of them.
func answer[T any](err error, items func() []T) ([]T, error) {
	if err != nil && !identity.FailureOf(err).Partial {
		return nil, err
	}
	return items(), err
}

// one gives a fact when its read succeeded.
func one[T any](err error, fact T) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return fact, nil
}
