package slackapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"go.yaml.in/yaml/v3"

	"databricks-access-audit/core/query"
)

func manifest(t *testing.T, o ManifestOptions) Manifest {
	t.Helper()
	m, err := NewManifest(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func written(t *testing.T, text []byte, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestManifestFile holds the file that people paste to what the program prints.
func TestManifestFile(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("../../app-manifest.yml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := manifest(t, ManifestOptions{}).YAML()
	if d := cmp.Diff(string(written(t, text, err)), string(file)); d != "" {
		t.Errorf("run: databricks-access-audit slack manifest >app-manifest.yml\n%s", d)
	}
}

var both = Wants{PlainReplies: true, UserGroups: true}

// variants are the manifests that the options make.
var variants = map[string]ManifestOptions{
	"plain":           {},
	"plain replies":   {Wants: Wants{PlainReplies: true}},
	"user groups":     {Wants: Wants{UserGroups: true}},
	"both":            {Wants: both},
	"a second app":    {Name: "Access Audit (staging)", CommandPrefix: "staging"},
	"a name like a y": {Name: "yes", CommandPrefix: "0"},
	"a name of truth": {Name: "true"},
	"a number":        {Name: "0x1f"},
	"a hostile name":  {Name: `"x: #*&!|>'%@{}[],\`, CommandPrefix: "a-b"},
	"all of a length": {Name: strings.Repeat("é", maxName), CommandPrefix: strings.Repeat("c", maxCommand-len("/-audit"))},
}

// TestManifestIsSlacks decodes what is printed as Slack's manifest is known to a library that we did
// not write: a key that it does not know, or a value that is lost, fails.
func TestManifestIsSlacks(t *testing.T) {
	t.Parallel()
	for name, o := range variants {
		t.Run(name, func(t *testing.T) {
			m := manifest(t, o)
			asJSON, err := m.JSON()
			asYAML, yamlErr := m.YAML()
			var fromJSON, fromYAML slack.Manifest
			j := json.NewDecoder(bytes.NewReader(written(t, asJSON, err)))
			j.DisallowUnknownFields()
			if err := j.Decode(&fromJSON); err != nil {
				t.Errorf("JSON: %v", err)
			}
			y := yaml.NewDecoder(bytes.NewReader(written(t, asYAML, yamlErr)))
			y.KnownFields(true)
			if err := y.Decode(&fromYAML); err != nil {
				t.Errorf("YAML: %v\n%s", err, asYAML)
			}
			if d := cmp.Diff(fromJSON, fromYAML); d != "" {
				t.Errorf("JSON and YAML differ:\n%s", d)
			}
			// A reader that does not know that names are text must not take one for something else.
			var loose any
			if err := yaml.Unmarshal(asYAML, &loose); err != nil {
				t.Fatal(err)
			}
			again, err := json.Marshal(loose)
			if err != nil {
				t.Fatal(err)
			}
			var got, want any
			if err := errors.Join(json.Unmarshal(again, &got), json.Unmarshal(asJSON, &want)); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("without types JSON and YAML differ:\n%s", d)
			}
			if got, want := fromYAML.Display.Name, m.Display.Name; got != want {
				t.Errorf("name %q, want %q", got, want)
			}
			if !fromYAML.Settings.SocketModeEnabled || fromYAML.Settings.Interactivity == nil || !fromYAML.Settings.Interactivity.IsEnabled {
				t.Error("no Socket Mode, or no clicks")
			}
			for _, c := range fromYAML.Features.SlashCommands {
				if !c.ShouldEscape {
					t.Errorf("%s lets display names pass for people", c.Command)
				}
			}
			withinLimits(t, fromYAML)
		})
	}
}

// withinLimits are the limits of https://docs.slack.dev/reference/app-manifest.
func withinLimits(t *testing.T, m slack.Manifest) {
	t.Helper()
	limit := func(what, text string, least, most int) {
		t.Helper()
		if n := utf8.RuneCountInString(text); n < least || n > most {
			t.Errorf("%s %q has %d characters, not %d to %d", what, text, n, least, most)
		}
	}
	limit("name", m.Display.Name, 1, 35)
	limit("description", m.Display.Description, 1, 140)
	limit("colour", m.Display.BackgroundColor, 4, 7)
	limit("bot", m.Features.BotUser.DisplayName, 1, 80)
	if !regexp.MustCompile(`^[a-z0-9._-]+$`).MatchString(m.Features.BotUser.DisplayName) {
		t.Errorf("bot %q has characters that Slack does not take", m.Features.BotUser.DisplayName)
	}
	for _, c := range m.Features.SlashCommands {
		limit("command", c.Command, 2, 32)
		limit("command's description", c.Description, 1, 2000)
		limit("usage hint", c.UsageHint, 1, 1000)
		if !strings.HasPrefix(c.Command, "/") || c.Url != "" {
			t.Errorf("command %q, URL %q", c.Command, c.Url)
		}
	}
	if n := len(m.OAuthConfig.Scopes.Bot); n == 0 || n > 255 || len(m.OAuthConfig.Scopes.User) > 0 {
		t.Errorf("%d bot scopes, %d user scopes", n, len(m.OAuthConfig.Scopes.User))
	}
}

func TestManifestRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		o    ManifestOptions
		want string
	}{
		"a long name":        {ManifestOptions{Name: strings.Repeat("é", maxName+1)}, "36 characters; Slack allows 35"},
		"two lines":          {ManifestOptions{Name: "a\nsettings:"}, "not one line"},
		"hidden characters":  {ManifestOptions{Name: "a\u202eb"}, "not one line"},
		"blanks around":      {ManifestOptions{Name: " a"}, "not one line"},
		"no UTF-8":           {ManifestOptions{Name: "a\xff"}, "not one line"},
		"a slash":            {ManifestOptions{CommandPrefix: "/a"}, "small letters"},
		"capitals":           {ManifestOptions{CommandPrefix: "Access"}, "small letters"},
		"a dash at the end":  {ManifestOptions{CommandPrefix: "a-"}, "small letters"},
		"a long command":     {ManifestOptions{CommandPrefix: strings.Repeat("c", maxCommand-len("/-audit")+1)}, "33 characters; Slack allows 32"},
		"a line in a prefix": {ManifestOptions{CommandPrefix: "a\nb"}, "small letters"},
	} {
		if _, err := NewManifest(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

// TestUsageHints holds the hints in Slack's typing help to the grammar.
func TestUsageHints(t *testing.T) {
	t.Parallel()
	commands := manifest(t, ManifestOptions{}).Features.Commands
	for hint := range strings.SplitSeq(commands[0].Hint, " | ") {
		mode, args, _ := strings.Cut(hint, " ")
		form, known := query.FormOf(mode)
		if mode == "help" {
			continue
		}
		if !known || len(strings.Fields(args)) != len(form.Args) {
			t.Errorf("%q is no question: %v", hint, form.Args)
		}
	}
	form, _ := query.FormOf("clone")
	for _, flag := range regexp.MustCompile(`--([a-z-]+)`).FindAllStringSubmatch(commands[1].Hint, -1) {
		if !slices.ContainsFunc(form.Flags, func(f query.Flag) bool { return f.Name == flag[1] }) {
			t.Errorf("clone has no flag %s", flag[0])
		}
	}
}

// TestScopesAreDocumented compares the table of scopes in README.md with the list, both ways.
func TestScopesAreDocumented(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []Scope
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_.:]+:?[a-z_.]*)` \\| ([^|]+) \\| ([^|]+) \\|$").FindAllStringSubmatch(section(t, string(readme), "### The scopes, and why"), -1) {
		documented = append(documented, Scope{Name: row[1], Why: row[2], Without: row[3]})
	}
	want := Scopes(both)
	for i := range want {
		want[i].Vital = false
	}
	if d := cmp.Diff(want, documented); d != "" {
		t.Errorf("README.md and the list of scopes differ (- list, + README):\n%s", d)
	}
}

// section is what stands under a heading.
func section(t *testing.T, text, heading string) string {
	t.Helper()
	_, below, found := strings.Cut(text, "\n"+heading+"\n")
	if !found {
		t.Fatalf("README.md has no %q", heading)
	}
	here, _, _ := strings.Cut(below, "\n#")
	return here
}

func TestManifestAsksForTheScopes(t *testing.T) {
	t.Parallel()
	replies := []string{"app_mention", "message.channels", "message.groups"}
	for w, events := range map[Wants][]string{{}: {"app_mention"}, {UserGroups: true}: {"app_mention"}, {PlainReplies: true}: replies, both: replies} {
		m := manifest(t, ManifestOptions{Wants: w})
		if d := cmp.Diff(ScopeNames(Scopes(w)), m.OAuth.Scopes.Bot); d != "" {
			t.Error(d)
		}
		if groups := slices.Contains(m.OAuth.Scopes.Bot, "usergroups:read"); groups != w.UserGroups {
			t.Errorf("%+v: user groups are asked for: %v", w, groups)
		}
		if d := cmp.Diff(events, m.Settings.Events.Bot); d != "" {
			t.Error(d)
		}
		history := slices.ContainsFunc(m.OAuth.Scopes.Bot, func(s string) bool { return strings.HasSuffix(s, ":history") })
		if history != w.PlainReplies {
			t.Errorf("%+v: history is asked for: %v", w, history)
		}
	}
	for _, s := range Scopes(both) {
		if s.Why == "" || s.Without == "" || strings.HasPrefix(s.Name, "admin") || s.Name == "files:read" || strings.HasPrefix(s.Name, "chat:write.") {
			t.Errorf("scope %+v", s)
		}
	}
	if n := len(Scopes(Wants{})); n != 9 {
		t.Errorf("%d scopes: one that is added needs a new installation of the app everywhere", n)
	}
}

func TestCompareScopes(t *testing.T) {
	t.Parallel()
	missing, broader := CompareScopes(Scopes(Wants{}), []string{"users:read", "commands", "files:read", "admin", "admin"})
	if d := cmp.Diff([]string{"chat:write", "files:write", "im:write", "users:read.email", "app_mentions:read", "channels:read", "groups:read"}, ScopeNames(missing)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"admin", "files:read"}, broader); d != "" {
		t.Error(d)
	}
	if missing, broader := CompareScopes(Scopes(both), ScopeNames(Scopes(both))); missing != nil || broader != nil {
		t.Errorf("the same: %v, %v", missing, broader)
	}
}
