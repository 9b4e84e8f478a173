package core_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
)

// A case is a small account and what must be answered about it, as one text archive of
// testdata/cases. The answers come from Databricks' documentation, never from the program.
//
// The comment of the archive says what the case shows. The file "account" adds to the account of
// testdata/cases/fixture.txt, and "expect" says what is so there. A pair "account/NAME" and
// "expect/NAME" is a variant: its lines come on top of those of "account".
//
// In both, a line is one statement, # starts a comment line, and a name with blanks stands in double
// quotes. Whatever is named must have been said before. Words that are not known are errors.
//
// An account is made of these lines; […] may be left out, and … may be repeated:
//
//	metastore M [model 1.0|0|absent] [owner NAME] [external-access on|off]
//	workspace W1 on M                    its id is the number at the end of its name
//	user NAME [alias NAME]               a guest's workspace may call him by the alias
//	service-principal NAME               NAME is the application id
//	group G: MEMBER …                    adds members where G is already there
//	external-group G: MEMBER …           one that the identity provider keeps
//	local-group G in W1: MEMBER …        one of that workspace alone
//	leave MEMBER G                       takes a member out again
//	inactive NAME
//	account-admin NAME
//	assign NAME W1 [admin]
//	unassign NAME W1
//	catalog C owner NAME [open|isolated W1[=READ_ONLY] …]
//	schema C.S owner NAME
//	option NAME=VALUE                    under which the questions are asked
//	table C.S.T owner NAME [external PATH|untold] [filter] [mask]
//	view C.S.V owner NAME of C.S.T …
//	volume C.S.V owner NAME [external PATH|untold]
//	function C.S.F owner NAME [of [THING …]]
//	                                     what it reads was not told where of is left out
//	model C.S.N owner NAME
//	location N owner NAME [at PATH] [open|isolated W1 …]
//	storage-credential|service-credential|connection N owner NAME [open|isolated W1 …]
//	owner THING NAME
//	use C.S                              USE CATALOG and USE SCHEMA for account users
//	grant PRIVILEGE,… on THING to NAME
//	revoke PRIVILEGE,… on THING from NAME
//	deleted ID PRIVILEGE,… on THING      a grant whose holder was deleted
//	policy P on THING PRIVILEGE to NAME … [except NAME …] [untold]
//	                                     a policy that grants; untold: its tags were not told
//	role ROLE on NAME|account for NAME   ROLE without the leading roles/
//	entitle W1 NAME [ENTITLEMENT …]      all that NAME has by itself
//	object W1 TYPE ID name NAME [path P] [creator NAME] [runas NAME] [code P] [mode M] [single NAME]
//	       [embeds] [acl NAME=LEVEL …] [from PATH NAME=LEVEL …]
//	setting W1 ALLOW_ALL|RESTRICT_TOKENS_AND_JOB_RUN_AS
//	token ID of NAME in W1
//	unread grants|policies|children|bindings of THING
//	unread members|roles|groups of NAME
//	unread assignments|groups|setting of W1
//	unread permissions of OBJECT
//
// THING is the full name of a securable, and OBJECT is W1/TYPE/NAME. Everything was read that is not
// said to be unread. A later line about the same thing replaces an earlier one.
//
// What is expected is made of these lines:
//
//	can NAME PRIVILEGE THING in W1: ANSWER           or anywhere instead of in W1
//	meta NAME THING in W1: ANSWER                    it sees that the thing is there
//	object NAME LEVEL OBJECT: ANSWER
//	exercise NAME PRIVILEGE THING in W1: ANSWER      entitlement and compute included
//	exercise NAME LEVEL OBJECT: ANSWER
//	create NAME WHAT W1: ANSWER
//	create NAME external-location CREDENTIAL in W1: ANSWER
//	enter NAME W1: ANSWER
//	be NAME NAME in W1: ANSWER
//	holds NAME PRIVILEGE|OWNER THING via NAME        the audit of NAME lists it
//	notes NAME TEXT                                  the audit of NAME has a note with the text in it
//	escalation NAME ID [SEVERITY] [about NAME|THING|OBJECT]
//	no-escalation NAME ID …
//
// ANSWER is ALLOW, INDIRECT, UNKNOWN or DENY, and then any of these, the first right behind it and
// the others behind a semicolon. An item is a few words that a step, act or missing fact must all
// bear: its kind, privilege, securable, principal and so on; a|b is one of the two.
//
//	missing ITEM, …          one of the sets of missing facts is these
//	via ITEM, …              a proof has these steps in this order; it must be one proof for every via
//	acts ITEM, …             the acts are these, in any order
//	acts-include ITEM, …     these are among the acts
//	tiers granted=yes|no|unknown reachable=… exercisable=…
//	caveat TEXT              one of the caveats has the text in it
//	no-caveat TEXT
//
// Some lines ask what no answer tells yet. They are read and left out, with what they wait for:
//
//	orphan ID PRIVILEGE THING
//	warns PRIVILEGE THING
//	redundant NAME PRIVILEGE THING: FULL|PARTIAL
//	preview revoke PRIVILEGE THING NAME: removes PRIVILEGE … [keeps PRIVILEGE …]
//	preview put|patch OBJECT NAME=LEVEL …: refused | [keeps NAME …] [loses NAME[=TOKENS] …]
//	offboard NAME: blocks WHAT THING|OBJECT|NAME …
//
// With each question about a securable, object or workspace, the doors resource and principal are asked
// too: see securableDoors.
//
// Where the program answers otherwise, a comment "# disagrees: why" above the line says so, and where can
// answers so and another door does not, "# doors disagree: why". The line is then skipped, and fails when
// the program has come to agree.
type caseFile struct {
	name     string
	variants []variant
}

