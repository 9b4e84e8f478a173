package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
)

// IdentityMode says how it is found out which Databricks user a Slack member is.
type IdentityMode string

// The modes. There is no way from one to another: whom a mode does not know, it refuses.
const (
	// StaticIdentity is a list that somebody keeps: the strictest.
	StaticIdentity IdentityMode = "static"
	// PinnedIdentity goes by the e-mail address the first time, and never again: whoever changes it afterwards is locked out.
	PinnedIdentity IdentityMode = "pinned-email"
	// EmailIdentity goes by the e-mail address each time. Whoever may edit addresses in Slack may then be anybody, so that it
	// serves to show somebody what they may see, and for nothing else.
	EmailIdentity IdentityMode = "email"
)

// Member is somebody in Slack. Neither id names anybody without the other.
type Member struct{ Team, Member string }

// String gives both ids, as operators write them.
func (m Member) String() string { return m.Team + "/" + m.Member }

// DirectoryOptions are what a Directory is made of.
type DirectoryOptions struct {
	Mode IdentityMode
	// Static gives the Databricks user id of each member, for StaticIdentity.
	Static map[Member]string
	// Domains are those that e-mail addresses may have; empty means any.
	Domains []string
	// Ledger keeps who was pinned to whom, and who was refused.
	Ledger *ledger.Ledger
	// Actor is this program, for what it finds out itself.
	Actor ledger.Actor
}

// Directory finds out which Databricks user a Slack member is. It may be used concurrently, by several replicas.
type Directory struct {
	engine *Engine
	o      DirectoryOptions
}

// Directory makes a Directory for the engine's account.
func (g *Engine) Directory(o DirectoryOptions) *Directory { return &Directory{engine: g, o: o} }

// EventIdentityRefused is the event of the audit trail that somebody could not be told to be a Databricks user.
const EventIdentityRefused = "identity_refused"

// The reasons for refusing somebody, as they read them. They do not tell who is known to Databricks and who is not.
const (
	notMapped   = "your Slack account cannot be matched to one active Databricks user; ask an operator"
	lockedOut   = "which Databricks user you are has become doubtful, so you may do nothing here until an operator has looked at it"
	auditsOnly  = "here it is known by the e-mail address alone who you are, which is not enough for plans: an operator must set identity.mode to pinned-email or static"
	unknownMode = "identity.mode is none of static, pinned-email and email; ask an operator"
)

// Identify says on whose word it is when a member asks for a plan or votes on one. The address is the one that Slack confirmed.
// Nobody is told to be somebody on a guess: a *NotAllowedError says that they are not known, or locked; any other error
// that it could not be found out.
func (d *Directory) Identify(ctx context.Context, team, member, email string) (ledger.Actor, error) {
	who := Member{team, member}
	if team == "" || member == "" {
		return ledger.Actor{}, &NotAllowedError{notMapped}
	}
	if !d.ours(email) {
		return ledger.Actor{}, d.refuse(ctx, who, notMapped, "their e-mail address is of a domain that is not allowed")
	}
	switch d.o.Mode {
	case StaticIdentity:
		return d.static(ctx, who, email)
	case PinnedIdentity:
		return d.pinned(ctx, who, email)
	case EmailIdentity:
		return ledger.Actor{}, &NotAllowedError{auditsOnly}
	default:
		return ledger.Actor{}, &NotAllowedError{unknownMode}
	}
}

// IdentifyViewer says who a member is who only wants to see something. The errors are those of Identify.
func (d *Directory) IdentifyViewer(ctx context.Context, team, member, email string) (ledger.Actor, error) {
	if d.o.Mode != EmailIdentity || team == "" || member == "" {
		return d.Identify(ctx, team, member, email)
	}
	who := Member{team, member}
	if !d.ours(email) {
		return ledger.Actor{}, d.refuse(ctx, who, notMapped, "their e-mail address is of a domain that is not allowed")
	}
	found, why, err := d.bearer(ctx, email)
	if err != nil {
		return ledger.Actor{}, err
	}
	if why != "" {
		return ledger.Actor{}, d.refuse(ctx, who, notMapped, why)
	}
	return actorOf(who, email, found.Key.ID), nil
}

