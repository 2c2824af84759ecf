package money_test

import (
	"math"
	"strings"
	"testing"

	"mezzo/internal/money"

	"pgregory.net/rapid"
)

func TestDecimalKeepsTheCurrencysDecimals(t *testing.T) {
	for _, c := range []struct {
		minor    int64
		currency money.Currency
		want     string
	}{
		{1999, "USD", "19.99"},
		{-123450, "EUR", "-1234.50"},
		{5, "USD", "0.05"},
		{-5, "USD", "-0.05"},
		{0, "USD", "0.00"},
		{1999, "JPY", "1999"},
		{-7, "JPY", "-7"},
		{1, "KWD", "0.001"},
		{1234567, "KWD", "1234.567"},
		{money.Max, "USD", "90000000000000.00"},
		{math.MinInt64, "USD", "-92233720368547758.08"},
	} {
		if got := money.Of(c.minor, c.currency).Decimal(); got != c.want {
			t.Errorf("%d %s: %q, want %q", c.minor, c.currency, got, c.want)
		}
	}
	if got := money.Of(1999, "USD").String(); got != "19.99 USD" {
		t.Errorf("String: %q", got)
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]int64{
		"19.99": 1999, "19": 1900, "-0.5": -50, "0": 0, "-0": 0, "007": 700, "90000000000000.00": money.Max,
	} {
		if got, err := money.Parse(text, "USD"); err != nil || got.Minor != want || got.Currency != "USD" {
			t.Errorf("Parse(%q) = %v, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "-", ".", ".5", "5.", "1.234", "1,5", "+1", " 1", "1 ", "1e3", "--1", "1.-5", "٣", "0x1", "NaN", "1.2.3",
		"90000000000000.01", "99999999999999999999", "1_000", strings.Repeat("9", 1000),
	} {
		if got, err := money.Parse(text, "USD"); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", text, got)
		}
	}
	if _, err := money.Parse("1.5", "JPY"); err == nil {
		t.Error("half a yen was accepted")
	}
	if got, err := money.Parse("1.234", "KWD"); err != nil || got.Minor != 1234 {
		t.Errorf("three decimals of a dinar: %v, %v", got, err)
	}
	if _, err := money.Parse("1", "ABC"); err == nil {
		t.Error("an unknown currency was accepted")
	}
}

func TestCurrencies(t *testing.T) {
	for c, exponent := range map[money.Currency]int{"USD": 2, "JPY": 0, "KWD": 3, "EUR": 2, "ISK": 0, "BHD": 3} {
		if !c.Known() || c.Exponent() != exponent {
			t.Errorf("%s: known %v, exponent %d, want %d", c, c.Known(), c.Exponent(), exponent)
		}
	}
	for _, c := range []money.Currency{"", "usd", "US", "ZZZ", "USDE", " AE", "D A", "AED AFN"} {
		if c.Known() {
			t.Errorf("%q is taken for a currency", c)
		}
	}
}

func TestArithmeticRefuses(t *testing.T) {
	big, one := money.Of(money.Max, "USD"), money.Of(1, "USD")
	if _, err := one.Add(money.Of(1, "EUR")); err == nil {
		t.Error("a dollar and a euro were added")
	}
	if _, err := one.Sub(money.Of(1, "EUR")); err == nil {
		t.Error("a euro was taken from a dollar")
	}
	if _, err := big.Add(one); err == nil {
		t.Error("a sum beyond Max was accepted")
	}
	if _, err := big.Neg().Sub(one); err == nil {
		t.Error("a difference beyond -Max was accepted")
	}
	if _, err := money.Of(math.MaxInt64, "USD").Add(money.Of(math.MaxInt64, "USD")); err == nil {
		t.Error("a sum that wraps round was accepted")
	}
	if _, err := money.Of(-2, "USD").Sub(money.Of(math.MinInt64, "USD")); err == nil {
		t.Error("a difference that wraps round was accepted")
	}
	if _, err := big.Times(2); err == nil {
		t.Error("a product beyond Max was accepted")
	}
	if _, err := big.Times(math.MaxInt64); err == nil {
		t.Error("a product beyond int64 was accepted")
	}
	if err := money.Of(money.Max+1, "USD").Check(); err == nil {
		t.Error("Check accepted an amount beyond Max")
	}
	if err := money.Of(1, "usd").Check(); err == nil {
		t.Error("Check accepted an unknown currency")
	}
	if err := big.Neg().Check(); err != nil {
		t.Error(err)
	}
}

func amounts(c money.Currency) *rapid.Generator[money.Amount] {
	return rapid.Custom(func(t *rapid.T) money.Amount {
		return money.Of(rapid.Int64Range(-money.Max, money.Max).Draw(t, "minor"), c)
	})
}

func TestArithmeticIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := amounts("USD").Draw(t, "a"), amounts("USD").Draw(t, "b")
		sum, err := a.Add(b)
		within := a.Minor+b.Minor <= money.Max && a.Minor+b.Minor >= -money.Max
		if (err == nil) != within {
			t.Fatalf("%v + %v: %v", a, b, err)
		}
		if err != nil {
			return
		}
		back, err := sum.Sub(b)
		if err != nil || back != a {
			t.Fatalf("%v + %v - %v = %v, %v", a, b, b, back, err)
		}
		if zero, err := a.Add(a.Neg()); err != nil || !zero.IsZero() {
			t.Fatalf("%v and its opposite make %v, %v", a, zero, err)
		}
	})
}

func TestTimesIsRepeatedAddition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := money.Of(rapid.Int64Range(-1_000_000, 1_000_000).Draw(t, "minor"), "USD")
		n := rapid.Int64Range(0, 20).Draw(t, "n")
		sum := money.Of(0, "USD")
		for range n {
			sum, _ = sum.Add(a)
		}
		if got, err := a.Times(n); err != nil || got != sum {
			t.Fatalf("%v × %d = %v, %v; want %v", a, n, got, err, sum)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"19.99", "-0.5", "0", "1e9", "99999999999999999", ".", "-.1", "1.000"} {
		for _, c := range []string{"USD", "JPY", "KWD", "abc"} {
			f.Add(s, c)
		}
	}
	f.Fuzz(func(t *testing.T, text, code string) {
		a, err := money.Parse(text, money.Currency(code))
		if err != nil {
			return
		}
		if err := a.Check(); err != nil {
			t.Fatalf("%q parsed to what Check refuses: %v", text, err)
		}
		again, err := money.Parse(a.Decimal(), a.Currency)
		if err != nil || again != a {
			t.Fatalf("%q → %v → %q → %v, %v", text, a, a.Decimal(), again, err)
		}
	})
}

func FuzzDecimal(f *testing.F) {
	for _, minor := range []int64{0, 1, -1, 99, -100, money.Max, -money.Max} {
		f.Add(minor, uint8(0))
	}
	codes := []money.Currency{"JPY", "USD", "KWD"}
	f.Fuzz(func(t *testing.T, minor int64, which uint8) {
		a := money.Of(minor, codes[int(which)%len(codes)])
		back, err := money.Parse(a.Decimal(), a.Currency)
		if a.Check() != nil {
			if err == nil {
				t.Fatalf("%d is beyond Max and came back as %v", minor, back)
			}
			return
		}
		if err != nil || back != a {
			t.Fatalf("%d %s → %q → %v, %v", minor, a.Currency, a.Decimal(), back, err)
		}
	})
}
