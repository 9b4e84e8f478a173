package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"databricks-access-audit/core/sandbox"
)

var update = flag.Bool("update", false, "rewrite the expected outputs in the scripts")

func TestMain(m *testing.M) {
	testscript.Main(served{m}, map[string]func(){name: main, replicaName: replica})
}

// served are the tests, and the server that is stopped after them.
type served struct{ *testing.M }

// Run runs the tests.
func (s served) Run() int {
	defer postgres.Stop()
	return s.M.Run()
}

// TestScripts runs the program as a program: each script shows one behaviour. The commands beside
// those of testscript are in stageCommands.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               setUp,
		Cmds:                stageCommands(),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// stage is what one script plays on: an account that it may start, and programs in the background.
type stage struct {
	server *sandbox.Server
	faults []sandbox.Fault
	actors map[string]*actor
	said   string // what the next program is told
}

// actor is a program in the background.
type actor struct {
	cmd      *exec.Cmd
	out, err lockedBuffer
	done     chan error
}

// lockedBuffer can be read while a program writes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type stageKey struct{}

func on(ts *testscript.TestScript) *stage { return ts.Value(stageKey{}).(*stage) }

// setUp gives a script an empty home and nothing of the developer's environment.
func setUp(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, ".home")
	if err := os.Mkdir(home, 0o700); err != nil {
		return err
	}
	s := &stage{actors: map[string]*actor{}}
	env.Values[stageKey{}] = s
	env.Setenv("HOME", home)
	env.Setenv("NO_PROXY", "")
	env.Defer(func() {
		for _, a := range s.actors {
			_ = a.cmd.Process.Kill()
			<-a.done
		}
		if s.server != nil {
			_ = s.server.Close()
		}
	})
	return nil
}

func stageCommands() map[string]func(*testscript.TestScript, bool, []string) {
	commands := map[string]func(*testscript.TestScript, []string){
		"serve":     cmdServe,     // serve [grandfathered] [noiamv2] [limits] [scim500] [ttl=2s] [latency=5ms] [retryafter=date]
		"as":        cmdAs,        // as auditor | limited | nobody | app ID SECRET | pat TOKEN HOST
		"fault":     cmdFault,     // fault 'GET /path status=403': adds to the list
		"nofaults":  cmdNoFaults,  // nofaults
		"calls":     cmdCalls,     // calls 'GET /route' N | N.. | ..N | other: since the last forget
		"forget":    cmdForget,    // forget: counts of calls start again
		"update":    cmdUpdate,    // update WHAT …: changes the account, see there
		"audit":     cmdAudit,     // audit CODE ARGS…: the program, its exit code, its normalised output
		"start":     cmdStart,     // start NAME ARGS…: the program in the background
		"interrupt": cmdInterrupt, // interrupt NAME: Ctrl-C
		"await":     cmdAwait,     // await NAME REGEXP | await calls 'GET /route' N
		"finish":    cmdFinish,    // finish NAME CODE: its end, like audit
		"plans":     cmdPlans,     // plans FILE ANCHORS: a ledger with two plans, and its anchors
		"tamper":    cmdTamper,    // tamper LEDGER ROW
		"propose":   cmdPropose,   // propose LEDGER POLICY NAME: a plan waits for votes; its id becomes the variable of that name
		"pin":       cmdPin,       // pin LEDGER TEAM/MEMBER EMAIL USER ok|locked
		"json":      cmdJSON,      // json PATH WANT…: the values there, in any order
		"csv":       cmdCSV,       // csv FILE COL=VALUE … -- COL… -- WANT…
		"say":       cmdSay,       // say TEXT: a line that the next audit reads
		"idof":      cmdIDOf,      // idof FILE NAME: the variable of that name becomes the id of the plan in a report
		"edit":      cmdEdit,      // edit FILE OLD NEW: replaces all of it
		"answer":    cmdAnswer,    // answer: leaves out of stdout what differs between equal answers
		"use":       cmdUse,       // use NAME: takes over the environment that a program printed
		"has":       cmdHas,       // has stdout|stderr|FILE TEXT: word for word
		"hasnot":    cmdHasNot,
		"assigned":  cmdAssigned, // assigned WORKSPACE ID NONE|USER|ADMIN: what the account holds
		"sigkill":   cmdKill,     // sigkill NAME: as kill -9 does
		"lines":     cmdLines,    // lines stdout|stderr|FILE N
		"mode":      cmdMode,     // mode FILE 0600
	}
	wrapped := map[string]func(*testscript.TestScript, bool, []string){}
	for name, command := range commands {
		wrapped[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			if neg {
				ts.Fatalf("%s has no opposite", name)
			}
			command(ts, args)
		}
	}
	return wrapped
}

