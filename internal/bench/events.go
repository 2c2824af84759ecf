package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/client"
)

// What one scroll through twenty events is made of: a tap in twenty, as feeds see.
var scroll = [20]string{
	"impression", "view", "watch", "watch", "watch", "impression", "view", "watch", "watch", "watch",
	"impression", "view", "watch", "watch", "impression", "watch", "watch", "watch", "product_click", "product_view",
}

// batch writes one request's body. It is made by hand: what makes the load shares the processors
// with what is measured.
func batch(buf *bytes.Buffer, s *shopper, m *market, round, size int) {
	buf.Reset()
	buf.WriteString(`{"events":[`)
	now := time.Now().UTC().Format(time.RFC3339Nano)
	ids := uuid.NewString()
	for i := range size {
		if i > 0 {
			buf.WriteByte(',')
		}
		kind := scroll[i%len(scroll)]
		// Fresh for each event: a random start of the batch's own, and the place in the batch.
		fmt.Fprintf(buf, `{"id":"%s%012x","type":"%s","at":"%s"`, ids[:24], round*size+i, kind, now)
		if len(s.tokens) > 0 {
			buf.WriteString(`,"impression":"` + s.tokens[(round+i/5)%len(s.tokens)] + `"`)
		}
		switch kind {
		case "watch":
			buf.WriteString(`,"watch_ms":1000,"position_ms":2000`)
		case "product_click", "product_view":
			buf.WriteString(`,"product_id":"` + m.products[(round+i)%len(m.products)] + `"`)
		}
		buf.WriteByte('}')
	}
	buf.WriteString(`]}`)
}

// loadEvents sends batches as shoppers do and looks how the numbers keep up with them.
func loadEvents(ctx context.Context, m *market, o Options, r *Report) error {
	r.Batch = o.Batch
	looked, err := figuresOf(ctx, m.nobody)
	if err != nil {
		return err
	}
	before := processed(o.pid)
	total, took := send(ctx, m, o)
	if err := ctx.Err(); err != nil {
		return err
	}
	r.fill("events", total, took.Seconds(), "batch")
	r.spent(before, processed(o.pid), total.all)
	again, err := figuresOf(ctx, m.nobody)
	if err != nil {
		return err
	}
	tokens := len(m.shoppers[0].tokens)
	r.Notes = append(r.Notes, fmt.Sprintf("batches of %d events, acknowledged once on disk; %d impression tokens a client, a click in twenty events", o.Batch, tokens))
	r.Folding, err = keepingUp(ctx, m, looked, again)
	return err
}

// loadSingles sends one event a request.
func loadSingles(ctx context.Context, m *market, o Options, r *Report) error {
	o.Clients, o.Shoppers = o.Singles, max(1, len(m.shoppers)/o.Singles)
	o.Batch = 1
	o.Note("one event a request, from %d clients for %d s", o.Clients, o.Seconds)
	before := processed(o.pid)
	total, took := send(ctx, m, o)
	after := processed(o.pid)
	r.Singles = &Singles{Clients: o.Clients, Rate: float64(total.done) / took.Seconds(), Latency: latency("single", total.steps["batch"])}
	if total.all > 0 {
		r.Singles.CPUMicros = float64((after.used - before.used).Microseconds()) / float64(total.all)
	}
	for kind, n := range total.errors {
		r.Errors["singles: "+kind] += n
	}
	return ctx.Err()
}

// send tells batches from all clients until the time is over. An event counts once it was acknowledged.
func send(ctx context.Context, m *market, o Options) (*tally, time.Duration) {
	bodies, rounds := make([]bytes.Buffer, o.Clients), make([]int, o.Clients)
	return run(ctx, o, func(ctx context.Context, i int, t *tally) error {
		rounds[i]++
		s := m.shopper(o, i, rounds[i])
		batch(&bodies[i], s, m, rounds[i], o.Batch)
		begun := time.Now()
		accepted, err := s.tell(ctx, bodies[i].Bytes())
		if err != nil {
			return err
		}
		t.took("batch", time.Since(begun))
		t.count(accepted)
		t.all += accepted
		if accepted != o.Batch {
			t.errors["not accepted"] += o.Batch - accepted
		}
		return nil
	})
}

// tell sends one batch and returns how many of its events were accepted.
func (s *shopper) tell(ctx context.Context, body []byte) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Base+"/api/v1/events", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Viewer-Token", s.Viewer)
	resp, err := s.HTTP.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusOK {
		p := &client.Problem{}
		json.Unmarshal(answer, p)
		p.Status = resp.StatusCode
		return 0, p
	}
	var a struct{ Accepted int }
	return a.Accepted, json.Unmarshal(answer, &a)
}
