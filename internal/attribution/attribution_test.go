package attribution_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mezzo/internal/attribution"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	placed = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	day    = 24 * time.Hour
)

func raw(n byte) [16]byte           { return [16]byte{15: n} }
func creator(n byte) id.Creator     { return id.Creator("").From(raw(n)) }
func touchID(n byte) id.Touch       { return id.Touch("").From(raw(n)) }
func productID(n byte) id.Product   { return id.Product("").From(raw(n)) }
func brandID(n byte) id.Brand       { return id.Brand("").From(raw(n)) }
func programID(n byte) id.Program   { return id.Program("").From(raw(n)) }
func ago(d time.Duration) time.Time { return placed.Add(-d) }
func usd(minor int64) money.Amount  { return money.Of(minor, "USD") }

func line() attribution.Line {
	return attribution.Line{Line: id.Line("").From(raw(1)), Product: productID(1), Brand: brandID(1), Base: usd(1999), PlacedAt: placed}
}

func touch(n byte, of byte, at time.Time) attribution.Touch {
	return attribution.Touch{Touch: touchID(n), Kind: "click", At: at, Creator: creator(of), Product: productID(1), Brand: brandID(1), Surface: "home",
		Video: id.Video("").From(raw(of)), Request: id.Request("").From(raw(n)), PromotingSince: ago(100 * day)}
}

func open(bps money.Bps) attribution.Program {
	return attribution.Program{Program: programID(1), Kind: attribution.Open, Window: 14 * day, Windows: windows(14 * day), HoldDays: 15,
		Rates: []attribution.Rate{{From: ago(200 * day), Rate: bps}}}
}

// windows is one window since ever; version 1 was told the length by itself.
func windows(length time.Duration) []attribution.Window {
	return []attribution.Window{{From: ago(200 * day), Length: length}}
}

