package bot

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// masked stands for a secret in logs.
const masked = "[redacted]"

// secretKeys are the names of fields that are never logged, whatever they hold.
var secretKeys = []string{"response_url", "trigger_id", "token", "authorization", "ticket", "upload_url", "password", "client_secret"}

// secretShapes are what tokens look like, wherever they turn up. Slack's are listed at
// https://docs.slack.dev/authentication/tokens.
var secretShapes = sync.OnceValue(func() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`\bxox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]+`),
		regexp.MustCompile(`\bxapp-[A-Za-z0-9-]+`),
		regexp.MustCompile(`(?i)https?://[^\s"'<>/]*/(?:commands|actions|services|workflows)/[^\s"'<>]+`),
		regexp.MustCompile(`(?i)https?://(?:hooks|files)\.slack(?:-gov)?\.com/[^\s"'<>]+`),
		regexp.MustCompile(`(?i)\bticket=[^\s"'&<>]+`),
		regexp.MustCompile(`(?i)\b(?:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}`),
		regexp.MustCompile(`\b(?:dapi|dose|dkea|dsapi)[0-9a-fA-F]{16,}(?:-\d+)?`),
		regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}`),
		regexp.MustCompile(`(?i)\b(?:response_url|trigger_id|client_secret|access_token|refresh_token|password)["']?\s*[=:]\s*["']?[^\s"'&,}]+`),
	}
})

// scrub takes out of a text what looks like a secret.
func scrub(text string) string {
	for _, shape := range secretShapes() {
		text = shape.ReplaceAllString(text, masked)
	}
	return text
}

// RedactLogs gives a handler that hands everything to next without tokens, response URLs, socket
// tickets and other secrets, in messages, values, groups and errors.
func RedactLogs(next slog.Handler) slog.Handler { return redactor{next} }

type redactor struct{ next slog.Handler }

func (r redactor) Enabled(ctx context.Context, level slog.Level) bool {
	return r.next.Enabled(ctx, level)
}

func (r redactor) Handle(ctx context.Context, record slog.Record) error {
	clean := slog.NewRecord(record.Time, record.Level, scrub(record.Message), record.PC)
	record.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(redact(a))
		return true
	})
	return r.next.Handle(ctx, clean)
}

func (r redactor) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = redact(a)
	}
	return redactor{r.next.WithAttrs(clean)}
}

func (r redactor) WithGroup(name string) slog.Handler { return redactor{r.next.WithGroup(name)} }

func redact(a slog.Attr) slog.Attr {
	if slices.Contains(secretKeys, strings.ToLower(a.Key)) {
		return slog.String(a.Key, masked)
	}
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, scrub(v.String()))
	case slog.KindGroup:
		members := v.Group()
		clean := make([]slog.Attr, len(members))
		for i, m := range members {
			clean[i] = redact(m)
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(clean...)}
	case slog.KindAny:
		// A handler might print the fields of a value in ways that cannot be foreseen.
		return slog.String(a.Key, scrub(fmt.Sprintf("%+v", v.Any())))
	default:
		return slog.Attr{Key: a.Key, Value: v}
	}
}
