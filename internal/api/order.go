package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
)

// registerOrders adds the routes of API.md §7.
func (a *API) registerOrders() {
	if a.deps.Orders == nil {
		return
	}
	a.registerCarts()
	a.registerTaxes()
	a.registerLabels()
	a.registerAddresses()
	a.registerRefunds()
	a.registerReturns()
	a.registerClaims()
	a.registerDisputes()
	register(a, Route{Method: http.MethodPost, Path: "/checkouts", Who: Viewer, Scope: account.OrdersWrite, Tag: "buying", Status: 201,
		Summary: "Price a cart and reserve its stock"}, a.checkout)
	register(a, Route{Method: http.MethodGet, Path: "/checkouts/{id}", Who: Viewer, Scope: account.OrdersRead, Tag: "buying",
		Summary: "Look at a checkout again"}, a.getCheckout)
	register(a, Route{Method: http.MethodPost, Path: "/checkouts/{id}/pay", Who: Viewer, Scope: account.OrdersWrite, Tag: "buying", Idempotency: Required,
		Summary: "Pay a checkout", Description: "200 with the order; 202 with a page to visit; 402 payment_declined (the reservation stays); 409 when the total changed."}, a.pay)
	register(a, Route{Method: http.MethodGet, Path: "/orders", Who: Viewer, Scope: account.OrdersRead, Tag: "buying", Summary: "The asker's own orders, newest first"}, a.orders)
	register(a, Route{Method: http.MethodGet, Path: "/orders/{id}", Who: Public, Tag: "buying", Summary: "An order as the asker may see it"}, a.getOrder)
	register(a, Route{Method: http.MethodPost, Path: "/orders/{id}/cancel", Who: Viewer, Scope: account.OrdersWrite, Tag: "buying", Status: 200, Summary: "Call an order off before anything of it has shipped"}, a.cancelOrder)
	register(a, Route{Method: http.MethodGet, Path: "/brands/{id}/orders", Who: Brand, Scope: account.OrdersRead, Tag: "buying", Summary: "A brand's parts of orders, newest first"}, a.brandOrders)
	register(a, Route{Method: http.MethodPost, Path: "/orders/{id}/shipments", Who: Brand, Scope: account.OrdersWrite, Tag: "buying", Status: 201, Idempotency: Required, Summary: "Hand lines of a part over to a carrier"}, a.ship)
	register(a, Route{Method: http.MethodPost, Path: "/shipments/{id}/delivered", Who: Brand, Scope: account.OrdersWrite, Tag: "buying", Status: 200, Idempotency: Required, Summary: "Record that a parcel arrived"}, a.delivered)
	register(a, Route{Method: http.MethodGet, Path: "/operator/orders", Who: Operator, Scope: account.OrdersRead, Tag: "operator", Summary: "Every order, newest first"}, a.allOrders)
}

func (a *API) registerCarts() {
	cart := func(method, path, summary string, status int) Route {
		return Route{Method: method, Path: path, Who: Viewer, Scope: account.OrdersWrite, Tag: "buying", Summary: summary, Status: status}
	}
	register(a, cart(http.MethodPost, "/carts", "Open an empty cart", 201), a.createCart)
	register(a, cart(http.MethodGet, "/carts/{id}", "A cart at today's prices", 0), a.getCart)
	register(a, cart(http.MethodPost, "/carts/{id}/lines", "Put units of a variant into a cart", 201), a.addLine)
	register(a, cart(http.MethodPatch, "/carts/{id}/lines/{line}", "Change how many of a line", 0), a.setQuantity)
	register(a, cart(http.MethodDelete, "/carts/{id}/lines/{line}", "Take a line out of a cart", 200), a.removeLine)
	register(a, cart(http.MethodPut, "/carts/{id}/codes", "Put voucher and creator codes on a cart, in place of those on it", 0), a.setCodes)
	register(a, cart(http.MethodPut, "/carts/{id}/codes/{code}", "Put one more code on a cart", 0), a.addCode)
	register(a, cart(http.MethodDelete, "/carts/{id}/codes/{code}", "Take a code off a cart", 200), a.dropCode)
	register(a, cart(http.MethodPut, "/carts/{id}/voucher", "Choose by hand which voucher of a giver a cart uses", 0), a.wish)
}

type cartInput struct {
	ID id.Cart `path:"id"`
}

func (a *API) createCart(ctx context.Context, _ *None) (*Output[cartView], error) {
	c, err := a.deps.Orders.CreateCart(ctx, asker(ctx))
	return viewCart(c, err)
}

