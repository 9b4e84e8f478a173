package formatters

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// resourceView is the view of a ResourceReport: this file holds the first sentence and the lists,
// resource_text.go the two arrangements for people.
type resourceView struct{ *report.ResourceReport }

// The lists of a ResourceReport, as Gap.Affects names them.
const (
	listAccess   = "access"
	listIndirect = "indirect"
)

func (v resourceView) head() *report.Envelope { return v.Head() }

func (v resourceView) coverage() coverage { return coverage{v.Head()} }

func (v resourceView) key() (column, value string) { return "resource", v.Resource.FullName }

func (v resourceView) sections() []section {
	object := []string{"object_type", "object", "metastore", "owner", "not_read"}
	access := slices.Concat(principalColumns, []string{"privileges", "source",
		"object_type", "object", "metastore", "owner", "via", "path", "verdict", "reachable_in", "missing", "not_read", "acts"})
	return []section{
		listed("resource", "resource", append(slices.Clone(object), "object_id", "object_workspace"), []resourceAnswer{{v.Resource, v.Object}}, one(resourceRow)),
		listed("container", "containers", object, v.Containers, one(securableRow)),
		listed("access", listAccess, access, v.Access, one(accessRow)),
		listed("indirect", listIndirect, access, v.Indirect, one(accessRow)),
	}
}

// resourceAnswer is what the question is about, for records.
type resourceAnswer struct {
	report.Securable
	Object *report.ObjectRef `json:"object,omitempty"`
}

func resourceRow(a resourceAnswer) []string {
	id, workspace := objectCells(a.Object)
	return append(securableRow(a.Securable), id, workspace)
}

func securableRow(s report.Securable) []string {
	return append(place(&s, nil), deref(s.Owner), nulls(null{"owner", s.Owner == nil}))
}

func accessRow(a report.Access) []string {
	p, on := a.Principal, a.GrantedOn
	return append(principalCells(p), chain(a.Privileges, ", "), a.Source,
		string(on.Type), on.FullName, on.Metastore, deref(on.Owner), a.Via, chain(a.Path, arrow),
		string(a.Verdict), chain(a.ReachableIn, ", "), chain(a.Missing, "; "),
		nulls(null{"active", p.Active == nil}, null{"aliases", p.Aliases == nil}, null{"privileges", a.Privileges == nil},
			null{"owner", on.Owner == nil}, null{"path", a.Path == nil}, null{"reachable_in", a.ReachableIn == nil}, null{"missing", a.Missing == nil}), chain(actTexts(a.Acts), "; "))
}

// actTexts are the acts in words.
func actTexts(acts []report.Act) []string {
	var all []string
	for _, a := range acts {
		all = append(all, a.Description)
	}
	return all
}

// principalColumns and principalCells are a principal in tables of many.
var principalColumns = []string{"principal_id", "principal", "kind", "display_name", "principal_source", "active", "aliases"}

func principalCells(p report.Principal) []string {
	return []string{p.ID, p.Name, p.Kind, p.DisplayName, p.Source, known(p.Active), chain(p.Aliases, ", ")}
}

// reader is one principal with the ways by which it holds something.
type reader struct{ bearer[report.Access] }

// readers puts the ways together by principal: the best verdict first, then users, service principals
// and groups by name.
func readers(list []report.Access) []reader {
	var all []reader
	for _, b := range byPrincipal(list, func(a report.Access) report.Principal { return a.Principal }) {
		all = append(all, reader{b})
	}
	slices.SortStableFunc(all, func(a, b reader) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), comparePrincipals(a.principal, b.principal))
	})
	return all
}

// The ranks of verdicts in the list of those who hold something.
const (
	rankAllow = iota
	rankUnknown
	rankDeny
)

// rank of a verdict that is not known is that of UNKNOWN.
func rank(verdict report.Verdict) int {
	switch verdict {
	case report.Allow:
		return rankAllow
	case report.Deny:
		return rankDeny
	default:
		return rankUnknown
	}
}

// rank is that of the best way.
func (r reader) rank() int {
	best := rankDeny
	for _, a := range r.ways {
		best = min(best, rank(a.Verdict))
	}
	return best
}

// kindNouns are the kinds in the order in which they are counted.
var kindNouns = [...]string{"user", "service principal", "group", "principal of unknown kind"}

func kindRank(p report.Principal) int {
	switch p.Kind {
	case identity.KindUser.String():
		return 0
	case identity.KindServicePrincipal.String():
		return 1
	case identity.KindGroup.String():
		return 2
	default:
		return len(kindNouns) - 1
	}
}

// classes are the principals of the report, each in one class only, the strongest that it is in.
type classes struct{ allow, indirect, unknown, deny []report.Principal }

func (v resourceView) classes() classes {
	var c classes
	taken := map[principalKey]bool{}
	take := func(list []reader, into *[]report.Principal, fits func(reader) bool) {
		for _, r := range list {
			if k := keyOf(r.principal); !taken[k] && fits(r) {
				taken[k] = true
				*into = append(*into, r.principal)
			}
		}
	}
	holders := readers(v.Access)
	ranked := func(want int) func(reader) bool { return func(r reader) bool { return r.rank() == want } }
	take(holders, &c.allow, ranked(rankAllow))
	take(readers(v.Indirect), &c.indirect, func(reader) bool { return true })
	take(holders, &c.unknown, ranked(rankUnknown))
	take(holders, &c.deny, ranked(rankDeny))
	return c
}