func need(ts *testscript.TestScript, args []string, n int, usage string) {
	if len(args) < n {
		ts.Fatalf("usage: %s", usage)
	}
}

func cmdServe(ts *testscript.TestScript, args []string) {
	var o sandbox.Options
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		var err error
		switch key {
		case "grandfathered":
			o.GrandfatheredGroupMembers = true
		case "noiamv2":
			o.IAMv2 = sandbox.IAMv2NotFound
		case "iamv2disabled":
			o.IAMv2 = sandbox.IAMv2Disabled
		case "limits":
			o.EnforceLimits = true
		case "scim500":
			o.SCIM429As500 = true
		case "retryafter":
			o.RetryAfter = sandbox.RetryAfterStyle(value)
		case "ttl":
			o.TokenTTL, err = time.ParseDuration(value)
		case "latency":
			o.Latency, err = time.ParseDuration(value)
		default:
			ts.Fatalf("serve: unknown word %q", arg)
		}
		ts.Check(err)
	}
	s := on(ts)
	if s.server != nil {
		ts.Fatalf("serve: one account is served already")
	}
	server, err := sandbox.Start(sandbox.Acme(), o)
	ts.Check(err)
	s.server = server
	ca := ts.MkAbs("ca.pem")
	ts.Check(os.WriteFile(ca, server.CACertPEM(), 0o600))
	ts.Setenv("SSL_CERT_FILE", ca)
	ts.Setenv("HTTPS_PROXY", server.ProxyURL().String())
	ts.Setenv("DATABRICKS_HOST", server.AccountHost())
	ts.Setenv("DATABRICKS_ACCOUNT_ID", server.AccountID())
	cmdAs(ts, []string{"auditor"})
}

func cmdAs(ts *testscript.TestScript, args []string) {
	need(ts, args, 1, "as auditor | limited | nobody | app ID SECRET | pat TOKEN HOST")
	for _, v := range []string{"DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET", "DATABRICKS_TOKEN"} {
		ts.Setenv(v, "")
	}
	login := func(id, secret string) {
		ts.Setenv("DATABRICKS_CLIENT_ID", id)
		ts.Setenv("DATABRICKS_CLIENT_SECRET", secret)
	}
	switch args[0] {
	case "auditor":
		login(sandbox.AcmeAuditorApp, "acme-auditor-secret")
	case "limited":
		login(sandbox.AcmeLimitedApp, "acme-limited-secret")
	case "nobody":
	case "app":
		need(ts, args, 3, "as app ID SECRET")
		login(args[1], args[2])
	case "account": // the auditor, at the account's host again
		ts.Setenv("DATABRICKS_HOST", on(ts).server.AccountHost())
		ts.Setenv("DATABRICKS_ACCOUNT_ID", on(ts).server.AccountID())
		login(sandbox.AcmeAuditorApp, "acme-auditor-secret")
	case "pat":
		need(ts, args, 3, "as pat TOKEN HOST")
		ts.Setenv("DATABRICKS_TOKEN", args[1])
		ts.Setenv("DATABRICKS_HOST", args[2])
		ts.Setenv("DATABRICKS_ACCOUNT_ID", "")
	default:
		ts.Fatalf("as: nobody is called %q", args[0])
	}
}

func cmdFault(ts *testscript.TestScript, args []string) {
	s := on(ts)
	for _, text := range args {
		f, err := sandbox.ParseFault(text)
		ts.Check(err)
		s.faults = append(s.faults, f)
	}
	s.server.SetFaults(s.faults...)
}

func cmdNoFaults(ts *testscript.TestScript, _ []string) {
	s := on(ts)
	s.faults = nil
	s.server.SetFaults()
}

func cmdForget(ts *testscript.TestScript, _ []string) { on(ts).server.ResetCalls() }

func cmdCalls(ts *testscript.TestScript, args []string) {
	need(ts, args, 2, "calls 'GET /route' N")
	counts := on(ts).server.CallCount()
	got := counts[args[0]]
	low, high, err := bounds(args[1])
	ts.Check(err)
	if got < low || got > high {
		ts.Fatalf("%s was called %d times, not %s; all calls: %v", args[0], got, args[1], counts)
	}
}

