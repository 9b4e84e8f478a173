package bot

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"databricks-access-audit/bot/slackfake"
	"databricks-access-audit/core/ledger"
)

// seeded gives a source of chance, and prints its seed. SEED repeats one.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// TestR16_SocketsThatDropWhilePeopleVote loses no vote, counts none twice and leaves nobody without an answer, whenever all
// connections are cut. People whom Slack shows an error click again; replies Slack sends again.
func TestR16_SocketsThatDropWhilePeopleVote(t *testing.T) {
	random := seeded(t)
	for stage, cut := range map[string]func(w *town, act func()){
		"before it is kept": func(w *town, act func()) {
			held, let := make(chan struct{}), make(chan struct{})
			go func() {
				_ = w.Do(context.WithoutCancel(w.Context()), func(*ledger.Tx) error {
					close(held)
					<-let
					return errors.New("only held")
				})
			}()
			<-held
			var acting sync.WaitGroup
			acting.Go(act)
			time.Sleep(5 * time.Millisecond) // so that the envelope is under way; any moment will do
			w.slack.DropSockets()
			close(let)
			acting.Wait()
		},
		"at any moment": func(w *town, act func()) {
			var acting sync.WaitGroup
			acting.Go(act)
			time.Sleep(time.Duration(random.IntN(4000)) * time.Microsecond)
			w.slack.DropSockets()
			acting.Wait()
		},
		"before it is told": func(w *town, act func()) {
			for _, m := range []string{"chat.postMessage", "chat.update", "response_url"} {
				w.slack.AddFault(slackfake.Fault{Method: m, Status: http.StatusInternalServerError})
			}
			act()
			w.slack.DropSockets()
			time.Sleep(50 * time.Millisecond) // posts fail meanwhile
			w.slack.ClearFaults()
		},
	} {
		t.Run(stage, func(t *testing.T) {
			w := found(t, slackfake.Options{Redeliver: true}, nil, func(b *board, _ *Config) { b.quorum = 2 })
			card := w.asks(slackfake.Alice, "erin @bob")
			p := w.plans()[0]
			w.quiet()
			cut(w, func() {
				for tries := 0; ; tries++ { // a person goes on until Slack shows no error
					_, err := w.slack.Click(w.Context(), slackfake.Press{User: slackfake.Carol, Channel: slackfake.DataApprovals, TS: card.TS, ActionID: buttonApprove,
						Stale: &slackfake.Button{BlockID: "buttons", Value: p.ID + ":" + p.Digest[:12], Text: "Approve"}})
					if err == nil {
						return
					}
					if tries > 5 {
						w.Error(err)
						return
					}
					w.connected()
				}
			})
			w.until("the first vote told", says("Approved by carol"))
			w.connected()
			cut(w, func() {
				d, err := w.slack.Mention(w.Context(), slackfake.Dave, slackfake.DataApprovals, card.TS, "approve "+p.ID)
				for tries := 0; err != nil && tries < 5; tries++ { // Slack sends it again, later
					w.connected()
					_, err = w.slack.Redeliver(w.Context(), d.EnvelopeID)
				}
				if err != nil {
					w.Error(err)
				}
			})
			w.connected()
			w.until("the second vote told", says("Approved by dave"))
			w.become(p.ID, ledger.Applied)
			w.until("carried out", says("To take it back"))
			w.quiet()
			votes, err := w.Votes(t.Context(), p.ID)
			if err != nil || len(votes) != 2 || w.applies != 1 || w.count("Approved by carol") != 1 || w.count("Approved by dave") != 1 || w.count("To take it back") != 1 {
				t.Errorf("votes %+v (%v), %d applies, told: carol %d, dave %d, outcome %d", votes, err, w.applies, w.count("Approved by carol"), w.count("Approved by dave"), w.count("To take it back"))
			}
		})
	}
}

// connected waits until the bot has its sockets again.
func (w *town) connected() {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 20*time.Second)
	defer cancel()
	if err := w.slack.WaitConnected(ctx, 2); err != nil {
		w.Error(err)
	}
}
