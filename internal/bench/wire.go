package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// maxWireAnswer bounds what is read of an answer, in bytes.
const maxWireAnswer = 1 << 20

// errWire says that an answer was not HTTP/1.1 as the wire reads it.
var errWire = errors.New("the answer is not HTTP/1.1")

// wire is one client's kept-alive connection. It speaks plain HTTP/1.1: one request at a time is
// written whole, and its answer is read whole. Go's own client spends about as much processor time
// on a small request as the server does, which would be taken from the server it measures: both
// share the machine.
type wire struct {
	base   *url.URL
	conn   net.Conn
	in     *bufio.Reader
	out    []byte
	answer []byte
	head   []byte // lines of header
	sent   []byte // a body
}

// newWire returns a connection to be opened at its first request.
func newWire(base string) (*wire, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	return &wire{base: u}, nil
}

// close lets go of the connection. The next request opens another.
func (w *wire) close() {
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

// post sends a JSON body with lines of header, each ended by CRLF, and returns the answer, which
// stands until the next request. After an error the connection is closed: what came of the request is not known.
func (w *wire) post(ctx context.Context, path string, header, body []byte) (status int, answer []byte, err error) {
	return w.send(ctx, http.MethodPost, path, append(w.head[:0], "Content-Type: application/json\r\n"...), header, body)
}

// RoundTrip is http.RoundTripper over the one connection, for the requests that package client makes.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.head = w.head[:0]
	for name, values := range r.Header {
		for _, v := range values {
			w.head = append(append(append(append(w.head, name...), ": "...), v...), "\r\n"...)
		}
	}
	w.sent = w.sent[:0]
	if r.Body != nil {
		defer r.Body.Close()
		buffer := bytes.NewBuffer(w.sent)
		if _, err := buffer.ReadFrom(r.Body); err != nil {
			return nil, err
		}
		w.sent = buffer.Bytes()
	}
	status, answer, err := w.send(r.Context(), r.Method, r.URL.RequestURI(), w.head, nil, w.sent)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: r,
		ContentLength: int64(len(answer)), Body: io.NopCloser(bytes.NewReader(answer))}, nil
}

func (w *wire) send(ctx context.Context, method, path string, head, header, body []byte) (status int, answer []byte, err error) {
	if w.conn == nil {
		if err := w.open(ctx); err != nil {
			return 0, nil, err
		}
	}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if err := w.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, nil, err
	}
	w.out = append(append(w.out[:0], method...), ' ')
	w.out = append(w.out, path...)
	w.out = append(w.out, " HTTP/1.1\r\nHost: "...)
	w.out = append(w.out, w.base.Host...)
	w.out = append(w.out, "\r\nUser-Agent: mezzo-bench\r\n"...)
	w.out = append(w.out, head...)
	w.out = append(w.out, header...)
	w.out = append(w.out, "Content-Length: "...)
	w.out = strconv.AppendInt(w.out, int64(len(body)), 10)
	w.out = append(w.out, "\r\n\r\n"...)
	w.out = append(w.out, body...)
	if _, err := w.conn.Write(w.out); err != nil {
		return 0, nil, err
	}
	return w.read()
}

// open dials the server.
func (w *wire) open(ctx context.Context) error {
	port := w.base.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[w.base.Scheme]
	}
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", net.JoinHostPort(w.base.Hostname(), port))
	if err != nil {
		return err
	}
	if w.base.Scheme == "https" {
		conn = tls.Client(conn, &tls.Config{ServerName: w.base.Hostname(), NextProtos: []string{"http/1.1"}})
	}
	w.conn = conn
	if w.in == nil {
		w.in = bufio.NewReaderSize(conn, 8<<10)
	}
	w.in.Reset(conn)
	return nil
}

// read takes one answer off the connection.
func (w *wire) read() (status int, answer []byte, err error) {
	line, err := w.in.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, nil, errWire
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, errWire
	}
	length, chunked, last := int64(-1), false, false
	for {
		if line, err = w.in.ReadSlice('\n'); err != nil {
			return 0, nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		switch name, value, _ := bytes.Cut(line, []byte(":")); {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64); err != nil {
				return 0, nil, errWire
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		case bytes.EqualFold(name, []byte("Connection")):
			last = bytes.EqualFold(bytes.TrimSpace(value), []byte("close"))
		}
	}
	if err := w.body(length, chunked); err != nil {
		return 0, nil, err
	}
	if last {
		w.close()
	}
	return status, w.answer, nil
}

// body reads what follows the head.
func (w *wire) body(length int64, chunked bool) error {
	switch {
	case chunked:
		// The reader stops after the empty chunk; the line that ends the trailer is left to us.
		all, err := io.ReadAll(io.LimitReader(httputil.NewChunkedReader(w.in), maxWireAnswer+1))
		if err != nil {
			return err
		}
		if len(all) > maxWireAnswer {
			return fmt.Errorf("an answer of more than %d bytes", maxWireAnswer)
		}
		w.answer = all
		_, err = w.in.Discard(2)
		return err
	case length < 0 || length > maxWireAnswer:
		return fmt.Errorf("%w: a body of %d bytes", errWire, length)
	}
	w.answer = slices.Grow(w.answer[:0], int(length))[:length]
	_, err := io.ReadFull(w.in, w.answer)
	return err
}
