package accesstest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// fewWorlds are enough for an engine as slow as honestCan.
const fewWorlds = 24

func TestRunCanPassesARightEngine(t *testing.T) { runCan(t, honestCan, fewWorlds) }

// canMutant spoils the reports of a right engine.
type canMutant struct {
	rules []string // those that notice, whichever comes first
	spoil func(r *report.CanReport, h *honestReport)
	about topic // what it is tried on; empty means data
}

const (
	theVerdict   = "the verdict"
	suffices     = "a proof suffices"
	needed       = "every step of a proof is needed"
	seenFact     = "each step is a fact that was seen"
	lackSuffices = "a missing set suffices"
	lackNeeded   = "every missing fact is needed"
	authority    = "every act is within the authority of who does it"
	leads        = "the acts lead there"
)

var canMutants = map[string]canMutant{
	"drops the last step of a proof": {rules: []string{suffices}, spoil: func(r *report.CanReport, _ *honestReport) {
		eachProof(r, func(p *report.Proof) { p.Steps = p.Steps[:len(p.Steps)-1] })
	}},
	"drops the grants of a proof": {rules: []string{suffices}, spoil: func(r *report.CanReport, _ *honestReport) {
		eachProof(r, func(p *report.Proof) {
			p.Steps = keep(p.Steps, func(s report.Step) bool { return s.Kind != report.StepGrant })
		})
	}},
	"forgets that groups nest": {rules: []string{suffices}, spoil: func(r *report.CanReport, _ *honestReport) {
		eachProof(r, func(p *report.Proof) {
			p.Steps = keep(p.Steps, func(s report.Step) bool { return s.Kind != report.StepMember && s.Kind != report.StepAncestor })
		})
	}},
	"adds a needless step to a proof": {rules: []string{needed}, spoil: func(r *report.CanReport, h *honestReport) {
		eachProof(r, func(p *report.Proof) {
			ws, _ := h.workspace(p.Workspace)
			for _, s := range h.steps(ws) {
				cited := func(other report.Step) bool { return describeStep(other) == describeStep(s) }
				if _, bad := h.cite(s); bad == "" && s.Kind == report.StepGrant && !slices.ContainsFunc(p.Steps, cited) {
					p.Steps = append(p.Steps, s)
					return
				}
			}
		})
	}},
	"repeats a step": {rules: []string{"no step comes twice"}, spoil: func(r *report.CanReport, _ *honestReport) {
		eachProof(r, func(p *report.Proof) { p.Steps = append(p.Steps, p.Steps[0]) })
	}},
	"goes through a group for nothing": {rules: []string{seenFact}, spoil: func(r *report.CanReport, h *honestReport) {
		eachProof(r, func(p *report.Proof) {
			everybody := report.Step{Kind: report.StepImplicit, Principal: h.named(h.q.Subject), Group: "users@" + p.Workspace}
			p.Steps = append([]report.Step{everybody}, p.Steps...)
		})
	}},
	"expands what stands for itself": {rules: []string{seenFact}, spoil: func(r *report.CanReport, _ *honestReport) {
		eachProof(r, func(p *report.Proof) {
			if i := slices.IndexFunc(p.Steps, func(s report.Step) bool { return s.Kind == report.StepGrant }); i >= 0 {
				s := p.Steps[i]
				s.Kind = report.StepExpands
				p.Steps = slices.Insert(p.Steps, i+1, s)
			}
		})
	}},
	"makes grants up": {rules: []string{seenFact}, spoil: func(r *report.CanReport, h *honestReport) {
		eachProof(r, func(p *report.Proof) {
			for i := range p.Steps {
				if p.Steps[i].Kind == report.StepGrant {
					p.Steps[i].Principal = h.named(h.q.Subject)
				}
			}
		})
	}},
	"takes users of a workspace for admins": {rules: []string{seenFact}, spoil: func(r *report.CanReport, _ *honestReport) {
		eachProof(r, func(p *report.Proof) {
			for i := range p.Steps {
				if p.Steps[i].Kind == report.StepAssigned {
					p.Steps[i].Detail = identity.WorkspaceAdmin.String()
				}
			}
		})
	}},
	"proves for another workspace": {rules: []string{suffices}, spoil: func(r *report.CanReport, h *honestReport) {
		if len(h.q.From) > 1 {
			eachProof(r, func(p *report.Proof) {
				at := slices.IndexFunc(h.q.From, func(ws identity.WorkspaceID) bool { return workspaceName(ws) == p.Workspace })
				p.Workspace = workspaceName(h.q.From[(at+1)%len(h.q.From)])
			})
		}
	}},
	"gives a proof twice": {rules: []string{"no proof contains another"}, spoil: func(r *report.CanReport, _ *honestReport) {
		if len(r.Proofs) > 0 {
			r.Proofs = append(r.Proofs[:1], r.Proofs...)
		}
	}},
	"puts the longest proof first": {rules: []string{"proofs are shortest first"}, spoil: func(r *report.CanReport, _ *honestReport) {
		slices.Reverse(r.Proofs)
	}},
	"has no proof for a workspace": {rules: []string{"each workspace has a proof"}, spoil: func(r *report.CanReport, _ *honestReport) {
		r.Proofs, r.ProofsOmitted = r.Proofs[:min(1, len(r.Proofs))], false
	}},
	"allows without a proof": {rules: []string{"an ALLOW has a proof"}, spoil: func(r *report.CanReport, _ *honestReport) { r.Proofs = nil }},

	"takes UNKNOWN for DENY":       {rules: []string{theVerdict}, spoil: says(report.Unknown, report.Deny)},
	"takes UNKNOWN for ALLOW":      {rules: []string{theVerdict}, spoil: says(report.Unknown, report.Allow)},
	"takes DENY for UNKNOWN":       {rules: []string{theVerdict}, spoil: says(report.Deny, report.Unknown)},
	"takes INDIRECT for ALLOW":     {rules: []string{theVerdict}, spoil: says(report.Indirect, report.Allow)},
	"never looks for acts":         {rules: []string{theVerdict}, spoil: says(report.Indirect, report.Deny)},
	"believes that all can be had": {rules: []string{theVerdict}, spoil: says(report.Deny, report.Indirect)},
	"lets EXTERNAL_USE be taken": {rules: []string{theVerdict}, spoil: func(r *report.CanReport, h *honestReport) {
		if !h.q.Privilege.InOwnership() {
			says(report.Deny, report.Indirect)(r, h)
		}
	}},
	"reaches from everywhere": {rules: []string{"reachable in the workspaces where it is allowed"}, spoil: func(r *report.CanReport, h *honestReport) {
		if r.Verdict == report.Allow {
			r.ReachableIn = nil
			for _, ws := range h.q.From {
				r.ReachableIn = append(r.ReachableIn, workspaceName(ws))
			}
		}
	}},
	"calls granted what is reached alone": {rules: []string{"what is granted"}, spoil: func(r *report.CanReport, _ *honestReport) {
		r.Tiers.Granted = r.Tiers.Reachable
	}},
	"calls reached what is granted": {rules: []string{"what is reachable"}, spoil: func(r *report.CanReport, _ *honestReport) {
		r.Tiers.Reachable = r.Tiers.Granted
	}},

	"misses a missing fact": {rules: []string{lackSuffices, "something is missing"}, spoil: func(r *report.CanReport, _ *honestReport) {
		eachMissing(r, func(set *report.MissingSet) { set.Facts = set.Facts[1:] })
	}},
	"asks for more than is missing": {rules: []string{lackNeeded}, spoil: func(r *report.CanReport, h *honestReport) {
		eachMissing(r, func(set *report.MissingSet) {
			has := func(m report.Missing) bool { return m.Privilege == identity.AllPrivileges }
			if h.q.On.Type != identity.TypeMetastore && !slices.ContainsFunc(set.Facts, has) {
				set.Facts = append(set.Facts, report.Missing{
					Kind: report.StepGrant, Privilege: identity.AllPrivileges, Securable: h.shown(h.q.On), Known: true,
				})
			}
		})
	}},
	"asks for a fact that is there": {rules: []string{"what is known to be missing is not there", lackNeeded}, spoil: func(r *report.CanReport, h *honestReport) {
		eachMissing(r, func(set *report.MissingSet) {
			assigned := func(m report.Missing) bool { return m.Kind == report.StepAssigned }
			if !slices.ContainsFunc(set.Facts, assigned) {
				set.Facts = append(set.Facts, report.Missing{Kind: report.StepAssigned, Workspace: set.Workspace, Known: true})
			}
		})
	}},
	"would grant on what is above the catalog": {rules: []string{lackSuffices}, spoil: func(r *report.CanReport, h *honestReport) {
		eachMissing(r, func(set *report.MissingSet) {
			for i := range set.Facts {
				if set.Facts[i].Kind == report.StepGrant {
					set.Facts[i].Securable = h.shown(identity.MetastoreSecurable(h.q.On.Metastore))
				}
			}
		})
	}},
	"takes what was not read for missing": {
		rules: []string{"an UNKNOWN names what was not read", "what is known to be missing is not there", lackSuffices},
		spoil: func(r *report.CanReport, _ *honestReport) {
			eachMissing(r, func(set *report.MissingSet) {
				for i := range set.Facts {
					set.Facts[i].Known, set.Facts[i].Read = true, ""
				}
			})
		},
	},
	"claims that a DENY is all doubt": {rules: []string{"a DENY lacks facts that are known to be absent"}, spoil: func(r *report.CanReport, _ *honestReport) {
		if r.Verdict == report.Deny {
			eachMissing(r, func(set *report.MissingSet) {
				for i := range set.Facts {
					set.Facts[i].Known, set.Facts[i].Read = false, "something"
				}
			})
		}
	}},
	"does not say what was not read": {rules: []string{"what was not read is named"}, spoil: func(r *report.CanReport, _ *honestReport) {
		eachMissing(r, func(set *report.MissingSet) {
			for i := range set.Facts {
				set.Facts[i].Read = ""
			}
		})
	}},
	"puts the largest missing set first": {rules: []string{"the smallest missing set comes first"}, spoil: func(r *report.CanReport, _ *honestReport) {
		slices.Reverse(r.Missing)
	}},
	"leaves workspaces out": {rules: []string{"each workspace has a missing set"}, spoil: func(r *report.CanReport, _ *honestReport) {
		r.Missing = r.Missing[:min(1, len(r.Missing))]
	}},

	"leaves the last act out": {rules: []string{leads, "an INDIRECT has acts"}, spoil: func(r *report.CanReport, _ *honestReport) {
		r.Acts = r.Acts[:max(0, len(r.Acts)-1)]
	}},
	"acts in the wrong order": {rules: []string{authority}, spoil: func(r *report.CanReport, _ *honestReport) { slices.Reverse(r.Acts) }},
	"acts for nothing": {rules: []string{"every act is needed"}, spoil: func(r *report.CanReport, h *honestReport) {
		if r.Verdict == report.Indirect && h.q.On.Type != identity.TypeMetastore {
			on := h.q.On
			r.Acts = append(r.Acts, report.Act{Description: "grant APPLY TAG on " + on.FullName() + " to itself", Securable: h.shown(on)})
		}
	}},
	"acts without authority": {rules: []string{authority}, spoil: func(r *report.CanReport, h *honestReport) {
		if r.Verdict == report.Indirect && h.oracle.accountAdmin().verdict != access.Allowed {
			made := report.Act{Description: "make itself admin of metastore m", Securable: h.shown(identity.MetastoreSecurable(h.q.On.Metastore))}
			r.Acts = append([]report.Act{made}, r.Acts...)
		}
	}},
	"assigns itself whoever it is": {rules: []string{authority}, spoil: func(r *report.CanReport, h *honestReport) {
		if r.Verdict == report.Indirect && h.oracle.accountAdmin().verdict != access.Allowed {
			assigned := report.Act{Description: "assign itself to workspace " + workspaceName(h.q.From[0])}
			r.Acts = append([]report.Act{assigned}, r.Acts...)
		}
	}},
	"says nothing to the point": {rules: []string{"an act is one that is known"}, spoil: func(r *report.CanReport, _ *honestReport) {
		for i := range r.Acts {
			r.Acts[i].Kind, r.Acts[i].Description = "", "ask around"
		}
	}},
}

