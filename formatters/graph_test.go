package formatters

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"

	"databricks-access-audit/core/report"
)

// TestGraphFormatsAreRefusedWhereThereIsNoGraph, before anything is read if the caller asks, and with
// nothing written.
func TestGraphFormatsAreRefusedWhereThereIsNoGraph(t *testing.T) {
	for fixture, r := range fixtures() {
		_, graphed := r.(*report.EscalationsReport)
		for _, f := range []Format{OpenGraph, Dot} {
			var b bytes.Buffer
			err := Write(&b, r, Options{Format: f})
			if (err == nil) != graphed || (b.Len() > 0) != graphed {
				t.Errorf("%s as %s: %v, %d bytes", fixture, f, err, b.Len())
			}
			if err != nil && !strings.Contains(err.Error(), "holds no graph to write as "+string(f)+" (that of escalations does)") {
				t.Errorf("%s as %s: the error does not say which report has it: %v", fixture, f, err)
			}
		}
	}
	for _, mode := range []string{"principal", "can", "resource", "doctor", "roles", "escalations"} {
		for _, f := range Formats() {
			if f.drawsMap() {
				continue
			}
			want := (mode == "escalations" || f != OpenGraph && f != Dot) && !f.writesSteps()
			if err := f.Fits(mode); (err == nil) != want {
				t.Errorf("%s of %s: %v", f, mode, err)
			}
		}
	}
	r := rich()
	r.Mode = "\x1b[2J"
	if err := Write(&bytes.Buffer{}, r, Options{Format: Dot}); err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("the error repeats a control character: %v", err)
	}
}

var (
	kindPattern     = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
	propertyPattern = regexp.MustCompile(`^[a-z0-9_]+$`)
)

// checkOpenGraph reads a payload and lists where it does not keep to what BloodHound takes.
//
// https://bloodhound.specterops.io/opengraph/schema
func checkOpenGraph(text string) []string {
	var wrong []string
	fail := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	type end struct {
		Value   string `json:"value"`
		MatchBy string `json:"match_by"`
	}
	var doc struct {
		Metadata map[string]any `json:"metadata"`
		Graph    struct {
			Nodes []struct {
				ID         string         `json:"id"`
				Kinds      []string       `json:"kinds"`
				Properties map[string]any `json:"properties"`
			} `json:"nodes"`
			Edges []struct {
				Kind       string         `json:"kind"`
				Start      end            `json:"start"`
				End        end            `json:"end"`
				Properties map[string]any `json:"properties"`
			} `json:"edges"`
		} `json:"graph"`
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		return []string{err.Error()}
	}
	if len(doc.Metadata) != 1 || doc.Metadata["source_kind"] != "Databricks" {
		fail("metadata is %v", doc.Metadata)
	}
	if doc.Graph.Nodes == nil || doc.Graph.Edges == nil {
		fail("a list is null")
	}
	properties := func(of string, p map[string]any) {
		if p == nil {
			fail("%s has no properties", of)
		}
		for k, v := range p {
			switch v := v.(type) {
			case string:
				if strings.Contains(v, "\x00") {
					fail("%s.%s holds NUL, which the store behind BloodHound refuses", of, k)
				}
			case float64, bool:
			default:
				fail("%s.%s is %T", of, k, v)
			}
			if !propertyPattern.MatchString(k) || k == "objectid" {
				fail("%s.%s is no name for a property", of, k)
			}
		}
	}
	ids := map[string]bool{}
	for _, n := range doc.Graph.Nodes {
		if up := strings.ToUpper(n.ID); ids[up] {
			fail("two nodes are %s", up)
		} else {
			ids[up] = true
		}
		if len(n.Kinds) < 1 || len(n.Kinds) > 3 || slices.ContainsFunc(n.Kinds, func(k string) bool { return !kindPattern.MatchString(k) }) {
			fail("kinds are %q", n.Kinds)
		}
		if n.Properties["name"] == "" && n.Properties["databricksid"] != "" {
			fail("node %s has no name", n.ID)
		}
		properties(n.ID, n.Properties)
	}
	for _, e := range doc.Graph.Edges {
		for _, at := range []end{e.Start, e.End} {
			if at.MatchBy != "id" || !ids[strings.ToUpper(at.Value)] {
				fail("an edge ends at %+v, which is no node", at)
			}
		}
		if !kindPattern.MatchString(e.Kind) {
			fail("the kind of an edge is %q", e.Kind)
		}
		properties("edge", e.Properties)
	}
	return wrong
}

