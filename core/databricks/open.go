package databricks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/databricks/databricks-sdk-go/common/environment"
	"github.com/databricks/databricks-sdk-go/config"

	"databricks-access-audit/core/identity"
)

// Account is an opened account, or as much of one as the credentials reach. It owns connections,
// tokens and rate limits, which all its sessions share. It is safe for concurrent use.
type Account struct {
	identity  Identity
	reach     identity.Reach
	addr      address
	kind      hostKind
	settings  settings
	override  float64
	policy    policy
	transport http.RoundTripper
	send      sender
	scrub     *scrubber
	log       *slog.Logger
	userAgent string
	clock     peerClock

	life    context.Context // ends with Close
	end     context.CancelFunc
	running sync.WaitGroup // fetches of tokens

	mu    sync.Mutex
	hosts map[address]*host
	meta  *config.HostMetadata

	// noParents remembers that the account has no API for transitive parents.
	noParents atomic.Bool
	// here is the workspace of credentials that reach only one, once it is known.
	here atomic.Pointer[identity.Workspace]
}

// Identity says who an Account is and where that was configured. It holds no secret.
type Identity struct {
	AuthType  string
	Host      string
	AccountID string
	Profile   string
	// ClientID is the service principal's, where the way to authenticate has one.
	ClientID string
	// User is the user's name, where the way to authenticate has one in its configuration.
	User string
	// ConfigSource says in words where the configuration comes from.
	ConfigSource string
}

// Open resolves credentials, fetches a token and so finds out whether they are any good. Its errors
// are one sentence that says what to do next. Close the account when done with it.
func Open(ctx context.Context, o Options) (*Account, error) {
	s, err := loadSettings(o)
	if err != nil {
		return nil, err
	}
	a := &Account{
		settings: s, override: o.RateLimit, policy: o.policy(), log: o.logger(), scrub: &scrubber{},
		hosts: map[address]*host{}, userAgent: userAgent(o.Version), clock: peerClock{now: o.Now},
	}
	if a.clock.now == nil {
		a.clock.now = time.Now
	}
	for _, secret := range s.secrets() {
		a.scrub.learn(secret)
	}
	a.transport = o.transport
	if a.transport == nil {
		a.transport = newTransport(o)
	}
	a.send = stack(a.policy, a.transport, a.log)
	a.life, a.end = context.WithCancel(context.Background())
	if err := a.open(ctx, o); err != nil {
		a.Close()
		return nil, a.oneSentence(err)
	}
	return a, nil
}

// Close ends what runs in the background and lets idle connections go. Sessions are of no use after it.
func (a *Account) Close() {
	a.end()
	if t, ok := a.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Identity tells who the account was opened as, for people.
func (a *Account) Identity() Identity { return a.identity }

// Session starts a session: one per question, since it counts what the question cost.
func (a *Account) Session() *Session { return &Session{account: a} }

func userAgent(version string) string {
	return fmt.Sprintf("databricks-access-audit/%s go/%s os/%s", firstNonEmpty(version, "0.0.0"), strings.TrimPrefix(runtime.Version(), "go"), runtime.GOOS)
}

// oneSentence strips a failure of its kind and status, which are for programs.
func (a *Account) oneSentence(err error) error {
	if f, ok := errors.AsType[*identity.Failure](err); ok {
		return &openError{text: a.scrub.line(f.Message), failure: f}
	}
	if ctxErr := context.Cause(a.life); ctxErr == nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return err
	}
	return err
}

// openError is a failure to open, worded for people and still recognisable by kind.
type openError struct {
	text    string
	failure *identity.Failure
}

func (e *openError) Error() string { return e.text }
func (e *openError) Unwrap() error { return e.failure }

func (a *Account) open(ctx context.Context, o Options) error {
	ids, err := a.locate(o)
	if err != nil {
		return err
	}
	accountID := firstNonEmpty(a.settings.values[keyAccount], ids.account)
	said := hostWord{}
	if zoneOf(a.addr) == "" {
		if said, err = a.askHost(ctx); err != nil {
			return err
		}
		accountID = firstNonEmpty(accountID, said.AccountID)
	}
	a.kind = kindOf(a.addr, said.HostType, accountID)
	if err := a.checkAccountID(accountID); err != nil {
		return err
	}
	if a.settings.values[keyAuthType] == authPAT && a.kind != workspaceHost {
		return fmt.Errorf("a personal access token reaches one workspace, not the account at %s: use a service principal (DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET) or `databricks auth login --host %s`", a.addr.host, a.addr)
	}
	a.settings.values[keyAccount] = accountID
	a.meta = a.hostMetadata(said, accountID)
	a.reach = a.reachOf(accountID)
	own := a.host(a.addr)
	if err := a.fetchToken(ctx, own); err != nil {
		return err
	}
	v := a.settings.values
	a.identity = Identity{
		AuthType: own.creds.authType(), Host: a.addr.String(), AccountID: accountID, Profile: v[keyProfile],
		ClientID: firstNonEmpty(v["client_id"], v["azure_client_id"]), User: firstNonEmpty(v["username"], v["google_service_account"]),
		ConfigSource: a.settings.source,
	}
	return nil
}