// by1 decides by version 1 of the rule, as decisions of its time are decided again.
func by1(t testing.TB, l attribution.Line, touches []attribution.Touch, r attribution.Rules) attribution.Receipt {
	got, err := attribution.Facts{Version: 1, Line: l, Touches: touches, Rules: r}.Decide()
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func rules(p ...attribution.Program) attribution.Rules { return attribution.Rules{Programs: p} }

// of makes terms those of another product; indirect adds what they pay for the brand's other products; left
// gives them a budget.
func of(product byte, p attribution.Program) attribution.Program {
	p.Product = productID(product)
	return p
}

func indirect(p attribution.Program, bps money.Bps) attribution.Program {
	p.Indirect = []attribution.Rate{{From: ago(200 * day), Rate: bps}}
	return p
}

func left(p attribution.Program, minor int64) attribution.Program {
	p.Budgeted, p.Left = true, minor
	return p
}

// code makes a touch one of a code, typed when the order was placed.
func code(t *attribution.Touch) {
	t.Kind, t.At, t.Code, t.Surface = attribution.KindCode, placed, "MAYA10", ""
}

func TestReasons(t *testing.T) {
	click := touch(1, 1, ago(time.Hour))
	change := func(f func(*attribution.Touch)) attribution.Touch { c := click; f(&c); return c }
	ended, later, targeted, spent := open(1500), open(1500), open(2000), open(3000)
	spent.Budgeted, spent.Left = true, 599 // of the 600 that 30 % of 19.99 can come to
	closed := open(1500)
	closed.Closed = []attribution.Span{{From: ago(3 * time.Hour), Until: ago(time.Minute)}}
	ended.EndsAt = ago(time.Hour)
	later.StartsAt = ago(time.Minute)
	targeted.Kind, targeted.Creators = attribution.Targeted, []id.Creator{creator(9)}
	mine, member := line(), line()
	mine.BuyerCreator, member.BuyerIsMember = creator(1), true
	for name, c := range map[string]struct {
		line  attribution.Line
		touch attribution.Touch
		rules attribution.Rules
		want  attribution.Reason
	}{
		"wins":                      {line(), click, rules(open(1500)), ""},
		"at the order's instant":    {line(), change(func(t *attribution.Touch) { t.At = placed }), rules(open(1500)), ""},
		"at the window's last":      {line(), change(func(t *attribution.Touch) { t.At = ago(14 * day) }), rules(open(1500)), ""},
		"another brand's product":   {line(), change(func(t *attribution.Touch) { t.Product, t.Brand = productID(2), brandID(2) }), rules(open(1500)), attribution.OtherProduct},
		"another product, unpaid":   {line(), change(func(t *attribution.Touch) { t.Product = productID(2) }), rules(of(2, open(1500))), attribution.IndirectUnpaid},
		"another product, no terms": {line(), change(func(t *attribution.Touch) { t.Product = productID(2) }), rules(open(1500)), attribution.NoProgram},
		"another product, paid":     {line(), change(func(t *attribution.Touch) { t.Product = productID(2) }), rules(indirect(of(2, open(1500)), 500)), ""},
		"budget closed":             {line(), click, rules(closed), attribution.BudgetClosed},
		"when it closed":            {line(), change(func(t *attribution.Touch) { t.At = ago(3 * time.Hour) }), rules(closed), ""},
		"when it opened again":      {line(), change(func(t *attribution.Touch) { t.At = ago(time.Minute) }), rules(closed), ""},
		"the last of a budget":      {line(), click, rules(left(open(3000), 600)), ""},
		"code":                      {line(), change(code), rules(open(1500)), ""},
		"code without a program":    {line(), change(code), rules(targeted), attribution.NoProgram},
		"after the order":           {line(), change(func(t *attribution.Touch) { t.At = placed.Add(time.Microsecond) }), rules(open(1500)), attribution.AfterOrder},
		"own purchase":              {mine, click, rules(open(1500)), attribution.SelfPurchase},
		"own purchase, other means": {line(), change(func(t *attribution.Touch) { t.SamePerson = true }), rules(open(1500)), attribution.SelfPurchase},
		"brand's member":            {member, click, rules(open(1500)), attribution.BrandMember},
		"creator removed":           {line(), change(func(t *attribution.Touch) { t.CreatorRemoved = true }), rules(open(1500)), attribution.CreatorRemoved},
		"no creator":                {line(), change(func(t *attribution.Touch) { t.Creator = "" }), rules(open(1500)), attribution.CreatorRemoved},
		"flagged":                   {line(), change(func(t *attribution.Touch) { t.Flag = "bot" }), rules(open(1500)), attribution.Flagged},
		"never promoted":            {line(), change(func(t *attribution.Touch) { t.PromotingSince = time.Time{} }), rules(open(1500)), attribution.NotPromoting},
		"promoted later":            {line(), change(func(t *attribution.Touch) { t.PromotingSince = ago(time.Minute) }), rules(open(1500)), attribution.NotPromoting},
		"promoted before":           {line(), change(func(t *attribution.Touch) { t.PromotingUntil = ago(2 * time.Hour) }), rules(open(1500)), attribution.NotPromoting},
		"stopped since":             {line(), change(func(t *attribution.Touch) { t.PromotingUntil = ago(time.Minute) }), rules(open(1500)), ""},
		"no program":                {line(), click, rules(), attribution.NoProgram},
		"others' target":            {line(), click, rules(targeted), attribution.NoProgram},
		"ended before":              {line(), click, rules(ended), attribution.ProgramInactive},
		"ended since":               {line(), change(func(t *attribution.Touch) { t.At = ago(2 * time.Hour) }), rules(ended), ""},
		"starts later":              {line(), click, rules(later), attribution.ProgramInactive},
		"outside":                   {line(), change(func(t *attribution.Touch) { t.At = ago(14*day + 1) }), rules(open(1500)), attribution.OutsideWindow},
		"spent":                     {line(), click, rules(spent), attribution.BudgetSpent},
		"spent beside another":      {line(), click, rules(spent, open(1500)), ""},
		"one program outside":       {line(), change(func(t *attribution.Touch) { t.At = ago(15 * day) }), rules(open(1500), ended, targeted), attribution.OutsideWindow},
	} {
		t.Run(name, func(t *testing.T) {
			r := attribution.Decide(c.line, []attribution.Touch{c.touch}, c.rules)
			if got := r.Touches[0].Lost; got != c.want {
				t.Fatalf("lost by %q, want %q", got, c.want)
			}
			_, won := r.Winner()
			if won != (c.want == "") || (r.Creator != "") != won || (r.Rate > 0) != won {
				t.Fatalf("receipt %+v", r)
			}
			if !won && c.want != attribution.OtherProduct && c.want != attribution.IndirectUnpaid && r.Because != c.want {
				t.Fatalf("nobody because %q, want %q", r.Because, c.want)
			}
			if c.want.Sentence() == "" && c.want != "" {
				t.Error("the reason has no words")
			}
		})
	}
}

func TestNobody(t *testing.T) {
	r := attribution.Decide(line(), nil, rules(open(1500)))
	if r.Outcome != attribution.OutcomeNone || r.Because != attribution.NoTouch || r.Creator != "" {
		t.Errorf("%+v", r)
	}
	w := attribution.Waiting(line())
	if w.Outcome != attribution.OutcomeWaiting || w.Rate != 0 || w.Because != "" {
		t.Errorf("%+v", w)
	}
}

// One's own click does not take an honest earlier one's place.
func TestOwnClickDoesNotSupersede(t *testing.T) {
	l := line()
	l.BuyerCreator = creator(2)
	r := attribution.Decide(l, []attribution.Touch{touch(1, 1, ago(2*time.Hour)), touch(2, 2, ago(time.Hour))}, rules(open(1500)))
	if r.Creator != creator(1) || r.Touches[0].Lost != attribution.SelfPurchase {
		t.Errorf("%+v", r)
	}
}

func TestTies(t *testing.T) {
	at := ago(time.Hour)
	r := attribution.Decide(line(), []attribution.Touch{touch(7, 1, at), touch(8, 2, at), touch(3, 3, at)}, rules(open(1500)))
	if r.Creator != creator(2) || r.Touch != touchID(8) {
		t.Errorf("won by %s", r.Touch)
	}
}

func TestRates(t *testing.T) {
	program := func(rates ...attribution.Rate) attribution.Program {
		p := open(0)
		p.Window, p.Windows, p.Rates = 90*day, windows(90*day), rates
		return p
	}
	rate := func(from time.Duration, bps money.Bps) attribution.Rate {
		return attribution.Rate{From: ago(from), Rate: bps}
	}
	since := func(d time.Duration) func(*attribution.Touch) {
		return func(t *attribution.Touch) { t.PromotingSince = ago(d) }
	}
	targeted := program(rate(200*day, 1200))
	targeted.Program, targeted.Kind, targeted.Creators = programID(2), attribution.Targeted, []id.Creator{creator(1)}
	short := targeted
	short.Window, short.Windows = time.Minute, windows(time.Minute)
	keptByClick := map[string]money.Bps{"cut exactly 30 days ago": 1500, "the lock ends with promoting": 1500}
	for name, c := range map[string]struct {
		rules  attribution.Rules
		change func(*attribution.Touch)
		rate   money.Bps
		locked bool
	}{
		"steady":                          {rules(program(rate(200*day, 1500))), since(100 * day), 1500, false},
		"raised since the click":          {rules(program(rate(200*day, 1500), rate(time.Minute, 2000))), since(100 * day), 2000, false},
		"cut yesterday":                   {rules(program(rate(200*day, 1500), rate(day, 1000))), since(100 * day), 1500, true},
		"cut 29 days ago":                 {rules(program(rate(200*day, 1500), rate(29*day, 1000))), since(100 * day), 1500, true},
		"cut exactly 30 days ago":         {rules(program(rate(200*day, 1500), rate(30*day, 1000))), since(100 * day), 1000, false},
		"cut before promoting":            {rules(program(rate(200*day, 1500), rate(day, 1000))), since(12 * time.Hour), 1000, false},
		"cut at the moment of accepting":  {rules(program(rate(200*day, 1500), rate(day, 1000))), since(day), 1000, false},
		"two cuts, the first too old":     {rules(program(rate(200*day, 2000), rate(35*day, 1500), rate(15*day, 1000))), since(100 * day), 1500, true},
		"two cuts, both kept":             {rules(program(rate(200*day, 2000), rate(20*day, 1500), rate(15*day, 1000))), since(100 * day), 2000, true},
		"cut and raised above":            {rules(program(rate(200*day, 1500), rate(10*day, 1000), rate(5*day, 1800))), since(100 * day), 1800, false},
		"a cut to come":                   {rules(program(rate(200*day, 1500), rate(-day, 500))), since(100 * day), 1500, false},
		"a raise to come":                 {rules(program(rate(200*day, 1500), rate(-day, 2500))), since(100 * day), 1500, false},
		"the lock ends with promoting":    {rules(program(rate(200*day, 1500), rate(day, 1000))), func(t *attribution.Touch) { t.PromotingUntil = ago(time.Minute) }, 1000, false},
		"targeted beats a better open":    {rules(program(rate(200*day, 1500)), targeted), since(100 * day), 1200, false},
		"open where the target is closed": {rules(program(rate(200*day, 1500)), short), since(100 * day), 1500, false},
	} {
		t.Run(name, func(t *testing.T) {
			click := touch(1, 1, ago(time.Hour))
			c.change(&click)
			old := by1(t, line(), []attribution.Touch{click}, c.rules)
			if old.Rate != c.rate || old.RateLocked != c.locked {
				t.Errorf("version 1: rate %v locked %v, want %v %v", old.Rate, old.RateLocked, c.rate, c.locked)
			}
			want, locked := c.rate, c.locked
			if kept, ok := keptByClick[name]; ok { // version 2 keeps what the click was promised
				want, locked = kept, true
			}
			r := attribution.Decide(line(), []attribution.Touch{click}, c.rules)
			if r.Rate != want || r.RateLocked != locked {
				t.Errorf("rate %v locked %v, want %v %v", r.Rate, r.RateLocked, want, locked)
			}
		})
	}
}

func someCase(t *rapid.T) (attribution.Line, []attribution.Touch, attribution.Rules) {
	l := line()
	if rapid.Bool().Draw(t, "buyer is a creator") {
		l.BuyerCreator = creator(1)
	}
	l.BuyerIsMember = rapid.IntRange(0, 9).Draw(t, "member") == 0
	var touches []attribution.Touch
	for i := range rapid.IntRange(0, 8).Draw(t, "touches") {
		c := touch(byte(i+1), rapid.ByteRange(1, 3).Draw(t, "creator"), ago(time.Duration(rapid.IntRange(-2, 20).Draw(t, "days"))*day))
		c.Product = productID(rapid.ByteRange(1, 2).Draw(t, "product"))
		c.Flag = rapid.SampledFrom([]string{"", "", "bot"}).Draw(t, "flag")
		c.PromotingSince = ago(time.Duration(rapid.IntRange(0, 60).Draw(t, "since")) * day)
		c.CreatorRemoved = rapid.IntRange(0, 5).Draw(t, "removed") == 0
		touches = append(touches, c)
	}
	var programs []attribution.Program
	for i := range rapid.IntRange(0, 3).Draw(t, "programs") {
		p := open(money.Bps(rapid.IntRange(100, 8000).Draw(t, "rate")))
		p.Program = programID(byte(i + 1))
		p.Window = time.Duration(rapid.IntRange(1, 30).Draw(t, "window")) * day
		p.Windows = windows(p.Window)
		if rapid.Bool().Draw(t, "targeted") {
			p.Kind, p.Creators = attribution.Targeted, []id.Creator{creator(1), creator(2)}
		}
		if rapid.Bool().Draw(t, "cut") {
			p.Rates = append(p.Rates, attribution.Rate{From: ago(time.Duration(rapid.IntRange(0, 40).Draw(t, "cut days")) * day), Rate: 100})
		}
		programs = append(programs, p)
	}
	return l, touches, attribution.Rules{Programs: programs}
}

func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, touches, rules := someCase(t)
		r := attribution.Decide(l, touches, rules)
		shuffle := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		shuffle.Shuffle(len(touches), func(i, j int) { touches[i], touches[j] = touches[j], touches[i] })
		shuffle.Shuffle(len(rules.Programs), func(i, j int) {
			rules.Programs[i], rules.Programs[j] = rules.Programs[j], rules.Programs[i]
		})
		if again := attribution.Decide(l, touches, rules); !reflect.DeepEqual(r, again) {
			t.Fatalf("the order of touches matters:\n%+v\n%+v", r, again)
		}
		winners := 0
		for i, c := range r.Touches {
			if c.Lost == "" {
				winners++
				if c.Touch != r.Touch || c.Creator != r.Creator {
					t.Fatalf("%s won beside %s", c.Touch, r.Touch)
				}
			} else if c.Lost.Sentence() == "" {
				t.Fatalf("%s lost for no known reason %q", c.Touch, c.Lost)
			}
			if (c.Lost == attribution.Superseded) && r.Outcome != attribution.OutcomeCreator {
				t.Fatalf("%s at %d was superseded by nothing", c.Touch, i)
			}
		}
		switch {
		case len(r.Touches) != len(touches):
			t.Fatalf("%d of %d touches in the receipt", len(r.Touches), len(touches))
		case winners > 1 || (winners == 1) != (r.Outcome == attribution.OutcomeCreator):
			t.Fatalf("%d winners, outcome %s", winners, r.Outcome)
		case winners == 0 && (r.Creator != "" || r.Rate != 0 || r.Because.Sentence() == ""):
			t.Fatalf("nobody won: %+v", r)
		case winners == 1 && l.BuyerIsMember:
			t.Fatal("a brand's member earned somebody a commission")
		case winners == 1 && r.Creator == l.BuyerCreator:
			t.Fatal("a creator earned by their own purchase")
		}
	})
}

