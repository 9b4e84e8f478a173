package settings

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Settings are what a configuration file says. Secrets are not in it: only the names of files that hold them.
type Settings struct {
	// Listen is the address of /healthz, /readyz and /metrics: host:port, or "off".
	Listen string `yaml:"listen"`
	// Applies is "on", or "off" for a process that carries no plan out: see core.ApprovalOptions.Off.
	Applies string `yaml:"applies"`
	// Replicas is how many processes run with these settings at once.
	Replicas int `yaml:"replicas"`
	// AuditLimit is how long one audit may take, and Drain how long those that run may go on when the bot ends.
	AuditLimit time.Duration `yaml:"audit_limit"`
	Drain      time.Duration `yaml:"drain"`

	Slack      Slack      `yaml:"slack"`
	Databricks Databricks `yaml:"databricks"`
	// Writer is the identity that applies plans; without it the one of Databricks does.
	Writer    *Databricks `yaml:"writer"`
	Ledger    Ledger      `yaml:"ledger"`
	Estate    Estate      `yaml:"estate"`
	Channels  Channels    `yaml:"channels"`
	Reports   Reports     `yaml:"reports"`
	Audits    Audits      `yaml:"audits"`
	Identity  Identity    `yaml:"identity"`
	Approvals Approvals   `yaml:"approvals"`
	// Policy says who may ask, vote and see. Its meaning is that of package consent.
	Policy yaml.Node `yaml:"policy"`
}

// Slack is the app.
type Slack struct {
	BotTokenFile string `yaml:"bot_token_file"`
	AppTokenFile string `yaml:"app_token_file"`
	APIURL       string `yaml:"api_url"`
	Command      string `yaml:"command"`
	CloneCommand string `yaml:"clone_command"`
	// Administrators are member ids of those who are told of what the bot cannot mend by itself: that a channel in which it shows
	// answers was shared with others by somebody who has left, say.
	Administrators []string `yaml:"administrators"`
	// Sockets is how many each process keeps open.
	Sockets int `yaml:"sockets"`
}

// Databricks is how to reach the account, and as whom. What is left out comes from the environment, as for every command.
type Databricks struct {
	Profile          string `yaml:"profile"`
	Host             string `yaml:"host"`
	AccountID        string `yaml:"account_id"`
	ClientID         string `yaml:"client_id"`
	ClientSecretFile string `yaml:"client_secret_file"`
}

// Ledger is where plans are kept.
type Ledger struct {
	// Path is a file, and URLFile names one that holds a postgres:// address with its password.
	Path    string `yaml:"path"`
	URLFile string `yaml:"url_file"`
	KeyFile string `yaml:"key_file"`
}

// Estate is how old the facts may be that answers rest on.
type Estate struct {
	// Refresh is how long to wait between two readings of the whole account; zero means that each question reads what it needs.
	Refresh time.Duration `yaml:"refresh"`
}

// Channels are Slack channels by their ids.
type Channels struct {
	// Approval is where plans are put to the vote.
	Approval string `yaml:"approval"`
	// Review is where it is told that two people approve each other's plans often; empty means Approval.
	Review string `yaml:"review"`
	// Public are those in which --public may be used: "counts" or "full".
	Public map[string]string `yaml:"public"`
}

// Reports are the files that answers and plans come with.
type Reports struct {
	// Retention is how long they are kept in Slack before the bot deletes them.
	Retention time.Duration `yaml:"retention"`
}

// Audits are what questions in Slack may do beside reading.
type Audits struct {
	// MayStartWarehouse says that --stale-days may start a SQL warehouse, which costs money. Otherwise only those that run are
	// asked, which costs what they compute.
	MayStartWarehouse bool `yaml:"may_start_warehouse"`
}

// Identity is how members of the team are found in Databricks.
type Identity struct {
	// Mode is pinned-email, static or email.
	Mode string `yaml:"mode"`
	// Members are the Databricks user ids of members, by team id, a slash and member id.
	Members map[string]string `yaml:"members"`
	// Domains are those that e-mail addresses may have; empty means any.
	Domains []string `yaml:"domains"`
}

// Approvals are the times and amounts that plans in Slack are held to.
type Approvals struct {
	// Wait is how long a plan waits for votes.
	Wait time.Duration `yaml:"wait"`
	// PlansADay is how many plans one person may ask for within a day.
	PlansADay int `yaml:"plans_a_day"`
	// PlainReplies has the bot hear replies in a plan's thread that do not mention it. It then gets every message of the
	// channels that it is in.
	PlainReplies bool `yaml:"plain_replies"`
}

// The modes of Identity.
const (
	PinnedEmail = "pinned-email"
	Static      = "static"
	Email       = "email"
)

// Off is the value of Listen that opens no port, and of Applies that carries nothing out; On is the other one of Applies.
const (
	On  = "on"
	Off = "off"
)

// Default is what holds where a file says nothing.
func Default() Settings {
	return Settings{
		Listen: "127.0.0.1:8080", Applies: On, Replicas: 1, AuditLimit: time.Hour, Drain: time.Minute,
		Slack:     Slack{Command: "/access-audit", CloneCommand: "/access-clone", Sockets: 2},
		Estate:    Estate{Refresh: 15 * time.Minute},
		Reports:   Reports{Retention: 7 * 24 * time.Hour},
		Identity:  Identity{Mode: PinnedEmail},
		Approvals: Approvals{Wait: 24 * time.Hour, PlansADay: 20},
	}
}