// fetchToken gets the first token, and with it the verdict on the credentials.
func (a *Account) fetchToken(ctx context.Context, own *host) error {
	_, _, err := own.creds.get(ctx)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("open %s: %w", a.addr.host, ctx.Err())
	}
	return err
}

// locate finds the host to open.
func (a *Account) locate(o Options) (pasted, error) {
	raw := a.settings.values[keyHost]
	cloud := strings.ToLower(o.Cloud)
	console, known := accountHosts[cloud]
	if cloud != "" && !known {
		return pasted{}, fmt.Errorf("cloud %q is not known: give %s", o.Cloud, cloudNames)
	}
	if raw == "" {
		raw = console
	}
	if raw == "" {
		if a.settings.values[keyAuthType] == "" && a.settings.values[keyProfile] == "" {
			return pasted{}, errors.New("no credentials found: set DATABRICKS_HOST, DATABRICKS_ACCOUNT_ID, DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET, or create a profile with `databricks auth login`")
		}
		return pasted{}, fmt.Errorf("no host is configured: set DATABRICKS_HOST, or name the cloud (%s)", cloudNames)
	}
	addr, ids, err := parseAddress(raw, o.Host != "")
	if err != nil {
		return pasted{}, err
	}
	if is := cloudOf(addr); known && is != "" && is != strings.SplitN(cloud, "-", 2)[0] {
		return pasted{}, fmt.Errorf("host %s belongs to cloud %s, not %s: drop one of the two", addr.host, is, cloud)
	}
	a.addr = addr
	if known {
		a.settings.values["cloud"] = map[string]string{"aws": string(environment.CloudAWS), "azure": string(environment.CloudAzure), "gcp": string(environment.CloudGCP)}[strings.SplitN(cloud, "-", 2)[0]]
	}
	return ids, nil
}

// uuid is the form of account ids.
//
// https://docs.databricks.com/aws/en/admin/account-settings/#locate-your-account-id
var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func (a *Account) checkAccountID(id string) error {
	switch {
	case a.kind == workspaceHost:
		return nil
	case id == "":
		return fmt.Errorf("no account id is configured for %s: set DATABRICKS_ACCOUNT_ID, or account_id in the profile, to the id that the account console shows in the menu under your user name", a.addr.host)
	case !uuid.MatchString(id):
		return fmt.Errorf("account id %q is not a UUID: copy it from the account console, in the menu under your user name", id)
	default:
		return nil
	}
}

// hostWord is what a host says of itself.
//
// databricks-sdk-go config/host_metadata.go
type hostWord struct {
	OIDCEndpoint string   `json:"oidc_endpoint"`
	AccountID    string   `json:"account_id"`
	WorkspaceID  scalar   `json:"workspace_id"`
	Cloud        string   `json:"cloud"`
	HostType     string   `json:"host_type"`
	Audiences    []string `json:"token_federation_default_oidc_audiences"`
}

// askHost asks a host what it is, where its name does not tell. A host that does not know the
// question is taken by its name; one that cannot be reached is an error at once, where the SDK would
// go on to wait for it elsewhere.
func (a *Account) askHost(ctx context.Context) (hostWord, error) {
	wire := a.tokenTransport(a.addr)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.addr.String()+"/.well-known/databricks-config", nil)
	if err != nil {
		return hostWord{}, err
	}
	req.Header.Set("User-Agent", a.userAgent)
	resp, err := wire.RoundTrip(req)
	if ctx.Err() != nil {
		return hostWord{}, fmt.Errorf("open %s: %w", a.addr.host, ctx.Err())
	}
	if err != nil {
		if _, _, cause := wire.failure(); cause != nil {
			return hostWord{}, &identity.Failure{Kind: identity.Failed, Message: a.scrub.line(explain(a.addr, cause))}
		}
		return hostWord{}, nil
	}
	defer func() { _ = resp.Body.Close() }()
	var said hostWord
	if resp.StatusCode != http.StatusOK || json.NewDecoder(resp.Body).Decode(&said) != nil {
		return hostWord{}, nil
	}
	return said, nil
}

