package web

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/clock"
	"mezzo/internal/content"
	"mezzo/internal/db"
	"mezzo/internal/feed"
	"mezzo/internal/id"
	"mezzo/internal/insight"
	"mezzo/internal/media"
	"mezzo/internal/notify"
	"mezzo/internal/order"
	"mezzo/internal/payment"
	"mezzo/internal/payout"
	"mezzo/internal/reach"
	"mezzo/internal/sample"
	"mezzo/internal/trust"
	"mezzo/internal/voucher"
)

// Deps are the uses the pages stand on: the same ones as the API's.
type Deps struct {
	DB        *db.DB
	Keys      *id.Keyring // signs impression tokens
	Accounts  *account.Accounts
	Catalog   *catalog.Catalog
	Content   *content.Content
	Media     *media.Media
	Affiliate *affiliate.Affiliate
	Orders    *order.Orders
	Vouchers  *voucher.Vouchers
	Samples   *sample.Samples
	Sandbox   *payment.Sandbox // nil where a provider outside has pages of its own
	Payouts   *payout.Payouts
	Trust     *trust.Trust
	Feed      *feed.Feed
	Insight   *insight.Insight // nil: no numbers are shown
	Notify    *notify.Notify
	Reach     *reach.Reach // nil: the pages of the ranking are not there
}

// Options say how pages are made.
type Options struct {
	Clock      clock.Clock  // required
	Log        *slog.Logger // nil: nothing is logged
	Demo       bool         // a demo world: said on every page
	TrustProxy bool         // believe X-Forwarded-Proto of the proxy in front
	Leads      []string     // origins of the payment provider's pages: where our forms may lead besides here
}

// Site is the pages: an http.Handler to be mounted at "/" behind the API's door, which finds out
// who asks and refuses what other sites' pages send.
type Site struct {
	Deps
	opts Options
	log  *slog.Logger
	mux  *http.ServeMux
	// policy is Policy, with the provider's pages among those that forms lead to.
	policy string
	book   lastCheck
}

// New returns the pages of the uses.
func New(deps Deps, opts Options) *Site {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	s := &Site{Deps: deps, opts: opts, log: opts.Log, mux: http.NewServeMux(),
		policy: strings.Replace(Policy, "form-action 'self'", strings.Join(append([]string{"form-action 'self'"}, opts.Leads...), " "), 1)}
	for _, r := range s.Routes() {
		s.mux.Handle(r.Pattern, s.page(r))
	}
	s.mux.Handle("GET "+AssetPath, Assets())
	s.mux.Handle("/", s.page(Route{Who: Anybody, do: s.elsewhere}))
	return s
}

// ServeHTTP answers every page.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Audience is whom a page is for. Everybody else gets the sign-in or the page that is not there.
type Audience string

// The audiences. {b} in the pattern of a Staff page is the brand they must belong to.
const (
	Anybody  Audience = "anybody"
	Person   Audience = "person"   // signed in
	Maker    Audience = "creator"  // with a creator profile; others are shown how to get one
	Staff    Audience = "staff"    // of the brand
	Operates Audience = "operator" // of the house
)

// Route is one page or form.
type Route struct {
	Pattern string
	Who     Audience
	do      func(*visit) error
	most    int64 // bytes of its body; 0: formMost
}

// Bounds of what a form may send, in bytes.
const (
	formMost     = 1 << 20
	picturesMost = catalog.MaxImages*media.MaxImageBytes + formMost
	videoMost    = media.MaxUploadBytes + formMost
)

// Routes lists every page and form.
func (s *Site) Routes() []Route {
	return slices.Concat(s.shopping(), s.making(), s.selling(), s.running())
}

