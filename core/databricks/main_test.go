package databricks

import (
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// childMode makes the test binary play the program in a process of its own, where proxy and
// certificate variables can be set: Go reads both once per process.
const childMode = "DATABRICKS_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childMode) != "" {
		os.Exit(childMain())
	}
	// No test may see who runs it.
	for _, kv := range os.Environ() {
		k, _, _ := strings.Cut(kv, "=")
		for _, p := range []string{"DATABRICKS_", "ARM_", "GOOGLE_", "ACTIONS_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
			if strings.HasPrefix(k, p) {
				_ = os.Unsetenv(k)
			}
		}
	}
	home, err := os.MkdirTemp("", "databricks-home")
	if err != nil {
		panic(err)
	}
	_ = os.Setenv("HOME", home)
	_ = os.Setenv("PATH", home) // no databricks or az command
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(home)
		os.Exit(code)
	}),
		// Linked in by the SDK's Google support; it starts with the process and never ends.
		goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}
