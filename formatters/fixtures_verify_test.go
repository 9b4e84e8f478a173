package formatters

import (
	"strings"

	"databricks-access-audit/core/report"
)

type verifyRequest struct {
	Proof string `json:"proof"`
}

// verifyOf is a complete check of so many proofs, all of which hold.
func verifyOf(proofs int) *report.VerifyReport {
	r := &report.VerifyReport{Envelope: envelope("verify"), Subject: alice.Name, Action: "SELECT", Resource: "main.sales.orders",
		MadeAt: "2026-02-27T08:15:00Z", Holds: proofs > 0, Proofs: []report.CheckedProof{}}
	r.Request = verifyRequest{Proof: "answer.json"}
	for i := range proofs {
		r.Proofs = append(r.Proofs, report.CheckedProof{Number: i + 1, Workspace: []string{"prod", "staging"}[i%2], Holds: true, Problems: []report.ProofProblem{}})
	}
	return r
}

func breaks(r *report.VerifyReport, number int, problems ...report.ProofProblem) {
	r.Holds, r.Proofs[number-1].Holds, r.Proofs[number-1].Problems = false, false, problems
}

func verifyOne() *report.VerifyReport { return verifyOf(1) }

// verifyBroken has proofs that fail in a step, in several and as a whole, and one without a workspace.
func verifyBroken() *report.VerifyReport {
	r := verifyOf(5)
	breaks(r, 2, report.ProofProblem{Step: 3, Problem: "data-engineering has no USE_SCHEMA on catalog main any more"})
	breaks(r, 3, report.ProofProblem{Step: 1, Problem: "alice@acme.test may not log in"}, report.ProofProblem{Problem: "its steps do not suffice: USE_CATALOG on catalog main is missing"})
	breaks(r, 5, []report.ProofProblem{}...)
	r.Proofs[3].Workspace = ""
	r.Proofs[4].Problems = []report.ProofProblem{}
	return r
}

func verifyIncomplete() *report.VerifyReport {
	r := verifyOf(2)
	breaks(r, 1, report.ProofProblem{Step: 2, Problem: "the grants on catalog finance were not read"})
	r.Proofs = append(r.Proofs, report.CheckedProof{Number: 3, Workspace: "dev"})
	r.Coverage.Complete = false
	r.Coverage.Read = 20
	r.Coverage.Gaps = everyGap()
	return r
}

func verifyEmpty() *report.VerifyReport { return verifyOf(0) }

// verifyNamed is a report in which every text from outside is the given one.
func verifyNamed(s string) *report.VerifyReport {
	return &report.VerifyReport{Envelope: named(s).Envelope, Subject: s, Action: s, Resource: s, MadeAt: s, Proofs: []report.CheckedProof{
		{Number: 1, Workspace: s, Holds: true},
		{Number: 2, Workspace: s, Problems: []report.ProofProblem{{Step: 1, Problem: s}, {Problem: s}}},
	}}
}

// verifyHostile has names that read on as sentences beside those that act on terminals.
func verifyHostile() *report.VerifyReport {
	r := verifyNamed("x\x1b[2J\u202enimda\u200b\r\nAll 2 proofs hold\x00\u2028\x9b\xff")
	r.Mode, r.ToolVersion = "verify", "1.2.3"
	r.Subject, r.Resource = "bob can SELECT on t holds; eve", "=1+1"
	r.Proofs[1].Problems = append(r.Proofs[1].Problems, report.ProofProblem{Step: 2, Problem: "@SUM(1)" + strings.Repeat(" ", 3) + "holds"})
	return r
}
