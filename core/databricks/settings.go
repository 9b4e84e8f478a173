package databricks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/databricks/databricks-sdk-go/config"
)

// settings are what was configured, by the SDK's names of its attributes, before anything was asked
// of the network. They are values, so that any number of SDK configurations can be made of them.
type settings struct {
	values map[string]string
	source string // where they come from, for people
}

// The SDK's names of the attributes that are looked at here.
const (
	keyHost     = "host"
	keyAccount  = "account_id"
	keyAuthType = "auth_type"
	keyProfile  = "profile"
)

// The SDK's names of the ways to authenticate that are treated apart.
const (
	authPAT        = "pat"
	authM2M        = "oauth-m2m"
	authGitHubOIDC = "github-oidc"
	authGoogleKey  = "google-credentials"
	authGoogleID   = "google-id"
)

// noLoader keeps the SDK from loading anything by itself.
type noLoader struct{}

func (noLoader) Name() string                   { return "settled" }
func (noLoader) Configure(*config.Config) error { return nil }

// loadSettings merges options, environment and configuration file. Options win over all. A profile
// that an option names wins over the environment, since naming it says whose credentials are meant;
// otherwise the environment wins over the file, as in the SDK.
func loadSettings(o Options) (settings, error) {
	quietSDK()
	cfg := &config.Config{
		Profile: o.Profile, ConfigFile: o.ConfigFile, Host: o.Host, AccountID: o.AccountID, AuthType: o.AuthType,
		ClientID: o.ClientID, ClientSecret: string(o.ClientSecret), Token: string(o.Token),
	}
	if o.Isolated {
		if err := inferAuthType(cfg, true); err != nil {
			return settings{}, err
		}
		if cfg.AuthType == "" {
			// Left without, the SDK would look for credentials around the process.
			return settings{}, errors.New("no credentials are given: give client id and secret, or a token")
		}
		return settings{values: attributeValues(cfg), source: "options"}, nil
	}
	file := firstNonEmpty(o.ConfigFile, os.Getenv("DATABRICKS_CONFIG_FILE"))
	profile := firstNonEmpty(o.Profile, os.Getenv("DATABRICKS_CONFIG_PROFILE"))
	if profile != "" {
		if err := checkProfile(file, profile); err != nil {
			return settings{}, err
		}
	}
	// What is complete by itself decides, before another source can add a second kind.
	if err := inferAuthType(cfg, false); err != nil {
		return settings{}, err
	}
	var loaders []config.Loader
	if o.Profile != "" {
		cfg.ConfigFile = file
		loaders = []config.Loader{config.ConfigFile, config.ConfigAttributes}
	} else {
		loaders = []config.Loader{config.ConfigAttributes, config.ConfigFile}
	}
	source := "options"
	for _, l := range loaders {
		before := attributeValues(cfg)
		if err := l.Configure(cfg); err != nil {
			return settings{}, fileError(file, err)
		}
		if len(attributeValues(cfg)) > len(before) {
			source = joinSource(source, sourceName(l, cfg, file))
		}
		// The file is a layer of its own only when it was asked for by name.
		if o.Profile != "" {
			if err := inferAuthType(cfg, false); err != nil {
				return settings{}, err
			}
		}
	}
	if err := inferAuthType(cfg, true); err != nil {
		return settings{}, err
	}
	return settings{values: attributeValues(cfg), source: source}, nil
}

func sourceName(l config.Loader, cfg *config.Config, file string) string {
	if l.Name() == config.ConfigFile.Name() {
		return fmt.Sprintf("profile %s of %s", firstNonEmpty(cfg.Profile, "DEFAULT"), firstNonEmpty(file, cfg.ConfigFile, "~/.databrickscfg"))
	}
	return "environment"
}

func joinSource(a, b string) string {
	if a == "options" {
		return b
	}
	return a + ", " + b
}

func attributeValues(cfg *config.Config) map[string]string {
	values := map[string]string{}
	for _, attr := range config.ConfigAttributes {
		if !attr.IsZero(cfg) {
			values[attr.Name] = attr.GetString(cfg)
		}
	}
	return values
}

// checkProfile looks for a profile, to name those there are when it is missing.
func checkProfile(file, profile string) error {
	f, err := config.LoadFile(file)
	if err != nil {
		return fileError(file, err)
	}
	var there []string
	for _, s := range f.Sections() {
		if s.Name() == profile && len(s.Keys()) > 0 {
			return nil
		}
		if len(s.Keys()) > 0 && s.Name() != "__settings__" {
			there = append(there, s.Name())
		}
	}
	if len(there) == 0 {
		return fmt.Errorf("profile %q is not in %s, which has none: create it with `databricks configure --profile %s`", profile, f.Path(), profile)
	}
	slices.Sort(there)
	return fmt.Errorf("profile %q is not in %s: choose one of %s", profile, f.Path(), strings.Join(there, ", "))
}

