package stream

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"mezzo/internal/clock"
	"mezzo/internal/fault"
)

const (
	// ackWait is how long one attempt waits for the acknowledgement.
	ackWait = 2 * time.Second
	// giveUp is how long one message is tried before its callers are told.
	giveUp = 10 * time.Second
	// attemptPause lies between two attempts.
	attemptPause = 50 * time.Millisecond

	// codeStoreFailed is JetStream's answer when the stream is at its size limit.
	codeStoreFailed jetstream.ErrorCode = 10077
)

// errRelayMoved says that someone else wrote to the fact subject meanwhile.
var errRelayMoved = errors.New("stream: the last outbox number has moved on")

// publish stores one group and fills its seq and stamp, or its err.
//
// An attempt without an answer may have been stored. Each attempt carries the same message id, so
// the server stores the group once however many attempts reach it; only when every attempt goes
// unanswered is the outcome unknown, and then the callers are told so (see Append).
//
// A group that met a failing disk is not tried again: what a repeated sync says about it is worth
// nothing. The embedded server is restarted instead, and the next group shows whether it helped.
func (a *appender) publish(g *group) {
	ctx, cancel := context.WithTimeout(a.l.life, giveUp)
	defer cancel()
	msg := &nats.Msg{Subject: g.subject, Header: nats.Header{}}
	msg.Header.Set(jetstream.MsgIDHeader, nuid.Next())
	var options []jetstream.PublishOpt
	if g.subject == a.part.facts {
		options = append(options, jetstream.WithExpectLastSequencePerSubject(g.expect))
	}
	bare := len(g.buf)
	for {
		g.stamp = max(a.l.clock.Now().UnixMicro(), a.stamp+1)
		a.stamp = g.stamp
		g.buf = seal(g.buf[:bare], g.stamp, g.relay, g.count)
		msg.Data = g.buf
		err := a.attempt(ctx, g, msg, options)
		if err == nil {
			return
		}
		if g.err = refusal(err); g.err != nil {
			return
		}
		repaired := a.l.server.repair(a.part.name, err)
		if repaired || ctx.Err() != nil || a.stopping() {
			a.l.log.Error("append to the log failed", "subject", g.subject, "records", g.count, "err", err)
			g.err = unavailable(err)
			return
		}
		a.l.log.Warn("append to the log is tried again", "subject", g.subject, "err", err)
		_ = clock.Rest(ctx, nil, attemptPause)
	}
}

// attempt sends the message once and notes where it was stored.
func (a *appender) attempt(ctx context.Context, g *group, msg *nats.Msg, options []jetstream.PublishOpt) error {
	ctx, cancel := context.WithTimeout(ctx, ackWait)
	defer cancel()
	ack, err := a.l.js.PublishMsg(ctx, msg, options...)
	if err != nil {
		return err
	}
	g.seq = ack.Sequence
	if ack.Duplicate {
		// An earlier attempt was stored after all, with its own, earlier stamp.
		f, err := a.l.frameAt(ctx, ack.Sequence)
		g.stamp = f.stamp
		return err
	}
	return nil
}

// refusal returns what callers are told when the server refused the message for good, so that it
// is certainly not stored; nil when another attempt may help.
func refusal(err error) error {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return nil
	}
	switch api.ErrorCode {
	case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant:
		return errRelayMoved
	case codeStoreFailed:
		if isFull(err) {
			return fault.Wrap(fault.Unavailable, err,
				"The event log is full. Send the same events again once it has been trimmed.").After(retryAfter)
		}
	case jetstream.JSErrCodeStreamMessageExceedsMaximum:
		return unavailable(err)
	}
	return nil
}

// isFull reports whether the server refused a message because the log is at MaxBytes.
func isFull(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == codeStoreFailed && strings.Contains(api.Description, "maximum bytes")
}
