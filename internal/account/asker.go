package account

import (
	"context"
	"net/netip"

	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Role is what a member may do in a brand.
type Role string

// The roles of a brand's members.
const (
	Owner Role = "owner" // everything, and who else is a member
	Staff Role = "staff" // the daily work
)

// Scope is one permission of an API token.
type Scope string

// The scopes a token can be given, by API.md §2. A session has them all.
const (
	CatalogRead   Scope = "catalog:read"
	CatalogWrite  Scope = "catalog:write"
	OrdersRead    Scope = "orders:read"
	OrdersWrite   Scope = "orders:write"
	ProgramsRead  Scope = "programs:read"
	ProgramsWrite Scope = "programs:write"
	ContentWrite  Scope = "content:write"
	MoneyRead     Scope = "money:read"
	PayoutsWrite  Scope = "payouts:write"
	MetricsRead   Scope = "metrics:read"
	WebhooksWrite Scope = "webhooks:write"
)

// AllScopes lists every scope a token can be given.
func AllScopes() []Scope {
	return []Scope{CatalogRead, CatalogWrite, OrdersRead, OrdersWrite, ProgramsRead, ProgramsWrite,
		ContentWrite, MoneyRead, PayoutsWrite, MetricsRead, WebhooksWrite}
}

// Scopes is the set a token was given; nil means a session, which may everything its person may.
type Scopes map[Scope]bool

// Has reports whether the set holds the scope.
func (s Scopes) Has(scope Scope) bool { return s == nil || s[scope] }

// Asker is who makes a request, as far as it could be proved. The zero value is nobody.
type Asker struct {
	Account    id.Account        // "" for a shopper who has not signed in, and for a brand's token
	Name       string            // the account's display name
	Over18     bool              // the account said so
	Standing   Standing          // of the account; a removed one never gets this far
	Viewer     id.Viewer         // the anonymous shopper of this browser or app; may be set beside Account
	Fresh      bool              // the viewer was minted for this very request: nobody has used it yet
	Creator    id.Creator        // the account's creator profile, "" if it has none
	Handle     string            // that profile's handle
	Operator   bool              // runs this Mezzo
	Brands     map[id.Brand]Role // the brands the account is a member of; shared, never written to
	Session    id.Session        // the session asked with, "" for a token and for nobody
	Token      id.Token          // the API token asked with, "" for a session
	TokenBrand id.Brand          // the brand that token speaks for, "" for a person's token
	Scopes     Scopes            // nil for a session
	IP         string            // where from, truncated (IPv4 to /24, IPv6 to /48)
	addr       netip.Addr        // where from, whole: for limits, never kept
	writeKey   id.WriteKey       // in the cache alone: an event SDK is no asker
	viewers    []id.Viewer       // joined to the account, newest first, at most viewersKnown
}

// Standing is whether an account, video, product or comment is open to the public.
type Standing string

// The standings. What is limited stays with its people and is not distributed; what is removed is shown to nobody.
const (
	Visible Standing = "visible"
	Limited Standing = "limited"
	Removed Standing = "removed"
)

// SignedIn returns nil for a person. Unauthorized: nobody; Forbidden: a brand's token, which is no person.
func (a Asker) SignedIn() error {
	switch {
	case a.Account != "":
		return nil
	case a.TokenBrand != "":
		return fault.New(fault.Forbidden, "This token speaks for a brand. Ask with a person's session or token.")
	default:
		return fault.New(fault.Unauthorized, "Sign in first.")
	}
}

// IsOperator returns nil for an operator's session or token. Missing otherwise: that operator
// pages exist is nobody else's business. Unauthorized for nobody.
func (a Asker) IsOperator() error {
	if a.Operator {
		return nil
	}
	if err := a.SignedIn(); fault.Is(err, fault.Unauthorized) {
		return err
	}
	return fault.New(fault.Missing, "There is nothing here for you.")
}

// IsCreator returns nil for a person with a creator profile; Forbidden names the way to one.
func (a Asker) IsCreator() error {
	if err := a.SignedIn(); err != nil {
		return err
	}
	if a.Creator == "" {
		return fault.New(fault.Forbidden, "You have no creator profile yet. Make one with PUT /me/creator; it needs nothing but a handle.")
	}
	return nil
}

// Member reports whether the asker is a member of the brand or its token, whatever the scopes.
func (a Asker) Member(b id.Brand) bool {
	if b == "" {
		return false
	}
	if a.TokenBrand != "" {
		return a.TokenBrand == b
	}
	return a.Brands[b] != ""
}

// OfBrand returns nil when the asker may act for the brand within the scope: its members, its
// tokens and operators. Unauthorized: nobody; Missing: not theirs; Forbidden: the token lacks the scope.
func (a Asker) OfBrand(b id.Brand, s Scope) error {
	if a.Account == "" && a.TokenBrand == "" {
		return fault.New(fault.Unauthorized, "Sign in first.")
	}
	if !a.Member(b) && (!a.Operator || b == "") {
		return fault.New(fault.Missing, "There is no such brand, or it is not yours.")
	}
	return a.May(s)
}

// May returns Forbidden when the asker's token lacks the scope.
func (a Asker) May(s Scope) error {
	if !a.Scopes.Has(s) {
		return fault.New(fault.Forbidden, "This token lacks the scope %s. Make one that has it.", s)
	}
	return nil
}

// IsOwner reports whether the asker is a signed-in owner of the brand; a token never is.
func (a Asker) IsOwner(b id.Brand) bool { return a.Token == "" && a.Brands[b] == Owner }

// KeyHolder names whose an Idempotency-Key is: as Actor, but a stranger whose viewer was minted for
// this very request is that viewer and not one of all who share an address. Who holds on to the
// viewer's cookie or token gets the answer again; nobody else does.
func (a Asker) KeyHolder() string {
	if a.Token == "" && a.Account == "" && a.Viewer != "" {
		return string(a.Viewer)
	}
	return a.Actor()
}

// Actor names who asks, for the audit trail and for limits: a token, else an account, else a
// viewer, else the address of somebody of whom nothing more is known.
func (a Asker) Actor() string {
	switch {
	case a.Token != "":
		return string(a.Token)
	case a.Account != "":
		return string(a.Account)
	case a.Viewer != "" && !a.Fresh:
		return string(a.Viewer)
	default:
		return "ip:" + a.IP
	}
}

type askerKey struct{}

// With returns a context that says who asks.
func With(ctx context.Context, who Asker) context.Context {
	return context.WithValue(ctx, askerKey{}, who)
}

// From returns who asks; the zero Asker when nobody was resolved.
func From(ctx context.Context) Asker {
	who, _ := ctx.Value(askerKey{}).(Asker)
	return who
}