// maxSockets is how many sockets Slack allows an app, less two for processes that are being replaced.
//
// https://docs.slack.dev/apis/events-api/using-socket-mode
const maxSockets = 8

// mostRetention is the longest that reports, which name people, may be kept in Slack.
const mostRetention = 90 * 24 * time.Hour

// check finds everything that cannot be meant.
func (s Settings) check() error {
	var wrong []error
	say := func(bad bool, format string, args ...any) {
		if bad {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	if s.Listen != Off {
		_, port, err := net.SplitHostPort(s.Listen)
		say(err != nil || port == "", "listen: %q is no host and port: write 127.0.0.1:8080, or off", s.Listen)
	}
	say(s.Applies != On && s.Applies != Off, "applies: %q is neither on nor off", s.Applies)
	say(s.Replicas < 1, "replicas: %d is no number of processes: write 1 or more", s.Replicas)
	say(s.Replicas > 1 && s.Ledger.URLFile == "", "replicas: several processes need a ledger that they share: write ledger.url_file, with the address of a PostgreSQL database in it")
	say(s.Slack.Sockets < 1 || s.Slack.Sockets > 4, "slack.sockets: a process keeps 1 to 4 sockets open")
	say(s.Slack.Sockets*s.Replicas > maxSockets, "slack.sockets: %d replicas with %d sockets each are more than the %d that leave room for processes being replaced: Slack allows an app 10", s.Replicas, s.Slack.Sockets, maxSockets)
	for _, c := range []struct{ key, name string }{{"command", s.Slack.Command}, {"clone_command", s.Slack.CloneCommand}} {
		say(!slashCommand.MatchString(c.name), "slack.%s: %q is no slash command: write one such as /access-audit", c.key, c.name)
	}
	say(s.Slack.Command == s.Slack.CloneCommand, "slack.clone_command: it is the same as slack.command")
	for _, id := range s.Slack.Administrators {
		say(!memberID.MatchString(id), "slack.administrators: %q is no member id: it is in the member's profile in Slack, and begins with U or W", id)
	}
	if s.Slack.APIURL != "" {
		u, err := url.Parse(s.Slack.APIURL)
		say(err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil, "slack.api_url: it is no https address such as https://slack-gov.com/api/")
	}
	say(s.Ledger.Path != "" && s.Ledger.URLFile != "", "ledger: path and url_file name two ledgers: leave one out")
	say(strings.Contains(s.Ledger.Path, "://"), "ledger.path: an address belongs into a file of its own, since it holds a password: write ledger.url_file")
	for _, d := range []struct {
		key   string
		value time.Duration
		least time.Duration
	}{
		{"audit_limit", s.AuditLimit, time.Second}, {"drain", s.Drain, time.Second}, {"estate.refresh", s.Estate.Refresh, 0},
		{"approvals.wait", s.Approvals.Wait, time.Minute},
	} {
		say(d.value < d.least || d.value > 7*24*time.Hour, "%s: %s is not between %s and a week", d.key, d.value, d.least)
	}
	say(s.Reports.Retention < time.Hour || s.Reports.Retention > mostRetention, "reports.retention: %s is not between an hour and 90 days (2160h)", s.Reports.Retention)
	say(s.Approvals.PlansADay < 1, "approvals.plans_a_day: %d is no number of plans", s.Approvals.PlansADay)
	say(s.Channels.Approval != "" && !channelID.MatchString(s.Channels.Approval), "channels.approval: %q is no id of a channel: it is at the end of the channel's details in Slack, and begins with C", s.Channels.Approval)
	say(s.Channels.Review != "" && !channelID.MatchString(s.Channels.Review), "channels.review: %q is no id of a channel", s.Channels.Review)
	for id, show := range s.Channels.Public {
		say(!channelID.MatchString(id), "channels.public: %q is no id of a channel", id)
		say(show != "counts" && show != "full", "channels.public: %s shows %q: write counts or full", id, show)
	}
	say(!slices.Contains([]string{PinnedEmail, Static, Email}, s.Identity.Mode), "identity.mode: %q is none of %s, %s, %s", s.Identity.Mode, PinnedEmail, Static, Email)
	say(s.Identity.Mode == Static && len(s.Identity.Members) == 0, "identity.members: with mode static nobody is known who is not in it")
	say(s.Identity.Mode != Static && len(s.Identity.Members) > 0, "identity.members: it is for mode static alone")
	for member, user := range s.Identity.Members {
		say(!memberKey.MatchString(member), "identity.members: %q is not a team id, a slash and a member id, such as T0123/U0456", member)
		say(!userID.MatchString(user), "identity.members: %q of %s is no Databricks user id: it is a number", user, member)
	}
	slices.SortFunc(wrong, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(wrong...)
}

var (
	slashCommand = regexp.MustCompile(`^/[a-z0-9_-]{1,31}$`)
	channelID    = regexp.MustCompile(`^[CG][A-Z0-9]{2,20}$`)
	memberID     = regexp.MustCompile(`^[UW][A-Z0-9]{1,20}$`)
	memberKey    = regexp.MustCompile(`^[TE][A-Z0-9]{1,20}/[UW][A-Z0-9]{1,20}$`)
	userID       = regexp.MustCompile(`^[0-9]{1,20}$`)
)
