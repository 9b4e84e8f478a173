package bot

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// viewers lets people see themselves alone, under an id of their own.
type viewers struct{}

var errNotRead = errors.New("no answer")

func (viewers) IdentifyViewer(_ context.Context, _, member, email string) (ledger.Actor, error) {
	switch member {
	case slackfake.Carol:
		return ledger.Actor{}, &core.NotAllowedError{Why: "you cannot be matched"}
	case slackfake.Dave:
		return ledger.Actor{}, errNotRead
	}
	return ledger.Actor{ID: "id of " + email}, nil
}

func (viewers) Admit(_ context.Context, who identity.PrincipalKey, req query.Request) (core.Admitted, error) {
	q, ok := req.(query.Principal)
	if !ok || "id of "+q.Who != who.ID {
		return core.Admitted{}, &core.NotAllowedError{Why: "that is not yours"}
	}
	q.Who = who.ID
	return core.Admitted{Request: q}, nil
}

// TestT25OnlyWhatIsTheirs: a question that somebody may not have answered is not even asked, and one that they may is asked as it
// was admitted.
func TestT25OnlyWhatIsTheirs(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	r := begin(t, func(ctx context.Context, req query.Request, p core.Progress) (report.Report, error) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, req.(query.Principal).Who)
		return smallReport(ctx, req, p)
	}, slackfake.Options{}, func(c *Config) { c.Viewers = viewers{} })
	for _, c := range []struct{ who, text, said string }{
		{slackfake.Alice, "principal alice@acme.test", "id of alice@acme.test"},
		{slackfake.Alice, "principal bob@acme.test", "that is not yours"},
		{slackfake.Alice, "resource main.sales.orders", "that is not yours"},
		{slackfake.Carol, "principal carol@acme.test", "you cannot be matched"},
		{slackfake.Dave, "principal dave@acme.test", ""},
	} {
		r.ask(c.who, c.text)
		if said := r.lastTold(c.who); !strings.Contains(said, c.said) || strings.Contains(said, "bob") {
			t.Errorf("%s: %s", c.text, said)
		}
	}
	if want := []string{"id of alice@acme.test"}; !slices.Equal(asked, want) {
		t.Errorf("the engine was asked about %q", asked)
	}
}

// TestFresh: --fresh asks the other engine.
func TestFresh(t *testing.T) {
	from := func(name string) engine {
		return func(ctx context.Context, _ query.Request, _ core.Progress) (report.Report, error) {
			return principal(name, "prod", 1), nil
		}
	}
	r := begin(t, from("kept"), slackfake.Options{}, func(c *Config) { c.Fresh = from("fresh") })
	for text, want := range map[string]string{"principal x": "kept", "principal x --fresh": "fresh"} {
		r.ask(slackfake.Alice, text)
		if said := r.lastTold(slackfake.Alice); !strings.Contains(said, want) {
			t.Errorf("%s: %s", text, said)
		}
	}
}
