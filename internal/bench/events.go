package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
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
func batch(body []byte, s *shopper, m *market, round, size int) []byte {
	body = append(body[:0], `{"events":[`...)
	var at [len(time.RFC3339Nano)]byte
	now := time.Now().UTC().AppendFormat(at[:0], time.RFC3339Nano)
	var text [36]byte
	fresh := uuid.New()
	for i := range size {
		if i > 0 {
			body = append(body, ',')
		}
		kind := scroll[i%len(scroll)]
		// Fresh for each event: a random start of the batch's own, and the place in the batch.
		binary.BigEndian.PutUint32(fresh[12:], uint32(round*size+i))
		body = append(body, `{"id":"`...)
		body = append(body, idText(&text, fresh)...)
		body = append(append(append(body, `","type":"`...), kind...), `","at":"`...)
		body = append(append(body, now...), '"')
		if len(s.tokens) > 0 {
			body = append(append(append(body, `,"impression":"`...), s.tokens[(round+i/5)%len(s.tokens)]...), '"')
		}
		switch kind {
		case "watch":
			body = append(body, `,"watch_ms":1000,"position_ms":2000`...)
		case "product_click", "product_view":
			body = append(append(append(body, `,"product_id":"`...), m.products[(round+i)%len(m.products)]...), '"')
		}
		body = append(body, '}')
	}
	return append(body, `]}`...)
}

// idText writes an id as text.
func idText(text *[36]byte, u uuid.UUID) []byte {
	hex.Encode(text[0:8], u[0:4])
	hex.Encode(text[9:13], u[4:6])
	hex.Encode(text[14:18], u[6:8])
	hex.Encode(text[19:23], u[8:10])
	hex.Encode(text[24:36], u[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return text[:]
}

// loadEvents sends batches as shoppers do and looks how the numbers keep up with them.
func loadEvents(ctx context.Context, m *market, o Options, r *Report) error {
	r.Batch = o.Batch
	looked, err := figuresOf(ctx, m.nobody)
	if err != nil {
		return err
	}
	before := o.spending()
	total, took, err := send(ctx, m, o)
	if err := errors.Join(err, ctx.Err()); err != nil {
		return err
	}
	r.fill("events", total, took.Seconds(), "batch")
	r.spent(before, o.spending(), total.all)
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
	before := o.spending()
	total, took, err := send(ctx, m, o)
	if err != nil {
		return err
	}
	after := o.spending()
	r.Singles = &Singles{Clients: o.Clients, Rate: float64(total.done) / took.Seconds(), Latency: latency("single", total.steps["batch"])}
	r.Singles.CPUMicros, r.Singles.ClientsUs = after.each(before, total.all)
	for kind, n := range total.errors {
		r.Errors["singles: "+kind] += n
	}
	return ctx.Err()
}

// teller is one client's way to tell events: a connection and the memory of a request.
type teller struct {
	wire         *wire
	body, header []byte
}

// newTellers returns a teller for each client; the caller closes them.
func newTellers(o Options) ([]teller, error) {
	all := make([]teller, o.Clients)
	for i := range all {
		var err error
		if all[i].wire, err = newWire(o.URL); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func closeTellers(all []teller) {
	for i := range all {
		all[i].wire.close()
	}
}

// tell sends a shopper's next batch and returns how many of its events were accepted.
func (w *teller) tell(ctx context.Context, s *shopper, m *market, round, size int) (int, error) {
	w.body = batch(w.body, s, m, round, size)
	w.header = append(append(append(w.header[:0], "X-Viewer-Token: "...), s.Viewer...), "\r\n"...)
	status, answer, err := w.wire.post(ctx, "/api/v1/events", w.header, w.body)
	if err != nil {
		return 0, err
	}
	return accepted(status, answer)
}

// accepted reads the verdict on a batch.
func accepted(status int, answer []byte) (int, error) {
	if status != http.StatusOK {
		p := &client.Problem{}
		json.Unmarshal(answer, p)
		p.Status = status
		return 0, p
	}
	var a struct{ Accepted int }
	if rest, ok := bytes.CutPrefix(answer, []byte(`{"accepted":`)); ok { // as the server writes it
		if end := bytes.IndexByte(rest, ','); end > 0 {
			if n, err := strconv.Atoi(string(rest[:end])); err == nil {
				return n, nil
			}
		}
	}
	return a.Accepted, json.Unmarshal(answer, &a)
}

// send tells batches from all clients until the time is over. An event counts once it was acknowledged.
func send(ctx context.Context, m *market, o Options) (*tally, time.Duration, error) {
	rounds := make([]int, o.Clients)
	tellers, err := newTellers(o)
	if err != nil {
		return nil, 0, err
	}
	defer closeTellers(tellers)
	total, took := run(ctx, o, func(ctx context.Context, i int, t *tally) error {
		rounds[i]++
		begun := time.Now()
		accepted, err := tellers[i].tell(ctx, m.shopper(o, i, rounds[i]), m, rounds[i], o.Batch)
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
	return total, took, nil
}

// tell sends one batch over the client of everything else, and returns how many of its events were accepted.
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
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxWireAnswer))
	if err != nil {
		return 0, err
	}
	return accepted(resp.StatusCode, answer)
}
