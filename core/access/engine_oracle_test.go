package access_test

import (
	"testing"

	"databricks-access-audit/core/access"
	"databricks-access-audit/core/access/accesstest"
	"databricks-access-audit/core/estate"
	"databricks-access-audit/core/identity"
)

// subject gives paths the plain type that accesstest knows.
type subject struct{ *access.Subject }

func (s subject) Paths(group identity.PrincipalKey) (plain [][]identity.PrincipalKey, omitted int) {
	paths, omitted := s.Subject.Paths(group)
	for _, p := range paths {
		plain = append(plain, p)
	}
	return plain, omitted
}

// TestEngineAgreesWithTheOracle compares the engine with one written without reading it.
func TestEngineAgreesWithTheOracle(t *testing.T) {
	accesstest.Run(t, newSubject)
}

func newSubject(e *estate.Estate, k identity.PrincipalKey) accesstest.Subject {
	return subject{access.For(e, k)}
}

// TestSmallWorlds asks about every world of a small alphabet of facts.
func TestSmallWorlds(t *testing.T) { accesstest.RunSmall(t, newSubject) }