// wayMutants are about getting what is another's, and about views and compute.
var wayMutants = map[string]canMutant{
	"never becomes anybody else": {rules: []string{theVerdict}, about: aboutWays, spoil: func(r *report.CanReport, _ *honestReport) {
		if slices.ContainsFunc(r.Acts, isWay) {
			r.Verdict, r.Acts = report.Deny, nil
		}
	}},
	"forgets to take the role": {rules: []string{theVerdict, authority}, about: aboutWays, spoil: func(r *report.CanReport, _ *honestReport) {
		r.Acts = keep(r.Acts, func(a report.Act) bool { return a.Kind != report.ActTakeRole })
	}},
	"takes the role and leaves it at that": {rules: []string{theVerdict, leads}, about: aboutWays, spoil: func(r *report.CanReport, _ *honestReport) {
		if i := slices.IndexFunc(r.Acts, func(a report.Act) bool { return a.Kind == report.ActTakeRole }); i >= 0 {
			r.Acts = r.Acts[:i+1]
		}
	}},
	"joins another group": {rules: []string{theVerdict, authority, leads}, about: aboutWays, spoil: func(r *report.CanReport, h *honestReport) {
		for i := range r.Acts {
			if r.Acts[i].Kind == report.ActJoin {
				r.Acts[i].Principal = identity.AccountUsersName
			}
		}
	}},
	"runs as whoever it is": {rules: []string{theVerdict, authority}, about: aboutWays, spoil: func(r *report.CanReport, h *honestReport) {
		for i := range r.Acts {
			if r.Acts[i].Kind == report.ActRunAs {
				r.Acts[i].Principal = h.named(h.q.Subject)
			}
		}
	}},
	"joins a group for nothing": {rules: []string{authority, "every act is needed", "an act is one that is known"}, spoil: func(r *report.CanReport, h *honestReport) {
		if r.Verdict == report.Indirect {
			for _, g := range h.oracle.accountGroups() {
				r.Acts = append(r.Acts, report.Act{Kind: report.ActJoin, Principal: h.named(g)})
				return
			}
		}
	}},
	"makes up whom it may act as": {rules: []string{seenFact}, about: aboutWays, spoil: func(r *report.CanReport, h *honestReport) {
		eachProof(r, func(p *report.Proof) {
			for i := range p.Steps {
				if p.Steps[i].Kind == report.StepAssume {
					p.Steps[i].Group = h.named(h.q.Subject)
				}
			}
		})
	}},
	"acts as a group without the role": {rules: []string{suffices}, about: aboutWays, spoil: func(r *report.CanReport, _ *honestReport) {
		eachProof(r, func(p *report.Proof) {
			p.Steps = keep(p.Steps, func(s report.Step) bool { return s.Kind != report.StepAssume })
		})
	}},
	"makes owners of views up": {rules: []string{seenFact}, about: aboutWays, spoil: func(r *report.CanReport, _ *honestReport) {
		eachProof(r, func(p *report.Proof) {
			for i := range p.Steps {
				if p.Steps[i].Kind == report.StepDefiner {
					p.Steps[i].Principal += "x"
				}
			}
		})
	}},
	"takes what is reachable for exercisable": {rules: []string{"what is exercisable"}, spoil: func(r *report.CanReport, _ *honestReport) {
		r.Tiers.Exercisable = r.Tiers.Reachable
	}},
}

