package web

import (
	"testing"
	"time"

	"mezzo/internal/money"
)

func TestMoneyReadsAsPeopleWriteIt(t *testing.T) {
	for _, c := range []struct {
		minor    int64
		currency money.Currency
		want     string
	}{
		{123450, "USD", "$1,234.50"}, {-500, "USD", "−$5.00"}, {0, "USD", "$0.00"}, {5, "EUR", "€0.05"},
		{1234567, "JPY", "¥1,234,567"}, {1200, "CHF", "CHF 12.00"}, {-1, "KWD", "−KWD 0.001"},
		{99999999999, "USD", "$999,999,999.99"}, {100000, "USD", "$1,000.00"}, {99999, "USD", "$999.99"},
	} {
		if got := Money(money.Of(c.minor, c.currency)); got != c.want {
			t.Errorf("Money(%d %s) = %q, want %q", c.minor, c.currency, got, c.want)
		}
	}
	if got := MoneyLess(money.Of(500, "USD")); got != "−$5.00" {
		t.Errorf("a voucher of 5 dollars reads %q", got)
	}
	if got := MoneyLess(money.Of(0, "USD")); got != "$0.00" {
		t.Errorf("nothing taken away reads %q", got)
	}
}

func TestNumbersReadAsPeopleWriteThem(t *testing.T) {
	at := time.Date(2026, 11, 18, 11, 6, 0, 0, time.UTC)
	for _, c := range []struct{ got, want string }{
		{Count(48211), "48,211"}, {Count(-1500), "−1,500"}, {Count(7), "7"},
		{CountShort(2418), "2,418"}, {CountShort(12499), "12.4 k"}, {CountShort(int64(3_199_999)), "3.1 M"},
		{CountOf(1, "order", ""), "1 order"}, {CountOf(0, "order", ""), "0 orders"}, {CountOf(2, "person", "people"), "2 people"},
		{Percent(1500), "15 %"}, {Percent(825), "8.25 %"}, {Percent(850), "8.5 %"}, {Percent(5), "0.05 %"}, {Percent(-10), "−0.1 %"},
		{Day(at), "18 Nov"}, {DayYear(at), "18 Nov 2026"}, {DayTime(at), "Wed 18 Nov, 11:06"}, {Hour(at), "11:06"}, {Day(time.Time{}), ""},
		{Machine(at), "2026-11-18T11:06:00Z"}, {Machine(time.Time{}), ""},
		{Length(9 * time.Second), "0:09"}, {Length(3723 * time.Second), "1:02:03"},
		{First(" ínês"), "Í"}, {First(""), "·"}, {Tail("ord_0001f4471"), "··4471"}, {Tail("x"), "··x"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
