package bot

import (
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/query"
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

// TestUsageIsForSlack holds that help offers what can be written in Slack: no files, and examples that are questions as they
// stand.
func TestUsageIsForSlack(t *testing.T) {
	m := usage("/access-audit")
	if forms := m.Parts[1].Text; strings.Contains(forms, "FILE") || !strings.Contains(forms, "--metastore NAME") {
		t.Errorf("the forms are\n%s", forms)
	}
	examples := strings.Split(m.Parts[3].Text, "\n")
	if len(examples) != len(query.Forms()) {
		t.Errorf("the examples are %q", examples)
	}
	for i, one := range examples {
		words := strings.Fields(one)
		if _, err := query.Parse(words[1:]); err != nil || words[0] != "/access-audit" {
			t.Errorf("%s: %v", one, err)
		}
		for _, argument := range query.Forms()[i].Args {
			if slices.Contains(words, argument) {
				t.Errorf("%s: %s stands for something", one, argument)
			}
		}
	}
}

// TestCloneSpeaksOfItsCommand holds that hints write the command as it is in Slack, and that what is said of a plan in the making
// is the command as a whole.
func TestCloneSpeaksOfItsCommand(t *testing.T) {
	c := &clones{command: "/access-clone"}
	for text, want := range map[string]string{
		"alice@acme.test": "write /access-clone FROM TO",
		"a b c":           "a name with spaces needs quotes: write /access-clone FROM TO",
	} {
		_, _, _, _, err := c.wish(text)
		if wrong, ok := isUsage(err); !ok || wrong.Hint != want {
			t.Errorf("%s: %v, want the hint %q", text, err, want)
		}
	}
	_, asked, _, _, err := c.wish("ivan bob --only loop-blue --ticket OPS-1 --for 8h")
	if want := "/access-clone ivan bob --only loop-blue --ticket OPS-1 --for 8h"; err != nil || asked != want {
		t.Errorf("%q, %v", asked, err)
	}
}
