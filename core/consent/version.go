package consent

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"databricks-access-audit/core/identity"
)

// format names the form of policies in what is hashed.
const format = "dbaudit-policy-v1"

// Version is the fingerprint of the policy, with what its names were resolved to: SHA-256 in hexadecimal over its canonical
// form. Lists whose order means nothing are sorted in that; the order of the rules means something.
func (p Policy) Version() string {
	text, err := json.Marshal(p.clone().sorted())
	if err != nil {
		panic("a policy holds what JSON cannot: " + err.Error()) // it is made of texts and numbers
	}
	h := sha256.New()
	h.Write([]byte(format + "\n"))
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil))
}

// sorted puts in order, in place, what has none.
func (p Policy) sorted() Policy {
	byName := func(a, b Ref) int { return cmp.Or(cmp.Compare(a.Written, b.Written), a.Key.Compare(b.Key)) }
	slices.SortFunc(p.Auditors, byName)
	p.sets(func(s *Set) { slices.SortFunc(s.Users, byName) })
	for i := range p.Rules {
		r := &p.Rules[i]
		slices.Sort(r.Match.Tiers)
		slices.Sort(r.Match.Steps)
		slices.Sort(r.Match.Catalogs)
		slices.Sort(r.Match.Privileges)
		slices.Sort(r.Match.Targets)
		slices.SortFunc(r.Match.Groups, byName)
		slices.Sort(r.Channels)
	}
	return p
}

// clone copies all that refs and sorted change.
func (p Policy) clone() Policy {
	set := func(s Set) Set {
		s.Group, s.Users = cloned(s.Group), slices.Clone(s.Users)
		return s
	}
	p.Requesters, p.Auditors, p.Rules = slices.Clone(p.Requesters), slices.Clone(p.Auditors), slices.Clone(p.Rules)
	for i := range p.Requesters {
		r := &p.Requesters[i]
		r.From, r.MembersOf = set(r.From), cloned(r.MembersOf)
	}
	for i := range p.Rules {
		r, m := &p.Rules[i], &p.Rules[i].Match
		r.Approvers, r.Channels = slices.Clone(r.Approvers), slices.Clone(r.Channels)
		for j := range r.Approvers {
			r.Approvers[j] = set(r.Approvers[j])
		}
		m.Tiers, m.Steps, m.Catalogs = slices.Clone(m.Tiers), slices.Clone(m.Steps), slices.Clone(m.Catalogs)
		m.Privileges, m.Targets, m.Groups = slices.Clone(m.Privileges), slices.Clone(m.Targets), slices.Clone(m.Groups)
	}
	return p
}

func cloned(r *Ref) *Ref {
	if r == nil {
		return nil
	}
	c := *r
	return &c
}

// sets gives all sets of people, in place.
func (p Policy) sets(yield func(*Set)) {
	for i := range p.Requesters {
		yield(&p.Requesters[i].From)
	}
	for i := range p.Rules {
		for j := range p.Rules[i].Approvers {
			yield(&p.Rules[i].Approvers[j])
		}
	}
}

// refs gives all principals that give somebody a say, in place.
func (p Policy) refs(yield func(identity.Kind, *Ref)) {
	for i := range p.Auditors {
		yield(identity.KindGroup, &p.Auditors[i])
	}
	for i := range p.Requesters {
		if of := p.Requesters[i].MembersOf; of != nil {
			yield(identity.KindGroup, of)
		}
	}
	p.sets(func(s *Set) { s.refs(yield) })
}

// Resolve gives the policy with every name that is no id resolved by find, which is asked for account groups and users. An
// error names all that were not found; there is no policy then, since a rule that names nobody could let a laxer one apply.
func (p Policy) Resolve(find func(kind identity.Kind, name string) (identity.PrincipalKey, error)) (Policy, error) {
	p = p.clone()
	var errs []error
	resolve := func(kind identity.Kind, r *Ref) {
		if !r.Key.IsZero() {
			return
		}
		key, err := find(kind, r.Written)
		if err == nil && (key.Kind != kind || key.Workspace != 0 || key.ID == "") {
			err = fmt.Errorf("it is no %s of the account", kind.Title())
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("the policy names %s %q: %w", kind.Title(), r.Written, err))
			return
		}
		r.Key = key
	}
	p.refs(resolve)
	for i := range p.Rules {
		for j := range p.Rules[i].Match.Groups {
			resolve(identity.KindGroup, &p.Rules[i].Match.Groups[j])
		}
	}
	for _, r := range p.Rules {
		errs = append(errs, r.overlaps()...)
	}
	if err := errors.Join(errs...); err != nil {
		return Policy{}, err
	}
	return p, nil
}

// overlaps says which sets of a rule are the same people by what they name. That others share members is seen when people
// vote: each counts for one set.
func (r ApprovalRule) overlaps() (errs []error) {
	type named struct {
		kind identity.Kind
		id   string
	}
	first := map[named]int{}
	for i := range r.Approvers {
		check := func(kind identity.Kind, id, written string) {
			if j, there := first[named{kind, id}]; there && j != i {
				errs = append(errs, fmt.Errorf("rule %s: %q is in its sets %d and %d: sets are of different people, so leave it out of one", r.ID, written, j+1, i+1))
				return
			}
			first[named{kind, id}] = i
		}
		r.Approvers[i].refs(func(kind identity.Kind, ref *Ref) {
			if ref.Key.IsZero() {
				check(kind, identity.FoldName(ref.Written), ref.Written)
			} else {
				check(kind, "id "+ref.Key.ID, ref.Written)
			}
		})
		if id := r.Approvers[i].SlackGroup; id != "" {
			check(identity.KindUnknown, id, id)
		}
	}
	return errs
}

// Guarded are the account groups that decide who may ask, be asked for, approve or see: whoever could join one could give
// himself all of that. Names that were not resolved are not among them.
func (p Policy) Guarded() []identity.PrincipalKey {
	list := []identity.PrincipalKey{}
	p.refs(func(kind identity.Kind, r *Ref) {
		if kind == identity.KindGroup && !r.Key.IsZero() {
			list = append(list, r.Key)
		}
	})
	slices.SortFunc(list, identity.PrincipalKey.Compare)
	return slices.Compact(list)
}
