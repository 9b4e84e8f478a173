package formatters

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/report"
)

// withoutAssets leaves the bundled script and style out of a page: they have their own tests.
func withoutAssets(page string) string {
	return regexp.MustCompile(`'sha256-[^']*'`).ReplaceAllString(lighten(page), "'sha256-…'")
}

// lighten takes the script and the style out of a page, for tests that read thousands of pages.
func lighten(page string) string {
	return strings.Replace(strings.Replace(page, htmlStyle, "…", 1), htmlScript, "…", 1)
}

// fatal is what testing.T and rapid.T have in common.
type fatal interface{ Fatal(args ...any) }

func parseHTML(t fatal, page string) *html.Node {
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// pageText is the text that a reader without the script sees.
func pageText(t fatal, page string) string {
	var b strings.Builder
	for n := range parseHTML(t, page).Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "script" && n.Parent.Data != "style" {
			b.WriteString(n.Data + "\n")
		}
	}
	return b.String()
}

func elements(doc *html.Node, name string) []*html.Node {
	var all []*html.Node
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			all = append(all, n)
		}
	}
	return all
}

// TestT16_HTMLRunsOnlyItsOwnScripts: the policy in the page names the hash of each script and style that is
// in it, and allows nothing else.
func TestT16_HTMLRunsOnlyItsOwnScripts(t *testing.T) {
	for fixture, r := range fixtures() {
		doc := parseHTML(t, write(t, r, Options{Format: HTML}))
		var policy []string
		for _, n := range elements(doc, "meta") {
			if strings.EqualFold(attr(n, "http-equiv"), "Content-Security-Policy") {
				policy = append(policy, attr(n, "content"))
			}
		}
		if len(policy) != 1 {
			t.Fatalf("%s: %d policies", fixture, len(policy))
		}
		directives := map[string][]string{}
		for _, d := range strings.Split(policy[0], ";") {
			words := strings.Fields(d)
			directives[words[0]] = words[1:]
		}
		want := map[string][]string{"default-src": {"'none'"}, "img-src": {"data:"}, "base-uri": {"'none'"}, "form-action": {"'none'"}}
		hash := func(n *html.Node) string {
			sum := sha256.Sum256([]byte(textOf(n)))
			return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		}
		for _, n := range elements(doc, "script") {
			if attr(n, "type") != "application/json" {
				want["script-src"] = append(want["script-src"], hash(n))
			}
		}
		for _, n := range elements(doc, "style") {
			want["style-src"] = append(want["style-src"], hash(n))
		}
		if diff := cmp.Diff(want, directives); diff != "" {
			t.Errorf("%s: %s", fixture, diff)
		}
		if len(want["script-src"]) != 2 || len(want["style-src"]) != 1 {
			t.Errorf("%s: %d scripts, %d styles", fixture, len(want["script-src"]), len(want["style-src"]))
		}
	}
}

// mayHold are the elements and attributes of a page, and nothing else is needed.
var mayHold = map[string]string{
	"html": "lang", "head": "", "body": "", "meta": "charset content http-equiv name", "title": "", "link": "rel href", "style": "", "script": "id type",
	"header": "", "main": "", "footer": "id", "nav": "aria-label", "section": "id class tabindex aria-labelledby", "form": "id role aria-label hidden",
	"h1": "class", "h2": "id", "h3": "id", "p": "class", "b": "", "i": "", "a": "class href", "span": "class aria-hidden", "ul": "class aria-label", "li": "class",
	"time": "id datetime", "details": "open", "summary": "class", "div": "id class tabindex role aria-label aria-labelledby hidden", "noscript": "", "code": "", "pre": "id",
	"dl": "", "dt": "", "dd": "", "table": "data-name", "thead": "", "tbody": "", "tr": "", "th": "scope data-key", "td": "",
}

