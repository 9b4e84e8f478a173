package databricks

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"databricks-access-audit/core/identity"
)

// accountHosts are the account consoles by the name of their cloud.
//
// https://docs.databricks.com/aws/en/dev-tools/auth/#account-level-api-and-commands,
// https://learn.microsoft.com/azure/databricks/dev-tools/auth/, databricks-sdk-go
// common/environment/environments.go
var accountHosts = map[string]string{
	"aws":         "https://accounts.cloud.databricks.com",
	"aws-gov":     "https://accounts.cloud.databricks.us",
	"azure":       "https://accounts.azuredatabricks.net",
	"azure-gov":   "https://accounts.databricks.azure.us",
	"azure-china": "https://accounts.databricks.azure.cn",
	"gcp":         "https://accounts.gcp.databricks.com",
}

// cloudNames are the keys of accountHosts in the order in which messages list them.
const cloudNames = "aws, aws-gov, azure, azure-gov, azure-china or gcp"

// Clouds are the names that Options.Cloud takes.
func Clouds() []string { return slices.Sorted(maps.Keys(accountHosts)) }

// workspaceZones are the DNS zones under which workspaces live, with their cloud.
var workspaceZones = map[string]string{
	"cloud.databricks.com": "aws",
	"cloud.databricks.us":  "aws",
	"azuredatabricks.net":  "azure",
	"databricks.azure.us":  "azure",
	"databricks.azure.cn":  "azure",
	"gcp.databricks.com":   "gcp",
}

// accountPrefixes mark a host as an account console; what follows is the zone of its workspaces.
// The second is databricks-sdk-go's, config/config.go.
var accountPrefixes = []string{"accounts.", "accounts-dod."}

// address is where a host is reached: scheme and host, nothing else.
type address struct {
	scheme string
	host   string // with the port, if any; lower case
}

func (a address) String() string { return a.scheme + "://" + a.host }

// hostname is the host without the port.
func (a address) hostname() string { return (&url.URL{Host: a.host}).Hostname() }

// pasted are the ids that an address copied from a browser carries in its query.
type pasted struct{ workspace, account string }

// parseAddress reads a host as people write it: with or without https://, with a path or query
// copied from a browser. Plain http needs the person to have said so in so many words (explicit), or
// a host that does not leave the machine.
func parseAddress(raw string, explicit bool) (address, pasted, error) {
	text := strings.TrimSpace(raw)
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return address{}, pasted{}, fmt.Errorf("host %q is not an address: give one such as %s", raw, accountHosts["aws"])
	}
	a := address{scheme: strings.ToLower(u.Scheme), host: strings.ToLower(u.Host)}
	switch {
	case a.scheme == "https":
	case a.scheme == "http" && (explicit || loopback(a.hostname())):
	default:
		return address{}, pasted{}, fmt.Errorf("host %q does not use https: credentials are sent over https only", raw)
	}
	q := u.Query()
	ids := pasted{account: firstOf(q, "a", "account_id"), workspace: firstOf(q, "w", "o", "workspace_id")}
	return a, ids, nil
}

func firstOf(q url.Values, keys ...string) string {
	for _, k := range keys {
		if v := q.Get(k); v != "" {
			return v
		}
	}
	return ""
}

// loopback reports whether the name cannot lead off this machine.
func loopback(name string) bool {
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}

// zoneOf gives the zone in which the workspaces of an account console live, "" for other hosts.
func zoneOf(a address) string {
	for _, p := range accountPrefixes {
		if zone, ok := strings.CutPrefix(a.host, p); ok && zone != "" {
			return zone
		}
	}
	return ""
}

// cloudOf names the cloud of a host by its name: aws, azure, gcp or "".
func cloudOf(a address) string {
	name := a.hostname()
	for zone, cloud := range workspaceZones {
		if strings.HasSuffix(name, "."+zone) {
			return cloud
		}
	}
	return ""
}

// inDatabricksZone reports whether the host is one of Databricks' own, account console or workspace
// or custom address.
func inDatabricksZone(a address) bool {
	name := a.hostname()
	return cloudOf(a) != "" || strings.HasSuffix(name, ".databricks.com") || strings.HasSuffix(name, ".databricks.us")
}

// hostKind says what a host serves.
type hostKind uint8

const (
	workspaceHost hostKind = iota // the API of one workspace
	accountHost                   // the account API; workspaces are hosts of their own
	unifiedHost                   // both; a header picks the workspace
)

// kindOf decides what a host serves. The host's own word, when it gave one, counts for hosts whose
// name does not already say it; an account id on a host of no known zone means a custom address.
func kindOf(a address, said string, accountID string) hostKind {
	if zoneOf(a) != "" {
		return accountHost
	}
	switch strings.ToLower(said) {
	case "unified", "unified_host", "account", "account_host":
		// An account console whose name does not tell the zone of its workspaces can only be
		// asked for everything itself.
		return unifiedHost
	case "workspace", "workspace_host":
		return workspaceHost
	}
	if accountID != "" && cloudOf(a) == "" {
		return unifiedHost
	}
	return workspaceHost
}

// deploymentName matches what may stand before the zone: DNS labels, so that a name cannot smuggle
// in another host, a port or a path.
var deploymentName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)

// workspaceAddress derives a workspace's address from the account console's and the deployment name.
// It keeps scheme and port, so an account console elsewhere than at Databricks works alike.
func workspaceAddress(account address, deployment string) (address, bool) {
	zone := zoneOf(account)
	if zone == "" || !deploymentName.MatchString(deployment) {
		return address{}, false
	}
	return address{scheme: account.scheme, host: strings.ToLower(deployment) + "." + zone}, true
}

// errForeignHost guards against sending credentials where they do not belong.
var errForeignHost = errors.New("the address is not one of this account's workspaces")

// workspaceTarget checks that a workspace's address belongs to the account that was opened: the
// account's own host, or a host in the zone of its account console.
func workspaceTarget(own address, kind hostKind, at identity.Workspace) (address, error) {
	if at.Host == "" {
		return address{}, fmt.Errorf("workspace %s has no known address", at.ID)
	}
	a, _, err := parseAddress(at.Host, own.scheme == "http")
	if err != nil {
		return address{}, err
	}
	switch {
	case a == own && kind != accountHost:
		return a, nil
	case kind == accountHost && a.scheme == own.scheme && strings.HasSuffix(a.host, "."+zoneOf(own)):
		return a, nil
	default:
		return address{}, fmt.Errorf("%w: %s", errForeignHost, a)
	}
}
