package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"mezzo/internal/insight"
)

// samplePages is every page with made-up content, and the first runs.
func samplePages() map[string]templ.Component {
	pages := map[string]templ.Component{}
	for _, part := range []map[string]templ.Component{marketPages(), tillPages(), studioPages(), boardPages(), housePages(), rankingPages()} {
		for name, c := range part {
			pages[name] = c
		}
	}
	return pages
}

func marketPages() map[string]templ.Component {
	panel := sampleProduct()
	feed := sampleChrome("For you", Market, "feed")
	nobody := Chrome{Title: "For you", Room: Market, Place: "feed", Demo: true}
	three := sampleClip("vid_2")
	three.Products = append(three.Products, Offer{ID: "prd_2", Title: "Harbour mug, teal", Price: usd(2400), Picture: pic("mug"), Left: "in stock"})
	three.Disclosure = []string{"commission", "sample"}
	text := Field{Name: "text", Label: "Say something", Max: 500, Rows: 2}
	gone := sampleProduct()
	gone.Variants = gone.Variants[2:]
	gone.Pictures = nil
	return map[string]templ.Component{
		"feed":          Feed(FeedPage{Chrome: feed, Surface: "home", Items: []Clip{sampleClip("vid_1"), three, sampleClip("vid_3")}, Next: "/?cursor=x", Cursor: "x", Panel: &panel}),
		"feed-two":      Feed(FeedPage{Chrome: nobody, Surface: "home", Items: []Clip{three}, Next: "/?cursor=x", Cursor: "x"}),
		"feed-empty":    Feed(FeedPage{Chrome: nobody, Surface: "following", Empty: Empty{Art: "candle", Head: "Nobody followed yet", Text: "Whom you follow stands here, complete and the newest first.", Way: Link{"To the market", "/"}}}),
		"comments":      Comments(CommentsPage{Chrome: sampleChrome("Comments", Market, "feed"), Video: "vid_1", Caption: "Three eggs, no oil, no stick.", Creator: CreatorRef{Name: "Marisol Vega"}, CanSay: true, Text: text, Comments: []Said{{Name: "Jo K.", Text: "Does it work on induction?", When: "2 h"}, {Name: "Marisol Vega", Face: "/sample/marisol.svg", Text: "It does. Next video shows it.", When: "1 h", Creator: true}}}),
		"comments-none": Comments(CommentsPage{Chrome: sampleChrome("Comments", Market, "feed"), Video: "vid_1", Caption: "Three eggs", Creator: CreatorRef{Name: "Marisol Vega"}}),
		"report":        Report(ReportPage{Chrome: sampleChrome("Report a video", Market, "feed"), Video: "vid_1", Caption: "Three eggs, no oil, no stick.", Reasons: []Option{{"label", "It hides that it is paid", false}, {"claim", "It claims what is not true", false}, {"other", "Something else", false}}}),
		"product":       Product(ProductPage{Chrome: sampleChrome("Everyday skillet", Market, ""), Product: sampleProduct(), More: sampleGoods()[:4]}),
		"product-gone":  Product(ProductPage{Chrome: sampleChrome("Everyday skillet", Market, ""), Product: gone}),
		"search":        Listing(ListingPage{Chrome: sampleChrome("Search", Market, "search"), Found: -1, Goods: sampleGoods(), Categories: []Tab{{Text: "All", URL: "/", Here: true}, {Text: "Kitchen", URL: "/"}, {Text: "Home", URL: "/"}, {Text: "Garden", URL: "/"}, {Text: "Clothes", URL: "/"}}, Films: sampleFilms(), Pager: Pager{Next: "/search?cursor=x"}}),
		"search-none":   Listing(ListingPage{Chrome: sampleChrome("Search", Market, "search"), Query: "anvil", Found: 0}),
		"creator":       Creator(CreatorPage{Chrome: sampleChrome("Marisol Vega", Market, ""), Creator: CreatorRef{Handle: "marisol", Name: "Marisol Vega", Face: "/sample/marisol.svg"}, Bio: "Breakfast, mostly. One pan, no oil.", Films: sampleFilms(), Goods: sampleGoods()[:3]}),
		"problem-404":   Problem(ProblemPage{Chrome: sampleChrome("Not here", Market, ""), Status: 404, Head: "This page is not here", Text: "It was moved, taken down, or the address has a slip in it.", Ways: []Link{{"To the market", "/"}, {"Search", "/search"}}}),
		"problem-500":   Problem(ProblemPage{Chrome: sampleChrome("Sorry", Market, ""), Status: 500, Head: "Something broke on our side", Text: "Nothing was taken and nothing you typed is lost. Try again in a minute.", Ways: []Link{{"Try again", "/"}}, Trace: "req_01J"}),
	}
}

