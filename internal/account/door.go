package account

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Names that HTTP knows people by.
const (
	SessionCookie = "mezzo_session"
	ViewerCookie  = "mezzo_viewer"
	ViewerHeader  = "X-Viewer-Token"
)

// Meet finds out who sends a request from its Authorization header or cookies, and sets the
// viewer's cookie when it is new. Unauthorized: the header holds something that proves nothing;
// the asker is then a stranger. A stale cookie is no fault: it is taken away.
func (a *Accounts) Meet(w http.ResponseWriter, r *http.Request, from netip.Addr, https bool) (Asker, error) {
	who := Asker{IP: Truncate(from), addr: from}
	if secret, ok := bearer(r); ok {
		met, err := a.Authenticate(r.Context(), secret)
		if err != nil {
			return who, err
		}
		met.IP, met.addr = who.IP, who.addr
		if met.Token != "" {
			if len(met.viewers) > 0 {
				met.Viewer = met.viewers[0]
			}
			return met, nil
		}
		presented, err := a.presented(w, r, false)
		if err != nil {
			return met, err
		}
		return a.withViewer(r.Context(), met, presented)
	}
	presented, err := a.presented(w, r, true)
	if err != nil {
		return who, err
	}
	if c, err := r.Cookie(SessionCookie); err == nil && c.Value != "" {
		met, err := a.Authenticate(r.Context(), c.Value)
		switch {
		case err == nil && met.Session != "":
			met.IP, met.addr = who.IP, who.addr
			if met, err = a.withViewer(r.Context(), met, presented); err != nil {
				return who, err
			}
			a.keepViewer(w, r, met.Viewer, https)
			return met, nil
		case err == nil || fault.Is(err, fault.Unauthorized):
			SetCookie(w, gone(SessionCookie, https))
		default:
			return who, err
		}
	}
	who.Viewer = presented
	if who.Viewer == "" {
		who.Viewer, _ = a.MintViewer()
		who.Fresh = true
	}
	if r.Header.Get(ViewerHeader) == "" {
		a.keepViewer(w, r, who.Viewer, https)
	}
	return who, nil
}

// bearer returns the secret of an Authorization header. Other schemes belong to their routes.
func bearer(r *http.Request) (secret string, ok bool) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(secret), strings.EqualFold(scheme, "Bearer")
}

// presented returns the viewer that header or cookie prove, "" for none. A false header is told
// so; a false cookie is replaced. An app whose token was signed before the keys were turned finds one
// signed anew in the answer's header of the same name.
func (a *Accounts) presented(w http.ResponseWriter, r *http.Request, cookies bool) (id.Viewer, error) {
	if token := r.Header.Get(ViewerHeader); token != "" {
		v, err := a.OpenViewer(token)
		if err == nil && !a.keys.Fresh(token) {
			w.Header().Set(ViewerHeader, a.ViewerToken(v))
		}
		return v, err
	}
	if c, err := r.Cookie(ViewerCookie); cookies && err == nil {
		if v, err := a.OpenViewer(c.Value); err == nil {
			return v, nil
		}
	}
	return "", nil
}

// keepViewer sets the viewer's cookie unless the browser has it, signed by the key in force.
func (a *Accounts) keepViewer(w http.ResponseWriter, r *http.Request, v id.Viewer, https bool) {
	token := a.ViewerToken(v)
	if c, err := r.Cookie(ViewerCookie); err == nil && c.Value == token {
		return
	}
	SetCookie(w, cookie(ViewerCookie, token, ViewerLife, https))
}

// Admit sets the cookies of somebody who just signed in or up.
func (a *Accounts) Admit(w http.ResponseWriter, in SignedIn, https bool) {
	if in.Token == "" {
		return // a repeat of a call: the secret went out with its first answer only
	}
	SetCookie(w, cookie(SessionCookie, in.Token, SessionLife, https))
	SetCookie(w, cookie(ViewerCookie, a.ViewerToken(in.Viewer), ViewerLife, https))
}

// Dismiss takes the cookies of somebody who signed out: the next person at the same browser
// begins as a new viewer.
func (a *Accounts) Dismiss(w http.ResponseWriter, https bool) {
	v, _ := a.MintViewer()
	SetCookie(w, gone(SessionCookie, https))
	SetCookie(w, cookie(ViewerCookie, a.ViewerToken(v), ViewerLife, https))
}

func cookie(name, value string, life time.Duration, https bool) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: https}
}

func gone(name string, https bool) *http.Cookie {
	c := cookie(name, "", 0, https)
	c.MaxAge = -1
	return c
}

// SetCookie adds a cookie to an answer in place of one of the same name.
func SetCookie(w http.ResponseWriter, c *http.Cookie) {
	before := w.Header()["Set-Cookie"]
	kept := before[:0:0]
	for _, line := range before {
		if !strings.HasPrefix(line, c.Name+"=") {
			kept = append(kept, line)
		}
	}
	w.Header()["Set-Cookie"] = append(kept, c.String())
}