// The stored form of a receipt is read for years: it only ever grows. And what was decided by an old version
// is decided by it for ever: receipts.json was written when version 1 was in force.
func TestReceiptGolden(t *testing.T) {
	cut := open(1500)
	cut.Rates = append(cut.Rates, attribution.Rate{From: ago(3 * day), Rate: 1000})
	other := touch(4, 3, ago(30*time.Minute))
	other.Product = productID(2)
	flagged := touch(5, 2, ago(time.Minute))
	flagged.Flag = "bot"
	touches := []attribution.Touch{touch(1, 1, ago(20*day)), touch(2, 1, ago(2*day)), touch(3, 2, ago(time.Hour)), other, flagged}
	golden(t, "testdata/receipts.json", by1(t, line(), touches, rules(cut)), by1(t, line(), nil, rules(cut)))
	live, typed := touch(6, 3, ago(2*time.Hour)), touch(7, 2, placed)
	live.Surface = "room"
	code(&typed)
	ladder := append(touches, live)
	golden(t, "testdata/receipts2.json",
		attribution.Decide(line(), touches, rules(cut, of(2, cut))),
		attribution.Decide(line(), ladder, rules(cut, indirect(of(2, cut), 500))),
		attribution.Decide(line(), append(ladder, typed), rules(left(cut, 300))),
		attribution.Decide(line(), []attribution.Touch{other}, rules(indirect(of(2, cut), 500))),
		attribution.Decide(line(), nil, rules(cut)),
		attribution.Waiting(line()))
}

