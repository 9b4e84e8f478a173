package consent

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// What a policy may hold at most. It is read by people, and judged for every vote.
const (
	maxText    = 1 << 18 // bytes of the whole document
	maxWord    = 256     // bytes of one name or pattern
	maxEntries = 200     // entries of one list
	maxSets    = 8       // sets of approvers of one rule
	maxVotes   = 10      // approvals that a rule may ask for
	maxMutual  = 1000    // approvals of each other that are borne
	maxErrors  = 20      // that are told at once
)

var (
	ruleID       = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)
	slackGroup   = regexp.MustCompile(`^S[A-Z0-9]{2,30}$`)
	slackChannel = regexp.MustCompile(`^[CG][A-Z0-9]{2,30}$`)
	digits       = regexp.MustCompile(`^[0-9]+$`)
)

// Parse reads a policy, which is YAML. The error tells all that is wrong with it, each with its line and what to do.
func Parse(text []byte) (Policy, error) {
	node, err := document(text)
	if err != nil {
		return Policy{}, err
	}
	return decode(node)
}

// ParseSection reads the policy under the key policy of a configuration, and nothing else of that. There is none if has is
// false.
func ParseSection(text []byte) (p Policy, has bool, err error) {
	node, err := document(text)
	if err != nil {
		return Policy{}, false, err
	}
	var section *yaml.Node
	if node.Kind == yaml.MappingNode {
		for i := 0; i < len(node.Content); i += 2 {
			switch key := node.Content[i]; {
			case key.Kind != yaml.ScalarNode || key.Value != "policy":
			case section != nil:
				return Policy{}, true, fmt.Errorf("line %d: policy: it is there twice: leave one out", key.Line)
			default:
				section = node.Content[i+1]
			}
		}
	}
	if section == nil {
		return Policy{}, false, nil
	}
	p, err = decode(section)
	return p, true, err
}

// UnmarshalYAML reads the policy as part of a document, as strictly as Parse.
func (p *Policy) UnmarshalYAML(node *yaml.Node) (err error) {
	*p, err = decode(node)
	return err
}

// document reads the one YAML document of a text.
func document(text []byte) (*yaml.Node, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("it is larger than %d bytes, which no configuration is", maxText)
	}
	if !utf8.Valid(text) {
		return nil, errors.New("it is not UTF-8: save it as such")
	}
	var doc, more yaml.Node
	dec := yaml.NewDecoder(strings.NewReader(string(text)))
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0:
		return nil, errors.New("it is empty: nobody may do anything by it")
	case err != nil:
		return nil, fmt.Errorf("it is not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("it holds a second document, or something that is not YAML, after the first: leave that out")
	}
	return doc.Content[0], nil
}

// decode reads the nodes by hand: yaml's own decoding takes a key without a value for one that is not there, and what is not
// there is no limit.
func decode(n *yaml.Node) (Policy, error) {
	d := &decoder{}
	p := d.policy(n)
	if err := errors.Join(d.errs...); err != nil {
		return Policy{}, err
	}
	return p, nil
}

type decoder struct{ errs []error }

func (d *decoder) bad(n *yaml.Node, path, format string, args ...any) {
	switch {
	case len(d.errs) < maxErrors:
		d.errs = append(d.errs, fmt.Errorf("line %d: %s: %s", n.Line, path, fmt.Sprintf(format, args...)))
	case len(d.errs) == maxErrors:
		d.errs = append(d.errs, errors.New("there is more: mend these first"))
	}
}

// field is how the value of a key is read.
type field struct {
	key  string
	read func(n *yaml.Node, path string)
}

