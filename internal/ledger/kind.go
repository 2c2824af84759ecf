package ledger

import (
	"fmt"
	"slices"
)

// Kind is the reason of a transfer. It decides which accounts may be on either side.
type Kind string

// The kinds.
const (
	KindPaid        Kind = "order_paid"
	KindShipped     Kind = "order_shipped"
	KindDelivered   Kind = "fee_earned" // delivered: the platform's fee is its own
	KindReleased    Kind = "hold_released"
	KindCancelled   Kind = "order_cancelled"
	KindRefunded    Kind = "refund_confirmed"
	KindRefund      Kind = "refund"    // what is given back, taken from where the money is
	KindRecovered   Kind = "recovered" // a debt paid from what became available
	KindReserve     Kind = "reserve_released"
	KindProviderFee Kind = "provider_fee"
	KindAttributed  Kind = "attributed"  // a commission left suspense
	KindPayout      Kind = "payout_sent" // left available, on its way; taxes withheld
	KindPaidOut     Kind = "payout_confirmed"
	KindPaidBack    Kind = "payout_part_back" // a part of what had arrived was taken back
	KindDisputed    Kind = "dispute_opened"   // the provider withholds what a bank disputes, and its fee
	KindFrozen      Kind = "dispute_frozen"   // the disputed shares, until the bank has decided
	KindDisputeWon  Kind = "dispute_won"      // the provider gives back what it withheld
	KindDisputeLost Kind = "dispute_lost"     // it is the buyer's again, from whom it was frozen
	KindSettled     Kind = "provider_settled" // the provider paid what it held to our bank
	KindGranted     Kind = "budget_granted"   // a brand set, raised or lowered a program's budget
	KindDrawn       Kind = "budget_drawn"     // a commission took its part of it
	KindReturned    Kind = "budget_returned"  // and a refund gave some of that back
	KindSample      Kind = "sample_charged"   // a creator pays the brand for a sample without the content agreed on
	KindSampleSent  Kind = "sample_sent"      // a brand pays for the platform's label of a sample
	KindWrittenOff  Kind = "written_off"      // a debt that nobody will pay, or that turned out to be none
	KindCarrierPaid Kind = "carrier_paid"     // what was owed for labels left our bank
	KindExchangeOut Kind = "exchange_out"     // own money left a bank of ours for one in another currency
	KindExchangeIn  Kind = "exchange_in"      // and came there
	KindReversal    Kind = "reversal"         // takes another transfer back, whatever it was
)

// sides are the forms of account that a kind may debit and credit.
type sides struct{ debits, credits []string }

