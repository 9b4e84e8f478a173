package core_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "databricks-access-audit/"

// walls is who must not reach whom, directly or through others. An entry that ends in … stands for
// everything below it. The reasons: what decides must not fetch, what formats must not decide, and
// nothing but core/databricks may know the SDK.
var walls = map[string][]string{
	"core/identity": {"net/http", "os/exec", "math/rand", module + "…"},
	"core/secret":   {"net/http", "os/exec", module + "…"},
	"core/estate":   {"net/http", "os/exec", "math/rand", module + "core/access", module + "core/collect", module + "core/report", module + "core/query"},
	"core/apply":    {"net/http", "os/exec", "math/rand", "database/sql", module + "core/collect", module + "core/databricks", module + "core/sandbox", module + "core/ledger"},
	"core/snapshot": {"net", "net/http", "os/exec", "math/rand", module + "core/access", module + "core/collect", module + "core/databricks", module + "core/sandbox", module + "core/report", module + "core/query"},
	"core/query":    {"net/http", "os/exec", "math/rand", module + "core/estate", module + "core/report", "github.com/urfave/cli/v2", "github.com/slack-go/slack"},
	"core/report":   {"net/http", "os/exec", "math/rand", module + "core/estate", module + "core/access", module + "core/query"},
	"core/access":   {"net/http", "os/exec", "math/rand", module + "core/collect", module + "core/databricks", module + "core/sandbox"},
	"core/proof":    {"net/http", "os/exec", "math/rand", module + "core/collect", module + "core/databricks", module + "core/sandbox", module + "core/query"},
	"core/analysis": {"net/http", "os/exec", "math/rand", module + "core/collect", module + "core/databricks", module + "core/sandbox", module + "core/query"},
	"core/sqltext":  {"net/http", "os/exec", "math/rand", module + "core/estate", module + "core/access", module + "core/query"},
	"core/diff":     {"net/http", "os/exec", "math/rand", module + "core/collect", module + "core/databricks", module + "core/sandbox", module + "core/query"},
	"core/plan":     {"net/http", "os/exec", "math/rand", "crypto/rand", module + "core/collect", module + "core/databricks", module + "core/sandbox", module + "core/query"},
	"core/consent":  {"net/http", "os/exec", "math/rand", "crypto/rand", "database/sql", module + "core/collect", module + "core/databricks", module + "core/sandbox", module + "core/ledger", module + "core/apply"},
	"core/collect":  {"net/http", module + "core/databricks", module + "core/access", module + "core/report", module + "core/query"},
	"core/databricks": {
		module + "core/collect", module + "core/estate", module + "core/access", module + "core/report", module + "core/query",
		"github.com/databricks/databricks-sdk-go/service/…",
	},
	"core/sandbox": {"testing", "github.com/databricks/databricks-sdk-go/…", module + "core/identity", module + "core/databricks", module + "core/estate"},
	"core/ledger":  {"net/http", "testing", module + "core/estate", module + "core/access", module + "core/plan", module + "core/report", module + "core/query", module + "core/databricks"},
	"core/ocsf":    {"net/http", module + "core/collect", module + "core/databricks", module + "core/query", module + "core/apply", module + "formatters"},
	"core/elevate": {"net/http", "testing", module + "core/ledger", module + "core/estate", module + "core/access", module + "core/report", module + "core/query", module + "core/databricks"},
	"core/elevate/book": {
		"net/http", "testing", module + "core/estate", module + "core/access", module + "core/report", module + "core/query", module + "core/databricks",
	},
	"core":         {module + "formatters", module + "bot", module + "core/databricks", module + "core/sandbox", "github.com/urfave/cli/v2", "github.com/slack-go/slack"},
	"formatters":   {"net/http", module + "core/estate", module + "core/access", module + "core/collect", module + "core/query", "github.com/slack-go/slack"},
	"bot":          {module + "core/databricks", module + "core/sandbox", module + "bot/slackfake", "github.com/urfave/cli/v2"},
	"bot/slackapi": {module + "core", module + "formatters", module + "bot"},
	"bot/slackfake": {
		"testing", "github.com/slack-go/slack", module + "core", module + "bot", module + "bot/slackapi",
	},
}

func TestImports(t *testing.T) {
	packages := strings.Fields(goList(t, "-f", "{{.ImportPath}}", module+"..."))
	for pkg, forbidden := range walls {
		t.Run(pkg, func(t *testing.T) {
			t.Parallel()
			if !slices.Contains(packages, module+pkg) {
				t.Fatalf("package %s is not there: change the table", pkg)
			}
			for _, dep := range strings.Fields(goList(t, "-deps", module+pkg)) {
				if dep == module+pkg {
					continue
				}
				for _, f := range forbidden {
					if below, all := strings.CutSuffix(f, "…"); dep == f || all && strings.HasPrefix(dep, below) {
						t.Errorf("%s reaches %s", pkg, dep)
					}
				}
			}
		})
	}
}

// TestDirectImports holds the part of the table that is about naming a package, not about reaching
// it: the bot asks the engine and must not look behind it, and only one package speaks Slack or the
// Databricks SDK.
func TestDirectImports(t *testing.T) {
	only := map[string][]string{
		"github.com/slack-go/slack…":               {module + "bot/slackapi"},
		"github.com/databricks/databricks-sdk-go…": {module + "core/databricks"},
		"github.com/urfave/cli…":                   {module + "cmd/databricks-access-audit"},
		"github.com/jackc/pgx…":                    {module + "core/ledger", module + "core/ledger/ledgertest"},
		"modernc.org/sqlite…":                      {module + "core/ledger", module + "core/ledger/ledgertest"},
		"github.com/pressly/goose…":                {module + "core/ledger"},
		module + "core/estate":                     {module + "core", module + "core/access", module + "core/collect", module + "core/proof", module + "core/analysis", module + "core/diff", module + "core/plan", module + "core/snapshot", module + "core/access/accesstest"},
		module + "core/databricks":                 {module + "cmd/databricks-access-audit"},
	}
	pure := []string{"core/identity", "core/estate", "core/query", "core/report", "core/access", "core/analysis", "core/consent", "core/diff", "core/plan", "core/proof", "core/snapshot", "core/sqltext", "formatters"}
	for line := range strings.Lines(goList(t, "-f", "{{.ImportPath}} {{join .Imports \" \"}}", module+"...")) {
		pkg, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		for _, imp := range strings.Fields(imports) {
			if imp == "os" && slices.Contains(pure, strings.TrimPrefix(pkg, module)) {
				t.Errorf("%s imports os; it must not read or write anything itself", pkg)
			}
			for target, users := range only {
				prefix, below := strings.CutSuffix(target, "…")
				if (imp == target || below && strings.HasPrefix(imp, prefix)) && !slices.Contains(users, pkg) {
					t.Errorf("%s imports %s; only %s may", pkg, imp, strings.Join(users, ", "))
				}
			}
		}
	}
}

func goList(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return string(out)
}
