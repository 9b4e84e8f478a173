package collect

import "sync"

// memo remembers answers by key, so that a fact needed in two places is read once. Callers that ask
// for the same key at the same time wait for one read. The zero value is ready.
type memo[K comparable, V any] struct {
	mu    sync.Mutex
	cells map[K]*cell[V]
}

type cell[V any] struct {
	once  sync.Once
	value V
	err   error
}

func (m *memo[K, V]) get(k K, read func() (V, error)) (V, error) {
	m.mu.Lock()
	if m.cells == nil {
		m.cells = map[K]*cell[V]{}
	}
	c, ok := m.cells[k]
	if !ok {
		c = &cell[V]{}
		m.cells[k] = c
	}
	m.mu.Unlock()
	c.once.Do(func() { c.value, c.err = read() })
	return c.value, c.err
}