func tillPages() map[string]templ.Component {
	form := NewAddressForm()
	form.Country.Options = []Option{{"US", "United States", true}, {"CA", "Canada", false}}
	form.Email.Value, form.PostalCode.Value, form.PostalCode.Wrong = "dana.reyes@mail.example", "7870", "A ZIP has five digits."
	name, email, password := NewSignUpFields()
	email.Wrong, email.Value = "There is an account with this address. Sign in instead?", "dana@mail.example"
	inEmail, inPassword := NewSignInFields()
	till := sampleChrome("Checkout", Market, "")
	order := sampleOrder()
	order.Fresh, order.Token = true, "tok"
	methods := []Method{{"pm_card_visa", "Visa ·· 4242", "goes through", true}, {"pm_card_chargeDeclined", "Visa ·· 0002", "the bank says no", false}, {"pm_card_authenticationRequired", "Visa ·· 3155", "the bank asks you first", false}}
	return map[string]templ.Component{
		"bag": Bag(BagPage{Chrome: sampleChrome("Your bag", Market, "bag"), Total: usd(9600), Groups: []BagGroup{
			{Brand: Link{"Ferro & Ash", "/"}, Lines: []BagLine{{ID: "lin_1", Title: "Everyday skillet, 26 cm", URL: "/", Picture: pic("pan"), Quantity: 1, Most: 14, Unit: usd(4800), Total: usd(4800), Earner: "Marisol Vega"}}},
			{Brand: Link{"Tidewater Clay", "/"}, Lines: []BagLine{{ID: "lin_2", Title: "Harbour mug, teal", URL: "/", Picture: pic("mug"), Quantity: 2, Most: 20, Unit: usd(2400), Total: usd(4800)}, {ID: "lin_3", Title: "Dusk desk lamp", URL: "/", Picture: pic("lamp"), Gone: true}}}}}),
		"bag-saving":       Bag(BagPage{Chrome: sampleChrome("Your bag", Market, "bag"), Groups: []BagGroup{{Brand: Link{Text: "Ferro & Ash", URL: "/"}, Lines: []BagLine{{ID: "lin_1", Title: "Everyday skillet, 26 cm", URL: "/", Picture: pic("pan"), Quantity: 1, Most: 14, Unit: usd(4800), Total: usd(4800)}}}}, Total: usd(4800), Off: usd(980), Saving: sampleSaving()}),
		"bag-empty":        Bag(BagPage{Chrome: sampleChrome("Your bag", Market, "bag")}),
		"checkout-address": CheckoutAddress(AddressPage{Chrome: till, Lines: sampleTill(), Form: form, SignIn: true}),
		"checkout-kept":    CheckoutAddress(AddressPage{Chrome: till, Lines: sampleTill(), Form: form, Kept: []KeptRow{{"adr_1", "Dana Reyes", "1 Main St, Austin, TX 78701, United States", "/checkout?to=a", true}, {"adr_2", "Dana Reyes", "c/o Ferro & Ash, 418 Foundry Row, Portland, OR 97209, United States", "/checkout?to=a", false}}}),
		"checkout": Checkout(CheckoutPage{Chrome: till, ID: "chk_1", Lines: sampleTill(), HeldUntil: noon(22, 11, 14), Email: "dana.reyes@mail.example", Address: order.Address, Ships: sampleShips(), Sums: sampleSums(), Total: usd(5185), Methods: methods, Sandbox: true,
			Notes: []Note{{Tone: "bad", Head: "Your bank said no.", Text: "Nothing was taken. Your skillet is held until 11:14: try another card."}}}),
		"sandbox":      Sandbox(SandboxPage{Chrome: sampleChrome("Sandbox bank", Market, ""), Action: "/sandbox/x", Total: usd(5185), To: "Mezzo"}),
		"order":        Order(sampleOrder()),
		"order-fresh":  Order(order),
		"orders":       Orders(OrdersPage{Chrome: sampleChrome("Orders", Market, "orders"), SignedIn: true, Orders: []OrderRow{{"/orders/1", "Everyday skillet, 26 cm", pic("pan"), "On its way", "wait", noon(18, 11, 6), usd(5185), "Disputed at your bank"}, {"/orders/2", "Harbour mug and 2 more", pic("mug"), "Delivered", "good", noon(2, 9, 0), usd(7290), ""}}}),
		"orders-empty": Orders(OrdersPage{Chrome: Chrome{Title: "Orders", Room: Market, Place: "orders"}}),
		"sign-up":      SignUp(SignUpPage{Chrome: Chrome{Title: "Make an account"}, Name: name, Email: email, Password: password, Next: "/studio"}),
		"sign-in":      SignIn(SignInPage{Chrome: Chrome{Title: "Sign in"}, Email: inEmail, Password: inPassword, Notes: []Note{{Tone: "wait", Head: "Sign in first.", Text: "Then we bring you back."}}}),
	}
}