func (v resourceView) answer() []node {
	c := v.classes()
	nodes := []node{{text: v.sentence(c), tone: title}}
	for rank, noun := range kindNouns {
		var who []string
		for _, p := range c.allow {
			if kindRank(p) == rank {
				who = append(who, shortPrincipal(p))
			}
		}
		if len(who) > 0 {
			nodes = append(nodes, line(strings.ToUpper(noun[:1])+plural(noun[1:])+" with access now: "+few(who)+"."))
		}
	}
	if len(c.unknown) > 0 {
		nodes = append(nodes, node{text: "Perhaps: " + few(shortPrincipals(c.unknown)) + ".", tone: alarm})
	}
	if len(c.indirect) > 0 {
		nodes = append(nodes, node{text: "Can give it to themselves: " + few(shortPrincipals(c.indirect)) + ".", tone: alarm})
	}
	return nodes
}

func shortPrincipals(list []report.Principal) []string {
	var all []string
	for _, p := range list {
		all = append(all, shortPrincipal(p))
	}
	return all
}

// shortPrincipal adds the display name where the name alone says nothing to people.
func shortPrincipal(p report.Principal) string {
	if p.Name == "" {
		return nameOrID(p)
	}
	s := short(p.Name, maxPlace)
	if d := p.DisplayName; d != "" && d != p.Name && p.Kind == identity.KindServicePrincipal.String() {
		s += " “" + Truncate(EscapeLine(d), maxPlace) + "”"
	}
	return s
}

// sentence answers the question: how many have it, may have it, hold it in vain and can get it, and
// how sure that is.
func (v resourceView) sentence(c classes) string {
	parts := []string{v.have(c)}
	counted := len(c.allow)
	add := func(n int, one, several string) {
		if n == 0 {
			return
		}
		s := strconv.Itoa(n)
		if counted > 0 {
			s += " more"
		}
		if counted += n; n == 1 {
			parts = append(parts, s+" "+one)
		} else {
			parts = append(parts, s+" "+several)
		}
	}
	add(len(c.unknown), "perhaps (UNKNOWN)", "perhaps (UNKNOWN)")
	add(len(c.deny), "holds a right that cannot be used (DENY)", "hold rights that cannot be used (DENY)")
	add(len(c.indirect), "can give it to itself", "can give it to themselves")
	if len(c.indirect) == 0 {
		parts = append(parts, v.nobodyElse())
	}
	return fmt.Sprintf("%s: %s; %s.", v.thing(), strings.Join(parts, ", "), v.coverage().clause())
}

// thing is what the question is about. An object is in a workspace, not in a metastore.
func (v resourceView) thing() string {
	if v.Object == nil {
		return shortSecurable(v.Resource)
	}
	o := *v.Object
	o.Workspace = ""
	s := shortObject(&o)
	if w := v.Object.Workspace; w != "" {
		s += " in workspace " + shortTerm(w, maxPlace)
	}
	return s
}

func (v resourceView) have(c classes) string {
	switch {
	case v.Access == nil:
		return "who has access was not read"
	case len(c.allow) == 0 && v.coverage().certain(listAccess):
		return "nobody has access now (ALLOW)"
	case len(c.allow) == 0:
		return "nobody was seen to have access now (ALLOW)"
	case len(c.allow) == 1:
		return inKinds(c.allow) + " has access now (ALLOW)"
	default:
		return inKinds(c.allow) + " have access now (ALLOW)"
	}
}

// nobodyElse says why nobody is counted who can give it to themselves.
func (v resourceView) nobodyElse() string {
	switch {
	case v.Indirect == nil:
		return "who can give it to themselves was not read"
	case v.coverage().certain(listIndirect):
		return "nobody else can give it to themselves"
	default:
		return "nobody else was seen who can give it to themselves"
	}
}

// inKinds counts principals by kind.
func inKinds(list []report.Principal) string {
	var times [len(kindNouns)]int
	for _, p := range list {
		times[kindRank(p)]++
	}
	var parts []string
	for i, n := range times {
		if n == 1 {
			parts = append(parts, "1 "+kindNouns[i])
		} else if n > 1 {
			parts = append(parts, fmt.Sprintf("%d %s", n, plural(kindNouns[i])))
		}
	}
	return series(parts, "and")
}

// plural is that of the nouns of kindNouns.
func plural(noun string) string {
	if head, rest, found := strings.Cut(noun, " of "); found {
		return head + "s of " + rest
	}
	return noun + "s"
}

func (v resourceView) figures() string {
	c := v.classes()
	var f figures
	if v.Access != nil {
		f.known = append(f.known, fmt.Sprintf("%d ALLOW", len(c.allow)), fmt.Sprintf("%d UNKNOWN", len(c.unknown)), fmt.Sprintf("%d DENY", len(c.deny)))
	}
	if v.Indirect != nil {
		f.known = append(f.known, fmt.Sprintf("%d INDIRECT", len(c.indirect)))
	}
	f.add(len(v.Access), v.Access != nil, "way")
	f.add(len(v.Indirect), v.Indirect != nil, "indirect way")
	f.add(len(v.Containers), v.Containers != nil, "container")
	return f.line(notRead)
}
