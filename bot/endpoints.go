package bot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Check is something that must work for the bot to be of use; its name is what /readyz calls it.
type Check struct {
	Name string
	// Try gives the reason why it does not work. It must return soon after ctx ends.
	Try func(ctx context.Context) error
}

const (
	checkTime  = 5 * time.Second
	headerTime = 5 * time.Second
	maxHeader  = 64 << 10
	// tickLate is without how long a sign of life of its loop the bot counts as stuck.
	tickLate = 30 * time.Second
)

// serveEndpoints answers /healthz, /readyz and /metrics until ctx ends. They say how the bot is, and nothing of what it
// knows.
func (b *bot) serveEndpoints(ctx context.Context) error {
	if b.Listen == "" {
		<-ctx.Done()
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", b.Listen)
	if err != nil {
		return fmt.Errorf("listen for /healthz, /readyz and /metrics: %w: choose another address, or none", err)
	}
	server := &http.Server{
		Handler: b.endpoints(), ReadHeaderTimeout: headerTime, ReadTimeout: headerTime, WriteTimeout: 2 * checkTime, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // a listener that is closed twice is no news
	defer stop()
	b.Log.Info("listening", "address", listener.Addr().String())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve /healthz, /readyz and /metrics: %w", err)
	}
	return nil
}

func (b *bot) endpoints() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if late := time.Since(time.Unix(0, b.ticked.Load())); late > tickLate {
			http.Error(w, fmt.Sprintf("stuck for %s", late.Round(time.Second)), http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), checkTime)
		defer cancel()
		if what := b.unready(ctx); what != "" {
			http.Error(w, what, http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ready")
	})
	mux.Handle("GET /metrics", b.metrics.handler())
	return mux
}

// unready says what keeps the bot from being of use; empty when nothing does. The reason of a check that failed is for the
// log: it may name what is not for everybody who can reach the port.
func (b *bot) unready(ctx context.Context) string {
	switch {
	case b.draining.Load():
		return "ending"
	case b.health.connected() == 0:
		return "no socket to Slack"
	}
	for _, c := range b.Checks {
		if err := c.Try(ctx); err != nil {
			b.Log.Warn("not ready", "check", c.Name, "error", err)
			return c.Name + " does not work"
		}
	}
	return ""
}