func studioPages() map[string]templ.Component {
	creator := NewCreatorForm()
	creator.Handle.Value, creator.Name.Value = "marisol", "Marisol Vega"
	empty := sampleStudio()
	empty.Best, empty.Next, empty.Today, empty.Orders, empty.PayWords = nil, nil, usd(0), 0, ""
	empty.Alerts, empty.Ranks, empty.Nothing, empty.Now, empty.Plot.Points = nil, nil, true, cellsOf(insight.Figures{Entity: "creator:crt_1"}, "views", "uniques", "ctr", "epc"), nil
	studio := func(title, place string) Chrome { return sampleChrome(title, Studio, place) }
	you := YouPage{Chrome: sampleChrome("Marisol Vega", Market, "you"), Name: Field{Name: "display_name", Label: "Name", Value: "Marisol Vega", Max: 80}, Email: "marisol@mail.example", Over18: true, Creator: &creator, Operator: true,
		Brands: []BrandRef{{ID: "brd_1", Name: "Ferro & Ash", Role: "owner"}}, Scopes: []Option{{"catalog:read", "read the catalogue", true}, {"orders:write", "ship orders", false}}, Tokens: []TokenRow{{"tok_1", "laptop", "catalog:read", "used yesterday"}}}
	upload := UploadPage{Chrome: studio("Post a video", "upload"), Caption: NewCaption(), MaxBytes: 500 << 20, Products: []Pick{{"prd_1", "Everyday skillet", "15 %, Ferro & Ash", "$48.00", pic("pan"), true}, {"prd_2", "Harbour mug, teal", "own brand", "$24.00", pic("mug"), false}}}
	none := upload
	none.Products = nil
	videos := []VideoRow{
		{ID: "vid_1", URL: "/v/1", Poster: "/sample/film.svg", Caption: "Three eggs, no oil, no stick", When: "18 Nov", State: "ready", Standing: "visible", Cells: cellsOf(sampleFigures("video:vid_1"), "impressions", "views", "product_clicks", "orders", "gmv"), Spark: samplePoints(), Numbers: "/studio/videos/vid_1"},
		{ID: "vid_2", URL: "/v/2", Caption: "Induction test", When: "today", State: "processing", Progress: 40},
		{ID: "vid_3", URL: "/v/3", Poster: "/sample/film.svg", Caption: "Rusty one", When: "2 Nov", State: "ready", Standing: "limited", StandingWhy: "Limited by Noor Haddad on 3 Nov: no label on paid content."},
		{ID: "vid_4", URL: "/v/4", Caption: "Camp stove", When: "1 Nov", State: "failed", Reason: "The file holds HEVC, which phones here cannot all play. Export it as H.264."},
	}
	return map[string]templ.Component{
		"become":          Become(BecomePage{Chrome: studio("Studio", "studio"), Form: NewCreatorForm()}),
		"studio":          StudioHome(sampleStudio()),
		"studio-empty":    StudioHome(empty),
		"upload":          Upload(upload),
		"upload-none":     Upload(none),
		"videos":          Videos(VideosPage{Chrome: studio("Videos", "videos"), Videos: videos}),
		"video-numbers":   VideoNumbers(sampleVideoNumbers()),
		"videos-empty":    Videos(VideosPage{Chrome: studio("Videos", "videos")}),
		"programs":        Programs(ProgramsPage{Chrome: studio("Goods to show", "programs"), Sorts: []Tab{{Text: "New", URL: "/", Here: true}, {Text: "Pays most", URL: "/"}}, Programs: samplePrograms()}),
		"programs-empty":  Programs(ProgramsPage{Chrome: studio("Goods to show", "programs")}),
		"showcase":        Showcase(ShowcasePage{Chrome: studio("Showcase", "showcase"), Goods: samplePrograms()[:1]}),
		"codes":           Codes(CodesPage{Chrome: studio("Your codes", "codes"), Rows: sampleVouchers()}),
		"samples":         SamplesOfCreator(SamplesPage{Chrome: studio("Your samples", "samples"), Rows: sampleSamples(false)}),
		"sample-ask":      AskSample(sampleAsk()),
		"samples-empty":   SamplesOfCreator(SamplesPage{Chrome: studio("Your samples", "samples")}),
		"codes-empty":     Codes(CodesPage{Chrome: studio("Your codes", "codes")}),
		"showcase-empty":  Showcase(ShowcasePage{Chrome: studio("Showcase", "showcase")}),
		"earnings":        Earnings(sampleEarnings()),
		"attributions":    Attributions(sampleAttributions()),
		"earnings-empty":  Earnings(EarningsPage{Chrome: studio("Earnings", "earnings"), Available: usd(0), Pending: usd(0), Paid: usd(0), Reversed: usd(0), Closed: "Payouts are not open on this server yet. The money stays yours."}),
		"you":             You(you),
		"you-not-creator": You(YouPage{Chrome: sampleChrome("Dana Reyes", Market, "you"), Name: you.Name, Email: "dana@mail.example", Fresh: "mzo_abcdefghijklmnopqrstuvwxyz0123456789"}),
	}
}