// ours reports whether an e-mail address is of a domain that is allowed.
func (d *Directory) ours(email string) bool {
	domain := email[strings.LastIndexByte(email, '@')+1:]
	return len(d.o.Domains) == 0 || slices.ContainsFunc(d.o.Domains, func(one string) bool { return sameAddress(one, strings.TrimSpace(domain)) })
}

func actorOf(who Member, email, id string) ledger.Actor {
	return ledger.Actor{ID: id, Email: strings.TrimSpace(email), Team: who.Team, Member: who.Member, Via: viaSlack}
}

func (d *Directory) static(ctx context.Context, who Member, email string) (ledger.Actor, error) {
	id := d.o.Static[who]
	if id == "" {
		return ledger.Actor{}, d.refuse(ctx, who, notMapped, "the list of identities does not have them")
	}
	p, why, err := d.active(ctx, id)
	if err != nil {
		return ledger.Actor{}, err
	}
	if why != "" {
		return ledger.Actor{}, d.refuse(ctx, who, notMapped, why)
	}
	return actorOf(who, email, p.Key.ID), nil
}

func (d *Directory) pinned(ctx context.Context, who Member, email string) (ledger.Actor, error) {
	pin, err := d.o.Ledger.Pinned(ctx, who.Team, who.Member)
	if _, fresh := errors.AsType[*ledger.NotFoundError](err); fresh {
		pin, err = d.meet(ctx, who, email)
	}
	switch {
	case err != nil:
		return ledger.Actor{}, err
	case pin.Locked:
		return ledger.Actor{}, d.refuse(ctx, who, lockedOut, "locked")
	case !sameAddress(pin.Email, email):
		return ledger.Actor{}, d.lock(ctx, pin, "the e-mail address in Slack is another one than when they were first seen")
	}
	p, why, err := d.active(ctx, pin.Principal)
	switch {
	case err != nil:
		return ledger.Actor{}, err
	case why != "":
		return ledger.Actor{}, d.refuse(ctx, who, notMapped, why)
	case !bears(p, email):
		return ledger.Actor{}, d.lock(ctx, pin, "the Databricks user has another e-mail address than when they were first seen")
	}
	return actorOf(who, email, p.Key.ID), nil
}

// meet pins somebody who was never seen before. Where their Databricks user is pinned to another member already, both are
// locked: which of them it is cannot be told.
func (d *Directory) meet(ctx context.Context, who Member, email string) (ledger.Pin, error) {
	found, why, err := d.bearer(ctx, email)
	if err != nil {
		return ledger.Pin{}, err
	}
	if why != "" {
		return ledger.Pin{}, d.refuse(ctx, who, notMapped, why)
	}
	var pin ledger.Pin
	err = d.o.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		others, err := tx.Pins(ctx, found.Key.ID)
		if err != nil {
			return err
		}
		others = slices.DeleteFunc(others, func(p ledger.Pin) bool { return p.Team == who.Team && p.Member == who.Member })
		const why = "two members in Slack are one Databricks user"
		for _, other := range others {
			if other.Locked {
				continue
			}
			other.Locked = true
			if _, err := tx.Repin(d.o.Actor, other, why); err != nil {
				return err
			}
		}
		fresh := ledger.Pin{Team: who.Team, Member: who.Member, Email: strings.TrimSpace(email), Principal: found.Key.ID, Locked: len(others) > 0}
		pin, err = tx.Pin(d.o.Actor, fresh) // another replica may have been faster: then its pin stands, and is checked like any
		return err
	})
	return pin, err
}

// lock keeps a member from everything until an operator has cleared it, and gives the refusal.
func (d *Directory) lock(ctx context.Context, pin ledger.Pin, why string) error {
	pin.Locked = true
	err := d.o.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		_, err := tx.Repin(d.o.Actor, pin, why)
		return err
	})
	if err != nil {
		return err
	}
	return d.refuse(ctx, Member{pin.Team, pin.Member}, lockedOut, why)
}

