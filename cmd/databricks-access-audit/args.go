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
	var flags, words []string
	var mode string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			words = append(words, args[i+1:]...)
			break
		}
		if !strings.HasPrefix(arg, "-") || arg == "-" {
			words = append(words, arg)
			continue
		}
		name, value, inline := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		form, isMode := query.FormOf(name)
		isMode = isMode && len(form.Args) > 0
		if !isMode && !takesValue[name] {
			flags = append(flags, arg)
			continue
		}
		if !inline {
			if i++; i == len(args) {
				return nil, &query.UsageError{Problem: fmt.Sprintf("--%s needs a value", name), Hint: hintFor(app, name)}
			}
			value = args[i]
		}
		switch {
		case !isMode:
			flags = append(flags, "--"+name+"="+value)
		case mode != "":
			return nil, &query.UsageError{Problem: fmt.Sprintf("--%s and --%s ask two questions at once", mode, name), Hint: "ask one"}
		default:
			mode = name
			words = append([]string{value}, words...)
		}
	}
	command, words, err := command(app, mode, words)
	if err != nil || command == nil {
		return append(flags, words...), err
	}
	return slices.Concat(command, flags, []string{"--"}, words), nil
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