// fields reads a mapping: each key at most once, and no other. It gives the keys that were there.
func (d *decoder) fields(n *yaml.Node, path string, known ...field) map[string]bool {
	seen := map[string]bool{}
	if n.Kind != yaml.MappingNode {
		d.bad(n, path, "it is %s: write keys and values, of %s", kindOf(n), names(known))
		return seen
	}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := slices.IndexFunc(known, func(f field) bool { return key.Kind == yaml.ScalarNode && f.key == key.Value })
		switch {
		case at < 0 && key.Kind != yaml.ScalarNode:
			d.bad(key, path, "a key is %s: the keys are %s", kindOf(key), names(known))
		case at < 0:
			d.bad(key, path, "there is no key %s: the keys are %s", quoted(key.Value), names(known))
		case seen[key.Value]:
			d.bad(key, path+"."+key.Value, "it is there twice: leave one out")
		default:
			seen[key.Value] = true
			known[at].read(value, path+"."+key.Value)
		}
	}
	return seen
}

func names(known []field) string {
	var list []string
	for _, f := range known {
		list = append(list, f.key)
	}
	return strings.Join(list, ", ")
}

// quoted shows what was written, cut.
func quoted(s string) string {
	if len(s) > 60 {
		return strconv.Quote(strings.ToValidUTF8(s[:60], "")) + "…"
	}
	return strconv.Quote(s)
}

func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.AliasNode:
		return "an alias, which is not taken here"
	case n.Kind == yaml.MappingNode:
		return "keys and values"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!null":
		return "without a value"
	default:
		return quoted(n.Value)
	}
}

// list reads the entries of a list that holds at least one. An empty list could be read as no limit, or as nobody.
func (d *decoder) list(n *yaml.Node, path string, most int, entry func(n *yaml.Node, path string)) {
	switch {
	case n.Kind != yaml.SequenceNode:
		d.bad(n, path, "it is %s: write a list, such as [a, b]", kindOf(n))
	case len(n.Content) == 0:
		d.bad(n, path, "the list is empty: name something, or leave the key out")
	case len(n.Content) > most:
		d.bad(n, path, "it has %d entries, and may have %d: put people into groups, or split the rule", len(n.Content), most)
	default:
		for i, c := range n.Content {
			entry(c, fmt.Sprintf("%s[%d]", path, i+1))
		}
	}
}

// text reads a name; numbers are taken as they are written.
func (d *decoder) text(n *yaml.Node, path, want string) (string, bool) {
	switch tag := n.ShortTag(); {
	case n.Kind != yaml.ScalarNode || tag == "!!null":
		d.bad(n, path, "it is %s: write %s", kindOf(n), want)
	case tag != "!!str" && tag != "!!int":
		d.bad(n, path, "%s is no text: put it in quotes", quoted(n.Value))
	case n.Value == "" || strings.TrimSpace(n.Value) != n.Value:
		d.bad(n, path, "%s is empty, or has blanks around it: write %s", quoted(n.Value), want)
	case len(n.Value) > maxWord:
		d.bad(n, path, "it is longer than %d bytes: write %s", maxWord, want)
	case strings.ContainsFunc(n.Value, func(r rune) bool { return !unicode.IsPrint(r) }):
		d.bad(n, path, "%s holds what cannot be seen: write %s", quoted(n.Value), want)
	default:
		return n.Value, true
	}
	return "", false
}

