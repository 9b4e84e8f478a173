package databricks

import (
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

// Options says which account to open and how to talk to it. The zero value opens what the Databricks
// command line would: environment variables first, then the default profile of ~/.databrickscfg.
//
// https://docs.databricks.com/aws/en/dev-tools/auth/unified-auth
type Options struct {
	// Profile names a section of the configuration file. A profile named here wins over environment
	// variables, key by key; one named by DATABRICKS_CONFIG_PROFILE does not, as everywhere else.
	Profile string
	// ConfigFile is the configuration file; empty means DATABRICKS_CONFIG_FILE or ~/.databrickscfg.
	ConfigFile string
	// Host is the address of an account console, a custom address, or a workspace. An http:// address
	// is taken only from here, or for a loopback host.
	Host string
	// AccountID is the id from the account console, a UUID.
	AccountID string
	// AuthType picks one way to authenticate by its name in unified authentication, such as
	// oauth-m2m. Empty infers it from what is configured.
	AuthType string
	// Cloud picks the account console when no host is configured: aws, aws-gov, azure, azure-gov,
	// azure-china or gcp.
	Cloud string

	// ClientID and ClientSecret are those of a service principal (OAuth M2M).
	ClientID     string
	ClientSecret Secret
	// Token is a personal access token. It reaches one workspace, never an account.
	Token Secret

	// Isolated leaves the environment and the configuration file out: only these options count.
	Isolated bool

	// Proxy is used for every host; nil means HTTPS_PROXY and its like. The Azure CLI and Google's
	// libraries, where they fetch tokens, read the environment in any case.
	Proxy *url.URL
	// RootCAs are the certificate authorities to trust; nil means the system's, which honours
	// SSL_CERT_FILE.
	RootCAs *x509.CertPool

	// RateLimit bounds requests per second to each host, all endpoints together, in place of the
	// documented limits. Zero means the documented limits.
	RateLimit float64
	// MaxRetries is how often a failed read is repeated; negative never. Zero means 5 times, and for
	// refusals for rate as often as the time of a call allows.
	MaxRetries int
	// RetryBaseDelay and RetryMaxDelay bound the wait before a retry when the server names none:
	// zero means 500 ms and 30 s.
	RetryBaseDelay time.Duration
	RetryMaxDelay  time.Duration
	// CallTimeout bounds one call, retries included, waits for our own limits excluded; zero means
	// 5 minutes.
	CallTimeout time.Duration

	// Now is the clock that the account's is compared with; nil means time.Now. Nothing waits by it.
	Now func() time.Time
	// Version is this program's, for the User-Agent header.
	Version string
	// Logger takes a line per request at debug level; nil discards.
	Logger *slog.Logger

	// transport replaces the network in tests of this package.
	transport http.RoundTripper
}

func (o Options) policy() policy {
	p := policy{retries: o.MaxRetries, counted: o.MaxRetries != 0, base: o.RetryBaseDelay, max: o.RetryMaxDelay, total: o.CallTimeout}
	switch {
	case p.retries == 0:
		p.retries = defaultRetries
	case p.retries < 0:
		p.retries = 0
	}
	if p.base <= 0 {
		p.base = defaultRetryBase
	}
	if p.max <= 0 {
		p.max = defaultRetryMax
	}
	if p.total <= 0 {
		p.total = defaultCallTime
	}
	return p
}

func (o Options) logger() *slog.Logger {
	if o.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Logger
}
