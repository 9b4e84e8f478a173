package core

import (
	"context"
	"encoding/json"
	"slices"

	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/query"
)

// detailParts is under what name the trail has the parts of a wish, in the Detail of EventProposed.
const detailParts = "parts"

// whySuperseded is the reason that the trail has of a plan whose place another took.
const whySuperseded = "a later plan for the same was sent for approval"

// partsOf says what of the source's access a wish is about, so that two wishes can be held against each other: the same parts,
// in any order, give the same text. For how long, and how thoroughly the account is read for it, is no part: whoever asks for
// the same again with another end means it instead.
func partsOf(q query.Clone) string {
	text, err := json.Marshal(struct {
		Include    []string `json:"include"`
		Only       []string `json:"only,omitempty"`
		Exclude    []string `json:"exclude,omitempty"`
		Workspaces []string `json:"workspaces,omitempty"`
	}{sorted(q.Include), sorted(q.Only), sorted(q.Exclude), sorted(q.WorkspaceURLs)})
	if err != nil {
		panic("lists of words are no JSON: " + err.Error())
	}
	return string(text)
}

func sorted(list []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

// submit puts a draft to the vote, and lets it take the place of the plans that its requester has put to the vote for the same
// source, target and parts: whoever sends a wish again means it instead, not twice. Plans that have been approved stay: others
// have decided on them. All of it is one transaction, so that of any number of such plans one remains.
func (a *Approvals) submit(ctx context.Context, by ledger.Actor, h hearing) (p ledger.Plan, superseded []string, err error) {
	err = a.o.Ledger.Do(ctx, func(tx *ledger.Tx) (err error) {
		superseded = nil
		p, err = tx.Move(ledger.Move{
			Plan: h.kept.ID, From: h.kept.State, Version: h.kept.Version, To: ledger.Pending, Actor: by, Reason: h.ticket, Policy: h.plan.Policy,
		})
		if err != nil {
			return err
		}
		older, err := a.sameWish(ctx, tx, h)
		if err != nil {
			return err
		}
		for _, old := range older {
			_, err := tx.Move(ledger.Move{
				Plan: old.ID, From: old.State, Version: old.Version, To: ledger.Superseded, Actor: by, Reason: whySuperseded, Policy: old.Policy, Successor: p.ID,
			})
			if err != nil {
				return err
			}
			superseded = append(superseded, old.ID)
		}
		return nil
	})
	return p, superseded, err
}

// sameWish lists the other plans that wait for votes on the same wish of the same person. One of which it is not known what it
// is about, since an earlier version kept it, is none.
func (a *Approvals) sameWish(ctx context.Context, tx *ledger.Tx, h hearing) ([]ledger.Plan, error) {
	if h.plan.Kind != plan.Clone || h.parts == "" {
		return nil, nil
	}
	waiting, err := tx.Plans(ctx, ledger.PlanFilter{States: []ledger.State{ledger.Pending}, Requester: h.kept.Requester.ID, Target: h.kept.Target.ID})
	if err != nil {
		return nil, err
	}
	var same []ledger.Plan
	for _, old := range waiting {
		if old.ID == h.kept.ID || old.Source.ID != h.kept.Source.ID || old.Kind != h.kept.Kind {
			continue
		}
		trail, err := tx.Trail(ctx, old.ID)
		if err != nil {
			return nil, err
		}
		earlier, err := readWished(trail)
		if err != nil {
			return nil, err
		}
		if earlier.parts == h.parts {
			same = append(same, old)
		}
	}
	return same, nil
}