// shopping is what people meet who look around and buy.
func (s *Site) shopping() []Route {
	return []Route{
		{"GET /{$}", Anybody, s.home, 0},
		{"GET /following", Anybody, s.following, 0},
		{"GET /v/{video}", Anybody, s.video, 0},
		{"POST /v/{video}/like", Person, s.like, 0},
		{"GET /v/{video}/comments", Anybody, s.comments, 0},
		{"POST /v/{video}/comments", Person, s.say, 0},
		{"GET /v/{video}/report", Anybody, s.report, 0},
		{"POST /v/{video}/reports", Anybody, s.sendReport, 0},
		{"GET /c/{handle}", Anybody, s.creator, 0},
		{"GET /ranking", Anybody, s.chooses, 0},
		{"POST /ranking/profiling", Anybody, s.setProfiling, 0},
		{"POST /ranking/reset", Anybody, s.resetFeed, 0},
		{"POST /ranking/creators", Anybody, s.hideCreator, 0},
		{"POST /ranking/videos", Anybody, s.hideVideo, 0},
		{"POST /c/{handle}/follow", Person, s.follow, 0},
		{"GET /go", Anybody, s.open, 0},
		{"GET /products/{product}", Anybody, s.product, 0},
		{"GET /search", Anybody, s.search, 0},

		{"GET /bag", Anybody, s.bag, 0},
		{"POST /bag/codes", Anybody, s.addCode, 0},
		{"POST /bag/codes/remove", Anybody, s.dropCode, 0},
		{"POST /bag/voucher", Anybody, s.wish, 0},
		{"POST /bag/lines", Anybody, s.addToBag, 0},
		{"POST /bag/lines/{line}", Anybody, s.changeBag, 0},
		{"POST /bag/lines/{line}/remove", Anybody, s.takeOut, 0},
		{"GET /checkout", Anybody, s.address, 0},
		{"POST /checkout", Anybody, s.checkOut, 0},
		{"GET /checkout/{checkout}", Anybody, s.checkout, 0},
		{"POST /checkout/{checkout}/pay", Anybody, s.pay, 0},
		{"POST /checkout/{checkout}/release", Anybody, s.letGo, 0},
		{"GET /sandbox/pay/{charge}", Anybody, s.bank, 0},
		{"POST /sandbox/pay/{charge}", Anybody, s.answerBank, 0},
		{"GET /orders", Anybody, s.orders, 0},
		{"GET /orders/{order}", Anybody, s.order, 0},
		{"POST /orders/{order}/cancel", Anybody, s.cancel, 0},
		{"POST /orders/{order}/returns", Anybody, s.askReturn, 0},
		{"POST /orders/{order}/claims", Anybody, s.claim, 0},
		{"POST /claims/{claim}/withdraw", Anybody, s.dropClaim, 0},
		{"POST /returns/{return}/sent", Anybody, s.sendReturn, 0},
		{"POST /returns/{return}/withdraw", Anybody, s.dropReturn, 0},

		{"GET /sign-up", Anybody, s.signUp, 0},
		{"POST /sign-up", Anybody, s.makeAccount, 0},
		{"GET /sign-in", Anybody, s.signIn, 0},
		{"POST /sign-in", Anybody, s.letIn, 0},
		{"POST /sign-out", Anybody, s.signOut, 0},
		{"POST /theme", Anybody, s.theme, 0},
		{"GET /you", Person, s.you, 0},
		{"POST /you", Person, s.changeYou, 0},
		{"POST /you/creator", Person, s.putCreator, 0},
		{"POST /you/tokens", Person, s.makeToken, 0},
		{"POST /you/tokens/{token}/remove", Person, s.revokeToken, 0},
		{"POST /you/addresses/{address}/remove", Person, s.dropAddress, 0},
	}
}

// making is what creators work with.
func (s *Site) making() []Route {
	return []Route{
		{"GET /studio", Person, s.studio, 0},
		{"POST /studio/creator", Person, s.putCreator, 0},
		{"GET /studio/upload", Maker, s.upload, 0},
		{"POST /studio/videos", Maker, s.post, videoMost},
		{"GET /studio/videos", Maker, s.videos, 0},
		{"GET /studio/videos/{video}", Maker, s.videoNumbers, 0},
		{"POST /studio/videos/{video}", Maker, s.changeVideo, 0},
		{"POST /studio/videos/{video}/remove", Maker, s.removeVideo, 0},
		{"POST /studio/videos/{video}/dispute", Maker, s.dispute, 0},
		{"GET /studio/programs", Maker, s.marketplace, 0},
		{"GET /studio/showcase", Maker, s.showcase, 0},
		{"POST /studio/showcase", Maker, s.changeShowcase, 0},
		{"GET /studio/codes", Maker, s.codes, 0},
		{"GET /studio/samples", Maker, s.samples, 0},
		{"POST /studio/samples", Maker, s.askSample, 0},
		{"GET /studio/samples/new", Maker, s.newSample, 0},
		{"POST /studio/samples/{sample}/receipt", Maker, s.receiveSample, 0},
		{"POST /studio/samples/{sample}/loss", Maker, s.loseSample, 0},
		{"POST /studio/samples/{sample}/cancel", Maker, s.dropSample, 0},
		{"GET /studio/earnings", Maker, s.earnings, 0},
		{"GET /studio/attributions", Maker, s.attributions, 0},
		{"GET /studio/payouts", Maker, s.payouts, 0},
		{"GET /studio/statement", Maker, s.statement, 0},
		{"POST /studio/payouts", Maker, s.payOut, 0},
		{"POST /studio/payouts/payee", Maker, s.putPayee, 0},
		{"POST /studio/payouts/destinations", Maker, s.addPlace, 0},
		{"POST /studio/payouts/destinations/{destination}", Maker, s.changePlace, 0},
	}
}

