package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// yardstickSeconds is how long each yardstick is held against the machine.
const yardstickSeconds = 2

const openLimit = 10 * time.Second

// plainLog measures what JetStream by itself, each write synced, makes of the same payloads from as
// many clients: a message for each event, and a message for each batch.
func plainLog(ctx context.Context, o Options, r *Report) error {
	s, err := server.NewServer(&server.Options{
		ServerName: "yardstick", DontListen: true, NoSigs: true, MaxPayload: 1 << 20,
		JetStream: true, StoreDir: filepath.Join(o.Dir, "yardstick"), SyncAlways: true,
	})
	if err != nil {
		return fmt.Errorf("the yardstick's log did not start: %w", err)
	}
	s.Start()
	defer func() {
		s.Shutdown()
		s.WaitForShutdown()
	}()
	if !s.ReadyForConnections(openLimit) {
		return errors.New("the yardstick's log did not start in time")
	}
	conn, err := nats.Connect("", nats.InProcessServer(inProcess{s}))
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "plain", Subjects: []string{"plain"}, Storage: jetstream.FileStorage}); err != nil {
		return err
	}
	for _, y := range []struct {
		what string
		size int
	}{{"plain JetStream, sync always, a message for each event", 1}, {fmt.Sprintf("plain JetStream, sync always, a message for each batch of %d", o.Batch), o.Batch}} {
		rate, err := publish(ctx, js, o, y.size)
		if err != nil {
			return err
		}
		r.beside(y.what, "events", rate)
	}
	return nil
}

type inProcess struct{ *server.Server }

// InProcessConn dials the server.
func (p inProcess) InProcessConn() (net.Conn, error) { return p.Server.InProcessConn() }

// publish returns how many events a second are acknowledged in messages of the size.
func publish(ctx context.Context, js jetstream.JetStream, o Options, size int) (float64, error) {
	o.Seconds = yardstickSeconds
	payload := batch(nil, &shopper{tokens: []string{string(bytes.Repeat([]byte("x"), 72))}}, &market{products: []string{"prd_0123456789abcdefghjkmnpqrs"}}, 1, size)
	total, took := run(ctx, o, func(ctx context.Context, _ int, t *tally) error {
		if _, err := js.Publish(ctx, "plain", payload); err != nil {
			return err
		}
		t.count(size)
		return nil
	})
	if len(total.errors) > 0 {
		return 0, fmt.Errorf("the yardstick's log refused messages: %v", total.errors)
	}
	return float64(total.done) / took.Seconds(), ctx.Err()
}
