// Package money holds amounts in minor units of one currency and splits them without losing a cent.
package money

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Max is the largest magnitude of an amount in minor units: every JSON client reads it exactly
// (it is below 2^53), and sums of two amounts never overflow int64.
const Max = 9_000_000_000_000_000

// Currency is an ISO 4217 code in upper case.
type Currency string

// exponents lists the currencies with other than two decimals (ISO 4217, list one).
var exponents = map[Currency]int{
	"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "PYG": 0, "RWF": 0, "UGX": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BIF": 0, "DJF": 0, "GNF": 0, "KMF": 0, "VUV": 0, "ISK": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}

// twoDecimals lists the currencies with two decimals that Mezzo accepts.
const twoDecimals = " AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG "

// Known reports whether the code is a currency Mezzo accepts.
func (c Currency) Known() bool {
	if _, ok := exponents[c]; ok {
		return true
	}
	return len(c) == 3 && strings.Contains(twoDecimals, " "+string(c)+" ")
}

// Exponent returns how many decimals the currency's minor unit has: 0, 2 or 3.
func (c Currency) Exponent() int {
	if e, ok := exponents[c]; ok {
		return e
	}
	return 2
}

// Amount is money in minor units of one currency: {1999, "USD"} is $19.99.
type Amount struct {
	Minor    int64    `json:"amount" doc:"Minor units (cents for USD)" minimum:"-9000000000000000" maximum:"9000000000000000"`
	Currency Currency `json:"currency" doc:"ISO 4217 code" minLength:"3" maxLength:"3"`
}

// Of returns minor units of the currency.
func Of(minor int64, c Currency) Amount { return Amount{minor, c} }

// Check returns an error when the currency is unknown or the amount is beyond ±Max.
func (a Amount) Check() error {
	if !a.Currency.Known() {
		return fmt.Errorf("%q is not a currency Mezzo knows", a.Currency)
	}
	if a.Minor > Max || a.Minor < -Max {
		return fmt.Errorf("amount %d is beyond %d minor units", a.Minor, int64(Max))
	}
	return nil
}

// Add returns a+b; an error when the currencies differ or a, b or the sum is beyond ±Max.
func (a Amount) Add(b Amount) (Amount, error) {
	if a.Currency != b.Currency {
		return Amount{}, fmt.Errorf("cannot add %s to %s", b.Currency, a.Currency)
	}
	for _, x := range [...]int64{a.Minor, b.Minor} { // beyond Max the sum could wrap round
		if _, err := checked(x, a.Currency); err != nil {
			return Amount{}, err
		}
	}
	return checked(a.Minor+b.Minor, a.Currency)
}

// Sub returns a−b; an error when the currencies differ or the difference is beyond ±Max.
func (a Amount) Sub(b Amount) (Amount, error) { return a.Add(b.Neg()) }

// Neg returns −a.
func (a Amount) Neg() Amount { return Amount{-a.Minor, a.Currency} }

// Times returns a×n; an error when the product is beyond ±Max.
func (a Amount) Times(n int64) (Amount, error) {
	p := new(big.Int).Mul(big.NewInt(a.Minor), big.NewInt(n))
	if !p.IsInt64() {
		return Amount{}, fmt.Errorf("%d × %d is beyond %d minor units", a.Minor, n, int64(Max))
	}
	return checked(p.Int64(), a.Currency)
}

func checked(minor int64, c Currency) (Amount, error) {
	if minor > Max || minor < -Max {
		return Amount{}, fmt.Errorf("amount %d is beyond %d minor units", minor, int64(Max))
	}
	return Amount{minor, c}, nil
}

// IsZero reports whether the amount is nothing.
func (a Amount) IsZero() bool { return a.Minor == 0 }

// Decimal returns the amount as plain digits with the currency's decimals, "-1234.50".
func (a Amount) Decimal() string {
	e := a.Currency.Exponent()
	s, sign := strconv.FormatInt(a.Minor, 10), ""
	if a.Minor < 0 {
		s, sign = s[1:], "-"
	}
	if e == 0 {
		return sign + s
	}
	for len(s) <= e {
		s = "0" + s
	}
	return sign + s[:len(s)-e] + "." + s[len(s)-e:]
}

// String returns the decimal and the code, "19.99 USD".
func (a Amount) String() string { return a.Decimal() + " " + string(a.Currency) }

// Parse reads plain digits with at most the currency's decimals ("19.99", "1999", "-0.5").
func Parse(s string, c Currency) (Amount, error) {
	if !c.Known() {
		return Amount{}, fmt.Errorf("%q is not a currency Mezzo knows", c)
	}
	bad := fmt.Errorf("%q is not an amount of %s", s, c)
	digits, neg := strings.CutPrefix(s, "-")
	whole, frac, dot := strings.Cut(digits, ".")
	e := c.Exponent()
	if whole == "" || len(whole) > 16 || len(frac) > e || (dot && frac == "") {
		return Amount{}, bad
	}
	text := whole + frac + strings.Repeat("0", e-len(frac))
	for _, r := range text {
		if r < '0' || r > '9' {
			return Amount{}, bad
		}
	}
	minor, err := strconv.ParseInt(text, 10, 64)
	if err != nil || minor > Max {
		return Amount{}, bad
	}
	if neg {
		minor = -minor
	}
	return Amount{minor, c}, nil
}