func boardPages() map[string]templ.Component {
	brand := func(title, place string) Chrome { return sampleChrome(title, Brand, place) }
	house := func(title, place string) Chrome { return sampleChrome(title, Operator, place) }
	name, percent, window, hold := NewProgramFields()
	other, budget := NewProgramMore("USD")
	open := NewBrandForm()
	open.Country.Options, open.Currency.Options = []Option{{"US", "United States", true}}, []Option{{"USD", "US dollar", true}}
	form := NewProductForm()
	form.Category.Options = []Option{{"kitchen", "Kitchen", true}, {"home", "Home", false}}
	form.Title.Value = "Everyday skillet"
	stock := Field{Name: "on_hand", Label: "On hand", Kind: "number", Value: "14", ID: "s-1"}
	price := Field{Name: "price", Label: "Price", Value: "48.00", Currency: "USD", ID: "p-1"}
	health := LedgerHealth{Balanced: true, Transfers: 48211, At: noon(22, 18, 42), Rows: []SumRow{{Label: "Sum of all accounts", Value: "$0.00", Total: true}, {Label: "Held for creators", Value: "$6,180.45"}, {Label: "Owed to brands", Value: "$38,902.17"}, {Label: "In suspense", Value: "0 lines"}}}
	bad := health
	bad.Balanced, bad.Problems = false, []string{"Order ··4471 was paid and has no transfers."}
	line := BalanceLine{When: noon(18, 11, 6), Text: "Everyday skillet, 26 cm", Note: "order ··4471, sold by Marisol Vega", Amount: usd(3397), State: Pending, Says: "until 8 Dec", Slip: []SumRow{{Label: "Paid for the goods", Value: "$43.00"}, {Label: "Commission, Marisol Vega", Value: "−$6.45"}, {Label: "Platform 6 %", Value: "−$2.58"}, {Label: "Yours", Value: "$33.97", Total: true}}, Transfer: "trf_01J"}
	return map[string]templ.Component{
		"brand-new":      NewBrand(NewBrandPage{Chrome: sampleChrome("Open a brand", Market, "you"), Form: open}),
		"brand":          BrandHome(sampleBrand()),
		"brand-start":    BrandHome(BrandPage{Chrome: brand("Today", "today"), Head: "Sunday, 22 November", Gmv: usd(0), GmvWords: "GMV, 28 days", Start: []Todo{{URL: "/", Icon: "tag", Text: "Put a product up", Note: "a name, a picture, a price"}, {URL: "/", Icon: "truck", Text: "Say how it ships", Note: "nothing can be bought before"}, {URL: "/", Icon: "coin", Text: "Open a program", Note: "so that creators show it"}}}),
		"products":       ProductsOfBrand(ProductsBoard{Chrome: brand("Products", "products"), Products: []ProductRow{{ID: "prd_1", Title: "Everyday skillet", Picture: pic("pan"), Price: usd(3600), Variants: 3, Left: 55, State: "active", Standing: "visible", Sold: 312}, {ID: "prd_2", Title: "Trivet", Picture: pic("board"), Price: usd(1200), Variants: 1, State: "archived"}}}),
		"products-empty": ProductsOfBrand(ProductsBoard{Chrome: brand("Products", "products")}),
		"product-new":    NewProduct(NewProductPage{Chrome: brand("New product", "products"), Form: form, Variant: NewVariantForm("USD", true)}),
		"product-edit":   EditProduct(EditProductPage{Chrome: brand("Everyday skillet", "products"), ID: "prd_1", Form: form, State: "active", Standing: "visible", URL: "/", Pictures: []EditPicture{{"img_1", pic("pan")}}, Variants: []EditVariant{{ID: "var_1", SKU: "FA-26", Title: Field{Name: "title", Label: "Size, colour or kind", Value: "26 cm", ID: "t-1"}, Price: price, OnHand: stock, Held: 2}}, New: NewVariantForm("USD", false)}),
		"brand-programs": ProgramsOfBrand(ProgramsBoard{Chrome: brand("Programs", "programs"), Programs: []ProgramRow{{ID: "prg_1", Name: "Open to all", Give: sampleFieldsOf(nil, "-1"), Bps: 1500, Window: "14 days after the click", Hold: "15 days after delivery", Goods: "all products", State: "running", Running: true, Showing: 12, Change: percent, Change2: other, Change3: budget,
			Other: "5 % on another product of yours that a click led to", Budget: "Budget $500.00: $212.40 left for new clicks, $100.00 kept for clicks already made, $187.60 spent."}}}),
		"program-new":         NewProgram(NewProgramPage{Chrome: brand("New program", "programs"), Name: name, Percent: percent, Window: window, Hold: hold, Other: other, Budget: budget, Give: sampleFieldsOf(nil, ""), Example: "On a $48.00 skillet at 15 % the creator gets $7.20, the platform $2.88, you $37.92.", Goods: []Pick{{ID: "prd_1", Title: "Everyday skillet", Price: "$48.00", Picture: pic("pan")}}}),
		"brand-orders":        OrdersOfBrand(OrdersBoard{Chrome: brand("Orders", "orders"), States: []Tab{{Text: "To pack", URL: "/", Here: true, Count: 18}, {Text: "Shipped", URL: "/", Count: 42}, {Text: "All", URL: "/"}}, Parts: []OrderJob{sampleJob("4471", "paid", "to pack, 5 h old"), sampleJob("4468", "shipped", "shipped 19 Nov")}}),
		"brand-returns":       ReturnsOfBrand(ReturnsBoard{Chrome: brand("Returns", "orders"), States: []Tab{{Text: "To answer", URL: "/", Here: true, Count: 2}, {Text: "Agreed", URL: "/", Count: 4}, {Text: "All", URL: "/"}}, Claims: []ClaimRow{{ID: "clm_1", Order: "ord_0001f4471", State: "open", Badge: "waits for the seller", Says: "The carrier says Monday, nothing came", Next: "Without proof by Wed 25 Nov, 09:12 everything is given back.", At: noon(22, 9, 12), Answer: &AnswerForm{Action: "/", Proof: Field{Name: "proof", Label: "What proves that it came", Rows: 3, Optional: true, ID: "proof-1", Hint: "Carrier, number, when and to whom. The buyer reads it."}}}}, Rows: sampleAnswers()}),
		"orders-none":         OrdersOfBrand(OrdersBoard{Chrome: brand("Orders", "orders"), States: []Tab{{Text: "To pack", URL: "/", Here: true}}}),
		"balance":             Balance(BalancePage{Chrome: brand("Money", "money"), Available: usd(224926), Held: usd(93140), HeldWords: "the next $37.92 on 24 Nov", Kept: "10 % of your share of the goods is kept back for 30 days when it is released, for refunds that come later. “New here”", Owed: "$12.00 is owed: refunds took more than was ready. What is released next pays it first.", Kinds: []Tab{{Text: "Held", URL: "/", Here: true}, {Text: "Ready", URL: "/"}, {Text: "Kept back", URL: "/"}}, Book: sampleBrand().Split, Lines: []BalanceLine{line}}),
		"keys":                Keys(sampleKeys(brand("Keys", "keys"), "mzw_Qm9vdHMgYW5kIHBhbnMsIG5vdGhpbmcgZWxzZS4AAAA")),
		"webhooks":            Webhooks(sampleHooks(brand("Webhooks", "webhooks"))),
		"webhook":             Webhook(sampleHook(brand("Webhook", "webhooks"))),
		"vouchers":            Vouchers(VouchersPage{Chrome: brand("Vouchers", "vouchers"), At: "/brand/brd_1/vouchers", Rows: sampleVouchers(), Form: newVoucherForm("USD"), Goods: []Pick{{ID: "prd_1", Title: "Everyday skillet", Price: "$48.00"}}}),
		"samples-brand":       SamplesOfBrand(SamplesPage{Chrome: brand("Samples", "samples"), States: []Tab{{Text: "All", URL: "/", Here: true}, {Text: "To answer", URL: "/", Count: 3}}, Rows: sampleSamples(true)}),
		"samples-brand-empty": SamplesOfBrand(SamplesPage{Chrome: brand("Samples", "samples")}),
		"vouchers-empty":      Vouchers(VouchersPage{Chrome: brand("Vouchers", "vouchers"), At: "/brand/brd_1/vouchers", Form: newVoucherForm("USD")}),
		"keys-staff":          Keys(KeysPage{Chrome: brand("Keys", "keys")}),
		"members": Members(MembersPage{Chrome: brand("Members", "members"), Owner: true, Email: Field{Name: "email", Label: "E-mail", Kind: "email", ID: "member-email"}, Details: open, Members: []Member{{Account: "acc_1", Name: "Jonas Ferro", Email: "jonas@ferro.example", Role: "owner", Me: true}, {Account: "acc_2", Name: "Ana Ash", Email: "ana@ferro.example", Role: "staff"}}, Ships: []ShipRow{{ID: "s1", Country: "United States", Name: "Lonestar Parcel", Days: "2–4 days", Price: usd(490)}},
			NewShip: ShipForm{Country: Field{Name: "country", Label: "To", Options: open.Country.Options, ID: "ship-to"}, Name: Field{Name: "name", Label: "Name", ID: "ship-name"}, Price: Field{Name: "price", Label: "Price", Currency: "USD", ID: "ship-price"}, DaysMin: Field{Name: "days_min", Label: "From days", Kind: "number"}, DaysMax: Field{Name: "days_max", Label: "To days", Kind: "number"}}}),
		"operator": OperatorHome(OperatorPage{Chrome: house("Health", "overview"), Live: sampleLive(false), Ledger: health, Waits: []StateCount{{"/", "flag", "Reports to read", "oldest 3 h", 7, true}}, Cells: houseCells(sampleHouse()), Plot: &Plot{Of: "house", Field: "ingest", As: "persec", Title: "Events acknowledged per second", Points: samplePoints()},
			Keys: []KeyRow{{"Key 3", "coming", "signs from Sun 22 Nov, 18:44, turned by Noor Haddad; the next turn is due on 27 Dec 2027"}, {"Key 2", "signing", "made on 3 Nov 2026"}, {"Key 1", "opening", "made on 1 Oct 2025"}}}),
		"vouchers-house": Vouchers(VouchersPage{Chrome: house("Vouchers", "vouchers"), At: "/operator/vouchers", House: true, Form: newVoucherForm("USD")}),
		"operator-bad":   OperatorHome(OperatorPage{Chrome: house("Health", "overview"), Ledger: bad}),
		"people":         People(PeopleBoard{Chrome: house("People", "people"), People: []PersonRow{{Thing: sampleThing("account", "Marisol Vega"), Email: "marisol@mail.example", Handle: "marisol", Brands: "owner of Ferro & Ash", Since: "3 Oct 2026"}}}),
		"content":        Content(ContentBoard{Chrome: house("Content", "content"), Kinds: []Tab{{Text: "Videos", URL: "/", Here: true}, {Text: "Products", URL: "/"}}, Things: []Thing{sampleThing("video", "Three eggs, no oil, no stick")}}),
		"taxes":          Taxes(sampleTaxes(house("Taxes", "taxes"))),
		"taxes-none":     Taxes(TaxPage{Chrome: house("Taxes", "taxes"), Form: newTaxForm()}),
		"house-orders":   OrdersOfHouse(AllOrders{Chrome: house("Orders", "orders"), Orders: []OrderLook{{ID: "ord_0014471", URL: "/", Placed: noon(18, 11, 6), Buyer: "Dana Reyes", Brands: "Ferro & Ash", State: "shipped", Tone: "wait", Total: usd(5185), Earned: "Marisol Vega $6.45", Marked: true}}}),
		"ledger":         Ledger(LedgerPage{Chrome: house("Ledger", "money"), Health: health, Accounts: Table{Label: "Accounts", Heads: []TableCell{{Text: "Account"}, {Text: "Balance", Num: true}, {Text: "Held", Num: true}}, Rows: [][]TableCell{{{Text: "Two-Tone Studio, held until the hold has passed", Sub: "brand:brd_06gsnhgq25w3kcy89szsxkve44:available", URL: "/"}, {Text: "$12.00", Num: true}, {Text: "$0.00", Num: true}}, {{Text: "creator:crt_1", URL: "/"}, {Text: "$212.40", Num: true}, {Text: "$389.44", Num: true}}}}}),
	}
}

