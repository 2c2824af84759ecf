package ledger

import (
	"fmt"
	"strings"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Account is an account's name: words and ids between colons, as in brand:brd_…:pending.
// The chart lists every form; nothing can be posted to a name of another.
type Account string

// Class is what an account is in a balance sheet.
type Class string

// The classes. Assets and expenses grow by debits, the others by credits.
const (
	Asset     Class = "asset"
	Liability Class = "liability"
	Income    Class = "income"
	Expense   Class = "expense"
	Memo      Class = "memo"     // a promise that is kept count of, and no money
	Position  Class = "exchange" // where two currencies meet: what went into others, and with a minus what came of them
)

// The accounts of the platform that there is one of in each currency.
const (
	FeeDeferred         Account = "fee:deferred" // fees of what is not delivered yet
	FeeIncome           Account = "fee:income"
	ShippingPayable     Account = "shipping:payable"
	ShippingMargin      Account = "shipping:margin"
	GiftCards           Account = "giftcard"
	PromoPlatform       Account = "promo:platform" // vouchers that the platform pays for
	ProviderFees        Account = "psp:fees"
	DisputeFees         Account = "dispute:fees"
	DisputeLoss         Account = "dispute:loss"
	BadDebt             Account = "baddebt"
	Rounding            Account = "rounding" // must stay zero
	SuspenseAttribution Account = "suspense:attribution"
)

// Clearing is what a payment provider holds for us.
func Clearing(provider string) Account { return Account("psp:" + provider + ":clearing") }

// Disputes is what a payment provider withholds.
func Disputes(provider string) Account { return Account("disputes:" + provider) }

// RefundsPayable is what was promised back to buyers and not yet confirmed by the provider.
func RefundsPayable(provider string) Account { return Account("refunds:" + provider + ":payable") }

// Suspense holds a provider's lines that match nothing.
func Suspense(provider string) Account { return Account("suspense:" + provider) }

// BrandPending is a brand's money until its hold has passed.
func BrandPending(b id.Brand) Account { return Account("brand:" + string(b) + ":pending") }

// BrandAvailable is a brand's money that it may have paid out.
func BrandAvailable(b id.Brand) Account { return Account("brand:" + string(b) + ":available") }

// BrandHeld is a brand's money under dispute.
func BrandHeld(b id.Brand) Account { return Account("brand:" + string(b) + ":held") }

// BrandReserve is a brand's rolling reserve.
func BrandReserve(b id.Brand) Account { return Account("brand:" + string(b) + ":reserve") }

// BrandOwes is what a brand owes the platform.
func BrandOwes(b id.Brand) Account { return Account("recv:brand:" + string(b)) }

// CreatorPending is a creator's commission until its hold has passed.
func CreatorPending(c id.Creator) Account { return Account("creator:" + string(c) + ":pending") }

// CreatorAvailable is a creator's commission that may be paid out.
func CreatorAvailable(c id.Creator) Account { return Account("creator:" + string(c) + ":available") }

// CreatorHeld is a creator's commission under dispute.
func CreatorHeld(c id.Creator) Account { return Account("creator:" + string(c) + ":held") }

// CreatorOwes is what a creator owes the platform.
func CreatorOwes(c id.Creator) Account { return Account("recv:creator:" + string(c)) }

// TaxOwed is tax the platform collected for a jurisdiction (US-CA, DE).
func TaxOwed(jurisdiction string) Account { return Account("tax:" + jurisdiction) }

// CarrierOwed is what a carrier is owed for labels.
func CarrierOwed(carrier string) Account { return Account("carrier:" + carrier) }

// Transit is what left somebody's available and has not arrived yet, by rail.
func Transit(rail string) Account { return Account("payouts:" + rail + ":transit") }

// Withheld is tax kept back from payouts for a jurisdiction.
func Withheld(jurisdiction string) Account { return Account("wht:" + jurisdiction) }

// Bank is what a bank holds for us.
func Bank(name string) Account { return Account("bank:" + name) }

// Exchange is where two currencies meet: one account for both of them in each, the first of the two in its name being that of
// the lower letters.
func Exchange(a, b money.Currency) Account {
	if b < a {
		a, b = b, a
	}
	return Account("fx:" + string(a) + "-" + string(b))
}

// form is a row of the chart: a pattern where * stands for one word, and what it is.
type form struct {
	pattern string
	class   Class
	limited bool // never below zero; its balance is kept in the transaction
}

// chart lists all accounts by form.
var chart = []form{
	{"psp:*:clearing", Asset, false}, {"bank:*", Asset, false}, {"disputes:*", Asset, false},
	{"recv:creator:*", Asset, false}, {"recv:brand:*", Asset, false},
	{"brand:*:pending", Liability, true}, {"brand:*:available", Liability, true},
	{"brand:*:held", Liability, true}, {"brand:*:reserve", Liability, true},
	{"creator:*:pending", Liability, true}, {"creator:*:available", Liability, true}, {"creator:*:held", Liability, true},
	{"fee:deferred", Liability, false}, {"fee:income", Income, false},
	{"tax:*", Liability, false}, {"wht:*", Liability, false},
	{"shipping:payable", Liability, false}, {"carrier:*", Liability, false}, {"shipping:margin", Income, false},
	{"refunds:*:payable", Liability, false}, {"payouts:*:transit", Liability, true},
	{"giftcard", Liability, false}, {"suspense:*", Liability, false},
	{"promo:platform", Expense, false}, {"psp:fees", Expense, false}, {"dispute:fees", Expense, false},
	{"dispute:loss", Expense, false}, {"baddebt", Expense, false}, {"rounding", Expense, false},
	{"fx:*", Position, false},
	{"program:*:granted", Memo, false}, {"program:*:budget", Memo, true}, {"program:*:reserve", Memo, true}, {"program:*:spent", Memo, true},
}

// maxWord bounds one word of an account's name.
const maxWord = 64

// form returns the row of the chart the name belongs to.
func (a Account) form() (form, error) {
	for _, f := range chart {
		if a != "" && f.pattern[0] == a[0] && matches(string(a), f.pattern) {
			return f, nil
		}
	}
	return form{}, fmt.Errorf("%.80q is no account of the chart", string(a))
}

// matches reports whether the name has the pattern's words, * being any one word.
func matches(name, pattern string) bool {
	for {
		want, morePattern, wantMore := strings.Cut(pattern, ":")
		word, moreName, more := strings.Cut(name, ":")
		if want != "*" && want != word || want == "*" && !isWord(word) || wantMore != more {
			return false
		}
		if !more {
			return true
		}
		name, pattern = moreName, morePattern
	}
}

func isWord(s string) bool {
	if s == "" || len(s) > maxWord {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.') {
			return false
		}
	}
	return true
}

// Class returns what the account is; "" for a name that is none.
func (a Account) Class() Class {
	f, err := a.form()
	if err != nil {
		return ""
	}
	return f.class
}

// Limited reports whether the account may never fall below zero.
func (a Account) Limited() bool {
	f, err := a.form()
	return err == nil && f.limited
}

// natural turns credits − debits into the account's own sense: what it holds, owes, earned or spent.
func (a Account) natural(minor int64) int64 {
	if c := a.Class(); c == Asset || c == Expense || c == Position {
		return -minor
	}
	return minor
}