func isWay(a report.Act) bool {
	return a.Kind == report.ActJoin || a.Kind == report.ActTakeRole || a.Kind == report.ActRunAs
}

func eachProof(r *report.CanReport, spoil func(*report.Proof)) {
	for i := range r.Proofs {
		spoil(&r.Proofs[i])
	}
}

func eachMissing(r *report.CanReport, spoil func(*report.MissingSet)) {
	for i := range r.Missing {
		spoil(&r.Missing[i])
	}
}

func says(instead, say report.Verdict) func(*report.CanReport, *honestReport) {
	return func(r *report.CanReport, _ *honestReport) {
		if r.Verdict == instead {
			r.Verdict = say
		}
	}
}

// can is the mutant as an engine.
func (m canMutant) can(e *estate.Estate, key identity.PrincipalKey, p identity.Privilege, on identity.Securable,
	from []identity.WorkspaceID,
) *report.CanReport {
	h := newHonestReport(e, CanQuestion{key, p, on, from})
	h.write()
	m.spoil(h.r, h)
	return h.r
}

// TestCheckCanCatchesMutants shows that a few random worlds are enough for every mistake here, and
// that the rule which is for it notices.
func TestCheckCanCatchesMutants(t *testing.T) {
	all := maps.Clone(canMutants)
	maps.Copy(all, wayMutants)
	for name, mutant := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			about := cmp.Or(mutant.about, aboutData)
			for i := range about.share(fewWorlds) {
				m, wrong := compareCan(seeded(5, i), about, mutant.can)
				if !wrong {
					continue
				}
				if !slices.Contains(mutant.rules, m.rule) {
					t.Errorf("noticed by another rule than %q:\n%v", mutant.rules, m)
				}
				t.Logf("caught in world %d at %v: %s: %s", i, m.Question, m.rule, m.why)
				return
			}
			t.Errorf("lives through %d worlds", fewWorlds)
		})
	}
}

