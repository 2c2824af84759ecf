package web

import (
	"net/http"
	"strings"

	"mezzo/internal/account"
	"mezzo/internal/id"
)

// keys shows which programs of the brand are let in, and how to let one in.
func (s *Site) keys(v *visit) error { return s.showKeys(v, http.StatusOK, func(*KeysPage) {}) }

func (s *Site) showKeys(v *visit, status int, change func(*KeysPage)) error {
	page := KeysPage{Owner: v.who.IsOwner(v.brand.ID) || v.who.Operator, Host: v.origin(),
		Key:   Field{Name: "name", Label: "Where it is used", Max: 80, ID: "key-name", Hint: "Your shop, your app: to know it by when you revoke it."},
		Token: Field{Name: "name", Label: "What it is for", Max: 80, ID: "token-name"}}
	if page.Owner {
		keys, err := s.Accounts.WriteKeys(v.ctx(), v.who, v.brand.ID)
		if err != nil {
			return err
		}
		for _, k := range keys {
			page.Keys = append(page.Keys, TokenRow{ID: string(k.ID), Name: k.Name, Used: "made " + DayYear(k.CreatedAt)})
		}
		tokens, err := s.Accounts.Tokens(v.ctx(), v.who, v.brand.ID)
		if err != nil {
			return err
		}
		page.Tokens, page.Scopes = tokenRows(tokens), scopeOptions()
	}
	change(&page)
	page.Chrome = v.chrome("Keys", Brand, "keys")
	return v.show(status, Keys(page))
}

// tokenRows writes tokens as lists show them.
func tokenRows(tokens []account.Token) []TokenRow {
	var rows []TokenRow
	for _, t := range tokens {
		scopes := make([]string, len(t.Scopes))
		for i, scope := range t.Scopes {
			scopes[i] = string(scope)
		}
		rows = append(rows, TokenRow{ID: string(t.ID), Name: t.Name, Scopes: strings.Join(scopes, ", "), Used: "made " + DayYear(t.CreatedAt)})
	}
	return rows
}

// scopeOptions lists what a token can be given.
func scopeOptions() []Option {
	var list []Option
	for _, scope := range account.AllScopes() {
		list = append(list, Option{Value: string(scope), Label: string(scope)})
	}
	return list
}

// origin is where people reach this Mezzo, as the asker's browser does.
func (v *visit) origin() string {
	if v.https() {
		return "https://" + v.r.Host
	}
	return "http://" + v.r.Host
}

// cutScheme takes the scheme off an origin and says whether it is the plain one.
func cutScheme(origin string) (host string, plain bool) {
	if host, ok := strings.CutPrefix(origin, "http://"); ok {
		return host, true
	}
	return strings.TrimPrefix(origin, "https://"), false
}

// makeKey makes a write key and shows it, once.
func (s *Site) makeKey(v *visit) error {
	k, err := s.Accounts.CreateWriteKey(v.ctx(), v.who, v.brand.ID, v.text("name"))
	if a, said := v.amissOf(err); said {
		return s.showKeys(v, a.status, func(p *KeysPage) {
			p.Key.Value = v.text("name")
			a.mark(&p.Key)
			p.Notes = a.notes("No key was made.")
		})
	}
	if err != nil {
		return err
	}
	v.w.Header().Set("Cache-Control", "no-store")
	return s.showKeys(v, http.StatusOK, func(p *KeysPage) { p.Secret = k.Secret })
}

// revokeKey ends a write key.
func (s *Site) revokeKey(v *visit) error {
	err := s.Accounts.RevokeWriteKey(v.ctx(), v.who, v.brand.ID, id.WriteKey(v.r.PathValue("key")))
	return v.kept(err, "The key tells us nothing any more.", "/keys")
}

// makeBrandToken makes a token of the brand and shows it, once.
func (s *Site) makeBrandToken(v *visit) error {
	t, err := s.Accounts.CreateToken(v.ctx(), v.who, v.brand.ID, v.text("name"), many[account.Scope](v, "scopes"))
	if a, said := v.amissOf(err); said {
		return s.showKeys(v, a.status, func(p *KeysPage) {
			p.Token.Value = v.text("name")
			a.mark(&p.Token)
			p.Notes = a.notes("No token was made.")
		})
	}
	if err != nil {
		return err
	}
	v.w.Header().Set("Cache-Control", "no-store")
	return s.showKeys(v, http.StatusOK, func(p *KeysPage) { p.Fresh = t.Secret })
}

// revokeBrandToken ends a token of the brand.
func (s *Site) revokeBrandToken(v *visit) error {
	err := s.Accounts.RevokeToken(v.ctx(), v.who, v.brand.ID, id.Token(v.r.PathValue("token")))
	return v.kept(err, "The token opens nothing any more.", "/keys")
}
