package console

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"databricks-access-audit/core"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type engine struct{}

func (engine) Answer(_ context.Context, req query.Request, _ core.Progress) (report.Report, error) {
	q, ok := req.(query.Principal)
	if !ok {
		return nil, errors.New("no credentials")
	}
	r := &report.PrincipalReport{Principal: report.Principal{ID: "1", Kind: "user", Name: q.Who, DisplayName: "Somebody"}}
	r.Mode, r.Request, r.Coverage.Complete, r.Coverage.Planned, r.Coverage.Read = "principal", q, true, 3, 3
	return r, nil
}

func TestConsole(t *testing.T) {
	in := strings.Join([]string{
		"/access-audit principal @bob —scan-all",
		"",
		"as bob: /access-audit help",
		"as gina: /access-audit help",
		"in lounge as carol: /access-audit doctor",
		"as nobody: /access-audit help",
		"hello",
		"/no-such-command",
	}, "\n")
	var out strings.Builder
	if err := Run(t.Context(), Options{Engine: engine{}, In: strings.NewReader(in), Out: &out}); err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, want := range []string{
		"(acknowledged after ",
		"in #data-help, only visible to alice\n  │ Working on principal bob@acme.test --scan-all … (job ",
		".html, ", "a page to download and open",
		".csv, ", "│ record,principal,",
		".png, ", "│ a picture: bob@acme.test “Somebody”",
		"in #data-help, only visible to alice\n  │ bob@acme.test “Somebody”",
		"  │     ├─ name: bob@acme.test",
		"  │ Coverage: complete",
		"only visible to bob\n  │ Ask me who can do what",
		"only visible to gina\n  │ Only full members",
		"in #lounge, only visible to carol\n  │ There is no answer: no credentials",
		"Nobody here is called nobody.",
		"Commands begin with a slash",
		"only visible to alice\n  │ Ask me who can do what", // also after a command that the app does not have
	} {
		i := strings.Index(out.String()[at:], want)
		if i < 0 {
			t.Fatalf("no %q after:\n%s\nin:\n%s", want, out.String()[:at], out.String()[at:])
		}
		at += i
	}
	t.Log(out.String())
}

func TestConsoleEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, Options{Engine: engine{}, In: r, Out: io.Discard}) }()
	if _, err := io.WriteString(w, "/access-audit help\n"); err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("still running")
	}
	_ = w.Close()
}
