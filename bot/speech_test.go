package bot

import (
	"strings"
	"testing"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core"
	"databricks-access-audit/core/identity"
)

// TestExplainOffersWhatCouldBeMeant says of names of resources what the command line says of them: what
// was not found, and what is like it.
func TestExplainOffersWhatCouldBeMeant(t *testing.T) {
	unknown := &core.UnknownResourceError{Near: []string{"nightly_etl", "<!channel>"}}
	unknown.Target.Object, unknown.Target.Parts = identity.ObjectJob, []string{"nightly_etk"}
	securable := &core.UnknownResourceError{Near: []string{"table main.sales.orders", "main.sales.order_files"}}
	securable.Target.Type, securable.Target.Parts = identity.TypeVolume, []string{"main", "sales", "orders"}
	several := &core.AmbiguousResourceError{
		Objects:    []identity.ObjectInfo{{Object: identity.Object{Type: identity.ObjectJob, ID: "7"}, Name: "etl"}},
		Workspaces: []string{"prod"},
	}
	for err, want := range map[error][]string{
		unknown:   {"there is no job called nightly_etk", "Did you mean one of these?", "nightly_etl"},
		securable: {"there is no volume called main.sales.orders that", "Did you mean one of these?", "table main.sales.orders\nmain.sales.order_files"},
		several:   {"More than one thing bears that name", "job etl  id 7  in workspace prod"},
	} {
		said := explain(t.Context(), err, &task{})
		var text strings.Builder
		for _, p := range said.Parts {
			text.WriteString(p.Text + "\n")
		}
		for _, w := range want {
			if !strings.Contains(text.String(), w) {
				t.Errorf("%q does not say %q", text.String(), w)
			}
		}
		if said.Parts[len(said.Parts)-1].Kind != slackapi.Preformatted {
			t.Errorf("the names are not shown apart: %+v", said.Parts)
		}
	}
}
