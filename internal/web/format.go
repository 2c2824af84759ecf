package web

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"mezzo/internal/money"
)

// minus is the true minus sign: as wide as a figure.
const minus = "−"

// signs are the currencies people know by a sign; all others show their code.
var signs = map[money.Currency]string{
	"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩", "BRL": "R$", "MXN": "MX$",
	"CAD": "CA$", "AUD": "A$", "NZD": "NZ$", "ILS": "₪", "VND": "₫", "PHP": "₱",
}

// Money writes an amount with its currency and all its decimals: "$1,234.50", "−$5.00", "CHF 12.00".
func Money(a money.Amount) string {
	digits := a.Decimal()
	sign := ""
	if rest, negative := strings.CutPrefix(digits, "-"); negative {
		sign, digits = minus, rest
	}
	whole, cents, has := strings.Cut(digits, ".")
	whole = thousands(whole)
	if has {
		whole += "." + cents
	}
	if s, ok := signs[a.Currency]; ok {
		return sign + s + whole
	}
	return sign + string(a.Currency) + " " + whole
}

// MoneyLess writes an amount that is taken away, with its minus: "−$5.00"; zero stays "$0.00".
func MoneyLess(a money.Amount) string {
	if a.Minor > 0 {
		return Money(a.Neg())
	}
	return Money(a)
}

// Count writes a number with thousands separated: "48,211".
func Count[N ~int | ~int64](n N) string {
	if n < 0 {
		return minus + thousands(strconv.FormatInt(int64(-n), 10))
	}
	return thousands(strconv.FormatInt(int64(n), 10))
}

// CountShort writes a number for a narrow place: exact below ten thousand, then "12.4 k", "3.1 M".
func CountShort[N ~int | ~int64](n N) string {
	scaled := func(unit int64, letter string) string {
		tenths := int64(n) * 10 / unit
		return thousands(strconv.FormatInt(tenths/10, 10)) + "." + strconv.FormatInt(tenths%10, 10) + " " + letter
	}
	switch {
	case n >= 1_000_000:
		return scaled(1_000_000, "M")
	case n >= 10_000:
		return scaled(1_000, "k")
	}
	return Count(n)
}

// CountOf writes a number with its noun: "1 order", "2 orders"; plural "" adds an s.
func CountOf[N ~int | ~int64](n N, one, plural string) string {
	if n == 1 {
		return "1 " + one
	}
	if plural == "" {
		plural = one + "s"
	}
	return Count(n) + " " + plural
}

// Percent writes basis points: 1500 is "15 %", 825 is "8.25 %".
func Percent(bps int64) string {
	sign := ""
	if bps < 0 {
		sign, bps = minus, -bps
	}
	out := thousands(strconv.FormatInt(bps/100, 10))
	if rest := bps % 100; rest != 0 {
		out += "." + strings.TrimSuffix(string([]byte{byte('0' + rest/10), byte('0' + rest%10)}), "0")
	}
	return sign + out + " %"
}

// Day writes a date as one says it: "18 Nov"; "" for the zero time.
func Day(t time.Time) string { return stamp(t, "2 Jan") }

// DayYear writes a date with its year: "18 Nov 2026"; "" for the zero time.
func DayYear(t time.Time) string { return stamp(t, "2 Jan 2006") }

// DayTime writes a moment: "Wed 18 Nov, 11:06"; "" for the zero time.
func DayTime(t time.Time) string { return stamp(t, "Mon 2 Jan, 15:04") }

// Hour writes the time of a day: "11:14"; "" for the zero time.
func Hour(t time.Time) string { return stamp(t, "15:04") }

// Machine writes a moment for the datetime attribute of <time>; the page turns it to local time.
func Machine(t time.Time) string { return stamp(t.UTC(), time.RFC3339) }

func stamp(t time.Time, layout string) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(layout)
}

// Length writes how long a clip is: "0:09", "1:02:03".
func Length(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	two := func(n int64) string { return string([]byte{byte('0' + n/10%10), byte('0' + n%10)}) }
	if s >= 3600 {
		return strconv.FormatInt(s/3600, 10) + ":" + two(s/60%60) + ":" + two(s%60)
	}
	return strconv.FormatInt(s/60, 10) + ":" + two(s%60)
}

// First returns the first letter of a name in upper case, for a face without a picture.
func First(name string) string {
	r, _ := utf8.DecodeRuneInString(strings.TrimSpace(name))
	if r == utf8.RuneError {
		return "·"
	}
	return string(unicode.ToUpper(r))
}

// Tail returns the last four characters of an id, as people read them out: "··4471".
func Tail(id string) string {
	if len(id) > 4 {
		id = id[len(id)-4:]
	}
	return "··" + id
}

func thousands(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
