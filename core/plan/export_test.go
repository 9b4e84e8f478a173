package plan

// Fingerprint is what Plan.Gain holds.
func (o Outcome) Fingerprint() (string, error) { return o.fingerprint() }