func html(t *testing.T, c templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// gallery serves every sample page at its name, with the policy the program sends.
func gallery(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(AssetPath, Assets())
	mux.Handle("/sample/", http.StripPrefix("/sample/", http.FileServer(http.Dir("testdata"))))
	for name, c := range samplePages() {
		page := html(t, c)
		mux.HandleFunc("/gallery/"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", Policy)
			theme := r.URL.Query().Get("theme")
			_, _ = w.Write([]byte(strings.Replace(page, "<html ", `<html data-theme="`+theme+`" `, 1)))
		})
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// TestShots takes pictures of the pages for people to look at: MEZZO_SHOTS names the folder,
// MEZZO_SHOTS_ONLY a pattern of names.
func TestShots(t *testing.T) {
	folder := os.Getenv("MEZZO_SHOTS")
	if folder == "" {
		return // pictures are for people to look at: they are taken when MEZZO_SHOTS names a folder for them
	}
	only := regexp.MustCompile(os.Getenv("MEZZO_SHOTS_ONLY"))
	s := gallery(t)
	for name := range samplePages() {
		for _, size := range []string{"390,844", "1280,800"} {
			for _, theme := range []string{"light", "dark"} {
				shot := name + "-" + strings.Replace(size, ",", "x", 1) + "-" + theme
				if !only.MatchString(shot) {
					continue
				}
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				args := append(strings.Fields("--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run --hide-scrollbars --virtual-time-budget=1500"),
					"--user-data-dir="+t.TempDir(), "--window-size="+size, "--screenshot="+filepath.Join(folder, shot+".png"), s.URL+"/gallery/"+name+"?theme="+theme)
				out, err := exec.CommandContext(ctx, "chromium", args...).CombinedOutput()
				cancel()
				if err != nil {
					t.Errorf("%s: %v\n%s", shot, err, out)
				}
			}
		}
	}
}

// sampleKeys is a brand's keys page; secret is of a write key just made.
func sampleKeys(c Chrome, secret string) KeysPage {
	return KeysPage{Chrome: c, Owner: true, Host: "https://mezzo.example", Secret: secret, Scopes: []Option{{"catalog:read", "catalog:read", true}, {"orders:write", "orders:write", false}, {"metrics:read", "metrics:read", false}},
		Key: Field{Name: "name", Label: "Where it is used", ID: "key-name", Hint: "Your shop, your app: to know it by when you revoke it."}, Token: Field{Name: "name", Label: "What it is for", ID: "token-name"},
		Keys: []TokenRow{{"wrk_1", "ferro-ash.example", "", "made 3 Oct 2026"}}, Tokens: []TokenRow{{"tok_1", "stock sync", "catalog:read, catalog:write", "made 3 Oct 2026"}}}
}

func sampleHooks(c Chrome) WebhooksPage {
	return WebhooksPage{Chrome: c, URL: Field{Name: "url", Label: "Address of your system", Mode: "url", Hint: "Such as https://shop.example/mezzo"},
		Events: []Option{{"order.paid", "An order with goods of yours was paid", true}, {"order.refunded", "A buyer got money back", false}},
		Hooks: []HookRow{{ID: "whk_1", URL: "https://erp.ferro-ash.example/hooks/mezzo/orders-and-refunds-of-all-channels", Events: "order.paid, order.refunded", State: "active", Tone: "good", Note: "Nothing was accepted since Tue 3 Nov, 11:06."},
			{ID: "whk_2", URL: "https://ferro-ash.example/in", Events: "everything", State: "disabled", Tone: "bad", Note: "Switched off: It accepted nothing for 3 days. It answered 500. Mend it, make it active, and send again what it missed."}}}
}

func sampleHook(c Chrome) WebhookPage {
	return WebhookPage{Chrome: c, Active: true, Since: "Tue 3 Nov, 11:06", Secret: "whsec_Qm9vdHMgYW5kIHBhbnMsIG5vdGhpbmcgZWxzZS4AAAA=", Missed: true,
		Hook: HookRow{ID: "whk_1", URL: "https://erp.ferro-ash.example/hooks/mezzo/orders-and-refunds-of-all-channels", Events: "order.paid, order.refunded", State: "active", Tone: "good"},
		Tabs: []Tab{{Text: "All", URL: "/", Here: true}, {Text: "Waiting", URL: "/"}, {Text: "Accepted", URL: "/"}, {Text: "Given up", URL: "/"}, {Text: "Held", URL: "/"}},
		Sent: []SentRow{{ID: "msg_1", Type: "order.paid", At: "Tue 3 Nov, 11:06", State: "accepted", Tone: "good", Note: "tried once", Body: "{\n  \"type\": \"order.paid\"\n}"},
			{ID: "msg_2", Type: "order.refunded", At: "Mon 2 Nov, 09:00", State: "given up", Tone: "bad", Note: "tried 15 times. It answered 500.", Body: "{}"}}}
}

func sampleAttributions() AttributionsPage {
	r := Receipt{Says: "A creator's code that was typed earns the commission before any click.", Facts: []SumRow{{Label: "Price of the goods, without tax", Value: "$43.00"}, {Label: "Rule", Value: "code live last click, version 2"}},
		Touches: []Candidate{{Who: "You", What: "a click from a video", When: "Wed 18 Nov, 09:12", Says: "A creator's code was typed, which counts before a click."}}, Others: "1 touch of another creator was considered beside yours."}
	return AttributionsPage{Chrome: sampleChrome("Why not me", Studio, "earnings"), States: []Tab{{Text: "All", URL: "/studio/attributions", Here: true}, {Text: "Not earned", URL: "/studio/attributions?outcome=lost"}},
		Rows: []AttributionRow{{Title: "Everyday skillet, 26 cm", Picture: pic("pan"), When: "18 Nov, order ··4471", Says: r.Touches[0].Says, Receipt: r}, {Title: "Everyday skillet, 26 cm", Picture: pic("pan"), When: "17 Nov, order ··1192", Won: true, Says: "It won: you earn by it.", Receipt: Receipt{Says: "The last eligible click before the order earns the commission."}}}, Pager: Pager{Next: "/studio/attributions?cursor=x"}}
}