// Facts come back from their stored form as what they were, and decide the same.
func TestFactsAreDecidedAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, touches, r := someCase(t)
		for version := 1; version <= attribution.RuleVersion; version++ {
			facts := attribution.Facts{Version: version, Line: l, Touches: touches, Rules: r}
			first, err := facts.Decide()
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(facts)
			if err != nil {
				t.Fatal(err)
			}
			var back attribution.Facts
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatal(err)
			}
			again, err := back.Decide()
			if err != nil || !reflect.DeepEqual(first, again) || again.RuleVersion != version {
				t.Fatalf("version %d: %v\n%+v\n%+v", version, err, first, again)
			}
		}
	})
	if _, err := (attribution.Facts{Version: 99}).Decide(); err == nil {
		t.Error("a version from the future was decided")
	}
}

// The ladder: each candidate is put beside every other and the stronger must win, whichever came later.
func TestLadder(t *testing.T) {
	kinds := []struct {
		name   string
		change func(*attribution.Touch)
		loses  attribution.Reason // said of who loses to it
	}{
		{"code", code, attribution.ByCode},
		{"live", func(t *attribution.Touch) { t.Surface = "room" }, attribution.ByLive},
		{"click", func(*attribution.Touch) {}, attribution.Superseded},
		{"live on another product", func(t *attribution.Touch) { t.Surface, t.Product = "room", productID(2) }, attribution.ByLive},
		{"click on another product", func(t *attribution.Touch) { t.Product = productID(2) }, attribution.Superseded},
	}
	terms := rules(open(1500), indirect(of(2, open(1500)), 500))
	for i, strong := range kinds {
		for j, weak := range kinds[i+1:] {
			for _, order := range []time.Duration{-time.Minute, time.Minute} {
				a, b := touch(1, 1, ago(time.Hour)), touch(2, 2, ago(time.Hour+order))
				strong.change(&a)
				weak.change(&b)
				r := attribution.Decide(line(), []attribution.Touch{a, b}, terms)
				want := strong.loses
				if i < 3 && i+1+j >= 3 {
					want = attribution.ByDirect
				}
				var lost attribution.Reason
				for _, c := range r.Touches {
					if c.Touch == b.Touch {
						lost = c.Lost
					}
				}
				if r.Touch != a.Touch || lost != want || r.Indirect != (i >= 3) {
					t.Errorf("%s beside %s: won by %s (%s), the other lost by %q, want %q", strong.name, weak.name, r.Touch, r.Rung, lost, want)
				}
			}
		}
	}
	live := touch(1, 1, ago(attribution.LiveFor+1))
	live.Surface = "room"
	if r := attribution.Decide(line(), []attribution.Touch{live, touch(2, 2, ago(time.Hour))}, terms); r.Creator != creator(2) {
		t.Error("a live touch won after its session")
	}
}

