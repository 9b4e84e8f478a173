package consent

// anyOf is what is known of "one of them": Yes beats Unknown beats No.
func anyOf(a, b Answer) Answer {
	switch {
	case a == Yes || b == Yes:
		return Yes
	case a == No && b == No:
		return No
	default:
		return Unknown
	}
}

// not turns Yes and No round.
func not(a Answer) Answer {
	switch a {
	case Yes:
		return No
	case No:
		return Yes
	default:
		return Unknown
	}
}

// said is the Answer of something that is known.
func said(b bool) Answer {
	if b {
		return Yes
	}
	return No
}
