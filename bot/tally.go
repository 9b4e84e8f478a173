package bot

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
)

// ledgerMetrics counts, when somebody looks, what is in the ledger. Each replica gives the same numbers: take the greatest, not
// the sum.
type ledgerMetrics struct {
	ledger                       *ledger.Ledger
	log                          *slog.Logger
	plans, steps, unsent, halted *prometheus.Desc
}

// countLimit is how long counting may take: whoever looks waits for it.
const countLimit = 5 * time.Second

func newLedgerMetrics(l *ledger.Ledger, log *slog.Logger) *ledgerMetrics {
	return &ledgerMetrics{
		ledger: l, log: log,
		plans:  prometheus.NewDesc("plans", "Plans by where they stand, in the ledger.", []string{"state"}, nil),
		steps:  prometheus.NewDesc("apply_actions_total", "Attempts at steps of plans by what came of them, in the ledger.", []string{"result"}, nil),
		unsent: prometheus.NewDesc("outbox_depth", "Posts and orders that are not known to have arrived, in the ledger.", nil, nil),
		halted: prometheus.NewDesc("applies_halted", "1 while all applying is halted in the ledger, else 0.", nil, nil),
	}
}

// Describe is prometheus.Collector's.
func (m *ledgerMetrics) Describe(to chan<- *prometheus.Desc) {
	to <- m.plans
	to <- m.steps
	to <- m.unsent
	to <- m.halted
}

// Collect is prometheus.Collector's. What cannot be counted is left out.
func (m *ledgerMetrics) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), countLimit)
	defer cancel()
	c, err := m.ledger.Counts(ctx)
	if err != nil {
		m.log.Warn("the ledger was not counted", "error", err)
		return
	}
	for s, n := range c.Plans {
		to <- prometheus.MustNewConstMetric(m.plans, prometheus.GaugeValue, float64(n), string(s))
	}
	for r, n := range c.Steps {
		to <- prometheus.MustNewConstMetric(m.steps, prometheus.CounterValue, float64(n), string(r))
	}
	to <- prometheus.MustNewConstMetric(m.unsent, prometheus.GaugeValue, float64(c.Unsent))
	m.collectHalted(ctx, to)
}

// collectHalted says whether all applying is halted, where that can be read.
func (m *ledgerMetrics) collectHalted(ctx context.Context, to chan<- prometheus.Metric) {
	err := m.ledger.Halted(ctx)
	_, halted := errors.AsType[*ledger.HaltedError](err)
	switch {
	case halted:
		to <- prometheus.MustNewConstMetric(m.halted, prometheus.GaugeValue, 1)
	case err == nil:
		to <- prometheus.MustNewConstMetric(m.halted, prometheus.GaugeValue, 0)
	default:
		m.log.Warn("whether applying is halted was not read", "error", err)
	}
}

// Why a vote in Slack was counted or not: all values of the label reason of approvals_total.
const (
	voteCounted   = "counted"
	voteRepeated  = "repeated"    // it was counted before
	voteForbidden = "not_allowed" // by the policy
	voteLate      = "too_late"    // the plan is not voted on any more
	voteStranger  = "stranger"    // of nobody who may act
	voteMisplaced = "misplaced"   // not at the plan's message, or of another plan
	voteFar       = "tier"        // by a reply, on a plan that takes more than that
	voteFailed    = "failed"      // it is not known whether it may be counted
)

// voted counts a vote.
func (m *metrics) voted(approve bool, reason string) {
	decision := string(ledger.Reject)
	if approve {
		decision = string(ledger.Approve)
	}
	m.votes.WithLabelValues(decision, reason).Inc()
}

// whyUncounted is the reason of a vote that was refused with an error.
func whyUncounted(err error) string {
	if _, no := errors.AsType[*core.NotAllowedError](err); no {
		return voteForbidden
	}
	if _, late := errors.AsType[*ledger.ConflictError](err); late {
		return voteLate
	}
	if _, no := errors.AsType[*ledger.RefusedError](err); no {
		return voteLate
	}
	return voteFailed
}

// refusedPerson counts somebody who was not let in. What is known of them is in the log, and here only of what kind it is.
func (m *metrics) refusedPerson(err error) {
	reason := ""
	if stranger, is := errors.AsType[*errStranger](err); is {
		reason = "other"
		for kind, why := range strangerKinds {
			if why == stranger.reason {
				reason = kind
			}
		}
	} else if _, is := errors.AsType[*core.NotAllowedError](err); is {
		reason = "not_identified" // in Databricks
	}
	if reason != "" {
		m.strangers.WithLabelValues(reason).Inc()
	}
}
