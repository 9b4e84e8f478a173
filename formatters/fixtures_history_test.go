package formatters

import (
	"strings"
	"time"

	"databricks-access-audit/core/report"
)

type historyRequest struct {
	Mode string `json:"mode"`
}

func historyOf() *report.HistoryReport {
	r := &report.HistoryReport{Envelope: envelope("history"), Ledger: "/home/alice/.local/state/databricks-access-audit/ledger.db"}
	r.Request = historyRequest{"history"}
	at := r.FactsReadAt.Newest
	r.FactsReadAt = report.FactsReadAt{}
	r.Coverage.Planned, r.Coverage.Read, r.Coverage.APICalls = 0, 0, report.APICalls{ByEndpoint: map[string]int{}} // it is the ledger that was read
	ends := at.Add(8 * time.Hour)
	alice, bob, carol := report.Party{ID: "101", Name: "alice@acme.test"}, report.Party{ID: "102", Name: "bob@acme.test"}, report.Party{ID: "103", Name: "carol@acme.test"}
	r.Plans = []report.PastPlan{
		{ID: "p-7K3M9QX2AB", Digest: "9f86d081", Kind: "clone", Source: alice, Target: bob, Requester: carol, State: "partially_applied", CreatedAt: at, AppliedAt: &at, ExpiresAt: at.Add(time.Hour), EndsAt: &ends,
			Approvers: []report.Party{{ID: "104", Name: "dave@acme.test"}, {ID: "105"}}, Steps: report.StepCount{Done: 2, Failed: 1, Open: 4}},
		{ID: "p-0000000002", Digest: "60303ae2", Kind: "undo", Target: bob, Requester: carol, State: "pending", Parent: "p-0000000001", CreatedAt: at, ExpiresAt: at.Add(24 * time.Hour),
			Approvers: []report.Party{}, Steps: report.StepCount{Open: 3}},
		{ID: "p-0000000001", Digest: "fd61a03a", Kind: "clone", Source: alice, Target: bob, Requester: carol, State: "applied", CreatedAt: at, AppliedAt: &at, ExpiresAt: at, Steps: report.StepCount{Done: 3}},
	}
	return r
}

func historyEmpty() *report.HistoryReport {
	r := historyOf()
	r.Plans = []report.PastPlan{}
	return r
}

func historyLimited() *report.HistoryReport {
	r := historyOf()
	r.Plans, r.More = r.Plans[:1], true
	return r
}

func historyNamed(s string) *report.HistoryReport {
	p := report.Party{ID: s, Name: s}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return &report.HistoryReport{Envelope: named(s).Envelope, Ledger: "x" + s,
		Plans: []report.PastPlan{{ID: s, Digest: s, Kind: s, Source: p, Target: p, Requester: p, State: s, Parent: s, CreatedAt: at, AppliedAt: &at, ExpiresAt: at, Approvers: []report.Party{p, p}}}}
}

func historyHostile() *report.HistoryReport {
	r := historyNamed(strings.Repeat("=1+1\x1b]0;x\x07", 3))
	r.Mode, r.ToolVersion = "history", "1.2.3"
	return r
}