func (a *API) getCart(ctx context.Context, in *cartInput) (*Output[cartView], error) {
	c, err := a.deps.Orders.Cart(ctx, asker(ctx), in.ID)
	return viewCart(c, err)
}

type addLineInput struct {
	ID   id.Cart `path:"id"`
	Body struct {
		Variant    id.Variant `json:"variant_id" maxLength:"40"`
		Quantity   int64      `json:"quantity" doc:"1 to 20"`
		Impression string     `json:"impression,omitempty" maxLength:"200" doc:"The token of what it was seen in; it is remembered as the touch"`
		Room       id.Room    `json:"room_id,omitempty" maxLength:"40"`
		Offer      id.Offer   `json:"offer_id,omitempty" maxLength:"40"`
	}
}

func (a *API) addLine(ctx context.Context, in *addLineInput) (*Output[cartView], error) {
	line := order.NewLine{Variant: in.Body.Variant, Quantity: in.Body.Quantity, Room: in.Body.Room, Offer: in.Body.Offer, Token: in.Body.Impression}
	c, err := a.deps.Orders.AddLine(ctx, asker(ctx), in.ID, line)
	return viewCart(c, err)
}

// LineInput names a line of a cart. It is exported because the reader of requests skips what is not.
type LineInput struct {
	ID   id.Cart `path:"id"`
	Line id.Line `path:"line"`
}

type quantityInput struct {
	LineInput
	Body struct {
		Quantity int64 `json:"quantity" doc:"1 to 20"`
	}
}

func (a *API) setQuantity(ctx context.Context, in *quantityInput) (*Output[cartView], error) {
	if in.Body.Quantity < 1 {
		return nil, fault.InvalidField("body.quantity", "Quantity must be 1 to %d; DELETE takes the line out.", order.MaxQuantity)
	}
	c, err := a.deps.Orders.SetQuantity(ctx, asker(ctx), in.ID, in.Line, in.Body.Quantity)
	return viewCart(c, err)
}

func (a *API) removeLine(ctx context.Context, in *LineInput) (*Output[cartView], error) {
	c, err := a.deps.Orders.SetQuantity(ctx, asker(ctx), in.ID, in.Line, 0)
	return viewCart(c, err)
}

type codesInput struct {
	ID   id.Cart `path:"id"`
	Body struct {
		Codes []string `json:"codes" maxItems:"10" nullable:"false"`
	}
}

// CodeInput names a code of a cart.
type CodeInput struct {
	ID   id.Cart `path:"id"`
	Code string  `path:"code" maxLength:"100"`
}

func (a *API) addCode(ctx context.Context, in *CodeInput) (*Output[cartView], error) {
	c, err := a.deps.Orders.AddCode(ctx, asker(ctx), in.ID, in.Code)
	return viewCart(c, err)
}

func (a *API) dropCode(ctx context.Context, in *CodeInput) (*Output[cartView], error) {
	c, err := a.deps.Orders.DropCode(ctx, asker(ctx), in.ID, in.Code)
	return viewCart(c, err)
}

type wishInput struct {
	ID   id.Cart `path:"id"`
	Body struct {
		Brand   id.Brand   `json:"brand_id,omitempty" maxLength:"40" doc:"Whose voucher; left out: the platform's"`
		Voucher id.Voucher `json:"voucher_id" maxLength:"40" doc:"One of the cart's vouchers, \"none\", or \"\" for the best again"`
	}
}

func (a *API) wish(ctx context.Context, in *wishInput) (*Output[cartView], error) {
	c, err := a.deps.Orders.Wish(ctx, asker(ctx), in.ID, in.Body.Brand, in.Body.Voucher)
	return viewCart(c, err)
}

func (a *API) setCodes(ctx context.Context, in *codesInput) (*Output[cartView], error) {
	c, err := a.deps.Orders.SetCodes(ctx, asker(ctx), in.ID, in.Body.Codes)
	return viewCart(c, err)
}

type checkoutInput struct {
	Body struct {
		Cart     id.Cart             `json:"cart_id" maxLength:"40"`
		Email    string              `json:"email,omitempty" maxLength:"254" doc:"For the receipt; needed from guests"`
		Address  order.Address       `json:"shipping_address,omitempty" required:"false"`
		Kept     id.Address          `json:"address_id,omitempty" maxLength:"40" doc:"An address the account keeps, in place of shipping_address"`
		Keep     bool                `json:"keep_address,omitempty" doc:"Keep the address for next time; accounts only"`
		Shipping map[id.Brand]string `json:"shipping_options,omitempty" doc:"Option code by brand id; a brand's first where unsaid"`
	}
}

