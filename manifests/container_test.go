package manifests

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go/version"
)

// instructions are those of the Containerfile, continued lines joined.
func instructions(t *testing.T) []string {
	t.Helper()
	var all []string
	for line := range strings.Lines(strings.ReplaceAll(read(t, "container/Containerfile"), "\\\n", " ")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}

// last is what follows a keyword where it is said last.
func last(t *testing.T, keyword string) string {
	t.Helper()
	found := ""
	for _, i := range instructions(t) {
		if rest, is := strings.CutPrefix(i, keyword+" "); is {
			found = rest
		}
	}
	if found == "" {
		t.Fatalf("no %s", keyword)
	}
	return found
}

func TestContainer(t *testing.T) {
	t.Parallel()
	for keyword, want := range map[string]string{
		"FROM": "scratch", "USER": strconv.Itoa(nobody) + ":" + strconv.Itoa(nobody), "ENTRYPOINT": `["/databricks-access-audit"]`,
		"CMD": `["bot", "--config", "` + configPath + `"]`,
	} {
		if got := last(t, keyword); got != want {
			t.Errorf("%s %s, want %s", keyword, got, want)
		}
	}
	build := last(t, "RUN")
	for _, part := range []string{"CGO_ENABLED=0 ", " -trimpath ", " -mod=readonly ", " -o /out/databricks-access-audit ", " ./cmd/databricks-access-audit", "-X main.release="} {
		if !strings.Contains(build, part) {
			t.Errorf("no %q in %s", part, build)
		}
	}
	all := strings.Join(instructions(t), "\n")
	_, final, _ := strings.Cut(all, "\nFROM scratch\n")
	for _, needed := range []string{"COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt", "COPY --from=build /out/databricks-access-audit /databricks-access-audit"} {
		if !strings.Contains(final, needed) {
			t.Errorf("no %s", needed)
		}
	}
	if n := strings.Count(final, "COPY "); n != 2 || strings.Contains(final, "RUN ") || strings.Contains(all, "\nADD ") {
		t.Errorf("more than the program and the certificates:\n%s", final)
	}
	if secret := regexp.MustCompile(`(?i)(token|secret|password)\s*=`).FindString(all); secret != "" {
		t.Errorf("%s: what is said there stays in the image", secret)
	}
	if info, err := os.Stat("../cmd/databricks-access-audit/main.go"); err != nil || !info.Mode().IsRegular() {
		t.Errorf("what is built is not there: %v", err)
	}
	started(t, "bot", "--config", configPath)
}

// TestContainerCanBuild is about a compiler that is older than go.mod asks for, or whose tag moves.
func TestContainerCanBuild(t *testing.T) {
	t.Parallel()
	compiler := regexp.MustCompile(`(?m)^ARG GO_VERSION=(\d+\.\d+\.\d+)$`).FindStringSubmatch(strings.Join(instructions(t), "\n"))
	needs := regexp.MustCompile(`(?m)^go (\d+\.\d+(?:\.\d+)?)$`).FindStringSubmatch(read(t, "../go.mod"))
	if compiler == nil || needs == nil || version.Compare("go"+compiler[1], "go"+needs[1]) < 0 {
		t.Errorf("built with Go %v, and go.mod needs %v", compiler, needs)
	}
	if !strings.Contains(strings.Join(instructions(t), "\n"), "golang:${GO_VERSION} AS build") {
		t.Error("it is not built with that version")
	}
	// What is embedded must not be left out of the context.
	for line := range strings.Lines(read(t, "../.dockerignore")) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "!") {
			t.Errorf("%s: the last line that fits decides, and nobody sees which", line)
		}
	}
}