// TestHTMLReachesForNothing: no element loads, no attribute acts, no link leaves the page.
func TestHTMLReachesForNothing(t *testing.T) {
	for fixture, r := range fixtures() {
		for n := range parseHTML(t, write(t, r, Options{Format: HTML})).Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			attributes, known := mayHold[n.Data]
			if !known {
				t.Errorf("%s: <%s>", fixture, n.Data)
			}
			for _, a := range n.Attr {
				if !slices.Contains(strings.Fields(attributes), a.Key) {
					t.Errorf("%s: <%s %s>", fixture, n.Data, a.Key)
				}
				if a.Key == "href" && !strings.HasPrefix(a.Val, "#") && a.Val != "data:," {
					t.Errorf("%s: a link to %q", fixture, a.Val)
				}
			}
		}
	}
	for name, asset := range map[string]string{"script": htmlScript, "style": htmlStyle} {
		if asset == "" {
			t.Fatalf("the %s is empty: make assets", name)
		}
		if c, bad := acts(asset); bad {
			t.Errorf("the %s holds %U", name, c)
		}
		for _, bad := range []string{"</" + name, "<!--", "@import", "url(http", "url(//", "importScripts", "fetch(", "XMLHttpRequest", "eval(", "new Function", "innerHTML", "insertAdjacentHTML", "document.write"} {
			if strings.Contains(asset, bad) {
				t.Errorf("the %s holds %s", name, bad)
			}
		}
		for _, address := range regexp.MustCompile(`https?://[^"'\s)]*`).FindAllString(asset, -1) {
			if address != "http://www.w3.org/2000/svg" { // the name of a namespace, nothing that is read
				t.Errorf("the %s holds %s", name, address)
			}
		}
	}
}

// shape is the tree of a page without its texts.
func shape(n *html.Node) string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode || n.Type == html.CommentNode {
			b.WriteString("<" + n.Data)
			for _, a := range n.Attr {
				b.WriteString(" " + a.Key)
			}
			b.WriteString(">\n")
		}
		for c := range n.ChildNodes() {
			walk(c)
		}
		b.WriteString("/\n")
	}
	n.FirstChild.Data = "doctype"
	walk(n)
	return regexp.MustCompile(`(/\n)+`).ReplaceAllStringFunc(b.String(), func(s string) string { return strings.Repeat("/", len(s)/2) + "\n" })
}

// TestT16_HostileNamesOnlyChangeTexts: the page of a hostile report is that of a calm one, but for the texts.
func TestT16_HostileNamesOnlyChangeTexts(t *testing.T) {
	builders := map[string]func(string) report.Report{
		"principal":       func(s string) report.Report { return named(s) },
		"can":             func(s string) report.Report { return canNamed(s, report.Deny) },
		"can indirect":    func(s string) report.Report { return canNamed(s, report.Indirect) },
		"resource":        func(s string) report.Report { return resourceNamed(s, true) },
		"roles":           func(s string) report.Report { return rolesNamed(s, false) },
		"all escalations": func(s string) report.Report { return escalationsNamed(s, true) },
		"verify":          func(s string) report.Report { return verifyNamed(s) },
		"compare":         func(s string) report.Report { return compareNamed(s) },
		"diff":            func(s string) report.Report { return diffNamed(s) },
	}
	elementsOnly := func(page string) string { return shape(parseHTML(t, page)) }
	for b, build := range builders {
		calm := elementsOnly(lighten(write(t, build("calm"), Options{Format: HTML})))
		for _, s := range evilNames(t) {
			if len(s) > maxEverywhere || s == "" || s == "calm" {
				continue
			}
			page := lighten(write(t, build(s), Options{Format: HTML}))
			if got := elementsOnly(page); got != calm {
				t.Errorf("%s: %s changes the page: %s", b, EscapeLine(strconv.QuoteToASCII(s)), cmp.Diff(strings.Split(calm, "\n"), strings.Split(got, "\n")))
			}
			if !strings.Contains(pageText(t, page), EscapeLine(s)) {
				t.Errorf("%s: %s is not shown", b, EscapeLine(strconv.QuoteToASCII(s)))
			}
		}
	}
}

// mapOf is the data of the map as the script reads it.
func mapOf(t *testing.T, r report.Report) (m htmlMap, drawn bool) {
	t.Helper()
	for _, n := range elements(parseHTML(t, write(t, r, Options{Format: HTML})), "script") {
		if attr(n, "type") == "application/json" {
			if err := json.Unmarshal([]byte(textOf(n)), &m); err != nil {
				t.Fatal(err)
			}
			return m, true
		}
	}
	return m, false
}

