package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"databricks-access-audit/core/query"
)

// arrange puts arguments into the order that urfave/cli reads: the command, its flags, then the
// positional arguments behind "--". People may write flags before the command, between arguments
// and after them, and may name a mode by its flag, as in --principal WHO.
func arrange(app *cli.App, args []string) ([]string, error) {
	takesValue := valueFlags(app)
	var a arranged
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			a.words = append(a.words, args[i+1:]...)
			break
		}
		if !strings.HasPrefix(arg, "-") || arg == "-" {
			a.words = append(a.words, arg)
			continue
		}
		name, value, inline := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if mode, old := flagModes[name]; old {
			name = mode
		}
		form, isMode := query.FormOf(name)
		isMode = isMode && len(form.Args) > 0
		if !isMode && !takesValue[name] {
			a.flags = append(a.flags, arg)
			a.help = a.help || name == "help" || name == "h"
			continue
		}
		if !inline {
			if i++; i == len(args) {
				return nil, &query.UsageError{Problem: arg + " needs a value", Hint: hintFor(app, name)}
			}
			value = args[i]
		}
		if err := a.take(arg, name, value, isMode); err != nil {
			return nil, err
		}
	}
	return a.ordered(app)
}

// arranged is what was read of the arguments so far.
type arranged struct {
	flags, words []string
	mode         string
	help         bool
	values       map[string]string // of the flags, to find contradictions
}

// take takes a flag with its value. A flag that is given twice must say the same twice, except for
// the ones that gather.
func (a *arranged) take(arg, name, value string, isMode bool) error {
	if isMode {
		if a.mode != "" {
			return &query.UsageError{Problem: fmt.Sprintf("--%s and --%s ask two questions at once", a.mode, name), Hint: "ask one"}
		}
		a.mode = name
		a.words = append([]string{value}, a.words...)
		return nil
	}
	long := longNames[name]
	if long == "" {
		long = name
	}
	if before, again := a.values[long]; again && before != value && !gathers[long] {
		problem := fmt.Sprintf("--%s is given twice, as %q and as %q", long, before, value)
		if long == "output" {
			problem = fmt.Sprintf("-o %s and -o %s ask for two formats", before, value)
		}
		return &query.UsageError{Problem: problem, Hint: "leave one out"}
	}
	if a.values == nil {
		a.values = map[string]string{}
	}
	a.values[long] = value
	flag, _, _ := strings.Cut(arg, "=")
	a.flags = append(a.flags, flag+"="+value)
	return nil
}

// flagModes are the modes whose flag form has another name than the mode.
var flagModes = map[string]string{"clone-from": "clone"}

// longNames are the flags behind the short ones; gathers are those that may be given several times.
var (
	longNames = map[string]string{"o": "output", "p": "profile"}
	gathers   = map[string]bool{"fault": true, "engine-option": true, "channel": true}
)

func (a *arranged) ordered(app *cli.App) ([]string, error) {
	if a.mode == "" && len(a.words) > 0 && a.words[0] == "help" {
		a.help, a.words = true, a.words[1:]
	}
	path, words, err := command(app, a.mode, a.words)
	switch {
	case a.help && (err == nil || len(a.words) == 0):
		return append(path, "--help"), nil
	case err != nil:
		return nil, err
	case path == nil:
		return append(a.flags, words...), nil
	default:
		return slices.Concat(path, a.flags, []string{"--"}, words), nil
	}
}

// command takes the names of the command off the words.
func command(app *cli.App, mode string, words []string) (path, rest []string, err error) {
	if mode != "" {
		return []string{mode}, words, nil
	}
	commands := app.Commands
	for len(words) > 0 {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(words[0]) })
		if i < 0 {
			break
		}
		path, words, commands = append(path, words[0]), words[1:], commands[i].Subcommands
	}
	if path == nil && len(words) > 0 {
		return nil, nil, &query.UsageError{
			Problem: fmt.Sprintf("%q is not a command", words[0]),
			Hint:    "commands are " + strings.Join(commandNames(app), ", "),
		}
	}
	return path, words, nil
}

func commandNames(app *cli.App) []string {
	var names []string
	for _, c := range app.Commands {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	return names
}

// valueFlags names every flag of any command that takes a value.
func valueFlags(app *cli.App) map[string]bool {
	takes := map[string]bool{}
	var visit func([]*cli.Command)
	note := func(flags []cli.Flag) {
		for _, f := range flags {
			if _, isSwitch := f.(*cli.BoolFlag); isSwitch {
				continue
			}
			for _, name := range f.Names() {
				takes[name] = true
			}
		}
	}
	visit = func(commands []*cli.Command) {
		for _, c := range commands {
			note(c.Flags)
			visit(c.Subcommands)
		}
	}
	note(app.Flags)
	visit(app.Commands)
	return takes
}

func hintFor(app *cli.App, name string) string {
	if form, ok := query.FormOf(name); ok {
		return fmt.Sprintf("write --%s %s", name, form.Args[0])
	}
	return fmt.Sprintf("see %s help", app.Name)
}
