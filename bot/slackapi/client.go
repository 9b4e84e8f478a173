package slackapi

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/slack-go/slack"
)

// DefaultAPIURL is the Web API of Slack. GovSlack is at https://slack-gov.com/api/.
const DefaultAPIURL = "https://slack.com/api/"

// callTimeout bounds one call with its waits for rate limits.
const callTimeout = 90 * time.Second

// Options are what a Client is made of.
type Options struct {
	BotToken Secret // xoxb-…, for the Web API
	AppToken Secret // xapp-…, opens sockets and nothing else
	// APIURL is the base of the Web API; empty means DefaultAPIURL.
	APIURL string
	// Transport carries the calls below the rate limits; nil means http.DefaultTransport.
	Transport http.RoundTripper
	// Log hears what slack-go says; nil discards it.
	Log *slog.Logger
	// Unlimited does without Slack's rates, for workspaces of pretence that have none. What a 429 asks for is waited out all the same.
	Unlimited bool
	// Observer, unless nil, hears how calls and envelopes fare.
	Observer Observer
}

// Client talks to one workspace as one app. It is safe for concurrent use.
type Client struct {
	api  *slack.Client
	http *http.Client
	base string
	bot  Secret
	log  *slog.Logger

	observer Observer
}

// New makes a client. It makes no call. The error is about the APIURL.
func New(o Options) (*Client, error) {
	base, err := baseURL(o.APIURL)
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	limits := newLimiter(base, observed{o.Transport, o.Observer})
	limits.unlimited = o.Unlimited
	httpClient := &http.Client{
		Transport: limits,
		// Slack's API does not redirect; following one would carry a message to another place.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	api := slack.New(string(o.BotToken),
		slack.OptionAppLevelToken(string(o.AppToken)),
		slack.OptionAPIURL(base),
		slack.OptionHTTPClient(httpClient),
		slack.OptionLog(logAdapter{o.Log}),
		slack.OptionDebug(false), // it would log message texts, and make sockets short-lived
	)
	return &Client{api: api, http: httpClient, base: base, bot: o.BotToken, log: o.Log, observer: o.Observer}, nil
}

// baseURL checks the address of the API: every call carries a token there.
func baseURL(text string) (string, error) {
	if text == "" {
		text = DefaultAPIURL
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("the Slack API address is not a plain URL such as %s", DefaultAPIURL)
	}
	ip := net.ParseIP(u.Hostname())
	loopback := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback) {
		return "", fmt.Errorf("the Slack API address %s is not https", u.Redacted())
	}
	return strings.TrimSuffix(text, "/") + "/", nil
}

// Self is what the bot token says about its bearer.
type Self struct {
	TeamID string
	Team   string // its name, as its administrators wrote it
	UserID string
	BotID  string // B…
	// Scopes are those granted to the bot; nil when Slack did not say.
	Scopes []string
}

// Self asks who the bot token is. A token that does not work is a *FatalError.
//
// https://docs.slack.dev/reference/methods/auth.test
func (c *Client) Self(ctx context.Context) (Self, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := c.api.AuthTestContext(ctx)
	if err != nil {
		return Self{}, fatalOr("the bot token (xoxb-…)", fail("auth.test", err))
	}
	return Self{
		TeamID: r.TeamID, Team: r.Team, UserID: r.UserID, BotID: r.BotID,
		Scopes: parseScopes(r.Header.Get("X-OAuth-Scopes")),
	}, nil
}
