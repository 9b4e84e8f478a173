package slackapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// ManifestOptions are the choices that an app manifest leaves.
type ManifestOptions struct {
	// Name is how the app is called in Slack; empty means "Access Audit".
	Name string
	// CommandPrefix begins the slash commands and the bot's name; empty means "access". Of two apps
	// with the same command in one workspace the one that was installed last gets it.
	CommandPrefix string
	Wants
}

const (
	defaultName   = "Access Audit"
	defaultPrefix = "access"
	maxName       = 35 // characters
	maxCommand    = 32
)

func (o ManifestOptions) auditCommand() string { return "/" + o.CommandPrefix + "-audit" }
func (o ManifestOptions) cloneCommand() string { return "/" + o.CommandPrefix + "-clone" }

// commandPrefix is what Slack takes as a command, and as the name of a bot.
var commandPrefix = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$`)

// complete fills in the defaults and refuses what Slack would refuse. The limits are those of
// https://docs.slack.dev/reference/app-manifest.
func (o ManifestOptions) complete() (ManifestOptions, error) {
	if o.Name == "" {
		o.Name = defaultName
	}
	if o.CommandPrefix == "" {
		o.CommandPrefix = defaultPrefix
	}
	switch n := utf8.RuneCountInString(o.Name); {
	case n > maxName:
		return o, fmt.Errorf("the name has %d characters; Slack allows %d", n, maxName)
	case !utf8.ValidString(o.Name) || strings.TrimSpace(o.Name) != o.Name || strings.ContainsFunc(o.Name, unprintable):
		return o, fmt.Errorf("the name %q is not one line of plain text", o.Name)
	case !commandPrefix.MatchString(o.CommandPrefix):
		return o, fmt.Errorf("the command prefix %q is not made of small letters, digits and dashes in between", o.CommandPrefix)
	case len(o.auditCommand()) > maxCommand:
		return o, fmt.Errorf("the command %s has %d characters; Slack allows %d", o.auditCommand(), len(o.auditCommand()), maxCommand)
	}
	return o, nil
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// Manifest describes the app to Slack. It is made by NewManifest, and holds what the bot uses and
// nothing else: a false is said, since Slack's settings page would show another default.
//
// https://docs.slack.dev/reference/app-manifest
type Manifest struct {
	Metadata struct {
		Major int `json:"major_version"`
		Minor int `json:"minor_version"`
	} `json:"_metadata"`
	Display struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Background  string `json:"background_color"`
	} `json:"display_information"`
	Features struct {
		Home struct {
			Home             bool `json:"home_tab_enabled"`
			Messages         bool `json:"messages_tab_enabled"`
			MessagesReadOnly bool `json:"messages_tab_read_only_enabled"`
		} `json:"app_home"`
		Bot struct {
			Name   string `json:"display_name"`
			Online bool   `json:"always_online"`
		} `json:"bot_user"`
		Commands []ManifestCommand `json:"slash_commands"`
	} `json:"features"`
	OAuth struct {
		Scopes struct {
			Bot []string `json:"bot"`
		} `json:"scopes"`
	} `json:"oauth_config"`
	Settings struct {
		Events struct {
			Bot []string `json:"bot_events"`
		} `json:"event_subscriptions"`
		Interactivity struct {
			Enabled bool `json:"is_enabled"`
		} `json:"interactivity"`
		OrgDeploy     bool `json:"org_deploy_enabled"`
		SocketMode    bool `json:"socket_mode_enabled"`
		TokenRotation bool `json:"token_rotation_enabled"`
	} `json:"settings"`
}

// ManifestCommand is a slash command of the app.
type ManifestCommand struct {
	Command     string `json:"command"`
	Description string `json:"description"`
	Hint        string `json:"usage_hint"`
	// Escape has people, channels and links arrive as tokens with ids.
	Escape bool `json:"should_escape"`
}

// NewManifest describes the app. The error says what is wrong with the options.
func NewManifest(o ManifestOptions) (Manifest, error) {
	o, err := o.complete()
	if err != nil {
		return Manifest{}, err
	}
	var m Manifest
	m.Metadata.Major, m.Metadata.Minor = 1, 1
	m.Display.Name = o.Name
	m.Display.Description = "Databricks access audits and approved access clones"
	m.Display.Background = "#1f3a5f"
	m.Features.Home.Messages = true
	m.Features.Bot.Name = o.auditCommand()[1:]
	m.Features.Bot.Online = true
	m.Features.Commands = []ManifestCommand{
		{o.auditCommand(), "Who can do what and why", "principal <who> | group <name> | resource <name> | compare <a> <b> | can <who> <action> <resource> | help", true},
		{o.cloneCommand(), "Plan a copy of access that is applied after approval", "<from> <to> [--only GROUP,…] [--for DURATION]", true},
	}
	m.OAuth.Scopes.Bot = ScopeNames(Scopes(o.Wants))
	m.Settings.Events.Bot = []string{"app_mention"}
	if o.PlainReplies {
		m.Settings.Events.Bot = append(m.Settings.Events.Bot, "message.channels", "message.groups")
	}
	m.Settings.Interactivity.Enabled = true
	m.Settings.SocketMode = true
	return m, nil
}

// JSON gives the manifest as Slack's settings page and API take it.
func (m Manifest) JSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // usage hints hold < and >
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("write the app manifest: %w", err)
	}
	return b.Bytes(), nil
}

const manifestHead = `The Slack app of databricks-access-audit, as printed by databricks-access-audit slack manifest.
Create an app from this file at https://api.slack.com/apps ("From a manifest"), install it in the
workspace, then make an app-level token by hand: it is not part of a manifest and needs the scope
connections:write only. databricks-access-audit slack doctor checks the two tokens.
Reference: https://docs.slack.dev/reference/app-manifest`