var kinds = map[Kind]sides{
	KindPaid: {
		[]string{"psp:*:clearing", "promo:platform"},
		[]string{"brand:*:pending", "creator:*:pending", "suspense:*", "fee:deferred", "tax:*", "shipping:payable"}},
	KindDisputed: {[]string{"disputes:*", "dispute:fees"}, []string{"psp:*:clearing"}},
	KindFrozen: {
		[]string{"brand:*:pending", "brand:*:available", "recv:brand:*", "creator:*:pending", "creator:*:available", "recv:creator:*"},
		[]string{"brand:*:held", "creator:*:held"}},
	KindDisputeWon: {[]string{"psp:*:clearing"}, []string{"disputes:*", "dispute:fees"}},
	KindDisputeLost: {
		[]string{"brand:*:held", "creator:*:held", "fee:deferred", "fee:income", "tax:*", "shipping:payable", "dispute:loss", "refunds:*:payable", "psp:*:clearing"},
		[]string{"disputes:*", "promo:platform"}},
	KindShipped: {
		[]string{"shipping:payable", "shipping:margin", "dispute:loss", "brand:*:available", "recv:brand:*"},
		[]string{"brand:*:pending", "brand:*:available", "carrier:*", "shipping:margin"}},
	KindCarrierPaid: {[]string{"carrier:*"}, []string{"bank:*"}},
	KindDelivered:   {[]string{"fee:deferred"}, []string{"fee:income"}},
	KindReleased: {
		[]string{"brand:*:pending", "creator:*:pending"},
		[]string{"brand:*:available", "brand:*:reserve", "creator:*:available"}},
	KindCancelled: {
		[]string{"brand:*:pending", "creator:*:pending", "suspense:*", "fee:deferred", "tax:*", "shipping:payable"},
		[]string{"promo:platform", "refunds:*:payable"}},
	KindRefund: {
		[]string{"brand:*:pending", "brand:*:available", "recv:brand:*", "creator:*:pending", "creator:*:available", "recv:creator:*",
			"fee:deferred", "fee:income", "tax:*", "shipping:payable", "shipping:margin"},
		[]string{"promo:platform", "refunds:*:payable"}},
	KindRecovered: {
		[]string{"brand:*:available", "brand:*:reserve", "recv:brand:*", "creator:*:available", "recv:creator:*"},
		[]string{"brand:*:available", "recv:brand:*", "creator:*:available", "recv:creator:*"}},
	KindWrittenOff: {
		[]string{"baddebt", "recv:brand:*", "recv:creator:*"},
		[]string{"baddebt", "recv:brand:*", "recv:creator:*"}},
	KindReserve:     {[]string{"brand:*:reserve"}, []string{"brand:*:available"}},
	KindRefunded:    {[]string{"refunds:*:payable"}, []string{"psp:*:clearing"}},
	KindProviderFee: {[]string{"psp:fees"}, []string{"psp:*:clearing"}},
	KindAttributed:  {[]string{"suspense:*"}, []string{"brand:*:pending", "creator:*:pending"}},
	KindPayout: {
		[]string{"brand:*:available", "creator:*:available"},
		[]string{"payouts:*:transit", "wht:*"}},
	KindPaidOut: {[]string{"payouts:*:transit"}, []string{"psp:*:clearing", "bank:*"}},
	KindPaidBack: {
		[]string{"psp:*:clearing", "bank:*", "wht:*"},
		[]string{"brand:*:available", "creator:*:available"}},
	KindSettled: {[]string{"bank:*"}, []string{"psp:*:clearing"}},
	KindGranted: {
		[]string{"program:*:granted", "program:*:budget", "program:*:reserve"},
		[]string{"program:*:granted", "program:*:budget", "program:*:reserve"}},
	KindDrawn:       {[]string{"program:*:budget", "program:*:reserve"}, []string{"program:*:spent"}},
	KindReturned:    {[]string{"program:*:spent"}, []string{"program:*:budget", "program:*:reserve"}},
	KindSample:      {[]string{"creator:*:available", "recv:creator:*"}, []string{"brand:*:available"}},
	KindSampleSent:  {[]string{"brand:*:available", "recv:brand:*"}, []string{"carrier:*"}},
	KindExchangeOut: {[]string{"fx:*"}, []string{"bank:*"}},
	KindExchangeIn:  {[]string{"bank:*"}, []string{"fx:*"}},
	KindReversal:    {},
}

// allows returns the leg's form of account, or why it may not be in a transfer of the kind.
func (k Kind) allows(l Leg) (form, error) {
	if _, known := kinds[k]; !known {
		return form{}, fmt.Errorf("%.40q is no kind of transfer", string(k))
	}
	f, err := l.Account.form()
	if err == nil {
		err = k.allowsForm(l, f)
	}
	if err != nil {
		return form{}, err
	}
	return f, nil
}

// allowsForm says why a leg, whose account has the form, may not be in a transfer of the kind.
func (k Kind) allowsForm(l Leg, f form) error {
	s, known := kinds[k]
	if !known {
		return fmt.Errorf("%.40q is no kind of transfer", string(k))
	}
	word, forms := "credit", s.credits
	if l.Amount < 0 {
		word, forms = "debit", s.debits
	}
	if k != KindReversal && !slices.Contains(forms, f.pattern) {
		return fmt.Errorf("%s does not %s %s", k, word, l.Account)
	}
	return nil
}