// variant is one account of a case with what is so there.
type variant struct {
	name    string // empty for the one that the others come on top of
	account []caseLine
	expect  []caseLine
}

const casesDir = "testdata/cases"

// readCases reads every case, the shared account first in each variant.
func readCases() ([]caseFile, error) {
	fixture := filepath.Join(casesDir, "fixture.txt")
	text, err := os.ReadFile(fixture)
	if err != nil {
		return nil, err
	}
	shared, err := caseLines(fixture, 1, text)
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(casesDir, "*.txtar"))
	if err != nil {
		return nil, err
	}
	var cases []caseFile
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		c, err := parseCase(path, text, shared)
		if err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// parseCase reads one archive.
func parseCase(path string, text []byte, shared []caseLine) (caseFile, error) {
	archive := txtar.Parse(text)
	c := caseFile{name: strings.TrimSuffix(filepath.Base(path), ".txtar")}
	if len(bytes.TrimSpace(archive.Comment)) == 0 {
		return c, fmt.Errorf("%s:1: no comment says what the case shows", path)
	}
	parts := map[string][]caseLine{}
	var names []string
	for _, f := range archive.Files {
		at := 1 + bytes.Count(text[:fileOffset(text, f.Name)], []byte("\n"))
		kind, variant, named := strings.Cut(f.Name, "/")
		_, again := parts[f.Name]
		if kind != "account" && kind != "expect" || named && variant == "" || again {
			return c, fmt.Errorf("%s:%d: a file called %q means nothing here", path, at, f.Name)
		}
		lines, err := caseLines(path, at+1, f.Data)
		if err != nil {
			return c, err
		}
		parts[f.Name] = lines
		if !slices.Contains(names, variant) {
			names = append(names, variant)
		}
	}
	base := slices.Concat(shared, parts["account"])
	for _, name := range names {
		v := variant{name: name, account: base, expect: parts["expect"]}
		if name != "" {
			v.account, v.expect = slices.Concat(base, parts["account/"+name]), parts["expect/"+name]
			if len(v.expect) == 0 {
				return c, fmt.Errorf("%s:1: nothing is expected of the variant %s", path, name)
			}
		}
		c.variants = append(c.variants, v)
	}
	return c, nil
}

