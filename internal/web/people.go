package web

import (
	"net/http"

	"mezzo/internal/account"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// signUp shows the one form from nobody to somebody.
func (s *Site) signUp(v *visit) error {
	if v.who.Account != "" {
		return v.to(v.text("next"))
	}
	page := SignUpPage{Next: local(v.text("next"))}
	page.Name, page.Email, page.Password = NewSignUpFields()
	return s.showSignUp(v, http.StatusOK, page)
}

func (s *Site) showSignUp(v *visit, status int, page SignUpPage) error {
	if page.Next == "/" {
		page.Next = ""
	}
	page.Chrome = v.chrome("Make an account", Market, "you")
	return v.show(status, SignUp(page))
}

// makeAccount makes the account, signs it in and leads to the first page.
func (s *Site) makeAccount(v *visit) error {
	in := account.NewAccount{Email: v.text("email"), Password: v.raw("password"), DisplayName: v.text("display_name"), Over18: v.text("over_18") == "1"}
	signed, err := s.Accounts.SignUp(v.ctx(), v.who, in)
	if a, said := v.amissOf(err); said {
		page := SignUpPage{Over18: in.Over18, Next: local(v.text("next"))}
		page.Name, page.Email, page.Password = NewSignUpFields()
		page.Name.Value, page.Email.Value = in.DisplayName, in.Email
		a.mark(&page.Name, &page.Email, &page.Password)
		page.Notes = a.notes("No account was made.")
		return s.showSignUp(v, a.status, page)
	}
	if err != nil {
		return err
	}
	s.Accounts.Admit(v.w, signed, v.https())
	return v.to(v.text("next"))
}

// signIn shows the door.
func (s *Site) signIn(v *visit) error {
	if v.who.Account != "" {
		return v.to(v.text("next"))
	}
	page := SignInPage{Next: local(v.text("next"))}
	page.Email, page.Password = NewSignInFields()
	return s.showSignIn(v, http.StatusOK, page)
}

func (s *Site) showSignIn(v *visit, status int, page SignInPage) error {
	if page.Next == "/" {
		page.Next = ""
	}
	page.Chrome = v.chrome("Sign in", Market, "you")
	return v.show(status, SignIn(page))
}

// letIn starts a session and leads to where the person was going.
func (s *Site) letIn(v *visit) error {
	signed, err := s.Accounts.SignIn(v.ctx(), v.who, v.text("email"), v.raw("password"))
	a, said := v.amissOf(err)
	if k := fault.KindOf(err); !said && (k == fault.Unauthorized || k == fault.Forbidden) {
		a, said = amiss{status: refusalOf(k).status, detail: faultOf(err).Detail}, true
	}
	if said {
		page := SignInPage{Next: local(v.text("next"))}
		page.Email, page.Password = NewSignInFields()
		page.Email.Value = v.text("email")
		a.mark(&page.Email, &page.Password)
		page.Notes = a.notes("You are not signed in.")
		return s.showSignIn(v, a.status, page)
	}
	if err != nil {
		return err
	}
	s.Accounts.Admit(v.w, signed, v.https())
	return v.to(v.text("next"))
}

// signOut ends the session; the next person at this browser begins as somebody new.
func (s *Site) signOut(v *visit) error {
	if v.who.Account != "" {
		if err := s.Accounts.SignOut(v.ctx(), v.who); err != nil {
			return err
		}
	}
	s.Accounts.Dismiss(v.w, v.https())
	return v.to("/")
}

// you is the person's own page.
func (s *Site) you(v *visit) error { return s.showYou(v, http.StatusOK, func(*YouPage) {}) }

// showYou answers with the person's page, with what change makes of it.
func (s *Site) showYou(v *visit, status int, change func(*YouPage)) error {
	me, err := s.Accounts.Me(v.ctx(), v.who)
	if err != nil {
		return err
	}
	tokens, err := s.Accounts.Tokens(v.ctx(), v.who, "")
	if err != nil {
		return err
	}
	page := YouPage{Email: me.Email, Over18: me.Over18, Operator: me.Operator}
	page.Name, _, _ = NewSignUpFields()
	page.Name.Value = me.DisplayName
	if me.Creator != nil {
		f := creatorForm(*me.Creator)
		page.Creator = &f
	}
	for _, b := range me.Brands {
		page.Brands = append(page.Brands, BrandRef{ID: string(b.Brand), Name: b.Name, Role: string(b.Role)})
	}
	page.Tokens, page.Scopes = tokenRows(tokens), scopeOptions()
	if me.Standing != account.Visible {
		page.Standing = "What you post is shown in no list or feed. Write to the operator to appeal."
	}
	change(&page)
	page.Chrome = v.chrome(me.DisplayName, Market, "you")
	return v.show(status, You(page))
}

func creatorForm(c account.Creator) CreatorForm {
	f := NewCreatorForm()
	f.Handle.Value, f.Name.Value, f.Bio.Value = c.Handle, c.DisplayName, c.Bio
	return f
}

// changeYou keeps the name and the age statement.
func (s *Site) changeYou(v *visit) error {
	name, over := v.text("display_name"), v.text("over_18") == "1"
	_, err := s.Accounts.UpdateMe(v.ctx(), v.who, 0, account.Change{DisplayName: &name, Over18: &over})
	if a, said := v.amissOf(err); said {
		return s.showYou(v, a.status, func(p *YouPage) {
			p.Name.Value, p.Over18 = name, over
			a.mark(&p.Name)
			p.Notes = a.notes("Nothing was changed.")
		})
	}
	if err != nil {
		return err
	}
	v.tell("Kept.")
	return v.to("/you")
}

// putCreator makes a creator of somebody, or changes their profile.
func (s *Site) putCreator(v *visit) error {
	in := account.NewCreator{Handle: v.text("handle"), DisplayName: v.text("display_name"), Bio: v.text("bio")}
	if v.who.Creator != "" {
		me, err := s.Accounts.Me(v.ctx(), v.who)
		if err != nil {
			return err
		}
		in.Categories, in.Avatar = me.Creator.Categories, me.Creator.Avatar
	}
	_, err := s.Accounts.PutCreator(v.ctx(), v.who, 0, in)
	if a, said := v.amissOf(err); said {
		f := NewCreatorForm()
		f.Handle.Value, f.Name.Value, f.Bio.Value = in.Handle, in.DisplayName, in.Bio
		a.mark(&f.Handle, &f.Name, &f.Bio)
		notes := a.notes("Nothing was changed.")
		if v.who.Creator == "" {
			return s.showBecome(v, a.status, f, notes)
		}
		return s.showYou(v, a.status, func(p *YouPage) { p.Creator, p.Notes = &f, notes })
	}
	if err != nil {
		return err
	}
	if v.who.Creator != "" {
		v.tell("Kept.")
		return v.to("/you")
	}
	return v.to("/studio")
}

// makeToken makes an API token and shows it, once: the answer is the page itself.
func (s *Site) makeToken(v *visit) error {
	t, err := s.Accounts.CreateToken(v.ctx(), v.who, "", v.text("name"), many[account.Scope](v, "scopes"))
	if a, said := v.amissOf(err); said {
		return s.showYou(v, a.status, func(p *YouPage) { p.Notes = a.notes("No token was made.") })
	}
	if err != nil {
		return err
	}
	v.w.Header().Set("Cache-Control", "no-store")
	return s.showYou(v, http.StatusOK, func(p *YouPage) { p.Fresh = t.Secret })
}

// revokeToken ends an API token.
func (s *Site) revokeToken(v *visit) error {
	if err := s.Accounts.RevokeToken(v.ctx(), v.who, "", id.Token(v.r.PathValue("token"))); err != nil {
		return err
	}
	v.tell("The token opens nothing any more.")
	return v.to("/you")
}
