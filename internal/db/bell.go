package db

import "sync"

// bell wakes everyone who waits on it. A ring is never lost to those who took the channel before it.
type bell struct {
	mu sync.Mutex
	c  chan struct{}
}

// next returns a channel that is closed at the next ring.
func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.c == nil {
		b.c = make(chan struct{})
	}
	return b.c
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.c != nil {
		close(b.c)
		b.c = nil
	}
}

// announce rings for what a committed transaction left behind.
func (d *DB) announce(facts, jobs bool) {
	if facts {
		d.facts.ring()
	}
	if jobs {
		d.jobs.ring()
	}
}