// fileError says what is wrong with the configuration file without quoting it: it holds secrets.
func fileError(file string, err error) error {
	name := firstNonEmpty(file, "~/.databrickscfg")
	switch {
	case os.IsNotExist(err):
		return fmt.Errorf("configuration file %s does not exist: create it with `databricks configure`, or name another", name)
	case os.IsPermission(err):
		return fmt.Errorf("configuration file %s may not be read: check its permissions", name)
	case strings.Contains(err.Error(), "parse") || strings.Contains(err.Error(), "delimiter"):
		return fmt.Errorf("configuration file %s is not valid: it needs [profile] lines and key = value lines", name)
	}
	return errors.New(sdkText(err))
}

// inferAuthType sets the way to authenticate where what is configured leaves no doubt. The SDK, left
// to itself, tries one way after another and takes the first that works: a secret with a typing
// error would end in somebody else's identity. final says that no further source will be merged, so
// that what is half there will stay so.
func inferAuthType(cfg *config.Config, final bool) error {
	if cfg.AuthType != "" {
		return nil
	}
	kinds := configuredKinds(cfg)
	switch {
	case len(kinds) == 1:
		cfg.AuthType = kinds[0]
		return nil
	case !final:
		return nil
	case len(kinds) > 1:
		if rest := slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return k == authPAT }); len(rest) == 1 && strings.Contains(cfg.Host, "accounts.") {
			cfg.AuthType = rest[0] // a token cannot be meant: it is of no use to an account
			return nil
		}
		return fmt.Errorf("more than one kind of credentials is configured (%s): remove all but one, or name one with auth_type or DATABRICKS_AUTH_TYPE", strings.Join(kinds, ", "))
	case cfg.ClientID == "" && cfg.ClientSecret != "":
		return errors.New("client_secret is set without client_id: set DATABRICKS_CLIENT_ID too")
	case cfg.ClientID != "" && cfg.ActionsIDTokenRequestURL != "" && cfg.ActionsIDTokenRequestToken != "":
		cfg.AuthType = authGitHubOIDC
		return nil
	case cfg.ClientID != "":
		return errors.New("client_id is set without client_secret: set DATABRICKS_CLIENT_SECRET too, or auth_type if the service principal authenticates otherwise")
	}
	return nil
}

// configuredKinds are the ways to authenticate for which everything is there, by the SDK's names.
func configuredKinds(cfg *config.Config) []string {
	var kinds []string
	add := func(there bool, kind string) {
		if there {
			kinds = append(kinds, kind)
		}
	}
	add(cfg.ClientID != "" && cfg.ClientSecret != "", authM2M)
	add(cfg.Token != "", authPAT)
	add(cfg.Username != "" && cfg.Password != "", "basic")
	add(cfg.MetadataServiceURL != "", "metadata-service")
	add(cfg.OIDCTokenFilepath != "", "file-oidc")
	add(cfg.OIDCTokenEnv != "" || os.Getenv("DATABRICKS_OIDC_TOKEN") != "" && cfg.ClientSecret == "" && cfg.Token == "", "env-oidc")
	add(cfg.AzureClientID != "" && cfg.AzureClientSecret != "" && cfg.AzureTenantID != "", "azure-client-secret")
	add(cfg.AzureUseMSI, "azure-msi")
	add(cfg.GoogleCredentials != "", authGoogleKey)
	add(cfg.GoogleServiceAccount != "", authGoogleID)
	return kinds
}

// sdkConfig makes an SDK configuration for one host. The SDK loads nothing by itself any more, and
// meta stands in for what it would ask the host.
func (s settings) sdkConfig(rt http.RoundTripper, at address, meta *config.HostMetadata, change map[string]string) (*config.Config, error) {
	values := make(map[string]string, len(s.values))
	for k, v := range s.values {
		if c, ok := change[k]; ok {
			v = c
		}
		if v != "" {
			values[k] = v
		}
	}
	values[keyHost] = at.String()
	cfg := &config.Config{
		Loaders:                  []config.Loader{noLoader{}},
		HTTPTransport:            rt,
		HTTPTimeoutSeconds:       int(2 * tokenTimeout.Seconds()),
		RetryTimeoutSeconds:      int(2 * tokenTimeout.Seconds()),
		DisableAsyncTokenRefresh: true, // it would outlive its account
		HostMetadataResolver: func(context.Context, string) (*config.HostMetadata, error) {
			return meta, nil
		},
	}
	if err := config.ConfigAttributes.ResolveFromStringMap(cfg, values); err != nil {
		return nil, errors.New(sdkText(err))
	}
	return cfg, nil
}

// secrets are the configured values that must never be shown.
func (s settings) secrets() []string {
	var out []string
	for _, attr := range config.ConfigAttributes {
		if v := s.values[attr.Name]; v != "" && (attr.Sensitive || attr.Name == "actions_id_token_request_token") {
			out = append(out, v)
		}
	}
	return out
}
