package db

import (
	"context"
	"database/sql"
	"time"

	"mezzo/internal/clock"
)

const (
	// checkpointEvery is how long the write-ahead log may gather commits before they are copied to
	// the database file beside the writer, in the machine's time.
	checkpointEvery = time.Second
	// writerCheckpoint is the length of the write-ahead log, in pages of 4 KiB, at which the writer
	// itself copies what is left, so that the log can begin anew although commits never pause.
	writerCheckpoint = 20_000
)

// checkpointer copies committed pages from the write-ahead log to the database file on a connection
// of its own: left to the writer, that makes every thousandth page's caller wait for two syncs.
type checkpointer struct {
	pool  *sql.DB
	d     *DB
	begun chan struct{} // holds one mark while there are commits not yet copied
	stop  context.CancelFunc
	ended chan struct{}
}

func startCheckpointer(d *DB, pool *sql.DB) *checkpointer {
	ctx, stop := context.WithCancel(context.Background())
	k := &checkpointer{pool: pool, d: d, begun: make(chan struct{}, 1), stop: stop, ended: make(chan struct{})}
	go k.run(ctx)
	return k
}

// committed tells that there is something to copy.
func (k *checkpointer) committed() {
	select {
	case k.begun <- struct{}{}:
	default:
	}
}

func (k *checkpointer) run(ctx context.Context) {
	defer close(k.ended)
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.begun:
		}
		_ = clock.Rest(ctx, nil, checkpointEvery)
		if ctx.Err() != nil {
			return
		}
		var busy, log, copied int64
		if err := k.pool.QueryRow("PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &log, &copied); err != nil {
			k.d.log.Warn("the write-ahead log was not copied to the database file", "error", err)
			continue
		}
		k.d.stats.walPages.Store(log)
	}
}

func (k *checkpointer) close() error {
	k.stop()
	<-k.ended
	return k.pool.Close()
}