// TestCheckCanCatchesAFickleEngine has one that gives less when it is told more.
func TestCheckCanCatchesAFickleEngine(t *testing.T) {
	for i := range fewWorlds {
		w := seeded(5, i).crawl()
		fickle := func(e *estate.Estate, key identity.PrincipalKey, p identity.Privilege, on identity.Securable,
			from []identity.WorkspaceID,
		) *report.CanReport {
			r := honestCan(e, key, p, on, from)
			if e != w.estate {
				r.Verdict = report.Deny
			}
			return r
		}
		for _, q := range w.canQuestions(aboutData) {
			if _, bad := q.complaint(w, fickle); bad != (complaint{}) {
				if bad.rule != "a further fact never makes a verdict weaker" {
					t.Errorf("noticed by the rule %q", bad.rule)
				}
				return
			}
		}
	}
	t.Error("not noticed")
}

func TestCheckCanShowsASmallWorld(t *testing.T) {
	for i := range fewWorlds {
		r := &recorder{TB: t}
		checkCan(r, seeded(5, i), aboutData, canMutants["drops the grants of a proof"].can)
		if len(r.said) == 0 {
			continue
		}
		t.Logf("in world %d: %s", i, r.said[0])
		if !strings.Contains(r.said[0], suffices) {
			t.Error("the message does not say what is broken")
		}
		if lines := strings.Count(r.said[0], "\n"); lines > 30 {
			t.Errorf("the message has %d lines", lines)
		}
		return
	}
	t.Error("CheckCan never failed")
}

