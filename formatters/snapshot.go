package formatters

import (
	"fmt"
	"strconv"

	"databricks-access-audit/core/report"
)

// snapshotView is the view of a SnapshotReport.
type snapshotView struct{ *report.SnapshotReport }

func (v snapshotView) head() *report.Envelope { return v.Head() }

func (v snapshotView) coverage() coverage { return coverage{v.Head()} }

func (v snapshotView) key() (column, value string) { return "file", v.File }

// snapshotFile is the report without its lists, for records.
type snapshotFile struct {
	File        string `json:"file"`
	SavedAt     string `json:"saved_at"`
	Tool        string `json:"tool"`
	Question    string `json:"question"`
	Compressed  bool   `json:"compressed"`
	Fingerprint string `json:"fingerprint"`
}

func (v snapshotView) sections() []section {
	about := []snapshotFile{{v.File, stamp(v.SavedAt), v.Tool, v.Question, v.Compressed, v.Fingerprint}}
	return []section{
		listed("snapshot", "snapshot", []string{"saved_at", "tool", "question", "compressed", "fingerprint"}, about, one(func(f snapshotFile) []string {
			return []string{f.SavedAt, f.Tool, f.Question, strconv.FormatBool(f.Compressed), f.Fingerprint}
		})),
		listed("fact_count", report.ListCounts, []string{"what", "count"}, v.Counts, one(func(c report.FactCount) []string {
			return []string{c.What, strconv.Itoa(c.Count)}
		})),
		listed("scope", report.ListScope, scopeColumns, v.Scope, one(scopeCells)),
	}
}

func (v snapshotView) answer() []node {
	what := "This snapshot"
	if v.File != "" {
		what = "The snapshot " + short(v.File, maxSubject)
	}
	return []node{{text: fmt.Sprintf("%s of account %s was saved at %s and holds %s; %s.", what, shortName(v.AccountID), moment(v.SavedAt),
		v.size(), v.coverage().clause()), tone: title}}
}

// size is how many facts there are in all.
func (v snapshotView) size() string {
	n := 0
	for _, c := range v.Counts {
		n += c.Count
	}
	if v.Counts == nil {
		return "facts that were not counted"
	}
	return count(n, "fact")
}

func (v snapshotView) text() []node {
	var counts []node
	for _, c := range v.Counts {
		if c.Count > 0 {
			counts = append(counts, line(fmt.Sprintf("%s: %d", EscapeLine(c.What), c.Count)))
		}
	}
	file := "plain"
	if v.Compressed {
		file = "compressed"
	}
	return []node{
		block("Facts", counts, absence(v.Counts != nil, notRead, v.coverage(), report.ListCounts)),
		block("Reads", scopeNodes(v.Scope), notRead),
		{text: "File", tone: title, kids: []node{
			line("read for: " + name(v.Question)),
			line("written by: databricks-access-audit " + name(v.Tool) + ", " + file),
			line("fingerprint of the facts: " + name(v.Fingerprint)),
		}},
	}
}

func (v snapshotView) tree() []node { return v.text() }

func (v snapshotView) figures() string {
	var f figures
	f.add(len(v.Counts), v.Counts != nil, "kind of fact")
	f.add(len(v.Scope), v.Scope != nil, "kind of read")
	return f.line(notRead)
}
