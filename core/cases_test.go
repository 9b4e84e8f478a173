package core_test

import (
	"fmt"
	"strings"
	"testing"

	"databricks-access-audit/core/access"
)

// TestCases holds the doors can, resource and principal against the cases of testdata/cases: see
// caseFile.
func TestCases(t *testing.T) {
	t.Parallel()
	cases, err := readCases()
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 50 {
		t.Errorf("%d cases are there", len(cases))
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, v := range c.variants {
				checkVariant(t, v)
			}
		})
	}
}

func checkVariant(t *testing.T, v variant) {
	t.Helper()
	a, err := buildAccount(v.account)
	if err != nil {
		t.Fatal(err)
	}
	list, err := expectations(a, v.expect)
	if err != nil {
		t.Fatal(err)
	}
	m := access.Over(a.estate(), a.options)
	for _, x := range list {
		t.Run(fmt.Sprintf("%s:%d", v.name, x.number), func(t *testing.T) { x.run(t, m) })
	}
}

func (x expectation) run(t *testing.T, m *access.Model) {
	if x.waits != "" {
		t.Skipf("%s:%d: %s: waits for %s", x.path, x.number, x.text, x.waits)
	}
	answer, doors := x.check(m)
	switch {
	case x.disagrees != "":
		x.known(t, x.disagrees, answer)
	case len(answer) == 0 && x.doorsDisagree != "":
		x.known(t, x.doorsDisagree, doors)
	case len(answer)+len(doors) > 0:
		t.Errorf("%s:%d: %s\n\t%s", x.path, x.number, x.text, strings.Join(append(answer, doors...), "\n\t"))
	}
}

// known is for what a comment in the case says of the program: it is so, or the comment is to go.
func (x expectation) known(t *testing.T, why string, complaints []string) {
	if len(complaints) == 0 {
		t.Fatalf("%s:%d: %s: the program agrees now, so the comment above is to go", x.path, x.number, x.text)
	}
	t.Skipf("%s:%d: %s: disagrees: %s\n\t%s", x.path, x.number, x.text, why, strings.Join(complaints, "\n\t"))
}

// TestCasesAreReadStrictly: a word that means nothing is an error that says where it stands, in either
// file, so that no line of a case goes unchecked.
func TestCasesAreReadStrictly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"no comment", "-- expect --\n", "x:1: no comment"},
		{"an unknown file", "c\n-- accont --\n", "x:2: a file called"},
		{"an unknown word", "c\n-- account --\n\nusr alice\n-- expect --\n", `x:4: usr alice: unknown word "usr"`},
		{"a word too much", "c\n-- account --\nuser alice bob\n-- expect --\n", `x:3: user alice bob: unknown word "bob"`},
		{"nobody", "c\n-- account --\ninactive alice\n-- expect --\n", `x:3: inactive alice: nobody is called "alice"`},
		{"an open quote", "c\n-- account --\nuser \"alice\n-- expect --\n", "a quote is not closed"},
		{"an unknown expectation", "c\n-- expect --\ncannot alice\n", `x:3: cannot alice: unknown word "cannot"`},
		{"an unknown verdict", "c\n-- account --\nmetastore M\nworkspace W1 on M\nuser alice\n-- expect --\nenter alice W1: MAYBE\n", `"MAYBE" is none of`},
		{"an unknown detail", "c\n-- account --\nmetastore M\nworkspace W1 on M\nuser alice\n-- expect --\nenter alice W1: DENY because\n", `"because" is none of`},
		{"a comment about nothing", "c\n-- expect --\n# disagrees: yes\n", "no line follows"},
		{"a variant of which nothing is expected", "c\n-- account/one --\nuser alice\n", "nothing is expected of the variant one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := readOne(c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func readOne(text string) error {
	c, err := parseCase("x", []byte(text), nil)
	if err != nil {
		return err
	}
	for _, v := range c.variants {
		a, err := buildAccount(v.account)
		if err != nil {
			return err
		}
		if _, err := expectations(a, v.expect); err != nil {
			return err
		}
	}
	return nil
}
