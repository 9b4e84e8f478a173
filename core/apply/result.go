package apply

import (
	"time"

	"databricks-access-audit/core/plan"
)

// Status says how a step of a plan stands.
type Status string

// The statuses. The spellings are those of reports.
const (
	StatusOpen    Status = "open"    // nobody has tried it yet
	StatusDone    Status = "done"    // we made the change
	StatusAlready Status = "already" // it was so before
	StatusLeft    Status = "left"    // it was to be taken back, but somebody changed it since, or another plan gave it, too
	StatusFailed  Status = "failed"  // it had no effect
	StatusRefused Status = "refused" // it was not tried: something had moved
	StatusUnknown Status = "unknown" // what became of it is to be found out
)

// Step is one step of a plan and how it stands.
type Step struct {
	plan.Step
	Status Status
	// Uncertain says that somebody else may have made the change.
	Uncertain bool
	Attempts  int
	Error     string
}

// Result is how a plan stands after it was worked on.
type Result struct {
	Plan   plan.Plan
	Digest string
	State  State
	// EndsAt is when what the plan gave is to be taken back; zero means never.
	EndsAt time.Time
	// Steps are those that can be carried out, in their order.
	Steps []Step
	// Rights are what is known of whether the caller may carry out the steps that were still open; empty where that
	// was not asked.
	Rights plan.Rights
	// Parent is, of a plan that takes another back, that other one; else nil.
	Parent *Result
}

// result is how the plan stands, as far as the run knows.
func (r *run) result() Result {
	out := Result{Plan: r.plan, Digest: r.kept.Digest, State: r.kept.State, EndsAt: r.kept.EndsAt, Rights: r.rights}
	for _, s := range r.plan.Executable() {
		out.Steps = append(out.Steps, r.step(s.ID))
	}
	return out
}

// step is how one step stands.
func (r *run) step(id string) Step {
	var out Step
	for _, s := range r.plan.Steps {
		if s.ID == id {
			out.Step = s
		}
	}
	a := r.last(id)
	out.Attempts, out.Uncertain, out.Error = len(r.past[id]), a.Uncertain && a.Result == Done, a.Error
	switch {
	case a.Number == 0:
		out.Status = StatusOpen
	case a.Result == Done:
		out.Status = StatusDone
	case a.Result == Already && a.Error != "":
		out.Status = StatusLeft
	case a.Result == Already:
		out.Status = StatusAlready
	case a.Result == StepFailed:
		out.Status = StatusFailed
	case a.Result == StepRefused:
		out.Status = StatusRefused
	default:
		out.Status = StatusUnknown
	}
	return out
}