// TestCanQuestionsLeaveNothingOut counts what the random worlds of RunCan make a right engine say.
func TestCanQuestionsLeaveNothingOut(t *testing.T) {
	counts := map[string]int{}
	for i := range aboutWays.share(fewWorlds) {
		w := seeded(5, i).crawl()
		for _, about := range topics {
			if i >= max(fewWorlds, about.share(fewWorlds)) {
				continue
			}
			for _, q := range w.canQuestions(about) {
				r := q.ask(w.estate, honestCan)
				o := newOracle(w.seen, q.Subject)
				counts[string(about)+" "+string(r.Verdict)]++
				for _, ws := range q.From {
					if v := o.Can(q.Privilege, q.On, ws); r.Verdict == report.Indirect {
						counts["INDIRECT over "+v.String()]++
					}
				}
				for _, p := range r.Proofs {
					for _, s := range p.Steps {
						counts["proof by "+s.Kind]++
					}
				}
				for _, set := range r.Missing {
					for _, m := range set.Facts {
						counts[fmt.Sprintf("missing %s, known %v", m.Kind, m.Known)]++
					}
				}
				for _, a := range r.Acts {
					counts["act: "+a.Kind]++
				}
			}
		}
	}
	wanted := []string{
		"act: " + report.ActAssign, "act: " + report.ActMetastore, "act: " + report.ActGrant, "act: " + report.ActBind,
		"act: " + report.ActJoin, "act: " + report.ActTakeRole, "act: " + report.ActRunAs, "privileges that do not apply DENY",
		"INDIRECT over " + access.Denied.String(), "INDIRECT over " + access.Unknown.String(),
	}
	for _, about := range []topic{aboutData, aboutManaging} {
		for _, v := range []report.Verdict{report.Allow, report.Indirect, report.Unknown, report.Deny} {
			wanted = append(wanted, string(about)+" "+string(v))
		}
	}
	for _, kind := range []string{
		report.StepActive, report.StepMember, report.StepAncestor, report.StepSame, report.StepGrant, report.StepOwner,
		report.StepAssigned, report.StepAttached, report.StepBinding, report.StepAssume, report.StepDefiner,
	} {
		wanted = append(wanted, "proof by "+kind)
	}
	for _, kind := range []string{report.StepActive, report.StepGrant, report.StepAssigned, report.StepAttached, report.StepBinding} {
		wanted = append(wanted, "missing "+kind+", known true", "missing "+kind+", known false")
	}
	for _, what := range wanted {
		if counts[what] == 0 {
			t.Errorf("%d worlds without %q", fewWorlds, what)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%6d %s", counts[what], what)
	}
}

// TestActsAreReadFromWords has an engine whose acts have no kinds, as they once had none.
func TestActsAreReadFromWords(t *testing.T) {
	read := 0
	wordy := canMutant{spoil: func(r *report.CanReport, _ *honestReport) {
		if slices.ContainsFunc(r.Acts, isWay) {
			return
		}
		for i := range r.Acts {
			r.Acts[i].Kind, r.Acts[i].Privilege, r.Acts[i].Workspace = "", "", ""
			read++
		}
	}}
	for i := range fewWorlds / 2 {
		if m, wrong := compareCan(seeded(5, i), aboutData, wordy.can); wrong {
			t.Fatal(m)
		}
	}
	if read == 0 {
		t.Error("there were no acts")
	}
}
