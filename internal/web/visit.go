package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// visit is one request being answered: what was sent, who sent it, and the ways to answer.
type visit struct {
	site  *Site
	w     http.ResponseWriter
	r     *http.Request
	who   account.Asker
	brand account.Brand // of the pages of a brand's console
	now   time.Time
}

// page makes a handler of a route: who may, what was sent, and a page for whatever went wrong.
func (s *Site) page(route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", s.policy)
		h.Set("Cache-Control", "private, no-cache")
		v := &visit{site: s, w: w, r: r, who: account.From(r.Context()), now: s.opts.Clock.Now()}
		err := v.admit(route.Who)
		if err == nil && route.Who == Maker && v.who.Creator == "" {
			_ = v.to("/studio") // where one becomes a creator; writes a header only
			return
		}
		if err == nil {
			err = v.parse(route.most)
		}
		if r.MultipartForm != nil {
			defer r.MultipartForm.RemoveAll()
		}
		if err == nil {
			err = route.do(v)
		}
		if err != nil {
			v.refuse(err)
		}
	})
}

// admit lets those in whom the page is for.
func (v *visit) admit(whom Audience) error {
	if v.who.Token != "" { // its scopes are kept by the API's routes; the pages would do whatever its person may
		return fault.New(fault.Forbidden, "These pages are for people who sign in. An API token works under /api/v1.")
	}
	switch whom {
	case Person, Maker:
		return v.who.SignedIn()
	case Operates:
		return v.who.IsOperator()
	case Staff:
		brand := id.Brand(v.r.PathValue("b"))
		if err := v.who.OfBrand(brand, account.CatalogRead); err != nil {
			return err
		}
		var err error
		v.brand, err = v.site.Accounts.Brand(v.ctx(), brand)
		return err
	}
	return nil
}

// multipartMemory is how much of a form with files is held in memory, in bytes; the rest waits on disk.
const multipartMemory = 1 << 20

// parse reads the query and the form within its bounds; text that no database keeps is refused.
func (v *visit) parse(most int64) error {
	if most == 0 {
		most = formMost
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, most)
	var err error
	if strings.HasPrefix(v.r.Header.Get("Content-Type"), "multipart/form-data") {
		err = v.r.ParseMultipartForm(multipartMemory)
	} else {
		err = v.r.ParseForm()
	}
	if err != nil {
		if _, large := err.(*http.MaxBytesError); large || strings.Contains(err.Error(), "too large") {
			return fault.New(fault.TooLarge, "What you sent is larger than the %d million bytes this form takes.", max(1, most/1_000_000))
		}
		return fault.Wrap(fault.Malformed, err, "The form could not be read. Go back and send it again.")
	}
	for name, values := range v.r.Form {
		for _, value := range append([]string{name}, values...) {
			if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
				return fault.New(fault.Malformed, "The form holds text that is not valid UTF-8.")
			}
		}
	}
	if !utf8.ValidString(v.r.URL.Path) || strings.ContainsRune(v.r.URL.Path, 0) {
		return missing()
	}
	return nil
}

func missing() error { return fault.New(fault.Missing, "There is nothing at this address.") }

func (v *visit) ctx() context.Context { return v.r.Context() }

// keyed returns a context under which the first change happens once for the form's key, however
// often the form is sent.
func (v *visit) keyed() context.Context {
	key := v.text("key")
	if key == "" || len(key) > 100 {
		return v.ctx()
	}
	return db.WithKey(v.ctx(), db.Key{Actor: v.who.KeyHolder(), Route: "form " + v.r.Method + " " + v.r.Pattern, Value: key,
		Hash: sha256.Sum256([]byte(v.r.URL.Path + "\x00" + v.r.PostForm.Encode()))})
}

// text returns a field as people mean it: without blanks around it, lines ended one way.
func (v *visit) text(name string) string {
	return strings.TrimSpace(strings.ReplaceAll(v.r.Form.Get(name), "\r\n", "\n"))
}

// raw returns a field as it was typed: a password.
func (v *visit) raw(name string) string { return v.r.Form.Get(name) }

// number returns a field that holds a whole number; ok is false when it does not.
func (v *visit) number(name string) (n int64, ok bool) {
	n, err := strconv.ParseInt(v.text(name), 10, 64)
	return n, err == nil
}

// many returns the values of a field that may be there several times.
func many[T ~string](v *visit, name string) []T {
	var out []T
	for _, value := range v.r.Form[name] {
		out = append(out, T(value))
	}
	return out
}

// show answers with a page or a fragment.
func (v *visit) show(status int, c templ.Component) error {
	var b bytes.Buffer
	if err := c.Render(v.ctx(), &b); err != nil {
		return err
	}
	send(v.w, v.r, status, b.Bytes())
	return nil
}

// to sends the browser to another page of this site, by GET.
func (v *visit) to(path string) error {
	v.w.Header().Set("Location", local(path))
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// away sends the browser to a provider's page, elsewhere.
func (v *visit) away(to string) error {
	if strings.HasPrefix(to, "/") {
		return v.to(to)
	}
	u, err := url.Parse(to)
	if err != nil || u.User != nil || u.Host == "" || !slices.Contains(v.site.opts.Leads, u.Scheme+"://"+u.Host) {
		return fmt.Errorf("web: the provider leads to %.100q, where no form of ours leads", to)
	}
	v.w.Header().Set("Location", to)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// back sends the browser to the page a form names in its field back, else where it says.
func (v *visit) back(otherwise string) error {
	if b := v.text("back"); b != "" {
		return v.to(b)
	}
	return v.to(otherwise)
}

// local returns a path of this site, "/" for an address that leads elsewhere or could be read so.
func local(path string) string {
	if !strings.HasPrefix(path, "/") || len(path) > 2000 || strings.HasPrefix(path, "//") {
		return "/"
	}
	for _, c := range path {
		if c <= ' ' || c == '\\' || c == 0x7f {
			return "/"
		}
	}
	u, err := url.Parse(path)
	if err != nil || u.Host != "" || u.Scheme != "" || u.User != nil {
		return "/"
	}
	return path
}

// came returns the page of this site that the request came from, "" when it is not known or was the
// answer to a form, which has no address of its own.
func (v *visit) came() string {
	u, err := url.Parse(v.r.Referer())
	if err != nil || u.Host != v.r.Host || u.Path == "" {
		return ""
	}
	_, pattern := v.site.mux.Handler(&http.Request{Method: http.MethodGet, URL: u, Host: v.r.Host})
	if pattern == "/" {
		return ""
	}
	return local(u.RequestURI())
}

// https reports whether the browser speaks TLS, to us or to the proxy we were told to believe.
func (v *visit) https() bool {
	return v.r.TLS != nil || v.site.opts.TrustProxy && v.r.Header.Get("X-Forwarded-Proto") == "https"
}

// sheet reports whether a script asks for the fragment that opens over a film.
func (v *visit) sheet() bool { return v.r.URL.Query().Get("sheet") == "1" }