// fileOffset finds where the marker of a file stands in an archive.
func fileOffset(text []byte, name string) int {
	marker := []byte("-- " + name + " --")
	if bytes.HasPrefix(text, marker) {
		return 0
	}
	return bytes.Index(text, append([]byte("\n"), marker...)) + 1
}

// caseLine is one statement, split into words, with where it stands.
type caseLine struct {
	path   string
	number int
	text   string
	words  []string
	// What the comments above it say: that the answer is another one, or that of other doors is.
	disagrees, doorsDisagree string
}

func (l caseLine) errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s: %w", l.path, l.number, l.text, fmt.Errorf(format, args...))
}

// caseLines splits a file, whose first line has a number, into its statements.
func caseLines(path string, first int, text []byte) ([]caseLine, error) {
	var list []caseLine
	var above caseLine // what the comments say of the line that follows
	for i, s := range strings.Split(string(text), "\n") {
		l := caseLine{path: path, number: first + i, text: strings.TrimSpace(s)}
		if why, ok := strings.CutPrefix(l.text, "# disagrees: "); ok {
			above.disagrees = why
		}
		if why, ok := strings.CutPrefix(l.text, "# doors disagree: "); ok {
			above.doorsDisagree = why
		}
		if l.text == "" || l.text[0] == '#' {
			continue
		}
		words, err := splitWords(l.text)
		if err != nil {
			return nil, l.errorf("%w", err)
		}
		l.words, l.disagrees, l.doorsDisagree = words, above.disagrees, above.doorsDisagree
		above = caseLine{}
		list = append(list, l)
	}
	if above.disagrees != "" || above.doorsDisagree != "" {
		return nil, fmt.Errorf("%s:%d: no line follows that could disagree", path, first)
	}
	return list, nil
}

// splitWords splits at blanks. A word may stand in double quotes; the marks : ; and , at the end of a word
// are words of their own.
func splitWords(s string) ([]string, error) {
	var words []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimLeft(s, " \t") {
		if s[0] == '"' {
			word, rest, closed := strings.Cut(s[1:], `"`)
			if !closed {
				return nil, fmt.Errorf("a quote is not closed")
			}
			words, s = append(words, word), rest
			continue
		}
		end := strings.IndexAny(s, " \t")
		if end < 0 {
			end = len(s)
		}
		word, marks := s[:end], ""
		if trimmed := strings.TrimRight(word, ":;,"); trimmed != word {
			word, marks = trimmed, word[len(trimmed):]
		}
		if word != "" {
			words = append(words, word)
		}
		words, s = append(words, strings.Split(marks, "")...), s[end:]
	}
	return words, nil
}

// caseReader takes the words of a line one by one. The first thing that is wrong with the line stays.
type caseReader struct {
	caseLine
	err error
}

func (r *caseReader) bad(format string, args ...any) {
	if r.err == nil {
		r.err = r.errorf(format, args...)
	}
}

func (r *caseReader) more() bool { return r.err == nil && len(r.words) > 0 }

// word takes the next word.
func (r *caseReader) word() string {
	if !r.more() {
		r.bad("something is missing at the end")
		return ""
	}
	w := r.words[0]
	r.words = r.words[1:]
	return w
}

// has takes the word if it is the next one.
func (r *caseReader) has(word string) bool {
	if !r.more() || r.words[0] != word {
		return false
	}
	r.words = r.words[1:]
	return true
}

// must takes a word that has to come next.
func (r *caseReader) must(word string) {
	if !r.has(word) {
		r.bad("%q is missing before %q", word, strings.Join(r.words, " "))
	}
}

// one takes a word that must be one of a few.
func (r *caseReader) one(words ...string) string {
	w := r.word()
	if r.err == nil && !slices.Contains(words, w) {
		r.bad("%q is none of %s", w, strings.Join(words, ", "))
	}
	return w
}

// end says that nothing may follow.
func (r *caseReader) end() error {
	if r.more() {
		r.bad("unknown word %q", r.words[0])
	}
	return r.err
}