// TestTheMapHoldsTogether: every number in it refers to something, and things lie in one another
// without a circle.
func TestTheMapHoldsTogether(t *testing.T) {
	for fixture, r := range fixtures() {
		m, drawn := mapOf(t, r)
		v, err := viewOf(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, can := v.(mapView); can != drawn {
			t.Errorf("%s: drawn is %t", fixture, drawn)
		}
		at := func(n int, of int, what string) {
			if n < 0 || n >= of {
				t.Errorf("%s: %s %d of %d", fixture, what, n, of)
			}
		}
		for i, n := range m.Nodes {
			if n.Kind == "" {
				t.Errorf("%s: %q has no kind", fixture, n.Name)
			}
			for depth := 0; m.Nodes[i].Inside != nil; depth++ {
				at(*m.Nodes[i].Inside, len(m.Nodes), "inside")
				if i = *m.Nodes[i].Inside; depth > 5 {
					t.Fatalf("%s: %q lies in itself", fixture, n.Name)
				}
			}
		}
		for _, e := range m.Edges {
			at(e.From, len(m.Nodes), "from")
			at(e.To, len(m.Nodes), "to")
			for _, list := range []*int{e.Gives, e.In} {
				if list != nil {
					at(*list, len(m.Lists), "list")
				}
			}
		}
		for _, s := range m.Start {
			at(s, len(m.Nodes), "start")
		}
	}
}

// TestWhatIsDrawn: a report about who reaches what has a map.
func TestWhatIsDrawn(t *testing.T) {
	for fixture, want := range map[string]bool{"rich": true, "can_allow": true, "resource_rich": true, "roles_rich": true, "escalations_rich": true,
		"compare_rich": true, "diff_rich": true, "doctor": false, "verify_one": false} {
		if m, drawn := mapOf(t, fixtures()[fixture]); drawn != want || drawn && len(m.Edges) == 0 {
			t.Errorf("%s: drawn is %t, with %d edges", fixture, drawn, len(m.Edges))
		}
	}
}

// ways are the edges of the map in words.
func ways(m htmlMap) []string {
	list := func(at *int) string {
		if at == nil {
			return "?"
		}
		return strings.Join(m.Lists[*at], " ")
	}
	var all []string
	for _, e := range m.Edges {
		s := fmt.Sprintf("%s -%s-> %s", m.Nodes[e.From].Name, e.Kind, m.Nodes[e.To].Name)
		if e.Gives != nil {
			s += fmt.Sprintf(" [%s] %s in %s", list(e.Gives), e.Source, list(e.In))
		}
		all = append(all, strings.TrimSpace(s+" "+e.Severity))
	}
	return all
}

// TestTheMapShowsWaysAndRights: by an account of its own from each report.
func TestTheMapShowsWaysAndRights(t *testing.T) {
	r := empty()
	r.Principal = rich().Principal
	r.Grants = []report.Grant{
		grant(object(identity.TypeTable, "prod.sales.orders", "eu-west", "olga"), report.SourceGroup, path("team", "analysts"), []string{"prod"}, "SELECT"),
		grant(object(identity.TypeCatalog, "prod", "eu-west", ""), report.SourceDirect, path(), nil, "USE_CATALOG"),
		grant(object(identity.TypeCatalog, "lost", "eu-west", ""), report.SourceGroup, nil, nil, "SELECT"),
	}
	r.Workspaces = []report.WorkspaceAccess{{ID: "1", Name: "prod", Access: "USER", Path: path("team")}}
	me := r.Principal.Name
	r.Escalations = []report.Escalation{{ID: "E08", Severity: "high", Path: path("etl"), Explanation: "everything of etl"}}
	m, _ := mapOf(t, r)
	want := []string{
		me + " -comes to-> etl",
		me + " -granted-> lost [SELECT] group in ?",
		me + " -granted-> prod [USE_CATALOG] direct in ?",
		me + " -member of-> team",
		"analysts -granted-> prod.sales.orders [SELECT] group in prod",
		"etl -can escalate by E08-> everything of etl [E08]  in ? high",
		"team -assigned to-> prod [USER]  in prod",
		"team -member of-> analysts",
	}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(ways(m)))); diff != "" {
		t.Error(diff)
	}
	lies := map[string]string{}
	for _, n := range m.Nodes {
		if n.Inside != nil {
			lies[n.Name] = m.Nodes[*n.Inside].Name
		}
	}
	if diff := cmp.Diff(map[string]string{"prod.sales.orders": "prod.sales", "prod.sales": "prod"}, lies); diff != "" {
		t.Error(diff)
	}
}