func (d *decoder) flag(n *yaml.Node, path string) bool {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
		d.bad(n, path, "it is %s: write true or false", kindOf(n))
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

// number reads a number from 1 to most.
func (d *decoder) number(n *yaml.Node, path string, most int) int {
	v, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || err != nil || v < 1 || v > most {
		d.bad(n, path, "it is %s: write a number from 1 to %d", kindOf(n), most)
	}
	return v
}

// ref reads a principal: an id if it is all digits, else a name that is resolved later.
func (d *decoder) ref(n *yaml.Node, path string, kind identity.Kind) Ref {
	word, ok := d.text(n, path, "the name or id of a "+kind.Title()+" of the account")
	if !ok {
		return Ref{}
	}
	r := Ref{Written: word}
	if digits.MatchString(word) {
		r.Key = identity.PrincipalKey{Kind: kind, ID: word}
	}
	return r
}

// refs reads a list of principals, each at most once.
func (d *decoder) refs(n *yaml.Node, path string, kind identity.Kind) (list []Ref) {
	d.list(n, path, maxEntries, func(n *yaml.Node, path string) {
		r := d.ref(n, path, kind)
		if r.Written != "" && slices.ContainsFunc(list, func(other Ref) bool { return identity.SameName(other.Written, r.Written) }) {
			d.bad(n, path, "%s is there twice: leave one out", quoted(r.Written))
		}
		list = append(list, r)
	})
	return list
}

// oneOf reads a list of words, each one of those that there are and at most once.
func oneOf[T ~string](d *decoder, n *yaml.Node, path string, words []T, read func(string) T) (list []T) {
	d.list(n, path, maxEntries, func(n *yaml.Node, path string) {
		word, ok := d.text(n, path, "one of "+joined(words))
		if !ok {
			return
		}
		switch value := read(word); {
		case !slices.Contains(words, value):
			d.bad(n, path, "there is no %s%s: write %s", quoted(word), near(words, word), joined(words))
		case slices.Contains(list, value):
			d.bad(n, path, "%s is there twice: leave one out", quoted(word))
		default:
			list = append(list, value)
		}
	})
	return list
}

func joined[T ~string](words []T) string {
	var list []string
	for _, w := range words {
		list = append(list, string(w))
	}
	if len(list) > 12 {
		list = append(list[:3], "…")
	}
	return strings.Join(list, ", ")
}

// near is the word that may have been meant.
func near[T ~string](words []T, word string) string {
	for _, w := range words {
		if len(word) < 40 && identity.EditDistance(string(w), word) <= 2 {
			return " (did you mean " + string(w) + "?)"
		}
	}
	return ""
}

func (d *decoder) policy(n *yaml.Node) (p Policy) {
	d.fields(n, "policy",
		field{"requesters", func(n *yaml.Node, path string) {
			d.list(n, path, maxEntries, func(n *yaml.Node, path string) { p.Requesters = append(p.Requesters, d.requesting(n, path)) })
		}},
		field{"auditors", func(n *yaml.Node, path string) { p.Auditors = d.refs(n, path, identity.KindGroup) }},
		field{"rules", func(n *yaml.Node, path string) {
			d.list(n, path, maxEntries, func(n *yaml.Node, path string) {
				r := d.rule(n, path)
				if r.ID != "" && slices.ContainsFunc(p.Rules, func(other ApprovalRule) bool { return other.ID == r.ID }) {
					d.bad(n, path+".id", "there is a rule %s before it: give each its own id", r.ID)
				}
				p.Rules = append(p.Rules, r)
			})
		}},
		field{"free_undo", func(n *yaml.Node, path string) { p.FreeUndo = d.flag(n, path) }},
		field{"mutual_approvals", func(n *yaml.Node, path string) { p.MutualApprovals = d.number(n, path, maxMutual) }},
	)
	return p
}

func (d *decoder) requesting(n *yaml.Node, path string) (r Requesting) {
	seen := d.fields(n, path,
		field{"from", func(n *yaml.Node, path string) { r.From = d.set(n, path) }},
		field{"for", func(n *yaml.Node, path string) {
			if n.Kind == yaml.MappingNode {
				r.For = Members
				d.fields(n, path, field{"members_of", func(n *yaml.Node, path string) {
					of := d.ref(n, path, identity.KindGroup)
					r.MembersOf = &of
				}})
				if r.MembersOf == nil {
					d.bad(n, path, "it does not say for whom: write {members_of: GROUP}")
				}
				return
			}
			word, ok := d.text(n, path, "self, anyone or {members_of: GROUP}")
			if r.For = Whom(word); ok && r.For != Self && r.For != Anyone {
				d.bad(n, path, "there is no %s: write self, anyone or {members_of: GROUP}", quoted(word))
			}
		}},
	)
	if n.Kind == yaml.MappingNode && !seen["from"] {
		d.bad(n, path, "it does not say who: write from: {group: NAME}")
	}
	if n.Kind == yaml.MappingNode && !seen["for"] {
		d.bad(n, path, "it does not say for whom: write for: self, anyone or {members_of: GROUP}")
	}
	return r
}

func (d *decoder) set(n *yaml.Node, path string) (s Set) {
	seen := d.fields(n, path,
		field{"name", func(n *yaml.Node, path string) { s.Name, _ = d.text(n, path, "a name for people") }},
		field{"group", func(n *yaml.Node, path string) {
			group := d.ref(n, path, identity.KindGroup)
			s.Group = &group
		}},
		field{"users", func(n *yaml.Node, path string) { s.Users = d.refs(n, path, identity.KindUser) }},
		field{"slack_group", func(n *yaml.Node, path string) {
			word, ok := d.text(n, path, "the id of a Slack user group, such as S0123ABCD")
			if s.SlackGroup = word; ok && !slackGroup.MatchString(word) {
				d.bad(n, path, "%s is no id of a Slack user group: those look like S0123ABCD", quoted(word))
			}
		}},
		field{"allow_mutable_usergroup", func(n *yaml.Node, path string) { s.AllowMutable = d.flag(n, path) }},
	)
	switch {
	case n.Kind != yaml.MappingNode:
	case !seen["group"] && !seen["users"] && !seen["slack_group"]:
		d.bad(n, path, "nobody is in it: name a group, users or a slack_group")
	case seen["allow_mutable_usergroup"] && !seen["slack_group"]:
		d.bad(n, path, "allow_mutable_usergroup speaks of a slack_group, and there is none: leave it out")
	}
	return s
}

func (d *decoder) rule(n *yaml.Node, path string) (r ApprovalRule) {
	seen := d.fields(n, path,
		field{"id", func(n *yaml.Node, path string) {
			word, ok := d.text(n, path, "a short name for the rule")
			if r.ID = word; ok && !ruleID.MatchString(word) {
				d.bad(n, path, "%s is no id: write small letters, digits, - and _, at most 64", quoted(word))
			}
		}},
		field{"match", func(n *yaml.Node, path string) { r.Match = d.match(n, path) }},
		field{"approvers", func(n *yaml.Node, path string) {
			d.list(n, path, maxSets, func(n *yaml.Node, path string) { r.Approvers = append(r.Approvers, d.set(n, path)) })
		}},
		field{"min_approvals", func(n *yaml.Node, path string) {
			r.MinApprovals = d.number(n, path, maxVotes)
		}},
		field{"max_for", func(n *yaml.Node, path string) { r.MaxFor = d.duration(n, path) }},
		field{"channels", func(n *yaml.Node, path string) {
			if r.AnyChannel = n.Kind == yaml.ScalarNode && n.Value == "any"; r.AnyChannel {
				return
			}
			d.list(n, path, maxEntries, func(n *yaml.Node, path string) {
				word, ok := d.text(n, path, "the id of a channel, such as C0123ABCD")
				switch {
				case !ok:
				case !slackChannel.MatchString(word):
					d.bad(n, path, "%s is no id of a channel: those look like C0123ABCD", quoted(word))
				case slices.Contains(r.Channels, word):
					d.bad(n, path, "%s is there twice: leave one out", quoted(word))
				default:
					r.Channels = append(r.Channels, word)
				}
			})
		}},
	)
	if n.Kind != yaml.MappingNode {
		return r
	}
	for _, must := range [][2]string{
		{"id", "give it one, such as id: sales"},
		{"approvers", "say who may approve, such as approvers: [{group: data-owners}]"},
		{"min_approvals", "say how many must approve, such as min_approvals: 1"},
	} {
		if !seen[must[0]] {
			d.bad(n, path, "there is no %s: %s", must[0], must[1])
		}
	}
	d.sense(n, path, r)
	return r
}

// sense finds rules by which nobody could ever approve what they name.
func (d *decoder) sense(n *yaml.Node, path string, r ApprovalRule) {
	for _, err := range r.overlaps() {
		d.bad(n, path+".approvers", "%v", err)
	}
	if above := slices.IndexFunc(r.Match.Tiers, func(t plan.Tier) bool { return t != plan.Normal }); above >= 0 && len(r.Approvers) == 1 {
		d.bad(n, path+".approvers", "plans of the %s tier need votes of two sets of people: add a second set, or leave that tier to another rule", r.Match.Tiers[above])
	}
	named := 0
	for _, s := range r.Approvers {
		if s.Group != nil || s.SlackGroup != "" {
			return
		}
		named += len(s.Users)
	}
	if named > 0 && named < r.MinApprovals {
		d.bad(n, path+".min_approvals", "%d people must approve, and only %d are named: name more, or a group", r.MinApprovals, named)
	}
}

func (d *decoder) match(n *yaml.Node, path string) (m Match) {
	seen := d.fields(n, path,
		field{"tiers", func(n *yaml.Node, path string) {
			m.Tiers = oneOf(d, n, path, []plan.Tier{plan.Normal, plan.High, plan.Barred}, func(s string) plan.Tier { return plan.Tier(s) })
		}},
		field{"steps", func(n *yaml.Node, path string) {
			kinds := []plan.StepKind{plan.AddMember, plan.WorkspaceAssignment, plan.Entitlement, plan.Grant, plan.ObjectACL}
			m.Steps = oneOf(d, n, path, kinds, func(s string) plan.StepKind { return plan.StepKind(s) })
		}},
		field{"catalogs", func(n *yaml.Node, path string) {
			d.list(n, path, maxEntries, func(n *yaml.Node, path string) {
				if word, ok := d.text(n, path, "a catalog, or a pattern such as sales_*"); ok {
					m.Catalogs = append(m.Catalogs, word)
				}
			})
		}},
		field{"privileges", func(n *yaml.Node, path string) {
			m.Privileges = oneOf(d, n, path, identity.KnownPrivileges(), identity.ParsePrivilege)
		}},
		field{"targets", func(n *yaml.Node, path string) {
			kinds := []identity.Kind{identity.KindUser, identity.KindServicePrincipal, identity.KindGroup}
			type word string
			var words []word
			for _, k := range kinds {
				words = append(words, word(k.String()))
			}
			for _, w := range oneOf(d, n, path, words, func(s string) word { return word(s) }) {
				m.Targets = append(m.Targets, kinds[slices.Index(words, w)])
			}
		}},
		field{"groups", func(n *yaml.Node, path string) { m.Groups = d.refs(n, path, identity.KindGroup) }},
	)
	if n.Kind == yaml.MappingNode && len(seen) == 0 && len(n.Content) == 0 {
		d.bad(n, path, "it is empty: say what the rule is for, or leave match out for a rule for everything")
	}
	return m
}

// duration reads how long: days as 30d, anything else as Go spells it, such as 8h or 90m.
func (d *decoder) duration(n *yaml.Node, path string) time.Duration {
	word, ok := d.text(n, path, "how long, such as 8h or 30d")
	if !ok {
		return 0
	}
	v, err := time.ParseDuration(word)
	if days, found := strings.CutSuffix(word, "d"); found {
		var count uint64
		count, err = strconv.ParseUint(days, 10, 12)
		v = time.Duration(count) * 24 * time.Hour
	}
	if err != nil || v < time.Minute || v%time.Second != 0 {
		d.bad(n, path, "%s is no time of a minute or more, in whole seconds: write 8h or 30d", quoted(word))
		return 0
	}
	return v
}