type checkoutOutput struct {
	Checkout checkoutView `json:"checkout"`
}

func (a *API) checkout(ctx context.Context, in *checkoutInput) (*Output[checkoutOutput], error) {
	ord, err := a.deps.Orders.Checkout(ctx, asker(ctx), order.NewCheckout{Cart: in.Body.Cart, Email: in.Body.Email, Address: in.Body.Address, Kept: in.Body.Kept, Keep: in.Body.Keep, Shipping: in.Body.Shipping})
	if err != nil {
		return nil, err
	}
	return ok(checkoutOutput{viewCheckout(ord)}), nil
}

func (a *API) getCheckout(ctx context.Context, in *struct {
	ID id.Checkout `path:"id"`
}) (*Output[checkoutOutput], error) {
	ord, err := a.deps.Orders.PlacedOrder(ctx, asker(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return ok(checkoutOutput{viewCheckout(ord)}), nil
}

type payInput struct {
	ID   id.Checkout `path:"id"`
	Body struct {
		Method    string       `json:"payment_method" maxLength:"80" example:"pm_card_visa"`
		Expected  money.Amount `json:"expected_total" doc:"The total shown on the button"`
		ReturnURL string       `json:"return_url,omitempty" maxLength:"500" doc:"A path here to come back to from the provider's page"`
	}
}

type payView struct {
	Order      *orderView  `json:"order,omitempty"`
	OrderToken string      `json:"order_token,omitempty" doc:"With it a guest comes back to the order: header X-Order-Token or ?token="`
	NextAction *nextAction `json:"next_action,omitempty"`
}

type nextAction struct {
	Type string `json:"type" enum:"redirect,wait" doc:"wait: the bank has not answered; look at the checkout again in a moment"`
	URL  string `json:"url,omitempty"`
}

type payOutput struct {
	Status int
	Body   payView
}

func (a *API) pay(ctx context.Context, in *payInput) (*payOutput, error) {
	who := asker(ctx)
	if !herePath(in.Body.ReturnURL) {
		return nil, fault.InvalidField("body.return_url", "Give a path of this site, such as /orders.")
	}
	out, err := a.deps.Orders.Pay(ctx, who, in.ID, order.Payment{Method: in.Body.Method, Expected: in.Body.Expected, ReturnURL: in.Body.ReturnURL})
	if err != nil {
		return nil, err
	}
	switch out.State {
	case order.PayRedirected:
		return &payOutput{http.StatusAccepted, payView{NextAction: &nextAction{"redirect", out.Redirect}}}, nil
	case order.PayStarted:
		return &payOutput{http.StatusAccepted, payView{NextAction: &nextAction{"wait", ""}}}, nil
	case order.PaySucceeded:
	case order.PayDeclined:
		return nil, declined(out.Reason)
	case order.PayReturning:
		return nil, fault.New(fault.Conflict, "The checkout was over before the payment came. Nothing is kept: the money goes back.").WithType("checkout_over")
	default: // called off at the provider before it could succeed
		return nil, fault.New(fault.Conflict, "This payment was called off before it was made: the checkout was cancelled, ran out, or gave way to a newer one. Nothing was taken; check out again.").WithType("checkout_over")
	}
	token := a.deps.Orders.Token(out.Order)
	ord, err := a.deps.Orders.Order(db.WithoutKey(ctx), account.Asker{Viewer: who.Viewer, Account: who.Account}, out.Order, token)
	if err != nil {
		return nil, err
	}
	view := viewOrder(ord)
	answer := payView{Order: &view}
	if ord.Account == "" {
		answer.OrderToken = token
	}
	return &payOutput{http.StatusOK, answer}, nil
}

// herePath reports whether a text is empty or a path of this site that no browser reads as another's.
func herePath(s string) bool {
	if s == "" {
		return true
	}
	u, err := url.Parse(s)
	return err == nil && !u.IsAbs() && u.Host == "" && s[0] == '/' && !strings.HasPrefix(s, "//") && !strings.ContainsAny(s, "\\\t\r\n")
}

// declined is the answer for a refused payment: 402, and the reservation stays.
func declined(reason string) error {
	says := map[string]string{
		"card_declined":          "The card was declined.",
		"insufficient_funds":     "The card was declined: not enough money on it.",
		"authentication_refused": "The payment was not approved on the bank's page.",
	}[reason]
	if says == "" {
		says = "The payment was declined."
	}
	return fault.New(fault.Declined, "%s Nothing was taken, and your items stay reserved: try another way to pay.", says).WithType("payment_declined")
}

type ordersInput struct {
	List
}

func (a *API) orders(ctx context.Context, in *ordersInput) (*PageOutput[orderView], error) {
	from, err := after[id.Order](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Orders.Orders(ctx, asker(ctx), from, in.Limit+1)
	return pageOfOrders(list, in.Limit, err)
}

func pageOfOrders(list []order.Order, limit int, err error) (*PageOutput[orderView], error) {
	if err != nil {
		return nil, err
	}
	views := make([]orderView, len(list))
	for i := range list {
		views[i] = viewOrder(list[i])
	}
	return page(views, limit, func(v orderView) string { return string(v.ID) }), nil
}

type orderInput struct {
	ID          id.Order `path:"id"`
	Token       string   `query:"token" maxLength:"200" doc:"A guest's order token"`
	HeaderToken string   `header:"X-Order-Token" maxLength:"200"`
}

// token returns the order token the request carries, "" for none.
func (in *orderInput) token() string {
	if in.HeaderToken != "" {
		return in.HeaderToken
	}
	return in.Token
}

func (a *API) getOrder(ctx context.Context, in *orderInput) (*Output[orderView], error) {
	ord, err := a.deps.Orders.Order(ctx, asker(ctx), in.ID, in.token())
	if err != nil {
		return nil, err
	}
	return ok(viewOrder(ord)), nil
}

// cancelOrder calls an order off for its buyer; who holds a guest's token is its buyer.
func (a *API) cancelOrder(ctx context.Context, in *orderInput) (*Output[orderView], error) {
	who, err := a.deps.Orders.Bearer(ctx, asker(ctx), string(in.ID), in.token())
	if err != nil {
		return nil, err
	}
	ord, err := a.deps.Orders.Cancel(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	return ok(viewOrder(ord)), nil
}

// StateInput narrows a list of parts.
type StateInput struct {
	List
	State order.State `query:"state" maxLength:"20" doc:"Only parts in this state"`
}

func (a *API) brandOrders(ctx context.Context, in *struct {
	ID id.Brand `path:"id"`
	StateInput
}) (*PageOutput[orderView], error) {
	from, err := after[id.Order](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Orders.BrandOrders(ctx, asker(ctx), in.ID, in.State, from, in.Limit+1)
	return pageOfOrders(list, in.Limit, err)
}

func (a *API) allOrders(ctx context.Context, in *StateInput) (*PageOutput[orderView], error) {
	from, err := after[id.Order](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Orders.AllOrders(ctx, asker(ctx), in.State, from, in.Limit+1)
	return pageOfOrders(list, in.Limit, err)
}

type shipInput struct {
	ID   id.Order `path:"id"`
	Body struct {
		Lines    []id.Line `json:"line_ids,omitempty" maxItems:"100" nullable:"false" doc:"None: every line of the part that has not shipped"`
		Carrier  string    `json:"carrier,omitempty" maxLength:"80" doc:"Needed without a label: who carries it"`
		Tracking string    `json:"tracking,omitempty" maxLength:"80"`
		// The platform's label, where the brand does not carry the parcel itself.
		Label id.LabelRate `json:"label_rate_id,omitempty" maxLength:"40" doc:"The platform's label it goes with, of /brands/{id}/labels: it is paid from the buyer's shipping, and what it costs beyond that is the brand's. All parcels of a part go one way"`
	}
}

func (a *API) ship(ctx context.Context, in *shipInput) (*Output[shipmentView], error) {
	s, err := a.deps.Orders.Ship(ctx, asker(ctx), in.ID, order.NewShipment{Lines: in.Body.Lines, Carrier: in.Body.Carrier, Tracking: in.Body.Tracking, Label: in.Body.Label})
	if err != nil {
		return nil, err
	}
	return ok(viewShipment(s, order.AsBrand)), nil
}

func (a *API) delivered(ctx context.Context, in *struct {
	ID id.Shipment `path:"id"`
}) (*Output[shipmentView], error) {
	s, err := a.deps.Orders.Delivered(ctx, asker(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return ok(viewShipment(s, order.AsBrand)), nil
}
