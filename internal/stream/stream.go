// Package stream owns the durable log: what happened, in one order, acknowledged only once it is
// on disk, followed live from any kept position. It is NATS JetStream, in process or outside.
package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"mezzo/internal/clock"
	"mezzo/internal/fault"
)

// The kinds of record every room agrees on. Data of Event and Fact is encoded by package event.
const (
	KindEvent byte = 1 // something a client or the server saw
	KindFact  byte = 2 // a committed row of the outbox
	KindTick  byte = 3 // a second of clock time passed; no data, only the stamp
)

// Defaults and bounds of Options.
const (
	DefaultMaxAge          = 72 * time.Hour
	DefaultMaxBytes        = 10 << 30
	DefaultMaxPendingBytes = 8 << 20

	// retryAfter is what a caller is told to wait when an append is refused.
	retryAfter = time.Second
	// dedupeWindow is how long the server remembers message ids. It outlasts every retry of one
	// message (giveUp) and stays short, since each id costs it memory.
	dedupeWindow = time.Minute
	// openWait bounds the start of the embedded server and each question asked of it.
	openWait = 30 * time.Second
	// reconnectWait lies between two attempts to reach the server again.
	reconnectWait = 50 * time.Millisecond
)

// ErrTrimmed says that a position lies before the oldest kept record: start from a snapshot
// that is not older, or from Oldest and cold files.
var ErrTrimmed = errors.New("stream: the log no longer holds this position")

// ErrBeyond says that a position lies behind the end of the log: it belongs to another log, or
// this one was restored from an older copy.
var ErrBeyond = errors.New("stream: this position lies behind the end of the log")

// Options says where the log is and how large it may grow.
type Options struct {
	Dir  string // folder of the embedded log; one process at a time opens it
	URL  string // outer NATS instead, e.g. nats://host:4222, with sync_interval: always; refused when it is seen not to be
	Name string // name of the log in an outer NATS, upper case; default MEZZO

	Replicas int // of the stream in an outer cluster; 0 keeps what is there, or 1

	// MaxBytes is the hard bound: an append past it is refused, nothing is ever discarded for it.
	// MaxAge is how long records are wanted. Both tell Surplus what Trim may drop.
	MaxBytes int64
	MaxAge   time.Duration

	// MaxPendingBytes bounds what waits for the disk; an append past it is refused.
	MaxPendingBytes int

	Clock clock.Clock
	Log   *slog.Logger
}

// Log is the open log. Its methods may be called from many goroutines.
//
// It has one partition today. A partition is one stream (MEZZO_0) with its subjects (mezzo.0.…),
// its own order, stamps and appender; everything that belongs to one is in part.
type Log struct {
	opt    Options
	clock  clock.Clock
	log    *slog.Logger
	server *embedded // nil with an outer NATS
	nc     *nats.Conn
	js     jetstream.JetStream
	part   *part

	reconnects broadcast

	life  context.Context // ends when Close begins to tear down
	end   context.CancelFunc
	close sync.Once
}

// part is one partition of the log.
type part struct {
	name                 string
	events, facts, ticks string // subjects
	all                  string // every subject of the partition
	app                  *appender
	relay                relayMark
}

func newPart(name string, number int) *part {
	prefix := fmt.Sprintf("%s.%d.", lower(name), number)
	return &part{
		name:   fmt.Sprintf("%s_%d", name, number),
		events: prefix + "event", facts: prefix + "fact", ticks: prefix + "tick",
		all: prefix + ">",
	}
}

