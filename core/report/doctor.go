package report

// DoctorReport answers: which credentials are in use, which rights they carry, and what will be
// invisible to every other question, with the reason and the remedy.
type DoctorReport struct {
	Envelope
	Credentials Credentials `json:"credentials"`
	Checks      []Check     `json:"checks"`
}

// Credentials says whose eyes the tool sees with. It never holds a secret.
type Credentials struct {
	AuthType string `json:"auth_type"`
	Host     string `json:"host"`
	Profile  string `json:"profile"`
	// Source is where the settings came from: a profile's file, the environment, flags.
	Source string `json:"source"`
	// Caller is the identity behind the credentials; null when it could not be read.
	Caller *Principal `json:"caller"`
}

// The outcomes of a Check.
const (
	CheckOK      = "ok"
	CheckWarning = "warning" // answers will be incomplete
	CheckFailed  = "failed"  // answers are not possible
)

// Check is one thing that doctor tried.
type Check struct {
	Name   string `json:"name"`
	Scope  string `json:"scope"`
	Status string `json:"status"`
	Detail string `json:"detail"`
	// Effect is what will be invisible; empty when Status is ok.
	Effect string `json:"effect"`
	// Fix is what to do about it; empty when Status is ok.
	Fix string `json:"fix"`
}