// bounds reads "3", "3.." or "..3".
func bounds(text string) (low, high int, err error) {
	from, to, isRange := strings.Cut(text, "..")
	if !isRange {
		low, err = strconv.Atoi(text)
		return low, low, err
	}
	high = int(^uint(0) >> 1)
	if from != "" {
		low, err = strconv.Atoi(from)
	}
	if to != "" && err == nil {
		high, err = strconv.Atoi(to)
	}
	return low, high, err
}

// cmdUpdate changes the account.
func cmdUpdate(ts *testscript.TestScript, args []string) {
	need(ts, args, 1, "update group NAME | sp NAME APPID | running | revoke NAME")
	on(ts).server.Update(func(a *sandbox.Account) {
		switch args[0] {
		case "group": // a group of this name, without members
			a.Groups = append(a.Groups, &sandbox.Group{ID: "3999", DisplayName: args[1]})
		case "sp": // a second service principal of this name
			a.ServicePrincipals = append(a.ServicePrincipals, &sandbox.ServicePrincipal{ID: "2999", DisplayName: args[1], ApplicationID: args[2]})
		case "revoke": // what was granted to this name on any table
			for _, m := range a.Metastores {
				for _, c := range m.Catalogs {
					for _, s := range c.Schemas {
						for _, t := range s.Tables {
							t.Grants = slices.DeleteFunc(t.Grants, func(g sandbox.Grant) bool { return g.Principal == args[1] })
						}
					}
				}
			}
		case "running": // every workspace runs
			for _, w := range a.Workspaces {
				w.Status, w.NoIdentityFederation = sandbox.Running, false
			}
		default:
			if !amend(a, args) {
				ts.Fatalf("update: unknown change %q", args[0])
			}
		}
	})
}

// amend makes one of the changes that comparisons are tried on.
func amend(a *sandbox.Account, args []string) bool {
	group := func(name string) *sandbox.Group {
		return a.Groups[slices.IndexFunc(a.Groups, func(g *sandbox.Group) bool { return g.DisplayName == name })]
	}
	catalog := func(name string) *sandbox.Catalog {
		for _, m := range a.Metastores {
			for _, c := range m.Catalogs {
				if c.Name == name {
					return c
				}
			}
		}
		return nil
	}
	switch args[0] {
	case "join": // join GROUP ID
		group(args[1]).Members = append(group(args[1]).Members, args[2])
	case "leave": // leave GROUP ID
		group(args[1]).Members = slices.DeleteFunc(group(args[1]).Members, func(id string) bool { return id == args[2] })
	case "rename": // rename GROUP NAME, wherever the account spells it
		group(args[1]).DisplayName = args[2]
		for _, m := range a.Metastores {
			for _, c := range m.Catalogs {
				rename(c.Grants, args[1], args[2])
				for _, s := range c.Schemas {
					rename(s.Grants, args[1], args[2])
					for _, t := range s.Tables {
						rename(t.Grants, args[1], args[2])
					}
				}
			}
			rename(m.Grants, args[1], args[2])
			for _, l := range m.ExternalLocations {
				rename(l.Grants, args[1], args[2])
			}
			for _, l := range m.Connections {
				rename(l.Grants, args[1], args[2])
			}
		}
	case "grant": // grant CATALOG WHO PRIVILEGE
		catalog(args[1]).Grants = append(catalog(args[1]).Grants, sandbox.Grant{Principal: args[2], Privileges: args[3:]})
	case "drop": // drop CATALOG SCHEMA
		c := catalog(args[1])
		c.Schemas = slices.DeleteFunc(c.Schemas, func(s *sandbox.Schema) bool { return s.Name == args[2] })
	case "deactivate": // deactivate USER
		for _, u := range a.Users {
			u.Inactive = u.Inactive || u.UserName == args[1]
		}
	case "token": // token VALUE ID: somebody's personal access token for the workspace prod
		for _, w := range a.Workspaces {
			if w.Name == "prod" {
				w.PATs = append(w.PATs, &sandbox.PAT{ID: "tok-" + args[2], Value: args[1], OwnerID: args[2], ExpiryTime: -1})
			}
		}
	case "promote": // promote ID: the service principal becomes account admin
		for _, sp := range a.ServicePrincipals {
			if sp.ID == args[1] {
				sp.Roles = append(sp.Roles, sandbox.RoleAccountAdmin)
			}
		}
	case "unassign": // unassign WORKSPACE ID
		for _, w := range a.Workspaces {
			if w.Name == args[1] {
				w.Assignments = slices.DeleteFunc(w.Assignments, func(at *sandbox.Assignment) bool { return at.PrincipalID == args[2] })
			}
		}
	case "admin": // admin WORKSPACE ID
		for _, w := range a.Workspaces {
			if w.Name == args[1] {
				w.Assignments = append(w.Assignments, &sandbox.Assignment{PrincipalID: args[2], Permissions: []string{sandbox.AssignAdmin}})
			}
		}
	default:
		return false
	}
	return true
}

