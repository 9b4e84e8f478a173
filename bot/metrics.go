package bot

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/query"
	"databricks-access-audit/core/report"
)

// metrics are what operators watch. No label names a person, a plan or a resource.
type metrics struct {
	registry *prometheus.Registry

	connections prometheus.Counter
	acks        prometheus.Histogram
	lateAcks    prometheus.Counter
	unreadable  prometheus.Counter
	repeated    prometheus.Counter
	turnedAway  *prometheus.CounterVec
	strangers   *prometheus.CounterVec
	votes       *prometheus.CounterVec
	flaws       *prometheus.CounterVec
	commands    *prometheus.HistogramVec
	calls       *prometheus.HistogramVec
	limited     *prometheus.CounterVec
	undeleted   prometheus.Counter
	overdue     prometheus.Gauge
}

// slow are the bounds, in seconds, of what people wait for.
var slow = []float64{0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600}

// lateAck is after how long Slack gives an envelope up.
//
// https://docs.slack.dev/apis/events-api/using-socket-mode#acknowledge
const lateAck = 3 * time.Second

// metricsPrefix is what all names of metrics begin with.
const metricsPrefix = "access_audit_"

// newMetrics makes what is counted as it happens.
func newMetrics() *metrics {
	m := &metrics{
		registry:    prometheus.NewRegistry(),
		connections: prometheus.NewCounter(prometheus.CounterOpts{Name: "sockets_opened_total", Help: "Sockets to Slack that were opened, the first ones and those that took the place of others."}),
		acks:        prometheus.NewHistogram(prometheus.HistogramOpts{Name: "envelope_ack_seconds", Help: "From the arrival of an envelope to its acknowledgement being handed on.", Buckets: []float64{0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 3}}),
		lateAcks:    prometheus.NewCounter(prometheus.CounterOpts{Name: "acks_late_total", Help: "Acknowledgements after the three seconds that Slack waits."}),
		unreadable:  prometheus.NewCounter(prometheus.CounterOpts{Name: "bad_message_total", Help: "Envelopes that this version cannot read."}),
		repeated:    prometheus.NewCounter(prometheus.CounterOpts{Name: "dedupe_hits_total", Help: "Deliveries that had come before."}),
		turnedAway:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "commands_turned_away_total", Help: "Commands that were not taken."}, []string{"why"}),
		strangers:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "identity_refused_total", Help: "People who were not let in."}, []string{"reason"}),
		votes:       prometheus.NewCounterVec(prometheus.CounterOpts{Name: "approvals_total", Help: "Votes that were given in Slack, and whether and why not they were counted."}, []string{"decision", "reason"}),
		flaws:       prometheus.NewCounterVec(prometheus.CounterOpts{Name: "answers_flawed_total", Help: "Answers that could not be shown as they were meant to be."}, []string{"event"}),
		commands:    prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "command_seconds", Help: "From the arrival of a question to the end of its answer.", Buckets: slow}, []string{"sub", "result"}),
		calls:       prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "slack_api_seconds", Help: "Calls of Slack's Web API, without waits for its rates.", Buckets: slow[:9]}, []string{"method", "code"}),
		limited:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "slack_429_total", Help: "Calls that Slack put off."}, []string{"method"}),
		undeleted:   prometheus.NewCounter(prometheus.CounterOpts{Name: "uploads_undeleted_total", Help: "Attempts to delete a file of a report that failed."}),
		overdue:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "uploads_expiry_overdue", Help: "Files of reports that are in Slack a day after they were to be deleted. Each replica counts all of them."}),
	}
	m.register(m.connections, m.acks, m.lateAcks, m.unreadable, m.repeated, m.turnedAway, m.strangers, m.votes, m.flaws, m.commands, m.calls, m.limited, m.undeleted, m.overdue)
	return m
}

func (m *metrics) register(list ...prometheus.Collector) {
	prometheus.WrapRegistererWithPrefix(metricsPrefix, m.registry).MustRegister(list...)
}

// watch adds what is asked when somebody looks.
func (m *metrics) watch(h *health, lanes map[string]*pool) {
	m.register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "sockets_connected", Help: "Sockets on which Slack said hello."},
		func() float64 { return float64(h.connected()) }))
	m.watchLanes(lanes)
}

// watchLanes adds queues.
func (m *metrics) watchLanes(lanes map[string]*pool) {
	for lane, p := range lanes {
		m.register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "queue_depth", Help: "Jobs that wait.", ConstLabels: prometheus.Labels{"lane": lane}},
			func() float64 { return float64(p.waiting()) }))
	}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// Called is slackapi.Observer's: one call of the Web API is over. A status of zero is no answer.
func (m *metrics) Called(method string, status int, took time.Duration) {
	code := "none"
	if status > 0 {
		code = strconv.Itoa(status)
	}
	m.calls.WithLabelValues(method, code).Observe(took.Seconds())
	if status == http.StatusTooManyRequests {
		m.limited.WithLabelValues(method).Inc()
	}
}

// Acknowledged is slackapi.Observer's: an envelope was acknowledged so long after it came.
func (m *metrics) Acknowledged(took time.Duration) {
	m.acks.Observe(took.Seconds())
	if took > lateAck {
		m.lateAcks.Inc()
	}
}

// Unreadable is slackapi.Observer's: an envelope came that this version cannot read.
func (m *metrics) Unreadable() { m.unreadable.Inc() }

// expiring counts the files of which it is overdue to delete them, of those that are due.
func (m *metrics) expiring(due []ledger.Upload, now time.Time) {
	late := 0
	for _, u := range due {
		if now.Sub(u.DeleteAt) >= overdue {
			late++
		}
	}
	m.overdue.Set(float64(late))
}

// answered counts a question that was answered, or was not.
func (m *metrics) answered(mode string, took time.Duration, r report.Report, err error) {
	result := "complete"
	_, refused := errors.AsType[*core.NotAllowedError](err)
	switch {
	case refused:
		result = "refused"
	case err != nil:
		result = "none"
	case r.Head().Interrupted:
		result = "interrupted"
	case !r.Head().Coverage.Complete:
		result = "incomplete"
	}
	m.commands.WithLabelValues(mode, result).Observe(took.Seconds())
}

// proposed counts a plan that was made, or was not.
func (m *metrics) proposed(q query.Clone, took time.Duration, made *report.CloneReport, err error) {
	if err == nil && made == nil {
		err = errors.New("there is no report")
	}
	if err != nil {
		m.answered(q.Mode(), took, nil, err)
		return
	}
	m.answered(q.Mode(), took, made, nil)
}
