package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/core/query"
	"databricks-access-audit/core/sandbox"
)

func sandboxCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:  "sandbox",
		Usage: "the embedded sample account",
		Subcommands: []*cli.Command{{
			Name:  "serve",
			Usage: "serve the sample account until interrupted, for other tools",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "addr", Usage: "listen on this loopback `ADDRESS`", Value: "127.0.0.1:0"},
				&cli.StringFlag{Name: "ca-file", Usage: "write the private CA's certificate to `FILE`", DefaultText: "a new temporary file"},
				&cli.StringSliceFlag{Name: "fault", Usage: "misbehave, such as `'GET /api/2.1/unity-catalog/permissions/* status=403'`; may be repeated, first match wins"},
				&cli.BoolFlag{Name: "enforce-limits", Usage: "refuse calls beyond the documented rate limits"},
				&cli.DurationFlag{Name: "latency", Usage: "delay every response by a `DURATION`"},
			},
			Action: func(c *cli.Context) error { return serveSandbox(c, s) },
		}},
	}
}

// serveSandbox prints what another tool needs to use the sandbox, and serves until interrupted.
func serveSandbox(c *cli.Context, s streams) error {
	o := sandbox.Options{Addr: c.String("addr"), EnforceLimits: c.Bool("enforce-limits"), Latency: c.Duration("latency")}
	for _, text := range c.StringSlice("fault") {
		fault, err := sandbox.ParseFault(text)
		if err != nil {
			return &query.UsageError{Problem: fmt.Sprintf("--fault %q: %v", text, err)}
		}
		o.Faults = append(o.Faults, fault)
	}
	server, err := sandbox.Start(sandbox.Acme(), o)
	if err != nil {
		return fmt.Errorf("start the sandbox: %w", err)
	}
	defer func() { _ = server.Close() }()
	ca, err := writeCA(c.String("ca-file"), server.CACertPEM())
	if err != nil {
		return err
	}
	if !c.IsSet("ca-file") {
		defer func() { _ = os.Remove(ca) }()
	}
	auditor := server.Auditor()
	fmt.Fprintln(s.out, strings.Join([]string{
		"export HTTPS_PROXY=" + server.ProxyURL().String(),
		"export SSL_CERT_FILE=" + shellQuote(ca),
		"export DATABRICKS_HOST=" + server.AccountHost(),
		"export DATABRICKS_ACCOUNT_ID=" + server.AccountID(),
		"export DATABRICKS_CLIENT_ID=" + auditor.ClientID,
		"export DATABRICKS_CLIENT_SECRET=" + auditor.ClientSecret,
		"export DATABRICKS_AUTH_TYPE=oauth-m2m",
	}, "\n"))
	fmt.Fprintln(s.err, "serving the sample account; Ctrl-C ends it")
	<-c.Context.Done()
	return nil
}

func writeCA(path string, pem []byte) (string, error) {
	if path != "" {
		if err := os.WriteFile(path, pem, 0o600); err != nil {
			return "", fmt.Errorf("write the CA file: %w", err)
		}
		return path, nil
	}
	f, err := os.CreateTemp("", "sandbox-ca-*.pem")
	if err != nil {
		return "", fmt.Errorf("write the CA file: %w", err)
	}
	if _, err := f.Write(pem); err != nil {
		return "", fmt.Errorf("write the CA file: %w", err)
	}
	return f.Name(), f.Close()
}

// shellQuote makes a path one word of a POSIX shell.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