func TestOpenGraphIsWhatBloodHoundTakes(t *testing.T) {
	for fixture, r := range fixtures() {
		e, graphed := r.(*report.EscalationsReport)
		if !graphed {
			continue
		}
		out := write(t, r, Options{Format: OpenGraph})
		for _, w := range checkOpenGraph(out) {
			t.Errorf("%s: %s", fixture, w)
		}
		g := tidy(e.Graph)
		if nodes, edges := strings.Count(out, `"kinds"`), strings.Count(out, `"match_by"`); nodes != len(g.Nodes)+1 || edges != 2*len(g.Edges) {
			t.Errorf("%s: %d nodes and %d ends of edges for %d and %d", fixture, nodes, edges, len(g.Nodes), len(g.Edges))
		}
	}
}

func TestOpenKinds(t *testing.T) {
	for kind, want := range map[string]string{
		"service_principal": "Databricks_ServicePrincipal", "CATALOG": "Databricks_Catalog", "EXTERNAL_LOCATION": "Databricks_ExternalLocation",
		"member_of": "Databricks_MemberOf", "E01": "Databricks_E01", "ключ": "Databricks_Unknown", "": "Databricks_Unknown", "a b-c`d": "Databricks_ABCD",
	} {
		if got := openKind(kind); got != want {
			t.Errorf("%q: got %s, want %s", kind, got, want)
		}
	}
}

// TestIdsThatDifferInCaseStayApart, and ids do not depend on what else is in the graph unless they must.
func TestIdsThatDifferInCaseStayApart(t *testing.T) {
	ids := openIDs("acme", []report.GraphNode{{ID: "user:a"}, {ID: "USER:A"}, {ID: "user:b"}})
	if len(ids) != 3 || strings.EqualFold(ids["user:a"], ids["USER:A"]) || ids["user:b"] != "acme/user:b" {
		t.Errorf("got %v", ids)
	}
	again := openIDs("acme", []report.GraphNode{{ID: "USER:A"}, {ID: "user:a"}})
	if again["user:a"] != ids["user:a"] || again["USER:A"] != ids["USER:A"] {
		t.Errorf("ids depend on the order: %v and %v", ids, again)
	}
}

// TestGraphsSayWhatTheyLack: a drawing outlives the report that it came with.
func TestGraphsSayWhatTheyLack(t *testing.T) {
	r := escalationsIncomplete()
	open, dot := write(t, r, Options{Format: OpenGraph}), write(t, r, Options{Format: Dot})
	for _, want := range []string{`"complete": false`, `"graph": "not read"`, `"name": "Coverage: INCOMPLETE, 5 of 8 gaps could hide more`, "read grants on CATALOG finance"} {
		if !strings.Contains(open, want) {
			t.Errorf("opengraph does not say %s:\n%s", want, open)
		}
	}
	for _, want := range []string{`label="Coverage: INCOMPLETE, 5 of 8 gaps could hide more; 20 of 25 planned reads succeeded\l! read grants on CATALOG finance`, `The graph was not read.\l"`} {
		if !strings.Contains(dot, want) {
			t.Errorf("dot does not say %s:\n%s", want, dot)
		}
	}
}

// TestGraphsDoNotDependOnTheOrder in which the nodes and edges were found.
func TestGraphsDoNotDependOnTheOrder(t *testing.T) {
	r, turned := escalationsRich(), escalationsRich()
	slices.Reverse(turned.Graph.Nodes)
	slices.Reverse(turned.Graph.Edges)
	turned.Graph.Edges = append(turned.Graph.Edges, turned.Graph.Edges[0])
	turned.Graph.Nodes = append(turned.Graph.Nodes, turned.Graph.Nodes[0])
	for _, f := range []Format{OpenGraph, Dot} {
		if write(t, r, Options{Format: f}) != write(t, turned, Options{Format: f}) {
			t.Errorf("%s depends on the order", f)
		}
	}
}

// parseDot reads what writeDot writes, by Graphviz' rules for quoted strings: only \" is an escape in
// them, and in labels \\ and the entities of HTML are too. It returns the labels by id, and the edges.
//
// https://graphviz.org/doc/info/lang.html
func parseDot(text string) (labels map[string]string, edges []string, err error) {
	labels = map[string]string{}
	opened := false
	for n, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		tokens, err := dotTokens(l)
		if err != nil {
			return nil, nil, fmt.Errorf("line %d: %w: %s", n+1, err, l)
		}
		shape := kindsOf(tokens)
		switch {
		case strings.HasPrefix(l, "// ") && !opened, shape == "digraph S {" && !opened, shape == "}":
			opened = opened || strings.HasPrefix(l, "digraph")
		case opened && (strings.HasPrefix(shape, "graph [") || strings.HasPrefix(shape, "node [") || strings.HasPrefix(shape, "edge [")):
		case opened && strings.HasPrefix(shape, "S [ label = S ") && strings.HasSuffix(shape, "] ;"):
			if _, twice := labels[tokens[0]]; twice {
				return nil, nil, fmt.Errorf("line %d: %s is there twice", n+1, tokens[0])
			}
			labels[tokens[0]] = tokens[4]
		case opened && strings.HasPrefix(shape, "S -> S [ label = S ") && strings.HasSuffix(shape, "] ;"):
			edges = append(edges, tokens[0]+" "+tokens[2]+" "+tokens[6])
		default:
			return nil, nil, fmt.Errorf("line %d is no statement: %s", n+1, l)
		}
	}
	return labels, edges, nil
}

