package identity

// Field is a field of principals that can be searched.
type Field uint8

// The searchable fields.
const (
	ByName        Field = iota // userName, applicationId or group displayName
	ByDisplayName              // displayName
	ByEmail                    // any address of a user
	ByExternalID               // the identity provider's id
)

// Match is a search for principals of one kind.
type Match struct {
	Field Field
	Value string
	// Contains asks for values that hold Value instead of equal it, one page at most; an empty Value
	// then takes anything. It serves to suggest candidates, never to decide.
	Contains bool
}

// Reach is how much of an account a set of credentials can see.
type Reach struct {
	AccountID string
	// WholeAccount is false when there are credentials for one workspace only.
	WholeAccount bool
	// Limit says in words, for people, what cannot be seen and what to do about it; empty when
	// WholeAccount.
	Limit string
}