// hostMetadata puts what is known of the host the way the SDK wants to hear it.
func (a *Account) hostMetadata(said hostWord, accountID string) *config.HostMetadata {
	m := &config.HostMetadata{
		OIDCEndpoint: said.OIDCEndpoint, AccountID: said.AccountID, WorkspaceID: string(said.WorkspaceID),
		Cloud: environment.Cloud(said.Cloud), TokenFederationDefaultOIDCAudiences: said.Audiences,
	}
	switch a.kind {
	case accountHost:
		m.HostType = config.AccountHost
	case unifiedHost:
		m.HostType = config.UnifiedHost
		if m.OIDCEndpoint == "" {
			m.OIDCEndpoint = a.addr.String() + "/oidc/accounts/" + accountID
		}
	case workspaceHost:
		if said.HostType == "" {
			return nil
		}
		m.HostType = config.WorkspaceHost
	}
	return m
}

func (a *Account) reachOf(accountID string) identity.Reach {
	r := identity.Reach{AccountID: accountID, WholeAccount: a.kind != workspaceHost}
	if r.WholeAccount {
		return r
	}
	console := accountHosts["aws"]
	if cloud := cloudOf(a.addr); cloud != "" {
		console = accountHosts[cloud]
	}
	for zone := range workspaceZones {
		if strings.HasSuffix(a.addr.hostname(), "."+zone) {
			console = "https://accounts." + zone
		}
	}
	r.Limit = fmt.Sprintf("These credentials reach workspace %s only: other workspaces, their assignments and other metastores are not seen. "+
		"To see the whole account, use a profile whose host is %s, with account_id and an account admin's credentials.", a.addr.host, console)
	return r
}

// host is one host with what is limited or remembered per host. It is safe for concurrent use.
type host struct {
	account *Account
	addr    address
	own     bool // the host that was opened, not a workspace found through it
	gate    *gate

	mu       sync.Mutex
	limiters map[class]*limiter
	creds    *credentials // in use
	separate *credentials // a token of the workspace's own, when it refused the account's
	accepted bool         // creds have worked here
	down     time.Time    // when it could not be connected to, last
}

// host gives the host at an address, always the same one.
func (a *Account) host(at address) *host {
	a.mu.Lock()
	defer a.mu.Unlock()
	if h := a.hosts[at]; h != nil {
		return h
	}
	h := &host{account: a, addr: at, own: at == a.addr, gate: newGate(), limiters: map[class]*limiter{}}
	if h.own {
		h.creds = &credentials{account: a, addr: at, resolve: func(rt http.RoundTripper) (*config.Config, error) {
			return a.settings.sdkConfig(rt, at, a.meta, nil)
		}}
	} else if kind := a.identity.AuthType; kind == authGoogleKey || kind == authGoogleID {
		// Google's tokens name the host they are for, so every host needs its own,
		// databricks-sdk-go config/auth_gcp_google_id.go.
		h.creds = a.ownCredentials(at, kind)
	} else {
		h.creds = a.hosts[a.addr].current()
	}
	a.hosts[at] = h
	return h
}

// ownCredentials are those that a workspace itself issues to the same identity.
func (a *Account) ownCredentials(at address, kind string) *credentials {
	return &credentials{account: a, addr: at, resolve: func(rt http.RoundTripper) (*config.Config, error) {
		return a.settings.sdkConfig(rt, at, nil, map[string]string{keyAccount: "", keyAuthType: kind})
	}}
}

func (h *host) current() *credentials {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.creds
}

// accept records that credentials work here.
func (h *host) accept(c *credentials) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.creds, h.accepted, h.down = c, true, time.Time{}
}

// fallback gives credentials of the workspace's own, if it may yet turn out to want those.
func (h *host) fallback() *credentials {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.own || h.accepted || h.account.identity.AuthType != authM2M {
		return nil
	}
	if h.separate == nil {
		h.separate = h.account.ownCredentials(h.addr, authM2M)
	}
	return h.separate
}

func (h *host) limiter(c class) *limiter {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.account.override > 0 {
		c = classOther // one bucket for all
	}
	l := h.limiters[c]
	if l == nil {
		l = newLimiter(c, h.account.override)
		h.limiters[c] = l
	}
	return l
}

// isDown reports whether the host could not be connected to a moment ago.
func (h *host) isDown() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.down.IsZero() && time.Since(h.down) < downSpell
}

func (h *host) markDown(down bool) {
	if !down {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down = time.Now()
}

// authType is the way to authenticate that the SDK settled on.
func (c *credentials) authType() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cfg == nil {
		return ""
	}
	return c.cfg.AuthType
}