// kindsOf shows the tokens with S for each quoted string.
func kindsOf(tokens []string) string {
	var kinds []string
	for _, t := range tokens {
		if strings.HasPrefix(t, `"`) {
			t = "S"
		}
		kinds = append(kinds, t)
	}
	return strings.Join(kinds, " ")
}

// dotTokens splits one line; quoted strings keep their leading quote.
func dotTokens(l string) ([]string, error) {
	if strings.HasPrefix(l, "//") {
		return nil, nil
	}
	var tokens []string
	for l = strings.TrimSpace(l); l != ""; l = strings.TrimSpace(l) {
		switch {
		case l[0] == '"':
			end := 1
			for end < len(l) && l[end] != '"' {
				if l[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(l) {
				return nil, fmt.Errorf("a string does not end")
			}
			tokens, l = append(tokens, l[:end]), l[end+1:]
		case strings.HasPrefix(l, "->"):
			tokens, l = append(tokens, "->"), l[2:]
		case strings.ContainsRune("[]{};=,", rune(l[0])):
			tokens, l = append(tokens, l[:1]), l[1:]
		default:
			word := regexp.MustCompile(`^[A-Za-z0-9_.]+`).FindString(l)
			if word == "" {
				return nil, fmt.Errorf("%q begins no token", l)
			}
			tokens, l = append(tokens, word), l[len(word):]
		}
	}
	return tokens, nil
}

// dotShown is what Graphviz draws of a label: the token of a string, with its escapes taken out.
func dotShown(label string) string {
	return html.UnescapeString(strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n").Replace(strings.TrimPrefix(label, `"`)))
}

// checkDot compares what Graphviz would read with the graph.
func checkDot(text string, g report.Graph) []string {
	labels, edges, err := parseDot(text)
	if err != nil {
		return []string{err.Error()}
	}
	var wrong []string
	t := tidy(g)
	if len(labels) != len(t.Nodes) || len(edges) != len(t.Edges) {
		wrong = append(wrong, fmt.Sprintf("%d nodes and %d edges of %d and %d", len(labels), len(edges), len(t.Nodes), len(t.Edges)))
	}
	var shown, want []string
	for _, l := range labels {
		name, _, _ := strings.Cut(dotShown(l), "\n")
		shown = append(shown, name)
	}
	for _, n := range t.Nodes {
		want = append(want, nodeName(n))
	}
	slices.Sort(shown)
	slices.Sort(want)
	if !slices.Equal(shown, want) {
		wrong = append(wrong, fmt.Sprintf("it shows %q, want %q", shown, want))
	}
	return wrong
}

func TestDotIsWhatGraphvizReads(t *testing.T) {
	for fixture, r := range fixtures() {
		if e, graphed := r.(*report.EscalationsReport); graphed {
			for _, w := range checkDot(write(t, r, Options{Format: Dot}), e.Graph) {
				t.Errorf("%s: %s", fixture, w)
			}
		}
	}
}

// TestNamesDoNotLeaveTheirStrings in either drawing.
func TestNamesDoNotLeaveTheirStrings(t *testing.T) {
	for _, s := range append(evilNames(t), `"`, `\`, `\"`, `\\`, `a\`, `"]; x -> y; "`, `\N`, `&quot;`, `<b>`, "// x", "/*", "*/ x", "#x", "a\\\nb", "\x00") {
		r := escalationsNamed(s, true)
		if len(s) > maxEverywhere*5 {
			continue
		}
		for _, w := range checkDot(write(t, r, Options{Format: Dot}), r.Graph) {
			t.Errorf("%q as dot: %s", Truncate(s, 60), w)
		}
		for _, w := range checkOpenGraph(write(t, r, Options{Format: OpenGraph})) {
			t.Errorf("%q as opengraph: %s", Truncate(s, 60), w)
		}
	}
}