func rename(grants []sandbox.Grant, from, to string) {
	for i := range grants {
		if grants[i].Principal == from {
			grants[i].Principal = to
		}
	}
}

func programme(ts *testscript.TestScript, args []string) *exec.Cmd {
	path := ""
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if candidate := filepath.Join(dir, name); path == "" && isFile(candidate) {
			path = candidate
		}
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = []string{"GORACE=atexit_sleep_ms=0"} // under -race a program would wait a second before it ends
	for _, v := range []string{"PATH", "HOME", "TMPDIR", "XDG_STATE_HOME", ledgerEnv, "NO_PROXY", "HTTPS_PROXY", "SSL_CERT_FILE", "NO_COLOR", "COLUMNS",
		"DATABRICKS_HOST", "DATABRICKS_ACCOUNT_ID", "DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET", "DATABRICKS_TOKEN",
		"DATABRICKS_CONFIG_FILE", "DATABRICKS_CONFIG_PROFILE", "DATABRICKS_AUTH_TYPE", "DATABRICKS_ACCESS_AUDIT_LEDGER", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", ledgerEnv, ledgerKeyEnv} {
		if value := ts.Getenv(v); value != "" {
			cmd.Env = append(cmd.Env, v+"="+value)
		}
	}
	return cmd
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func cmdIDOf(ts *testscript.TestScript, args []string) {
	need(ts, args, 2, "idof FILE NAME")
	var r struct{ Plan struct{ ID string } }
	ts.Check(json.Unmarshal([]byte(read(ts, args[0])), &r))
	ts.Setenv(args[1], r.Plan.ID)
}

func cmdEdit(ts *testscript.TestScript, args []string) {
	need(ts, args, 3, "edit FILE OLD NEW")
	was := read(ts, args[0])
	if !strings.Contains(was, args[1]) {
		ts.Fatalf("%s does not hold %s", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(was, args[1], args[2])), 0o600))
}

func cmdSay(ts *testscript.TestScript, args []string) {
	need(ts, args, 1, "say TEXT")
	on(ts).said = strings.Join(args, " ") + "\n"
}

// cmdAudit runs the program to its end. Its output, with times and durations made equal, is what
// stdout and stderr mean from then on.
func cmdAudit(ts *testscript.TestScript, args []string) {
	need(ts, args, 1, "audit CODE ARGS…")
	cmd := programme(ts, args[1:])
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Stdin = strings.NewReader(on(ts).said)
	on(ts).said = ""
	show(ts, out.String, errs.String, args[0], cmd.Run())
}

// show makes the streams of a program those of the script and checks how it ended.
func show(ts *testscript.TestScript, out, errs func() string, want string, end error) {
	fmt.Fprint(ts.Stdout(), normal(out()))
	fmt.Fprint(ts.Stderr(), normal(errs()))
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](end); ok {
		code = exit.ExitCode()
	} else {
		ts.Check(end)
	}
	if strconv.Itoa(code) != want {
		ts.Fatalf("exit code %d, want %s\nstdout:\n%s\nstderr:\n%s", code, want, excerpt(normal(out())), excerpt(normal(errs())))
	}
}

// excerpt keeps a failure readable.
func excerpt(text string) string {
	const most = 3000
	if len(text) > most {
		return text[:most] + "\n…"
	}
	return text
}

