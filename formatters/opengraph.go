package formatters

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"databricks-access-audit/core/report"
)

// openGraph is a payload of BloodHound OpenGraph. Its metadata takes no other member.
//
// https://bloodhound.specterops.io/opengraph/schema
type openGraph struct {
	Metadata openMetadata `json:"metadata"`
	Graph    openBody     `json:"graph"`
}

type openMetadata struct {
	SourceKind string `json:"source_kind"`
}

type openBody struct {
	Nodes []openNode `json:"nodes"`
	Edges []openEdge `json:"edges"`
}

type openNode struct {
	ID         string         `json:"id"`
	Kinds      []string       `json:"kinds"`
	Properties openProperties `json:"properties"`
}

type openEdge struct {
	Kind       string         `json:"kind"`
	Start      openEnd        `json:"start"`
	End        openEnd        `json:"end"`
	Properties openProperties `json:"properties"`
}

type openEnd struct {
	Value   string `json:"value"`
	MatchBy string `json:"match_by"`
}

// openProperties hold primitives alone, under names in lower case, as BloodHound asks.
type openProperties map[string]any

const sourceKind = "Databricks"

// writeOpenGraph writes the graph, and as a node of its own what the answer was read from: metadata has
// no room for it, and a graph without gaps in it would read as a whole one. All texts are escaped as
// for a terminal, since the store behind BloodHound refuses some of the controls.
func writeOpenGraph(out *bytes.Buffer, v graphView) error {
	g := tidy(v.graph())
	ids := openIDs(v.head().AccountID, g.Nodes)
	doc := openGraph{Metadata: openMetadata{sourceKind}, Graph: openBody{Nodes: []openNode{reportNode(v)}, Edges: []openEdge{}}}
	for _, n := range g.Nodes {
		doc.Graph.Nodes = append(doc.Graph.Nodes, openNode{ids[n.ID], []string{openKind(n.Kind)},
			openProperties{"name": nodeName(n), "type": EscapeLine(n.Kind), "databricksid": EscapeLine(n.ID), "account": EscapeLine(v.head().AccountID)}})
	}
	for _, e := range g.Edges {
		properties := openProperties{"type": EscapeLine(e.Kind)}
		if e.Severity != "" {
			properties["severity"] = EscapeLine(e.Severity)
		}
		doc.Graph.Edges = append(doc.Graph.Edges, openEdge{openKind(e.Kind), openEnd{ids[e.From], "id"}, openEnd{ids[e.To], "id"}, properties})
	}
	b, err := marshal(doc)
	if err != nil {
		return fmt.Errorf("write graph as JSON: %w", err)
	}
	if err := json.Indent(out, b, "", "  "); err != nil {
		return fmt.Errorf("indent graph: %w", err)
	}
	out.WriteByte('\n')
	return nil
}

// openIDs are the ids of the nodes among those of all accounts in one BloodHound. It keeps ids in
// upper case, so that those which differ in case alone need something that tells them apart.
func openIDs(account string, nodes []report.GraphNode) map[string]string {
	times := map[string]int{}
	fold := func(n report.GraphNode) string { return strings.ToUpper(EscapeLine(n.ID)) }
	for _, n := range nodes {
		times[fold(n)]++
	}
	ids := map[string]string{}
	for _, n := range nodes {
		id := EscapeLine(account) + "/" + EscapeLine(n.ID)
		if times[fold(n)] > 1 {
			id += fmt.Sprintf("#%X", sha256.Sum256([]byte(n.ID)))
		}
		ids[n.ID] = id
	}
	return ids
}

// openKind makes Databricks_ServicePrincipal of service_principal: kinds have letters, digits and
// underscores alone, and a prefix that keeps them apart from BloodHound's own. The kind as it was
// stands among the properties.
func openKind(kind string) string {
	words := strings.FieldsFunc(strings.ToLower(kind), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	if len(words) == 0 {
		return sourceKind + "_Unknown"
	}
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return sourceKind + "_" + strings.Join(words, "")
}

// reportNode says what the graph was read from and what it may lack.
func reportNode(v graphView) openNode {
	h := v.head()
	c := coverage{h}
	var gaps []string
	for _, g := range c.gaps() {
		gaps = append(gaps, gapNode(g).text)
	}
	read := "read"
	if v.graph().Nodes == nil || v.graph().Edges == nil {
		read = notRead
	}
	properties := openProperties{
		"name": c.line().text, "type": "report", "account": EscapeLine(h.AccountID), "complete": c.complete(), "interrupted": h.Interrupted,
		"plannedreads": h.Coverage.Planned, "successfulreads": h.Coverage.Read, "gaps": strings.Join(gaps, "; "), "graph": read,
		"generatedat": stamp(h.GeneratedAt), "factsoldest": stamp(h.FactsReadAt.Oldest), "factsnewest": stamp(h.FactsReadAt.Newest),
		"request": EscapeLine(c.request()), "toolversion": EscapeLine(h.ToolVersion), "answer": v.answer()[0].text,
	}
	var elevations []string
	for _, e := range c.elevationNodes() {
		elevations = append(elevations, e.text)
	}
	if len(elevations) > 0 {
		properties["elevations"] = strings.Join(elevations, "; ")
	}
	return openNode{EscapeLine(h.AccountID) + "#report", []string{sourceKind + "_AccessReport"}, properties}
}
