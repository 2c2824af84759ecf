package feed

import "sync"

// recent remembers what was put into it or asked for last: at least most entries, at most twice
// as many. When one half is full the other is dropped whole, so that nothing is ever searched
// for the oldest.
type recent[K comparable, V any] struct {
	mu         sync.Mutex
	most       int
	young, old map[K]V
}

func newRecent[K comparable, V any](most int) *recent[K, V] {
	return &recent[K, V]{most: most, young: map[K]V{}, old: map[K]V{}}
}

func (r *recent[K, V]) get(k K) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v, ok := r.young[k]; ok {
		return v, true
	}
	v, ok := r.old[k]
	if ok {
		r.add(k, v)
	}
	return v, ok
}

func (r *recent[K, V]) put(k K, v V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(k, v)
}

// add needs the lock.
func (r *recent[K, V]) add(k K, v V) {
	if len(r.young) >= r.most {
		// The dropped half's memory is used again: a map that grows anew moves each entry about once more.
		r.young, r.old = r.old, r.young
		clear(r.young)
	}
	r.young[k] = v
}

func (r *recent[K, V]) drop(k K) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.young, k)
	delete(r.old, k)
}