// moments are what differs from run to run, and what stands for it.
var moments = []struct {
	is  *regexp.Regexp
	out string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`), "<time>"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "<time>"},
	{regexp.MustCompile(`the oldest was [0-9.a-zµ]+ old`), "the oldest was <age> old"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:<port>"},
	{regexp.MustCompile(`go1\.[0-9.]+( [a-z]+/[a-z0-9]+)?`), "<go>"},
	{regexp.MustCompile(`0\.1\.0-dev`), "<version>"},
	{regexp.MustCompile(`(?m)^reading the account: .*\n`), ""},
}

func normal(text string) string {
	for _, m := range moments {
		text = m.is.ReplaceAllString(text, m.out)
	}
	return text
}

func cmdStart(ts *testscript.TestScript, args []string) {
	need(ts, args, 2, "start NAME ARGS…")
	a := &actor{cmd: programme(ts, args[1:]), done: make(chan error, 1)}
	a.cmd.Stdout, a.cmd.Stderr = &a.out, &a.err
	ts.Check(a.cmd.Start())
	on(ts).actors[args[0]] = a
	go func() {
		a.done <- a.cmd.Wait()
		close(a.done)
	}()
}

func theActor(ts *testscript.TestScript, args []string) *actor {
	need(ts, args, 1, "a program's name")
	a, ok := on(ts).actors[args[0]]
	if !ok {
		ts.Fatalf("nothing was started as %q", args[0])
	}
	return a
}

func cmdInterrupt(ts *testscript.TestScript, args []string) {
	ts.Check(theActor(ts, args).cmd.Process.Signal(syscall.SIGINT))
}

// cmdKill lets a program do nothing any more.
func cmdKill(ts *testscript.TestScript, args []string) {
	a := theActor(ts, args)
	ts.Check(a.cmd.Process.Kill())
	<-a.done
}

// assigned is what the account gives a principal itself in a workspace.
func assigned(server *sandbox.Server, workspace, id string) string {
	is := "NONE"
	server.Update(func(a *sandbox.Account) {
		for _, w := range a.Workspaces {
			for _, at := range w.Assignments {
				if w.Name == workspace && at.PrincipalID == id {
					is = strings.Join(at.Permissions, "+")
				}
			}
		}
	})
	return is
}

func cmdAssigned(ts *testscript.TestScript, args []string) {
	need(ts, args, 3, "assigned WORKSPACE ID NONE|USER|ADMIN")
	if got := assigned(on(ts).server, args[0], args[1]); got != args[2] {
		ts.Fatalf("%s is %s in %s, want %s", args[1], got, args[0], args[2])
	}
}

const patience = 20 * time.Second

func cmdAwait(ts *testscript.TestScript, args []string) {
	need(ts, args, 2, "await NAME REGEXP | await calls 'GET /route' N")
	var come func() bool
	if args[0] == "calls" {
		n, err := strconv.Atoi(args[2])
		ts.Check(err)
		come = func() bool { return on(ts).server.CallCount()[args[1]] >= n }
	} else {
		a, pattern := theActor(ts, args), regexp.MustCompile(args[1])
		come = func() bool { return pattern.MatchString(a.out.String() + a.err.String()) }
	}
	for end := time.Now().Add(patience); !come(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("%v did not come", args)
		}
	}
}

func cmdFinish(ts *testscript.TestScript, args []string) {
	need(ts, args, 2, "finish NAME CODE")
	a := theActor(ts, args)
	select {
	case end := <-a.done:
		show(ts, a.out.String, a.err.String, args[1], end)
	case <-time.After(patience):
		ts.Fatalf("%s does not end", args[0])
	}
}

func read(ts *testscript.TestScript, from string) string { return ts.ReadFile(from) }

// cmdAnswer keeps of a CSV answer on stdout what two readings of one account share: all but the cost.
func cmdAnswer(ts *testscript.TestScript, _ []string) {
	for line := range strings.Lines(read(ts, "stdout")) {
		if !strings.HasPrefix(line, "coverage,") || strings.Contains(line, ",complete,") || strings.Contains(line, "_reads,") {
			fmt.Fprint(ts.Stdout(), line)
		}
	}
}

func cmdUse(ts *testscript.TestScript, args []string) {
	for line := range strings.Lines(theActor(ts, args).out.String()) {
		if key, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "="); ok {
			ts.Setenv(key, strings.Trim(value, "'"))
		}
	}
}

func cmdHas(ts *testscript.TestScript, args []string) {
	need(ts, args, 2, "has stdout|stderr|FILE TEXT…")
	for _, text := range args[1:] {
		if !strings.Contains(read(ts, args[0]), text) {
			ts.Fatalf("%s has no %q:\n%s", args[0], text, read(ts, args[0]))
		}
	}
}

func cmdHasNot(ts *testscript.TestScript, args []string) {
	need(ts, args, 2, "hasnot stdout|stderr|FILE TEXT…")
	for _, text := range args[1:] {
		if strings.Contains(read(ts, args[0]), text) {
			ts.Fatalf("%s has %q:\n%s", args[0], text, read(ts, args[0]))
		}
	}
}

func cmdLines(ts *testscript.TestScript, args []string) {
	need(ts, args, 2, "lines stdout|stderr|FILE N")
	if got := strings.Count(read(ts, args[0]), "\n"); strconv.Itoa(got) != args[1] {
		ts.Fatalf("%s has %d lines, want %s:\n%s", args[0], got, args[1], read(ts, args[0]))
	}
}

func cmdMode(ts *testscript.TestScript, args []string) {
	need(ts, args, 2, "mode FILE 0600")
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}

// cmdJSON looks values up in stdout, or in the file or stream named by -in: .grants[source=owner].path
// goes into fields, [] into all items of a list, [KEY=VALUE] into the items that have it, [N] into
// one. Objects and lists are written as JSON, text as it is, and compared in any order.
func cmdJSON(ts *testscript.TestScript, args []string) {
	from := "stdout"
	if len(args) > 1 && args[0] == "-in" {
		from, args = args[1], args[2:]
	}
	need(ts, args, 1, "json [-in FILE] PATH WANT…")
	var value any
	d := json.NewDecoder(strings.NewReader(read(ts, from)))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		ts.Fatalf("%s is not JSON: %v\n%s", from, err, read(ts, from))
	}
	if _, err := d.Token(); err != io.EOF {
		ts.Fatalf("%s has more than one JSON value", from)
	}
	values, err := pick(value, args[0])
	ts.Check(err)
	var got []string
	for _, v := range values {
		got = append(got, compact(v))
	}
	compare(ts, args[0], got, args[1:])
}

func compare(ts *testscript.TestScript, what string, got, want []string) {
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		ts.Fatalf("%s is\n\t%s\nwant\n\t%s", what, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

var step = regexp.MustCompile(`^(?:\.([\w-]+)|\[((?:[^\[\]]|\[[^\]]*\])*)\])`)

func pick(value any, path string) ([]any, error) {
	values := []any{value}
	for path != "" && path != "." {
		m := step.FindStringSubmatch(path)
		if m == nil {
			return nil, fmt.Errorf("bad path at %q", path)
		}
		path = path[len(m[0]):]
		var next []any
		for _, v := range values {
			next = append(next, descend(v, m[1], m[2])...)
		}
		values = next
	}
	return values, nil
}

func descend(v any, field, index string) []any {
	if field != "" {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		inside, ok := object[field]
		if !ok {
			return nil
		}
		return []any{inside}
	}
	list, ok := v.([]any)
	if !ok {
		return nil
	}
	if n, err := strconv.Atoi(index); err == nil {
		if n < len(list) {
			return list[n : n+1]
		}
		return nil
	}
	key, want, conditional := strings.Cut(index, "=")
	if !conditional {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(item any) bool {
		got, err := pick(item, "."+key)
		return err != nil || len(got) != 1 || compact(got[0]) != want
	})
}

func compact(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return strings.TrimSpace(b.String())
}

// cmdCSV picks columns of the rows that have the values asked for: csv FILE COL=VALUE… -- COL… -- WANT…,
// the wanted cells of a row joined by " | ", rows in any order.
func cmdCSV(ts *testscript.TestScript, args []string) {
	need(ts, args, 1, "csv FILE COL=VALUE… -- COL… -- WANT…")
	rows, err := csv.NewReader(strings.NewReader(read(ts, args[0]))).ReadAll()
	if err != nil {
		ts.Fatalf("%s is not CSV: %v", args[0], err)
	}
	where, rest := until(args[1:])
	columns, want := until(rest)
	column := func(name string) int {
		i := slices.Index(rows[0], name)
		if i < 0 {
			ts.Fatalf("%s has no column %q, only %v", args[0], name, rows[0])
		}
		return i
	}
	var got []string
next:
	for _, row := range rows[1:] {
		for _, w := range where {
			key, value, _ := strings.Cut(w, "=")
			if row[column(key)] != value {
				continue next
			}
		}
		var cells []string
		for _, c := range columns {
			cells = append(cells, row[column(c)])
		}
		got = append(got, strings.Join(cells, " | "))
	}
	compare(ts, strings.Join(args[:1], " "), got, want)
}

func until(args []string) (before, after []string) {
	if i := slices.Index(args, "--"); i >= 0 {
		return args[:i], args[i+1:]
	}
	return args, nil
}
