package analysis

import "databricks-access-audit/core/access"

// PowersSearched are the powers that each principal comes to: as searched forwards from it, and backwards
// from each power alone.
func PowersSearched(m *access.Model) (forwards, backwards map[string][]string) {
	q := newEscalation(m, nil)
	forwards, backwards = map[string][]string{}, map[string][]string{}
	for i := range q.keys {
		k := q.keys[i].String()
		for n, comes := range q.comesTo(int32(i)) {
			if comes {
				forwards[k] = append(forwards[k], q.powers[n].String())
			}
		}
	}
	for _, p := range q.powers {
		for i, s := range q.ways(false, p) {
			if s.left != noWay {
				k := q.keys[i].String()
				backwards[k] = append(backwards[k], p.String())
			}
		}
	}
	return forwards, backwards
}

// SurelyPowerful are those who certainly come to any power: as searched for all powers at once, and for one
// after the other.
func SurelyPowerful(m *access.Model) (atOnce, each map[string]bool) {
	q := newEscalation(m, nil)
	find := func(powers ...power) map[string]bool {
		found := map[string]bool{}
		for i, s := range q.ways(true, powers...) {
			if s.left != noWay {
				found[q.keys[i].String()] = true
			}
		}
		return found
	}
	each = map[string]bool{}
	for _, p := range q.powers {
		for k := range find(p) {
			each[k] = true
		}
	}
	return find(q.powers...), each
}