// TestTheMapOfADenialIsOfWhatIsMissing, and says so of every edge: none may be taken for a right.
func TestTheMapOfADenialIsOfWhatIsMissing(t *testing.T) {
	m, _ := mapOf(t, canDeny())
	if len(m.Edges) == 0 {
		t.Fatal("nothing is drawn")
	}
	for i, e := range m.Edges {
		if !e.Absent || e.Kind != "lacks" && e.Kind != "may lack" {
			t.Errorf("%s is drawn as if it were there", ways(m)[i])
		}
	}
	allowed, _ := mapOf(t, canAllow())
	for i, e := range allowed.Edges {
		if e.Absent {
			t.Errorf("%s is drawn as missing", ways(allowed)[i])
		}
	}
}

// TestTheMapOfAResource: each way of each list is an edge, and what gives itself access stands out.
func TestTheMapOfAResource(t *testing.T) {
	r := resourceRich()
	m, _ := mapOf(t, r)
	rights, alarming := 0, 0
	for _, e := range m.Edges {
		if e.Gives != nil {
			rights++
		}
		if e.Severity != "" {
			alarming++
		}
	}
	if rights != len(r.Access)+len(r.Indirect) || alarming != len(r.Indirect) {
		t.Errorf("%d rights and %d alarms for %d and %d ways:\n%s", rights, alarming, len(r.Access), len(r.Indirect), strings.Join(ways(m), "\n"))
	}
}

// TestHTMLHoldsEveryRow: the tables are in the page itself, with every row and every cell.
func TestHTMLHoldsEveryRow(t *testing.T) {
	for fixture, r := range fixtures() {
		v, err := viewOf(r)
		if err != nil {
			t.Fatal(err)
		}
		doc := parseHTML(t, write(t, r, Options{Format: HTML}))
		tables := map[string][]string{}
		for _, table := range elements(doc, "table") {
			for _, tr := range elements(elements(table, "tbody")[0], "tr") {
				var cells []string
				for _, td := range elements(tr, "td") {
					cells = append(cells, strings.TrimSpace(textOf(td)))
				}
				tables[attr(table, "data-name")] = append(tables[attr(table, "data-name")], strings.Join(slices.DeleteFunc(cells, func(s string) bool { return s == "" }), "|"))
			}
		}
		for n, s := range v.sections() {
			var want []string
			for _, i := range s.items {
				for _, row := range i.rows {
					var cells []string
					for n, c := range row {
						if c = strings.TrimSpace(EscapeLine(arrows(s.columns[n], c))); c != "" {
							cells = append(cells, c)
						}
					}
					want = append(want, strings.Join(cells, "|"))
				}
			}
			if carried, ok := v.(scripted); ok {
				if list, _, _ := carried.toCarryOut(); list == s.name {
					continue // as it is, in place of a table
				}
			}
			if n == 0 && s.record == s.name && len(want) < 2 { // what the report is about, as facts
				continue
			}
			if len(s.items) == 0 && !strings.Contains(pageText(t, write(t, r, Options{Format: HTML})), "\n"+words(s.name)+"\n") {
				t.Errorf("%s: nothing is said of %s", fixture, s.name)
			}
			if diff := cmp.Diff(want, tables[s.name]); diff != "" {
				t.Errorf("%s, %s: %s", fixture, s.name, diff)
			}
		}
	}
}

// TestHTMLTellsNullFromEmpty as every format does.
func TestHTMLTellsNullFromEmpty(t *testing.T) {
	r := empty()
	if got := pageText(t, write(t, r, Options{Format: HTML})); !strings.Contains(got, "none (everything needed was read)") || strings.Contains(got, "Not on the map") {
		t.Errorf("an empty list over complete facts:\n%s", got)
	}
	r.Grants, r.Coverage.Gaps, r.Coverage.Complete = nil, everyGap(), false
	got := pageText(t, write(t, r, Options{Format: HTML}))
	for _, want := range []string{"not read or not asked for", noneSeen, "Not on the map, since not read: grants.", "INCOMPLETE"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "none (everything") {
		t.Errorf("says that everything was read:\n%s", got)
	}
}

func TestTiles(t *testing.T) {
	for line, want := range map[string][]tile{
		"Counts: 3 workspaces · 1 group that may be either": {{"3", "workspaces"}, {"1", "group that may be either"}},
		"Counts: 5 ALLOW · not read: ways, containers":      {{"5", "ALLOW"}, {"", "Not read: ways, containers"}},
		"Counts: more proofs than are listed":               {{"", "More proofs than are listed"}},
	} {
		if diff := cmp.Diff(want, tiles(line)); diff != "" {
			t.Errorf("%s: %s", line, diff)
		}
	}
}

