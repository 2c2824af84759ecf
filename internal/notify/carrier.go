package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"mezzo/internal/fault"
)

// Limits of one attempt.
const (
	// sendLimit is how long a receiver may take to answer.
	sendLimit = 15 * time.Second
	dialLimit = 5 * time.Second
	// readMost is how much of an answer is read, so that the connection can be used again; none of it is kept.
	readMost = 16 << 10
	// waitMost bounds the pause a receiver can ask for.
	waitMost = 12 * time.Hour
)

// errPrivate says that an address is not one of the open internet.
var errPrivate = errors.New("the address is not on the open internet")

// carrier sends messages to where they may go.
type carrier struct {
	local  bool
	client *http.Client
}

// newCarrier returns a carrier for the mode. Where a name leads is looked at when the connection is made, so that
// a name that leads elsewhere a moment later gains nothing. It follows no redirect and asks no proxy.
func newCarrier(mode Mode) *carrier {
	c := &carrier{local: mode == Local}
	dialer := &net.Dialer{Timeout: dialLimit, KeepAlive: 30 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return c.admit(to.Addr())
	}}
	c.client = &http.Client{Timeout: sendLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{Proxy: nil, DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: dialLimit,
			MaxIdleConns: 64, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 32 << 10, DisableCompression: true}}
	return c
}

// closed are networks that lead into this house or somebody's, or nowhere: RFC 6890 and its registry, and those by
// which an IPv4 address hides in an IPv6 one.
var closed = func() []netip.Prefix {
	var list []netip.Prefix
	for text := range strings.FieldsSeq(`0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
		192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
		::/127 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8`) {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}()

// admit refuses an address that messages may not go to.
func (c *carrier) admit(a netip.Addr) error {
	a = a.Unmap().WithZone("")
	if c.local {
		return nil
	}
	for _, p := range closed {
		if p.Contains(a) {
			return errPrivate
		}
	}
	if !a.IsGlobalUnicast() {
		return errPrivate
	}
	return nil
}

// address returns the URL as it is stored; Invalid when messages cannot or may not go there.
func (c *carrier) address(text string) (string, error) {
	refuse := func(why string) (string, error) { return "", fault.InvalidField("body.url", "%s", why) }
	tooLong := fmt.Sprintf("An address has at most %d bytes, counted as it is sent: %%9A is three.", MaxURL)
	if len(text) > MaxURL {
		return refuse(tooLong)
	}
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Opaque != "" || u.Hostname() == "" {
		return refuse("Give the whole address, such as https://shop.example/mezzo.")
	}
	u.Scheme = strings.ToLower(u.Scheme)
	switch {
	case u.Scheme != "https" && (u.Scheme != "http" || !c.local):
		return refuse("Messages go to https addresses only.")
	case u.User != nil:
		return refuse("Leave name and password out of the address: every message is signed, check that instead.")
	case u.Fragment != "":
		return refuse("Leave out what follows the #: it never reaches your server.")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return refuse("The port is a number between 1 and 65535.")
		}
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if a, err := netip.ParseAddr(host); err == nil && c.admit(a) != nil || !c.local && (host == "localhost" || strings.HasSuffix(host, ".localhost") || !strings.ContainsAny(host, ".:")) {
		return refuse("Messages go to addresses on the open internet only, not into a private network.")
	}
	stored := u.String()
	if len(stored) > MaxURL { // escaping makes three bytes of one
		return refuse(tooLong)
	}
	return stored, nil
}

// outcome is what became of an attempt.
type outcome struct {
	status int           // of the answer, 0 for none
	why    string        // what a brand is told when it failed, "" when it was accepted
	wait   time.Duration // the pause the receiver asked for
	gone   bool          // it says that it wants no more
}

// send makes one attempt. Any status of 200 to 299 is acceptance.
func (c *carrier) send(ctx context.Context, to string, header http.Header, body []byte) outcome {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return outcome{why: "The address cannot be called."}
	}
	request.Header = header
	answer, err := c.client.Do(request)
	if err != nil {
		return outcome{why: complaint(err)}
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, readMost))
	o := outcome{status: answer.StatusCode}
	switch {
	case o.status >= 200 && o.status < 300:
		return o
	case o.status >= 300 && o.status < 400:
		o.why = "It answered with a redirect, which is not followed. Give the address it leads to."
	case o.status == http.StatusGone:
		o.gone, o.why = true, "It answered 410: it wants no more messages."
	default:
		o.why = fmt.Sprintf("It answered %d.", o.status)
	}
	if o.status == http.StatusTooManyRequests || o.status == http.StatusServiceUnavailable {
		if n, err := strconv.ParseInt(answer.Header.Get("Retry-After"), 10, 32); err == nil && n > 0 {
			o.wait = min(time.Duration(n)*time.Second, waitMost)
		}
	}
	return o
}

// complaint says in words why no answer came; it names no address but the one the brand gave.
func complaint(err error) string {
	var dns *net.DNSError
	var refused *net.OpError
	switch {
	case errors.Is(err, errPrivate):
		return "Its name leads into a private network, where messages may not go."
	case errors.As(err, &dns):
		return "Its name is not known."
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		return fmt.Sprintf("It did not answer within %d seconds.", sendLimit/time.Second)
	case errors.As(err, &refused) && refused.Op == "dial":
		return "Nothing listens there."
	case strings.Contains(err.Error(), "tls:") || strings.Contains(err.Error(), "x509:"):
		return "Its certificate cannot be trusted."
	}
	return "The connection broke before it answered."
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