// selling is what brands work with.
func (s *Site) selling() []Route {
	return []Route{
		{"GET /brand/new", Person, s.newBrand, 0},
		{"POST /brands", Person, s.openBrand, 0},
		{"GET /brand/{b}", Staff, s.brandHome, 0},
		{"GET /brand/{b}/products", Staff, s.stall, 0},
		{"GET /brand/{b}/products/new", Staff, s.newProduct, 0},
		{"POST /brand/{b}/products", Staff, s.putUp, picturesMost},
		{"GET /brand/{b}/products/{product}", Staff, s.editProduct, 0},
		{"POST /brand/{b}/products/{product}", Staff, s.changeProduct, 0},
		{"POST /brand/{b}/products/{product}/state", Staff, s.changeState, 0},
		{"POST /brand/{b}/products/{product}/images", Staff, s.addPictures, picturesMost},
		{"POST /brand/{b}/products/{product}/images/{image}/remove", Staff, s.removePicture, 0},
		{"POST /brand/{b}/products/{product}/variants", Staff, s.addVariant, 0},
		{"POST /brand/{b}/variants/{variant}", Staff, s.changeVariant, 0},
		{"GET /brand/{b}/programs", Staff, s.programs, 0},
		{"GET /brand/{b}/programs/new", Staff, s.newProgram, 0},
		{"POST /brand/{b}/programs", Staff, s.openProgram, 0},
		{"POST /brand/{b}/programs/{program}", Staff, s.changeProgram, 0},
		{"GET /brand/{b}/samples", Staff, s.samplesOfBrand, 0},
		{"POST /brand/{b}/samples/{sample}/decision", Staff, s.decideSample, 0},
		{"POST /brand/{b}/samples/{sample}/ship", Staff, s.shipSample, 0},
		{"POST /brand/{b}/samples/{sample}/cancel", Staff, s.cancelSample, 0},
		{"POST /brand/{b}/samples/{sample}/return", Staff, s.returnSample, 0},
		{"GET /brand/{b}/vouchers", Staff, s.vouchers, 0},
		{"POST /brand/{b}/vouchers", Staff, s.giveVoucher, 0},
		{"POST /brand/{b}/vouchers/{voucher}/end", Staff, s.endVoucher, 0},
		{"GET /brand/{b}/orders", Staff, s.ordersOfBrand, 0},
		{"POST /brand/{b}/orders/{order}/ship", Staff, s.ship, 0},
		{"POST /brand/{b}/orders/{order}/refund", Staff, s.refund, 0},
		{"POST /brand/{b}/shipments/{shipment}/delivered", Staff, s.delivered, 0},
		{"GET /brand/{b}/returns", Staff, s.returnsOfBrand, 0},
		{"POST /brand/{b}/returns/{return}/decision", Staff, s.decideReturn, 0},
		{"POST /brand/{b}/claims/{claim}/answer", Staff, s.answerClaim, 0},
		{"GET /brand/{b}/disputes", Staff, s.disputesOfBrand, 0},
		{"GET /brand/{b}/disputes/{dispute}", Staff, s.disputeOfBrand, 0},
		{"POST /brand/{b}/disputes/{dispute}/evidence", Staff, s.submitEvidence, 0},
		{"GET /brand/{b}/balance", Staff, s.balance, 0},
		{"GET /brand/{b}/payouts", Staff, s.payouts, 0},
		{"GET /brand/{b}/statement", Staff, s.statement, 0},
		{"POST /brand/{b}/payouts", Staff, s.payOut, 0},
		{"POST /brand/{b}/payouts/payee", Staff, s.putPayee, 0},
		{"POST /brand/{b}/payouts/destinations", Staff, s.addPlace, 0},
		{"POST /brand/{b}/payouts/destinations/{destination}", Staff, s.changePlace, 0},
		{"GET /brand/{b}/members", Staff, s.members, 0},
		{"POST /brand/{b}/members", Staff, s.addMember, 0},
		{"POST /brand/{b}/members/{account}/remove", Staff, s.removeMember, 0},
		{"GET /brand/{b}/keys", Staff, s.keys, 0},
		{"POST /brand/{b}/keys", Staff, s.makeKey, 0},
		{"POST /brand/{b}/keys/{key}/revoke", Staff, s.revokeKey, 0},
		{"GET /brand/{b}/webhooks", Staff, s.webhooks, 0},
		{"POST /brand/{b}/webhooks", Staff, s.addWebhook, 0},
		{"GET /brand/{b}/webhooks/{hook}", Staff, s.webhook, 0},
		{"POST /brand/{b}/webhooks/{hook}/state", Staff, s.switchWebhook, 0},
		{"POST /brand/{b}/webhooks/{hook}/secret", Staff, s.turnWebhook, 0},
		{"POST /brand/{b}/webhooks/{hook}/test", Staff, s.testWebhook, 0},
		{"POST /brand/{b}/webhooks/{hook}/replay", Staff, s.replayWebhook, 0},
		{"POST /brand/{b}/webhooks/{hook}/again/{message}", Staff, s.againWebhook, 0},
		{"POST /brand/{b}/webhooks/{hook}/delete", Staff, s.endWebhook, 0},
		{"POST /brand/{b}/tokens", Staff, s.makeBrandToken, 0},
		{"POST /brand/{b}/tokens/{token}/revoke", Staff, s.revokeBrandToken, 0},
		{"POST /brand/{b}/details", Staff, s.changeBrand, 0},
		{"POST /brand/{b}/shipping", Staff, s.addShipping, 0},
		{"POST /brand/{b}/shipping/{code}/remove", Staff, s.removeShipping, 0},
	}
}

