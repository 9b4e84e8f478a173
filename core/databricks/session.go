package databricks

import (
	"databricks-access-audit/core/identity"
)

// Session reads facts for one question and counts what that cost. It is safe for concurrent use and
// satisfies collect.Source, whose documentation is the contract of its methods.
type Session struct {
	account *Account
	counts  counter
}

// Reach says how much of the account the credentials can see.
func (s *Session) Reach() identity.Reach { return s.account.reach }

// Calls gives the requests sent so far, retries included, by method and route template. Requests for
// tokens belong to the account and are not among them.
func (s *Session) Calls() map[string]int { return s.counts.snapshot() }

// degraded reports whether the credentials reach one workspace only.
func (s *Session) degraded() bool { return s.account.kind == workspaceHost }

// own makes a request to the host that was opened.
func (s *Session) own(r route, values ...string) request {
	return request{host: s.account.host(s.account.addr), route: r, values: values}
}

// at makes a request to a workspace of the account.
func (s *Session) at(w identity.Workspace, r route, values ...string) (request, error) {
	addr, err := workspaceTarget(s.account.addr, s.account.kind, w)
	if err != nil {
		return request{}, s.failed(err)
	}
	req := request{host: s.account.host(addr), route: r, values: values}
	if s.account.kind == unifiedHost {
		req.workspace = w.ID
	}
	return req, nil
}

// unsupported makes the failure of a question that these credentials or this API cannot answer.
func unsupported(message string) *identity.Failure {
	return &identity.Failure{Kind: identity.Unsupported, Message: message}
}
