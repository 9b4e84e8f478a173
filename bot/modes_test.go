package bot

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core"
	"databricks-access-audit/core/collect"
	"databricks-access-audit/core/databricks"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
	"databricks-access-audit/core/sandbox"
)

// acme is the engine of the program over the sample account, which has hostile names of its own.
func acme(t *testing.T) *core.Engine {
	t.Helper()
	server, err := sandbox.Start(sandbox.Acme(), sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	who := server.Auditor()
	account, err := databricks.Open(t.Context(), databricks.Options{
		Isolated: true, AuthType: "oauth-m2m", Host: server.AccountHost(), AccountID: server.AccountID(),
		ClientID: who.ClientID, ClientSecret: databricks.Secret(who.ClientSecret),
		Proxy: server.ProxyURL(), RootCAs: server.CertPool(), RateLimit: 1e6,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(account.Close)
	return core.New(core.Options{Open: func() collect.Source { return account.Session() }, Version: "test"})
}

// questions are one or more of each mode, on the sample account.
var questions = []string{
	"principal alice@acme.test --scan-all --escalation-check", "principal platform", "group data-engineering --scan-workspace-objects",
	"resource main", "resource main.sales.orders", "compare alice@acme.test bob@acme.test --scan-all", "clone alice@acme.test bob@acme.test",
	"what-if remove-member alice@acme.test sales-analytics", "can alice@acme.test read main.sales.orders --why", "roles", "roles alice@acme.test",
	"escalations", "escalations bob@acme.test", "doctor",
}

// TestEveryModeIsAnswered goes from the typed question to what people see, with the program's engine over HTTP.
func TestEveryModeIsAnswered(t *testing.T) {
	asked := map[string]bool{}
	r := begin(t, acme(t).Answer, slackfake.Options{}, nil)
	users := []string{slackfake.Alice, slackfake.Bob, slackfake.Carol, slackfake.Dave}
	for i, q := range questions {
		mode, _, _ := strings.Cut(q, " ")
		asked[mode] = true
		user := users[i%len(users)]
		r.ask(user, q)
		told := r.lastTold(user)
		for _, want := range []string{"Coverage: ", "Facts: read from 20", "The whole report is in your direct messages with me: access-audit-"} {
			if !strings.Contains(told, want) {
				t.Errorf("%s: no %q in %s", q, want, told)
			}
		}
		if strings.Contains(told, "Left out: ") {
			t.Errorf("%s: %s", q, told)
		}
	}
	for _, f := range query.Forms() {
		if !asked[f.Mode] {
			t.Errorf("no question of mode %s", f.Mode)
		}
	}
	r.noMentions()
}

// recorder is a Slack that keeps what is posted.
type recorder struct{ forms []url.Values }

func (p *recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	p.forms = append(p.forms, form)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"ok":true,"ts":"1.0"}`)), Request: r}, nil
}

// corpus is the names that formatters are tried with.
func corpus(t *testing.T) (all []string) {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "formatters", "testdata", "evil_names.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	scanner := bufio.NewScanner(f)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		s, err := strconv.Unquote(scanner.Text())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if len(all) < 150 {
		t.Fatalf("only %d names", len(all))
	}
	return all
}

// outside are the fields of reports whose text comes from outside.
var outside = []string{"Name", "DisplayName", "FullName", "Owner", "Metastore", "Scope", "Operation", "Message", "Effect", "Via", "Gains", "Explanation", "Detail", "Reason",
	"Path", "Paths", "ReachableIn", "Workspace", "AccountID", "Who", "Group", "Notes", "Fix", "Description", "Because", "ID", "URL", "Aliases"}

// rename writes a name into every field of a report that holds text from outside, but at most so often. The report is changed.
func rename(v reflect.Value, name string, named bool, most *int) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			rename(v.Elem(), name, named, most)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.IsExported() && f.Name != "Request" {
				rename(v.Field(i), name, slices.Contains(outside, f.Name), most)
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			rename(v.Index(i), name, named, most)
		}
	case reflect.String:
		if named && v.CanSet() && v.String() != "" && *most > 0 {
			v.SetString(name)
			*most--
		}
	default: // holds no text
	}
}

// TestEvilNamesCanDoNothing: whatever things and people are called, in every mode what is posted is within Slack's limits,
// mentions and links nothing, and says how much was read and how old it is. So does what replaces it if Slack refuses it.
func TestEvilNamesCanDoNothing(t *testing.T) {
	g := acme(t)
	fresh := func(q string) report.Report { // to be changed
		split, err := query.Words(q)
		if err != nil {
			t.Fatal(err)
		}
		req, err := query.Parse(split)
		if err != nil {
			t.Fatal(err)
		}
		r, err := g.Answer(t.Context(), req, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	type said struct {
		label string
		m     slackapi.Message
	}
	var all []said
	names := append(corpus(t), hostileNames...)
	for i, q := range questions {
		r := fresh(q)
		for n, name := range names {
			if name == "" || n%len(questions) != i && n%7 != 0 { // each with some modes, some with each
				continue
			}
			most := 100_000
			if len(name) > 300 {
				most = 40 // so long a name so often takes seconds to draw
			}
			rename(reflect.ValueOf(r), name, false, &most)
			a, err := compose(r)
			if err != nil {
				t.Fatal(err)
			}
			label := fmt.Sprintf("%s of %.40q", q, name)
			whole, short := a.message(name, name), counts(r, a)
			plain := whole
			plain.Plain = true
			all = append(all, said{label, whole}, said{label + ", counted", short}, said{label + ", plain", plain})
		}
	}
	synctest.Test(t, func(t *testing.T) { // the client keeps to Slack's rates
		slack := &recorder{}
		client, err := slackapi.New(slackapi.Options{BotToken: "xoxb-1", Transport: slack})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for i, s := range all {
			if _, err := client.Post(t.Context(), "C1", s.m); err != nil {
				t.Fatal(err)
			}
			form := slack.forms[i]
			blocks := json.RawMessage(form.Get("blocks"))
			text := form.Get("text")
			if len(blocks) > 0 {
				if err := slackfake.CheckBlocks(blocks, slackfake.SurfaceMessage); err != nil {
					t.Errorf("%s: %v", s.label, err)
				}
			} else {
				blocks = nil
			}
			if got := slackfake.RenderedMentions(text, blocks); len(got) > 0 {
				t.Errorf("%s shows %v", s.label, got)
			}
			for _, want := range []string{"Coverage: ", "Facts: read from 20"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s: no %q in the notification %s", s.label, want, text)
				}
			}
			if form.Get("unfurl_links") != "false" || form.Get("unfurl_media") != "false" || form.Has("link_names") || form.Has("parse") {
				t.Errorf("%s: sent with %v", s.label, form)
			}
		}
		t.Logf("%d messages, %s at Slack's rate", len(all), time.Since(start).Round(time.Second))
	})
}