// running is what the operator works with.
func (s *Site) running() []Route {
	return []Route{
		{"GET /operator", Operates, s.operator, 0},
		{"GET /operator/people", Operates, s.people, 0},
		{"GET /operator/content", Operates, s.content, 0},
		{"GET /operator/orders", Operates, s.ordersOfHouse, 0},
		{"POST /operator/orders/{order}/refund", Operates, s.refundByHouse, 0},
		{"GET /operator/disputes", Operates, s.disputesOfHouse, 0},
		{"GET /operator/ledger", Operates, s.ledger, 0},
		{"GET /operator/money", Operates, s.houseMoney, 0},
		{"GET /operator/payouts", Operates, s.housePayouts, 0},
		{"POST /operator/payouts/{payout}", Operates, s.decidePayout, 0},
		{"GET /operator/bank", Operates, s.houseBank, 0},
		{"POST /operator/bank/files", Operates, s.makeFile, 0},
		{"POST /operator/bank/preview", Operates, s.previewResults, resultsMost},
		{"POST /operator/bank/results", Operates, s.readResults, resultsMost},
		{"POST /operator/bank/settlements", Operates, s.noteSettlement, 0},
		{"POST /operator/bank/exchanges", Operates, s.noteExchange, 0},
		{"POST /operator/bank/unmatched/{line}", Operates, s.settleLine, 0},
		{"GET /operator/differences", Operates, s.houseDifferences, 0},
		{"POST /operator/differences", Operates, s.compareNow, 0},
		{"POST /operator/differences/notes", Operates, s.noteDifference, 0},
		{"GET /operator/claims", Operates, s.houseClaims, 0},
		{"POST /operator/claims/{claim}", Operates, s.decideClaim, 0},
		{"GET /operator/reserves", Operates, s.houseReserves, 0},
		{"POST /operator/reserves/{b}", Operates, s.setReserve, 0},
		{"GET /operator/labels", Operates, s.labels, 0},
		{"POST /operator/labels", Operates, s.addLabel, 0},
		{"POST /operator/labels/{label}", Operates, s.changeLabel, 0},
		{"POST /operator/labels/{label}/end", Operates, s.endLabel, 0},
		{"POST /operator/carriers/{carrier}", Operates, s.payCarrier, 0},
		{"GET /operator/debts", Operates, s.houseDebts, 0},
		{"POST /operator/debts/{owner}", Operates, s.giveUpDebt, 0},
		{"POST /operator/write_offs/{write_off}", Operates, s.decideWriteOff, 0},
		{"POST /operator/keys", Operates, s.turnKeys, 0},
		{"GET /operator/vouchers", Operates, s.vouchers, 0},
		{"POST /operator/vouchers", Operates, s.giveVoucher, 0},
		{"POST /operator/vouchers/{voucher}/end", Operates, s.endVoucher, 0},
		{"GET /operator/taxes", Operates, s.taxes, 0},
		{"POST /operator/taxes", Operates, s.addTax, 0},
		{"POST /operator/taxes/{tax}", Operates, s.changeTax, 0},
		{"POST /operator/taxes/{tax}/end", Operates, s.endTax, 0},
		{"GET /operator/ranking", Operates, s.ranking, 0},
		{"POST /operator/ranking/preview", Operates, s.previewPolicy, 0},
		{"POST /operator/ranking/versions", Operates, s.writePolicy, 0},
		{"POST /operator/ranking/split", Operates, s.splitPolicies, 0},
		{"POST /operator/ranking/rollback", Operates, s.rollBack, 0},
		{"POST /operator/ranking/answer", Operates, s.answerDispute, 0},
		{"GET /operator/ranking/audit", Operates, s.audit, 0},
		{"POST /operator/standing", Operates, s.changeStanding, 0},
		{"POST /operator/standing/undo", Operates, s.undoStanding, 0},
	}
}