// YAML gives the manifest with the reason for each scope.
func (m Manifest) YAML() ([]byte, error) {
	// JSON is YAML: what comes out of it keeps its order, and the names are written once.
	text, err := m.JSON()
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("write the app manifest: %w", err)
	}
	blockStyle(&doc)
	m.comment(doc.Content[0])
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(&doc); err != nil {
		return nil, fmt.Errorf("write the app manifest: %w", err)
	}
	return topLevel.ReplaceAll(b.Bytes(), []byte("\n$0")), nil
}

// topLevel is a section other than the first, which begins after a comment.
var topLevel = regexp.MustCompile(`(?m)^[a-z]\w*:`)

// blockStyle takes the braces and quotes of JSON off. The encoder quotes what needs it.
func blockStyle(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		blockStyle(c)
	}
}

func (m Manifest) comment(root *yaml.Node) {
	root.HeadComment = manifestHead + "\n\n"
	at(root, "features", "app_home", "messages_tab_enabled").LineComment = "reports arrive as direct messages"
	commands := "should_escape: people, channels and links arrive as tokens with ids, so that a display name\ncannot pass for somebody else."
	if audit, clone := m.Features.Commands[0].Command, m.Features.Commands[1].Command; audit != "/"+defaultPrefix+"-audit" {
		commands += fmt.Sprintf("\nThe bot's configuration has to name them too: slack: {command: %s, clone_command: %s}", audit, clone)
	}
	at(root, "features", "slash_commands").HeadComment = commands
	bot := at(root, "oauth_config", "scopes", "bot")
	why := map[string]string{}
	for _, s := range Scopes(Wants{PlainReplies: true, UserGroups: true}) {
		why[s.Name] = s.Why
	}
	for _, s := range bot.Content {
		s.LineComment = why[s.Value]
	}
	bot.Content[len(bot.Content)-1].FootComment = notAsked(m.OAuth.Scopes.Bot)
	at(root, "settings", "interactivity", "is_enabled").LineComment = "without it clicks on buttons never arrive"
}

// at is the value at a path of keys, which must be there.
func at(n *yaml.Node, path ...string) *yaml.Node {
next:
	for _, key := range path {
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				n = n.Content[i+1]
				continue next
			}
		}
		panic("slackapi: the manifest has no " + strings.Join(path, "."))
	}
	return n
}
