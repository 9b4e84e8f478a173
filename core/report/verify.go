package report

// VerifyReport answers: do the proofs of an earlier answer hold, as far as can be read now.
type VerifyReport struct {
	Envelope
	// Of is what the earlier answer was about: its subject, action and resource, and when it was made.
	Subject  string `json:"subject"`
	Action   string `json:"action"`
	Resource string `json:"resource"`
	MadeAt   string `json:"made_at"`
	// Holds says that there is a proof and that all of them hold.
	Holds  bool           `json:"holds"`
	Proofs []CheckedProof `json:"proofs"`
}

// CheckedProof is one proof, checked.
type CheckedProof struct {
	// Number counts from one, in the order of the answer.
	Number    int            `json:"number"`
	Workspace string         `json:"workspace"`
	Holds     bool           `json:"holds"`
	Problems  []ProofProblem `json:"problems"`
}

// ProofProblem is why a proof does not hold.
type ProofProblem struct {
	// Step counts from one; zero stands for the proof as a whole.
	Step    int    `json:"step"`
	Problem string `json:"problem"`
}

// ListCheckedProofs is the list of a VerifyReport, as Gap.Affects names it.
const ListCheckedProofs = "proofs"
