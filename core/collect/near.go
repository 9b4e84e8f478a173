package collect

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"databricks-access-audit/core/identity"
)

const (
	// offers is how many names are offered in place of one that no securable bears.
	offers = 3
	// courtesy is how long the answer that there is none waits for them: lists can be long.
	courtesy = 15 * time.Second
)

// near gives what could have been meant by a name that no securable bears in the metastores looked
// through: first what bears it and is of another type, then what bears a name like it, nearest first.
// It is a courtesy: what fails here is left out, and nothing is said of how complete the rest is. The
// names are in lower case, as Unity Catalog stores them.
//
// https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-names
func (c *crawler) near(ctx context.Context, target Target, looked []*metastore) []string {
	ctx, cancel := context.WithTimeout(ctx, courtesy)
	defer cancel()
	target.Parts = slices.Clone(target.Parts)
	for i, part := range target.Parts {
		target.Parts[i] = strings.ToLower(part)
	}
	var found []identity.Securable
	if target.Type != "" {
		found = fromEach(looked, func(v *metastore) []identity.Securable { return v.called(ctx, Target{Parts: target.Parts}) })
	}
	ends := deepest(fromEach(looked, func(v *metastore) []deadEnd { return v.deadEnd(ctx, target.Parts) }))
	like := fromEach(ends, func(d deadEnd) []neighbour { return d.neighbours(ctx, target) })
	slices.SortFunc(like, func(a, b neighbour) int {
		return cmp.Or(cmp.Compare(a.slips, b.slips), a.Compare(b.Securable))
	})
	found = append(found, mended(ctx, target, like)...)
	var names []string
	for _, s := range found {
		if name := target.spell(s); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names[:min(len(names), offers)]
}

// fromEach gathers what is found from each of several things, from all at once.
func fromEach[P, T any](from []P, find func(P) []T) []T {
	found := make([][]T, len(from))
	var all sync.WaitGroup
	for i, p := range from {
		all.Go(func() { found[i] = find(p) })
	}
	all.Wait()
	return slices.Concat(found...)
}

// called finds what bears the target's name, as far as it can be told.
func (v *metastore) called(ctx context.Context, target Target) []identity.Securable {
	found, _ := v.lookFor(ctx, target)
	list := make([]identity.Securable, len(found))
	for i, s := range found {
		list[i] = s.Securable
	}
	return list
}

// deadEnd is as far as a name leads: the deepest of its containers that is there, without what the next
// part of the name says is in it.
type deadEnd struct {
	*metastore
	in identity.Securable
	at identity.Workspace // through which what is in it is read
}

// depth is how many parts of the name lead there.
func (d deadEnd) depth() int { return len(d.in.Parts()) }

// deadEnd goes along a name in one metastore. It gives nothing where a container cannot be read.
func (v *metastore) deadEnd(ctx context.Context, parts []string) []deadEnd {
	d := deadEnd{v, v.self, v.door}
	for i := range len(parts) - 1 {
		s := identity.Named(v.m.ID, parts[:i+1])[0] // a catalog, then a schema
		info, err := v.src.Lookup(ctx, d.at, s)
		switch {
		case identity.IsKind(err, identity.NotFound):
			return []deadEnd{d}
		case err != nil:
			return nil
		case info.Isolation == identity.Isolated:
			d.at = v.doorOf(v.bindings(ctx, s))
		}
		d.in = s
	}
	return []deadEnd{d}
}

// deepest leaves those to which most parts of the name lead: a metastore that has the catalog is more
// likely to be the one that was meant than one that has not.
func deepest(ends []deadEnd) []deadEnd {
	most := 0
	for _, d := range ends {
		most = max(most, d.depth())
	}
	return slices.DeleteFunc(ends, func(d deadEnd) bool { return d.depth() < most })
}

// neighbour is what is at the dead end under a name like the one that is not.
type neighbour struct {
	deadEnd
	identity.Securable
	slips int // by which the names differ
}

// neighbours lists what is at the dead end, and gives what bears a name like the part that leads nowhere.
func (d deadEnd) neighbours(ctx context.Context, target Target) []neighbour {
	asked, last := target.Parts[d.depth()], d.depth() == len(target.Parts)-1
	return fromEach(d.listings(target), func(t identity.SecurableType) (like []neighbour) {
		items, _ := d.src.Children(ctx, d.at, d.in, t)
		for _, s := range items {
			slips, near := likeness(asked, s.Parts()[d.depth()])
			if near && (!last || target.means(s.Type)) {
				like = append(like, neighbour{d, s.Securable, slips})
			}
		}
		return like
	})
}

// listings are the types of which to list what is at the dead end. A name of one part without a type is
// taken for a catalog's.
func (d deadEnd) listings(target Target) (types []identity.SecurableType) {
	meant := target.in(d.m.ID)
	switch depth := d.depth(); {
	case len(meant) == 0: // nothing of the type has a name of so many parts
		return nil
	case depth < len(target.Parts)-1 || depth == 0 && target.Type == "":
		meant = identity.Named(d.m.ID, target.Parts[:depth+1])[:1] // a catalog or a schema
	}
	for _, s := range meant {
		types = append(types, s.Type)
	}
	return types
}

// likeness counts the slips between the name asked for and another one, and reports whether that could
// have been meant: it has at most one slip in three letters, or holds what was asked for.
func likeness(asked, name string) (slips int, near bool) {
	slips = identity.EditDistance(asked, name)
	letters := len([]rune(asked))
	holds := letters >= beginning && strings.Contains(identity.FoldName(name), identity.FoldName(asked))
	return slips, holds || slips <= max(1, letters/3)
}

// mended puts the nearest neighbours in the place of the part that leads nowhere, and gives what bears
// the whole name then; where nothing does, the nearest neighbour alone.
func mended(ctx context.Context, target Target, like []neighbour) []identity.Securable {
	var whole, nearest []identity.Securable
	for _, n := range like[:min(len(like), offers)] {
		rest := target.Parts[n.depth()+1:]
		if len(rest) == 0 {
			whole = append(whole, n.Securable)
			continue
		}
		if n.slips == like[0].slips {
			nearest = append(nearest, n.Securable)
		}
		mended := target
		mended.Parts = append(n.Parts(), rest...)
		whole = append(whole, n.called(ctx, mended)...)
	}
	if len(whole) == 0 {
		return nearest
	}
	return whole
}

// spell writes the name of a securable as it is to be asked for, after its type where that is not what
// was asked for.
func (t Target) spell(s identity.Securable) string {
	name := identity.QuoteFullName(s.Parts())
	if len(s.Parts()) != len(t.Parts) || !t.means(s.Type) {
		return s.Type.Title() + " " + name
	}
	return name
}
