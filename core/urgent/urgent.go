// Package urgent marks the contexts of work that somebody waits for while much else goes on: a vote on a plan, and what is carried
// out after it. Where calls wait for their turn at a rate, those of such work do not stand in line with the others.
package urgent

import "context"

type key struct{}

// Mark gives a context, derived from ctx, whose calls are urgent.
func Mark(ctx context.Context) context.Context { return context.WithValue(ctx, key{}, true) }

// Unmark gives a context, derived from ctx, for a part of urgent work that can wait.
func Unmark(ctx context.Context) context.Context { return context.WithValue(ctx, key{}, false) }

// Is reports whether calls with this context are urgent.
func Is(ctx context.Context) bool {
	is, _ := ctx.Value(key{}).(bool)
	return is
}
