package slackapi

import (
	"context"
	"log/slog"
	"strings"
)

// logAdapter hands slack-go's log to slog. Remote text is a field, never the message.
type logAdapter struct{ log *slog.Logger }

// Output is the method that slack-go asks of a logger.
func (a logAdapter) Output(_ int, text string) error {
	a.log.LogAttrs(context.Background(), slog.LevelDebug, "slack-go", slog.String("said", strings.TrimSpace(text)))
	return nil
}