func lower(name string) string {
	b := []byte(name)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// Open opens the log, creating it when it is not there, and reads its last stamp.
// An error names what to do about it; nothing is left running then.
func Open(ctx context.Context, opt Options) (*Log, error) {
	opt = withDefaults(opt)
	l := &Log{opt: opt, clock: opt.Clock, log: opt.Log, part: newPart(opt.Name, 0)}
	l.life, l.end = context.WithCancel(context.Background())
	if err := l.open(ctx); err != nil {
		l.tearDown()
		return nil, err
	}
	return l, nil
}

func withDefaults(opt Options) Options {
	if opt.Name == "" {
		opt.Name = "MEZZO"
	}
	if opt.MaxBytes <= 0 {
		opt.MaxBytes = DefaultMaxBytes
	}
	if opt.MaxAge <= 0 {
		opt.MaxAge = DefaultMaxAge
	}
	if opt.MaxPendingBytes <= 0 {
		opt.MaxPendingBytes = DefaultMaxPendingBytes
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return opt
}

func (l *Log) open(ctx context.Context) error {
	if l.clock == nil {
		return errors.New("stream: Options.Clock is missing")
	}
	ctx, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	if err := l.connect(); err != nil {
		return err
	}
	js, err := jetstream.New(l.nc)
	if err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	l.js = js
	if err := l.ensure(ctx, l.opt.MaxBytes); err != nil {
		return err
	}
	if err := l.checkOuter(ctx); err != nil {
		return err
	}
	last, err := l.lastStored(ctx)
	if err != nil {
		return err
	}
	l.part.app = newAppender(l, last)
	return nil
}

func (l *Log) connect() error {
	options := []nats.Option{
		nats.Name("mezzo"), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait),
		// What cannot be sent now fails now: a message of a group whose callers were told that it
		// failed must not go out later from a buffer.
		nats.ReconnectBufSize(-1),
		nats.ReconnectHandler(func(*nats.Conn) { l.reconnects.next() }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			l.log.Debug("log connection", "err", err)
		}),
	}
	url := l.opt.URL
	if url == "" {
		server, err := startEmbedded(l.opt.Dir, l.log)
		if err != nil {
			return err
		}
		l.server = server
		url = nats.DefaultURL
		options = append(options, nats.InProcessServer(server))
	}
	nc, err := nats.Connect(url, options...)
	if err != nil {
		return fmt.Errorf("stream: no connection to NATS; check that it runs and that the address is right: %w", err)
	}
	l.nc = nc
	return nil
}

// ensure creates the partition's stream or brings its bounds up to date. It has no age limit and
// refuses new messages at its size limit: the server must never discard what was not read.
func (l *Log) ensure(ctx context.Context, maxBytes int64) error {
	replicas := max(l.opt.Replicas, 1)
	if st, err := l.js.Stream(ctx, l.part.name); err == nil && l.opt.Replicas == 0 {
		replicas = st.CachedInfo().Config.Replicas
	}
	_, err := l.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: l.part.name, Subjects: []string{l.part.all},
		Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy,
		Discard: jetstream.DiscardNew, MaxBytes: maxBytes, MaxMsgs: -1,
		MaxMsgSize: MaxMessage + 4<<10, Duplicates: dedupeWindow, Replicas: replicas,
	})
	if err != nil {
		return fmt.Errorf("stream: the log could not be created in NATS: %w", err)
	}
	return nil
}

// Close publishes what is waiting, then lets go of everything. Appends from then on are
// refused as unavailable and followers end.
func (l *Log) Close() error {
	l.close.Do(func() {
		l.part.app.stop()
		l.tearDown()
	})
	return nil
}

func (l *Log) tearDown() {
	l.end()
	if l.nc != nil {
		l.nc.Close()
	}
	if l.server != nil {
		l.server.stop()
	}
}

// Stats is what the log has done since it was opened.
type Stats struct {
	Records      int64         // records acknowledged
	Groups       int64         // messages acknowledged
	Refused      int64         // appends refused because too much was waiting
	Failed       int64         // messages given up
	PendingBytes int           // waiting for the disk now
	LastSync     time.Duration // from handing the last message over to its acknowledgement
}

// Ahead returns how far the last stamp lies before the clock, 0 when it does not: stamps never go back, so where the
// clock was set back they go on from there a microsecond at a time until it has caught up.
func (l *Log) Ahead() time.Duration {
	a := l.part.app
	a.mu.Lock()
	stamp := a.acked.stamp
	a.mu.Unlock()
	return max(0, time.Duration(stamp-l.clock.Now().UnixMicro())*time.Microsecond)
}

// Stats returns the figures for metrics.
func (l *Log) Stats() Stats { return l.part.app.snapshot() }

func closed() error {
	return fault.New(fault.Unavailable, "The event log is closed. Try again in a moment.").After(retryAfter)
}

func unavailable(cause error) error {
	return fault.Wrap(fault.Unavailable, cause,
		"The event log did not answer. Send the same events again in a moment.").After(retryAfter)
}