// refuse records why somebody was refused, and gives what they are told. What cannot be recorded is refused all the same.
func (d *Directory) refuse(ctx context.Context, who Member, told, why string) error {
	actor := d.o.Actor
	actor.Team, actor.Member = who.Team, who.Member
	err := d.o.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		return tx.Record(ledger.Event{Event: EventIdentityRefused, Actor: actor, Subject: who.String(), Reason: why})
	})
	if err != nil {
		return err
	}
	return &NotAllowedError{told}
}

// active reads a user by id, and gives why it is nobody who may do anything.
func (d *Directory) active(ctx context.Context, id string) (p identity.Principal, why string, err error) {
	p, err = d.engine.o.Open().Principal(ctx, identity.PrincipalKey{Kind: identity.KindUser, ID: id})
	switch {
	case identity.IsKind(err, identity.NotFound):
		return p, "the Databricks user is gone", nil
	case err != nil:
		return p, "", fmt.Errorf("read Databricks user %s: %w", id, err)
	case p.Status != identity.StatusActive:
		return p, "the Databricks user is not active", nil
	}
	return p, "", nil
}

// bearer finds the one active user of the account that has an e-mail address, or gives why there is none.
func (d *Directory) bearer(ctx context.Context, email string) (p identity.Principal, why string, err error) {
	email = strings.TrimSpace(email)
	if at := strings.LastIndexByte(email, '@'); at <= 0 || at == len(email)-1 {
		return p, "Slack tells no e-mail address", nil
	}
	src := d.engine.o.Open()
	hits, err := src.FindPrincipals(ctx, identity.KindUser, identity.Match{Field: identity.ByName, Value: email}, identity.Match{Field: identity.ByEmail, Value: email})
	if err != nil {
		return p, "", fmt.Errorf("look for the Databricks user of an e-mail address: %w", err)
	}
	var found []identity.Principal
	for _, hit := range hits {
		if bears(hit, email) {
			found = append(found, hit)
		}
	}
	switch {
	case len(found) == 0:
		return p, "no Databricks user has their e-mail address", nil
	case len(found) > 1:
		return p, fmt.Sprintf("%d Databricks users have their e-mail address", len(found)), nil
	case found[0].Status != identity.StatusActive:
		return p, "the Databricks user is not active", nil
	}
	return found[0], "", nil
}

// bears reports whether a user has an e-mail address, as the user name or besides.
func bears(p identity.Principal, email string) bool {
	return slices.ContainsFunc(append([]string{p.Name}, p.Emails...), func(a string) bool { return sameAddress(a, email) })
}

// sameAddress compares two e-mail addresses. Only A to Z are folded: what else looks alike need not be the same person's, and
// neither need an address with a tag be that of the one without. Such must be spelled the same.
func sameAddress(a, b string) bool {
	a, b = strings.TrimSpace(a), strings.TrimSpace(b)
	if a == "" || b == "" {
		return false
	}
	for _, one := range []string{a, b} {
		local, _, _ := strings.Cut(one, "@")
		if strings.ContainsRune(local, '+') || strings.ContainsFunc(one, func(r rune) bool { return r > unicode.MaxASCII }) {
			return a == b
		}
	}
	return strings.EqualFold(a, b) // of ASCII alone, so that nothing else folds
}

// Clear forgets who a member is, on the word of an operator who has looked at it: they are mapped anew when they are seen
// next. The error is a *ledger.NotFoundError if they were never pinned.
func (d *Directory) Clear(ctx context.Context, by ledger.Actor, who Member, reason string) (pin ledger.Pin, err error) {
	err = d.o.Ledger.Do(ctx, func(tx *ledger.Tx) error {
		pin, err = tx.Unpin(by, who.Team, who.Member, reason)
		return err
	})
	return pin, err
}