func TestHeadline(t *testing.T) {
	r := empty()
	r.Principal.Name, r.Principal.Active = "ann", ptr(true)
	use := func(name string, holder ...string) report.Grant {
		return grant(object(identity.TypeTable, name, "eu", ""), report.SourceGroup, append(report.Path{"ann"}, holder...), []string{"prod"}, "SELECT")
	}
	idle := use("z.z.z", "team")
	idle.ReachableIn = []string{}
	steps := []struct {
		want   string
		change func()
	}{
		{"ann can use no grant; nothing needed was left unread.", func() {}},
		{"ann can use 3 grants in 2 catalogs from 1 workspace, mostly through team; nothing needed was left unread.", func() {
			r.Grants = []report.Grant{use("a.b.c", "team"), use("a.b.d", "team"), use("b.b.c"), idle}
		}},
		{"ann can use at least 2 grants in 1 catalog from 1 workspace, through 2 holders (most often its own); 1 risk; 1 gap.", func() {
			idle.ReachUnknown = true
			r.Grants = []report.Grant{use("a.b.c", "team"), use("a.b.d"), idle}
			r.Escalations = []report.Escalation{{ID: "E01"}}
			r.Coverage.Gaps, r.Coverage.Complete = []report.Gap{{Operation: "list groups", Blocking: true}}, false
		}},
		{"ann was not seen to be able to use any grant; 1 risk; 1 gap.", func() { r.Grants = []report.Grant{idle} }},
		{"", func() { r.Grants = nil }},
	}
	for _, s := range steps {
		s.change()
		if got := (principalView{r}).headline().text; got != s.want {
			t.Errorf("got %q, want %q", got, s.want)
		}
	}
}

// manyGrants is a report of so many grants, in catalogs and schemas of a believable shape.
func manyGrants(n int) *report.PrincipalReport {
	r := rich()
	r.Grants = nil
	groups := []string{"analysts", "data-engineering", "finance-readers", "platform-operators"}
	for i := range n {
		name := fmt.Sprintf("catalog_%02d.schema_%03d.table_with_a_usual_name_%05d", i%40, i/10%400, i)
		r.Grants = append(r.Grants, grant(object(identity.TypeTable, name, "eu-west", "data-platform-owners@acme.test"), report.SourceGroup,
			path("all-staff", groups[i%4]), []string{"prod", "staging", "analytics-eu"}, "MODIFY", "SELECT"))
	}
	return r
}

// TestManyGrantsStaySmall: 5,000 grants fit into 3 MB, so that a report passes as an attachment.
func TestManyGrantsStaySmall(t *testing.T) {
	page := write(t, manyGrants(5000), Options{Format: HTML})
	if len(page) > 3<<20 {
		t.Errorf("%d bytes", len(page))
	}
	if n := strings.Count(page, "table_with_a_usual_name_04999"); n != 2 {
		t.Errorf("the last grant is there %d times, want once in the table and once on the map", n)
	}
	t.Logf("5,000 grants: %d bytes of %d", len(page), 3<<20)
}

// TestArrows: those between names are drawn, those in a name are the name's.
func TestArrows(t *testing.T) {
	names := report.Path{"a", "b -> c", `d" -> "e`, "f"}
	if got, want := arrows("path", chain(names, arrow)), `a → "b -> c" → "d"" -> ""e" → f`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := arrows("object", "a -> b"); got != "a -> b" {
		t.Error(got)
	}
}

// TestBadgesAreOfKnownValues: a value from outside never names a class.
func TestBadgesAreOfKnownValues(t *testing.T) {
	for _, column := range slices.Collect(maps.Keys(badges)) {
		if badge(column, `high" onclick="x`) != "" {
			t.Errorf("%s", column)
		}
	}
	if badge("severity", report.Critical) != "critical" || badge("object", report.Critical) != "" {
		t.Error("badges are not of their column")
	}
}

// BenchmarkHTMLOfManyGrants says how long a page of 5,000 grants takes to write and how large it is. How
// long it takes to open is said by make browser.
func BenchmarkHTMLOfManyGrants(b *testing.B) {
	r := manyGrants(5000)
	var page bytes.Buffer
	for b.Loop() {
		page.Reset()
		if err := Write(&page, r, Options{Format: HTML}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(page.Len()), "bytes")
	b.ReportMetric(3<<20, "bytes-limit")
}
