package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/media"
)

// Cookies that hold nothing secret: how the page looks, and what is said once.
const (
	themeCookie = "mezzo_theme"
	flashCookie = "mezzo_said"
	themeLife   = 400 * 24 * time.Hour
	flashLife   = time.Minute
)

// chrome returns what stands around a page of this visit. What it cannot find out is left out: no
// page fails for the number on its bag.
func (v *visit) chrome(title string, room Room, place string) Chrome {
	c := Chrome{Title: title, Room: room, Place: place, Demo: v.site.opts.Demo, Sandbox: v.site.Sandbox != nil,
		Path: v.r.URL.RequestURI(), Flash: v.flashed()}
	if t, err := v.r.Cookie(themeCookie); err == nil && (t.Value == "light" || t.Value == "dark") {
		c.Theme = t.Value
	}
	if v.r.Method != http.MethodGet {
		c.Path = "/"
	}
	if v.who.Account != "" {
		c.Me = v.me()
	}
	if !v.who.Fresh && v.site.Orders != nil {
		if cart, ok, err := v.site.Orders.CurrentCart(v.ctx(), v.who); err == nil && ok {
			for _, l := range cart.Lines {
				c.Bag += int(l.Quantity)
			}
		}
	}
	if room == Brand {
		c.Brand = v.brandRef()
	}
	return c
}

// me returns the person around whom the page is drawn.
func (v *visit) me() *Me {
	me := &Me{Name: v.who.Name, Handle: v.who.Handle, Operator: v.who.Operator}
	if v.who.Creator == "" {
		return me
	}
	face, err := db.Get(v.ctx(), v.site.DB, func(tx *db.Tx) (string, error) {
		c, err := account.CreatorOf(tx, v.who.Creator)
		if err != nil || c.Avatar == "" {
			return "", err
		}
		found, err := media.Images(tx, c.Avatar)
		return found[c.Avatar].SmallURL(), err
	})
	if err == nil {
		me.Face = face
	}
	return me
}

// brandRef names the brand of a console page.
func (v *visit) brandRef() *BrandRef {
	ref := &BrandRef{ID: string(v.brand.ID), Name: v.brand.Name, Role: string(v.who.Brands[v.brand.ID])}
	if ref.Role == "" {
		ref.Role = "operator"
	}
	if counts, err := v.site.Orders.BrandCounts(v.ctx(), v.who, v.brand.ID); err == nil {
		ref.Wait = int(counts["paid"])
	}
	return ref
}

// tell leaves a sentence for the next page: a toast.
func (v *visit) tell(text string) {
	b, err := json.Marshal(Flash{Text: text})
	if err != nil {
		return
	}
	account.SetCookie(v.w, v.cookie(flashCookie, base64.RawURLEncoding.EncodeToString(b), flashLife))
}

// flashed returns the sentence left by the page before, once.
func (v *visit) flashed() *Flash {
	c, err := v.r.Cookie(flashCookie)
	if err != nil || c.Value == "" {
		return nil
	}
	account.SetCookie(v.w, v.cookie(flashCookie, "", -1))
	b, err := base64.RawURLEncoding.DecodeString(c.Value)
	var f Flash
	if err != nil || json.Unmarshal(b, &f) != nil || f.Text == "" || len(f.Text) > 300 {
		return nil
	}
	return &Flash{Text: f.Text}
}

// cookie makes one of the pages' own cookies; a negative life takes it away.
func (v *visit) cookie(name, value string, life time.Duration) *http.Cookie {
	c := &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(life / time.Second), HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: v.https()}
	if life < 0 {
		c.MaxAge = -1
	}
	return c
}

// theme keeps by which light the pages are shown.
func (s *Site) theme(v *visit) error {
	switch t := v.text("theme"); t {
	case "light", "dark":
		account.SetCookie(v.w, v.cookie(themeCookie, t, themeLife))
	default:
		account.SetCookie(v.w, v.cookie(themeCookie, "", -1))
	}
	return v.back("/")
}

// pictures returns the images by id, of the size pages show.
func (v *visit) pictures(images ...id.Image) (map[id.Image]media.Image, error) {
	if len(images) == 0 {
		return nil, nil
	}
	return db.Get(v.ctx(), v.site.DB, func(tx *db.Tx) (map[id.Image]media.Image, error) { return media.Images(tx, images...) })
}