// Which of the ways it was is nobody's to know but the operator's.
func TestOwnPurchaseIsToldInOneWay(t *testing.T) {
	for _, r := range []attribution.Reason{attribution.SelfPurchase, attribution.BrandMember} {
		if r.Told() != attribution.OwnPurchase || r.Told().Sentence() == "" {
			t.Errorf("%s is told as %s", r, r.Told())
		}
	}
	if attribution.Flagged.Told() != attribution.Flagged {
		t.Error("other reasons are told as they are")
	}
}

func golden(t *testing.T, file string, receipts ...attribution.Receipt) {
	t.Helper()
	var out bytes.Buffer
	for _, r := range receipts {
		b, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s\n", b)
		var back attribution.Receipt
		if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(back, r) {
			t.Errorf("%v: read back as %+v", err, back)
		}
	}
	if *update {
		if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("%s: the receipts are now\n%s", file, out.Bytes())
	}
}

func BenchmarkDecide(b *testing.B) {
	var touches []attribution.Touch
	for i := range 8 {
		touches = append(touches, touch(byte(i), byte(i%3), ago(time.Duration(i)*time.Hour)))
	}
	r := rules(open(1500), open(1200))
	b.ReportAllocs()
	for b.Loop() {
		attribution.Decide(line(), touches, r)
	}
}
