package bot

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/query"
)

// addresses is who the mentions of these tests are.
func addresses(id string) (string, error) {
	if id == "U0NOBODY" {
		return "", errNoAddress
	}
	return strings.ToLower(strings.TrimPrefix(id, "U0")) + "@acme.test", nil
}

func TestTypingIsUnderstood(t *testing.T) {
	for typed, want := range map[string][]string{
		"":                                         nil,
		"principal alice@acme.test":                {"principal", "alice@acme.test"},
		"principal <@U0BOB|bob>":                   {"principal", "bob@acme.test"},
		"principal <@U0BOB>":                       {"principal", "bob@acme.test"},
		"principal <@U0BOB|bo \"b>":                {"principal", "bob@acme.test"},
		"principal <mailto:a@b.test|a@b.test>":     {"principal", "a@b.test"},
		"principal <mailto:a@b.test>":              {"principal", "a@b.test"},
		"principal <http://prod.sales|prod.sales>": {"principal", "prod.sales"},
		"principal <http://x.test|two words>":      {"principal", "two words"},
		"principal <http://x.test|a\"b'c>":         {"principal", "a\"b'c"},
		"p --workspace-urls <https://a.test/?o=1>,<https://b.test|b.test>": {"p", "--workspace-urls", "https://a.test/?o=1,b.test"},
		"p <https://a.test/?a=1&amp;b=2>":                                  {"p", "https://a.test/?a=1&b=2"},
		"principal “data team”":                                            {"principal", "data team"},
		"principal ‘data team’":                                            {"principal", "data team"},
		"principal „data team“":                                            {"principal", "data team"},
		"principal O’Brien":                                                {"principal", "O'Brien"},
		"principal x —scan-tables":                                         {"principal", "x", "--scan-tables"},
		"principal x –scan-tables":                                         {"principal", "x", "--scan-tables"},
		"principal Müller–Schmidt":                                         {"principal", "Müller–Schmidt"},
		"principal\u00a0x\u202f--scan-tables":                              {"principal", "x", "--scan-tables"},
		"principal \"a\u00a0b\"":                                           {"principal", "a b"},
		"principal a &amp; b":                                              {"principal", "a", "&", "b"},
		"principal \"R&amp;D &lt;eu&gt;\"":                                 {"principal", "R&D <eu>"},
		"principal &amp;lt;x&amp;gt;":                                      {"principal", "&lt;x&gt;"},
		"principal <http://x.test|a&amp;lt;b>":                             {"principal", "a&lt;b"},
		"principal &lt;@U0BOB&gt;":                                         {"principal", "<@U0BOB>"},
		"principal al\u200bice@\u202eacme.test\ufeff":                      {"principal", "alice@acme.test"},
		"principal \ufdd0x":                                                {"principal", "x"},
		"principal <unfinished":                                            {"principal", "<unfinished"},
		"principal <>":                                                     {"principal", "<>"},
	} {
		got, err := words(typed, addresses)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q reads %q, %v; want %q", typed, got, err, want)
		}
	}
}

func TestTypingIsRefused(t *testing.T) {
	for typed, problem := range map[string]string{
		"principal @bob":                           "is not a mention",
		"principal <#C0HELP|data-help>":            "a Slack channel",
		"principal <!subteam^S1|@admins>":          "a Slack user group",
		"principal <!channel>":                     "a Slack user group",
		"principal <@U0NOBODY|x>":                  "no confirmed e-mail",
		"principal “x":                             "not closed",
		strings.Repeat("x", maxCommand+1):          "longer than",
		strings.Repeat("<http://a|b>", 40):         "too many links",
		strings.Repeat("<@U0BOB> ", maxMentions+1): "too many people",
	} {
		_, err := words(typed, addresses)
		wrong, ok := isUsage(err)
		if !ok || !strings.Contains(wrong.Problem, problem) || wrong.Hint == "" {
			t.Errorf("%.60q: error %v, want a usage error about %q with a hint", typed, err, problem)
		}
	}
	broken := errors.New("users.info: timeout")
	if _, err := words("principal <@U0BOB>", func(string) (string, error) { return "", broken }); !errors.Is(err, broken) {
		t.Errorf("error %v, want that of the look-up", err)
	}
}

// What people type, what their client makes of it, and what the grammar then reads must agree with
// the same words on the command line.
func TestTypingThroughAClient(t *testing.T) {
	s, err := slackfake.Start(slackfake.AcmeWorkspace(), slackfake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for _, line := range []string{
		`principal alice@acme.test --scan-tables`,
		`principal "data & science <eu>" --scan-all`,
		`principal 'prod.sales readers'`,
		`principal prod.sales`,
		`principal 1234 --workspace-urls https://adb-1.azuredatabricks.net,https://adb-2.azuredatabricks.net`,
		`principal 0a1b2c3d-0000-4000-8000-000000000001`,
		`doctor`,
	} {
		split, err := query.Words(line)
		if err != nil {
			t.Fatal(err)
		}
		want, err := query.Parse(split)
		if err != nil {
			t.Fatal(err)
		}
		for _, sent := range []string{s.Typed(line), s.Typed(slackfake.SmartPunctuation(line)), strings.ReplaceAll(s.Typed(line), " ", "\u00a0")} {
			split, err := words(sent, addresses)
			if err != nil {
				t.Errorf("%q: %v", sent, err)
				continue
			}
			got, err := query.Parse(split)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%q sent as %q: %v %s", line, sent, err, diff)
			}
		}
	}
}

func FuzzTyping(f *testing.F) {
	for _, seed := range []string{
		"", "principal <@U0BOB|bob>", "<mailto:a@b|a@b> <http://x|y>", "“a b” —x –y", "&amp;lt; &gt; &", "\u00a0\ufdd0<", `"a \" b"`, "<!here> <#C1|x>", "<http://a|\ufdd0>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := words(text, addresses)
		if err != nil {
			if _, ok := isUsage(err); !ok {
				t.Errorf("%q: error of another kind: %v", text, err)
			}
			return
		}
		for _, w := range got {
			if strings.ContainsFunc(w, isPlace) {
				t.Errorf("%q: a placeholder is left in %q", text, w)
			}
		}
		// Text in which nobody has a hand reads as on the command line.
		plain := utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune("<>&@", r) })
		if want, err := query.Words(text); plain && (err != nil || !slices.Equal(got, want)) {
			t.Errorf("%q reads %q, on the command line %q, %v", text, got, want, err)
		}
	})
}
