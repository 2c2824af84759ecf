package web

import "github.com/a-h/templ"

// housePages is the operator's money room with made-up content, and statements.
func housePages() map[string]templ.Component {
	house := func(title string) Chrome { return sampleChrome(title, Operator, "money") }
	reason := Field{Name: "reason", ID: "reason-1", Label: "Why", Max: 200, Optional: true, Hint: "Needed to decline: whoever is paid reads it."}
	rows := []SumRow{{Label: "The provider says", Value: "$7,413.69"}, {Label: "The books say", Value: "$7,406.69"}, {Label: "Gap", Value: "$7.00", Total: true}}
	cells := Table{Label: "To whom most is owed", Heads: []TableCell{{Text: "Whom"}, {Text: "Ready", Num: true}, {Text: "Held", Num: true}},
		Rows: [][]TableCell{{{Text: "Ferro & Ash", Sub: "a brand, owes $12.00", URL: "/"}, {Text: "$2,249.26", Num: true}, {Text: "$931.40", Num: true}}, {{Text: "Marisol Vega", Sub: "a creator"}, {Text: "$47.40", Num: true}, {Text: "$173.98", Num: true}}}}
	moved := Table{Label: "Each movement", Heads: []TableCell{{Text: "What"}, {Text: "When"}, {Text: "Account"}, {Text: "Amount", Num: true}, {Text: "Balance then", Num: true}},
		Rows: [][]TableCell{{{Text: "Sold", Sub: "trf_06eg0b3671r010000000000018"}, {Text: "Sun 1 Nov, 10:12", Nowrap: true}, {Text: "held"}, {Text: "$37.92", Num: true, Sub: "$2.24 of it by a voucher of the house, after $6.00 off by yours"}, {Text: "$37.92", Num: true}}, {{Text: "Given back to a buyer", Sub: "trf_06eg0b3671r01000000000001c"}, {Text: "Wed 4 Nov, 09:00"}, {Text: "ready"}, {Text: "−$12.00", Num: true}, {Text: "$25.92", Num: true}}}}
	statement := StatementPage{Chrome: sampleChrome("Statement", Brand, "money"), At: "/brand/brd_1", Who: []string{"Ferro & Ash LLC", "1 Foundry Rd", "Austin, TX 73301", "United States"}, Period: "1 Nov 2026 to 30 Nov 2026", Code: "USD",
		Opening: []SumRow{{Label: "All of it", Value: "$0.00", Total: true}}, Closing: []SumRow{{Label: "Ready to pay out", Value: "$25.92"}, {Label: "All of it", Value: "$25.92", Total: true}},
		Causes: []SumRow{{Label: "Stood at the beginning", Value: "$0.00", Total: true}, {Label: "Sold (1)", Value: "$37.92"}, {Label: "Given back to a buyer (1)", Value: "−$12.00"}, {Label: "Stands at the end", Value: "$25.92", Total: true}},
		Rows:   moved, Months: []Link{{"This month", "/"}, {"Last month", "/"}}, Pick: []Field{{Name: "from", Label: "From", Kind: "date", Value: "2026-11-01"}}, CSV: "/", JSON: "/"}
	empty := statement
	empty.Chrome, empty.Rows = sampleChrome("Statement", Studio, "earnings"), Table{}
	return map[string]templ.Component{
		"house-money": HouseMoney(HouseMoneyPage{Chrome: house("Money"), Tabs: moneyTabs("/operator/money"), Waits: []StateCount{{"/", "coin", "Payouts to approve", "", 2, true}, {"/", "scale", "Differences with the provider", "", 1, true}}, Largest: cells,
			Currencies: []SolvencyCard{{Code: "USD", Bad: true, Own: "$272.91 is our own", OwnWords: "$7,413.69 held, $7,140.78 owed.", Holds: rows[:2], Owes: rows[:2], Provider: rows, Notes: []Note{{Tone: "bad", Head: "Provider and books differ by $7.00.", Links: []Link{{"See what differs", "/"}}}}}}}),
		"house-money-none": HouseMoney(HouseMoneyPage{Chrome: house("Money"), Tabs: moneyTabs("/operator/money")}),
		"house-payouts": HousePayouts(HousePayoutsPage{Chrome: house("Payouts"), Tabs: moneyTabs("/operator/payouts"), Kinds: []Tab{{Text: "To approve", URL: "/", Here: true}, {Text: "All", URL: "/"}}, Rows: []HousePayout{
			{ID: "pot_06eg0b2tg1ypv91vrpj15x89w8", Amount: "$6,000.00", Who: "Ferro & Ash", URL: "/", Says: "waits for approval", Tone: "wait", Lines: []string{"To Lone Star ·· 6789, by the bank", "Asked for by Dana on Sun 22 Nov, 18:40"}, Decide: true, Needed: "1 of 2 operators have approved. Nobody approves their own money.", Bar: "You have said so already. A second operator must look at it too.", Reason: reason, Decline: true},
			{ID: "pot_06eg0b2tg1t8hc5xt92bjzywsc", Amount: "$40.00", Who: "Marisol Vega", Says: "came back", Tone: "bad", Lines: []string{"The account was closed."}, Do: "Nothing at the bank: the money is ready with its owner again."}}}),
		"house-payouts-none": HousePayouts(HousePayoutsPage{Chrome: house("Payouts"), Tabs: moneyTabs("/operator/payouts"), Empty: payoutLists[0].empty}),
		"house-bank": HouseBank(BankPage{Chrome: house("Bank"), Tabs: moneyTabs("/operator/bank"), Hand: 2, Stands: []BankCard{{Head: "The bank, USD", Rows: rows, Notes: []Note{{Tone: "wait", Text: "Have the provider pay at least that to the bank, and note it when the line is there."}}}},
			Files: cells, Settled: cells, Settle: []Field{{Name: "amount", Label: "Amount", Currency: "USD"}}, Paste: Field{Name: "csv", Label: "The lines, their heads first", Rows: 6, Optional: true}, OpenResults: true,
			Lines:    []UnmatchedRow{{"ntc_1", "pot_00000000000000000000000000,confirmed,1.00,USD,,", "There is no such payout.", "Line 4 of a file read on Sun 22 Nov, 18:40 by Noor Haddad"}},
			Verdicts: &VerdictTable{Head: "What this file would do", Sums: "1 line fits, 0 known already, 1 fits nothing.", CSV: "x", Applies: 1, Rows: []VerdictRow{{"2", "pot_06eg0b2tg1ypv91vrpj15x89w8", "confirmed $12.00", "fits", "good", ""}, {"3", "pot_00000000000000000000000000", "confirmed $1.00", "fits nothing", "bad", "There is no such payout."}}}}),
		"house-differences": HouseDifferences(DifferencesPage{Chrome: house("Differences"), Tabs: moneyTabs("/operator/differences"), Kinds: []Tab{{Text: "Open", URL: "/", Here: true}, {Text: "Dealt with", URL: "/"}}, Can: true, Last: "Compared on Sun 22 Nov, 06:00: 812 movements, 1 difference.",
			Rows: []DifferenceRow{{Provider: "sandbox", Subject: "charge:pay_06eg0b2tg1t8hc5xt92bjzywsc", Currency: "USD", What: "A charge that no order knows", Sums: rows, Advice: "Look for it at the provider.", When: "first seen Sun 22 Nov, 06:00", Reason: Field{Name: "note", Label: "How it was dealt with", Max: 300}, Open: true}}}),
		"house-differences-none": HouseDifferences(DifferencesPage{Chrome: house("Differences"), Tabs: moneyTabs("/operator/differences"), Last: "Not compared yet."}),
		"house-claims": HouseClaims(HouseClaimsPage{Chrome: house("Claims and returns"), Tabs: moneyTabs("/operator/claims"),
			Claims:  []HouseClaim{{ID: "clm_1", Order: "··4471", URL: "/", Brand: "Ferro & Ash", Says: "Nothing came", Word: "waits for the brand", Tone: "wait", When: "Said on Sun 22 Nov, 09:12.", Field: Field{Name: "proof", ID: "proof-1", Label: "What proves that it arrived", Rows: 2, Optional: true}, Open: true}},
			Returns: []HouseReturn{{Order: "··4468", URL: "/", Brand: "Ferro & Ash", BrandURL: "/", Word: "overdue", Tone: "bad", Next: "The time to answer is over.", When: "Asked for on Fri 20 Nov, 08:00", What: []string{"1 unit: “Too small”"}}}}),
		"house-reserves": HouseReserves(ReservesPage{Chrome: house("Reserves"), Tabs: moneyTabs("/operator/reserves"), Rows: []ReserveRow{{Brand: "brd_1", Name: "Ferro & Ash", Kept: "$412.00", Terms: "10 % of its share of the goods is kept back for 30 days.", Why: "Since 3 Nov 2026: “New here”", Next: "Of 18 parts of orders; the first is released on 3 Dec.", Fields: []Field{{Name: "percent", ID: "percent-0", Label: "Share kept back, %", Value: "10"}}, Open: true}}}),
		"house-debts": HouseDebts(DebtsPage{Chrome: house("Debts"), Tabs: moneyTabs("/operator/debts"),
			Debts: []DebtRow{{Owner: "crt_1", Name: "Marisol Vega", What: "a creator", Owed: "$12.75", Currency: "USD", Key: "k", Lines: []string{"$173.98 of theirs is held and pays it first, once its hold has passed."},
				Fields: []Field{{Name: "amount", ID: "amount-0", Label: "How much, USD", Mode: "decimal", Value: "12.75"}, {Name: "reason", ID: "reason-0", Label: "Why", Max: 300}}, Open: true}, {Owner: "brd_1", Name: "Ferro & Ash", What: "a brand", Owed: "$9,000.00", Waiting: true}},
			Offs: []WriteOffRow{{ID: "wof_1", Name: "Ferro & Ash", Amount: "$9,000.00", Says: "waits for another operator", Tone: "wait", Why: "“They have closed their shop”", Lines: []string{"Proposed by Noor Haddad on Sun 22 Nov, 18:40"}, Waiting: true, Reason: Field{Name: "reason", ID: "why-1", Label: "Why not", Max: 300, Optional: true}, Open: true, Bar: "You have proposed it yourself. Another operator must agree."}}}),
		"house-labels": HouseLabels(LabelsPage{Chrome: house("Labels"), Tabs: moneyTabs("/operator/labels"), Kinds: []Tab{{Text: "On sale", URL: "/", Here: true}, {Text: "Ended", URL: "/"}},
			Carriers: []CarrierRow{{Account: "dhl", Name: "DHL", Owed: "$84.00", Paid: "$120.40 was paid so far.", Currency: "USD", Key: "k", Open: true, Fields: []Field{{Name: "amount", ID: "amount-0", Label: "How much, USD", Mode: "decimal", Value: "84.00"}, {Name: "reference", ID: "reference-0", Label: "The bank’s reference of the line", Max: 100}}}, {Account: "post", Name: "Post", Owed: "$0.00"}},
			Paid:     cells, Rates: []LabelRow{{ID: "lbr_1", Version: "1", What: "DHL, Parcel up to 2 kg", Price: "$4.20", Who: "priced by Noor Haddad on 3 Nov 2026", Change: Field{Name: "price", ID: "price-0", Label: "Price, USD", Mode: "decimal", Value: "4.20"}, Open: true}},
			Form: []Field{{Name: "carrier", Label: "Carrier"}, {Name: "service", Label: "Service"}, {Name: "currency", Label: "Currency", Value: "USD"}, {Name: "price", Label: "Price", Mode: "decimal"}}}),
		"house-labels-none": HouseLabels(LabelsPage{Chrome: house("Labels"), Tabs: moneyTabs("/operator/labels")}),
		"house-debts-none":  HouseDebts(DebtsPage{Chrome: house("Debts"), Tabs: moneyTabs("/operator/debts")}),
		"statement":         BrandStatement(statement),
		"statement-none":    StudioStatement(empty),
	}
}
