package db

import (
	"sync/atomic"
	"time"
)

// counters count what transactions do, for Stats.
type counters struct {
	groups, bodies, failed, alone, retried atomic.Int64
	largest                                atomic.Int64
	groupTime, commitTime                  atomic.Int64 // nanoseconds
	reads, walPages                        atomic.Int64
}

// Stats are counts since Open, for the operator's meters.
type Stats struct {
	Groups     int64         // commits of grouped bodies (SQLite) or of single ones (PostgreSQL)
	Bodies     int64         // bodies run, those that failed included
	Failed     int64         // bodies whose error rolled them back
	Alone      int64         // bodies run again by themselves after a group was lost (SQLite)
	Retried    int64         // bodies run again after a conflict of transactions (PostgreSQL)
	Largest    int64         // bodies in the largest group
	GroupTime  time.Duration // spent from begin to the end of commit
	CommitTime time.Duration // of that, spent in commit
	Reads      int64         // Reads begun
	WALPages   int64         // pages of 4 KiB in SQLite's write-ahead log when it was last looked at
	Waiting    int64         // bodies waiting at this moment
}

// Stats returns the counts at this moment.
func (d *DB) Stats() Stats {
	c := &d.stats
	return Stats{
		Groups: c.groups.Load(), Bodies: c.bodies.Load(), Failed: c.failed.Load(),
		Alone: c.alone.Load(), Retried: c.retried.Load(), Largest: c.largest.Load(),
		GroupTime:  time.Duration(c.groupTime.Load()),
		CommitTime: time.Duration(c.commitTime.Load()),
		Reads:      c.reads.Load(),
		WALPages:   c.walPages.Load(),
		Waiting:    int64(d.store.waiting()),
	}
}

// committed adds one commit of n bodies.
func (c *counters) committed(n int, group, commit time.Duration) {
	c.groups.Add(1)
	c.groupTime.Add(int64(group))
	c.commitTime.Add(int64(commit))
	for {
		old := c.largest.Load()
		if int64(n) <= old || c.largest.CompareAndSwap(old, int64(n)) {
			return
		}
	}
}
