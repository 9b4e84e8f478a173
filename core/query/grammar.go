package query

import (
	"fmt"
	"slices"
	"strings"
)

// Form is one question as it is asked in words.
type Form struct {
	Mode  string
	About string
	// Args names the positional arguments; those in brackets may be left out.
	Args  []string
	Flags []Flag
	build func(args []string, v Values) (Request, error)
}

// Flag is one option of a question.
type Flag struct {
	Name  string // without dashes
	Usage string
	// Value names the value in help texts; empty for a switch.
	Value string
}

// Values are the flags that were given. The context of urfave/cli satisfies it.
type Values interface {
	IsSet(name string) bool
	Bool(name string) bool
	String(name string) string
}

// Forms lists the questions of this version.
func Forms() []Form {
	return []Form{principalForm, groupForm, resourceForm, compareForm, cloneForm, whatIfForm, canForm, rolesForm, escalationsForm, doctorForm}
}

// FormOf finds the form of a question by its name.
func FormOf(mode string) (Form, bool) {
	for _, f := range Forms() {
		if f.Mode == mode {
			return f, true
		}
	}
	return Form{}, false
}

// UsageError says that a question was not asked in the right form.
type UsageError struct {
	Problem string
	// Hint is what to write instead.
	Hint string
}

// Error is the problem and the hint.
func (e *UsageError) Error() string {
	if e.Hint == "" {
		return e.Problem
	}
	return e.Problem + "; " + e.Hint
}

// Usage is the form in one line: "principal WHO [--scan-tables] …".
func (f Form) Usage() string {
	words := append([]string{f.Mode}, f.Args...)
	for _, flag := range f.Flags {
		word := "--" + flag.Name
		if flag.Value != "" {
			word += " " + flag.Value
		}
		words = append(words, "["+word+"]")
	}
	return strings.Join(words, " ")
}

// Request makes the question from its arguments and flags. The error is a *UsageError.
func (f Form) Request(args []string, v Values) (Request, error) {
	for i, a := range args {
		if strings.TrimSpace(a) == "" {
			return nil, &UsageError{Problem: fmt.Sprintf("%s is empty", f.argName(i)), Hint: "write " + f.short()}
		}
	}
	switch {
	case len(args) < f.needed():
		return nil, &UsageError{
			Problem: fmt.Sprintf("%s needs %s", f.Mode, strings.Join(f.Args[len(args):f.needed()], " and ")),
			Hint:    "write " + f.short(),
		}
	case len(args) > len(f.Args) && !f.repeats():
		return nil, &UsageError{
			Problem: fmt.Sprintf("%s does not take %q", f.Mode, args[len(f.Args)]),
			Hint:    "a name with spaces needs quotes: write " + f.short(),
		}
	}
	return f.build(args, v)
}

// needed counts the arguments that may not be left out.
func (f Form) needed() int {
	n := 0
	for _, a := range f.Args {
		if !strings.HasPrefix(a, "[") {
			n++
		}
	}
	return n
}

// repeats reports whether the last argument may be there any number of times.
func (f Form) repeats() bool {
	return len(f.Args) > 0 && strings.Contains(f.Args[len(f.Args)-1], "…")
}

func (f Form) argName(i int) string {
	if i < len(f.Args) {
		return f.Args[i]
	}
	return "an argument"
}

func (f Form) short() string { return strings.Join(append([]string{f.Mode}, f.Args...), " ") }

// Parse reads a question from words: the mode first, then arguments and flags in any order. A word
// "--" ends the flags. The error is a *UsageError.
func Parse(words []string) (Request, error) {
	if len(words) == 0 {
		return nil, &UsageError{Problem: "no question", Hint: "ask one of: " + strings.Join(modes(), ", ")}
	}
	f, ok := FormOf(strings.ToLower(words[0]))
	if !ok {
		return nil, &UsageError{
			Problem: fmt.Sprintf("%q is not a question", words[0]),
			Hint:    "ask one of: " + strings.Join(modes(), ", "),
		}
	}
	args, given, err := f.split(words[1:])
	if err != nil {
		return nil, err
	}
	return f.Request(args, given)
}

func modes() []string {
	var names []string
	for _, f := range Forms() {
		names = append(names, f.Mode)
	}
	return names
}

// given are flags read by Parse: the text of each, "true" for switches.
type given map[string]string

func (g given) IsSet(name string) bool    { _, ok := g[name]; return ok }
func (g given) Bool(name string) bool     { return g[name] == "true" }
func (g given) String(name string) string { return g[name] }

func (f Form) split(words []string) (args []string, flags given, err error) {
	flags = given{}
	for i := 0; i < len(words); i++ {
		w := words[i]
		if w == "--" {
			return append(args, words[i+1:]...), flags, nil
		}
		if !strings.HasPrefix(w, "--") {
			args = append(args, w)
			continue
		}
		name, value, inline := strings.Cut(w[2:], "=")
		flag, ok := f.flag(name)
		switch {
		case !ok:
			return nil, nil, f.unknownFlag(name)
		case flag.Value == "" && inline && value != "true" && value != "false":
			return nil, nil, &UsageError{Problem: fmt.Sprintf("--%s takes no value", name)}
		case flag.Value == "" && !inline:
			value = "true"
		case flag.Value != "" && !inline:
			if i++; i == len(words) {
				return nil, nil, &UsageError{Problem: fmt.Sprintf("--%s needs a value", name), Hint: fmt.Sprintf("write --%s %s", name, flag.Value)}
			}
			value = words[i]
		}
		flags[name] = value
	}
	return args, flags, nil
}

func (f Form) flag(name string) (Flag, bool) {
	i := slices.IndexFunc(f.Flags, func(flag Flag) bool { return flag.Name == name })
	if i < 0 {
		return Flag{}, false
	}
	return f.Flags[i], true
}

func (f Form) unknownFlag(name string) error {
	var names []string
	for _, flag := range f.Flags {
		names = append(names, "--"+flag.Name)
	}
	hint := f.Mode + " takes no flags"
	if len(names) > 0 {
		hint = f.Mode + " takes " + strings.Join(names, ", ")
	}
	return &UsageError{Problem: fmt.Sprintf("%s does not know --%s", f.Mode, name), Hint: hint}
}

// list splits a comma-separated value; empty items are dropped.
func list(value string) []string {
	var items []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
