package consent_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"databricks-access-audit/core/consent"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/plan"
)

// FuzzPolicy reads anything as a policy: it gives one or says why not, by itself and as a section alike, and whatever it gives
// approves nothing without votes.
func FuzzPolicy(f *testing.F) {
	for _, text := range []string{
		wholePolicy, policyText, "", "rules:", "rules: &a [*a]", "a: &a [x,x]\nrules: [*a, *a]", "free_undo: true\n---\n", "<<: {}", "{a: {b: {c: [", "!!map {free_undo: yes}",
		"rules: [{id: x, approvers: [{users: [1]}], min_approvals: 1, channels: any}]", "\xef\xbb\xbffree_undo: true", "? [a]\n: b", "auditors: [\"\\u202e\"]", "%YAML 1.1\n---\n{}",
	} {
		f.Add([]byte(text))
	}
	line := regexp.MustCompile(`^line [0-9]+: policy[^:]*: .|^it |^there is more`)
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := consent.Parse(text)
		again, errAgain := consent.Parse(text)
		if (err == nil) != (errAgain == nil) || p.Version() != again.Version() {
			t.Fatalf("two readings differ: %v, %v", err, errAgain)
		}
		if err != nil {
			for one := range strings.Lines(err.Error()) {
				if !line.MatchString(one) {
					t.Fatalf("an error does not say where: %q", one)
				}
			}
			return
		}
		var section consent.Policy
		if err := yaml.Unmarshal(text, &section); err != nil || section.Version() != p.Version() {
			t.Fatalf("as part of a document it is another: %v", err)
		}
		resolved, err := p.Resolve(func(identity.Kind, string) (identity.PrincipalKey, error) {
			return identity.PrincipalKey{}, errors.New("there is nobody")
		})
		if err == nil && resolved.Version() != p.Version() {
			t.Fatal("resolving nothing changed something")
		}
		for _, tier := range []plan.Tier{plan.Normal, plan.High, plan.Barred} {
			for _, channel := range []string{"", "C0PLANS"} {
				b := ballot(clonePlan(tier))
				b.Channel = channel
				if r := p.Rule(b, village()); r.Outcome != consent.Open && r.Outcome != consent.Refused {
					t.Fatalf("without votes it is %s", r.Outcome)
				}
				if tier == plan.High && (p.MayVote(b, rita, village()) == nil || p.MayVote(b, bob, village()) == nil || p.MayVote(b, alice, village()) == nil) {
					t.Fatal("who asked, gets or has it may vote")
				}
			}
		}
	})
}

// FuzzPattern matches catalogs as a slow matcher does, letter by letter.
func FuzzPattern(f *testing.F) {
	for _, c := range [][2]string{{"sales_*", "sales_eu"}, {"*", "x"}, {"a*b*c", "aXbYc"}, {"**a**", "bab"}, {"*ab", "aab"}, {"a*a", "a"}, {"", ""}, {"Ä*", "äb"}, {strings.Repeat("*a", 100), strings.Repeat("a", 300)}} {
		f.Add(c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if name == "" || len(pattern) > 300 || len(name) > 300 {
			return
		}
		p := consent.Policy{Rules: []consent.ApprovalRule{{
			ID: "x", Match: consent.Match{Catalogs: []string{pattern}}, Approvers: []consent.Set{{Group: &consent.Ref{Key: group(owners)}}}, MinApprovals: 1, AnyChannel: true,
		}}}
		got := p.Rule(ballot(clonePlan(plan.Normal, grant(bob, name))), village()).Rule == "x"
		if want := slowly([]rune(strings.ToLower(pattern)), []rune(strings.ToLower(name))); got != want {
			t.Errorf("%q matches %q: %v", pattern, name, got)
		}
	})
}

// slowly matches by trying every end of every star.
func slowly(pattern, name []rune) bool {
	now := make([]bool, len(name)+1)
	now[0] = true
	for _, p := range pattern {
		next := make([]bool, len(name)+1)
		for i := range now {
			switch {
			case p == '*':
				next[i] = now[i] || i > 0 && next[i-1]
			case i > 0:
				next[i] = now[i-1] && name[i-1] == p
			}
		}
		now = next
	}
	return now[len(name)]
}
