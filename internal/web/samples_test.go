package web_test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// asksForSample has the maker ask for a sample of the product.
func (m *market) asksForSample() shown {
	m.t.Helper()
	form := m.maker.get("/studio/samples/new?product=" + m.product).ok()
	return m.maker.post("/studio/samples", m.sampleForm(form)...).ok().under("/studio/samples")
}

func (m *market) sampleForm(form shown, more ...string) []string {
	m.t.Helper()
	return append([]string{"product", m.product, "program", form.value("program"), "variant_id", form.value("variant_id"), "name", "Marisol", "line1", "7 Quiet Lane", "city", "Austin",
		"region", "TX", "postal_code", "73301", "country", "US", "note", "For eggs"}, more...)
}

// A brand offers samples, a creator asks for one, and every step of it stands on both pages.
func TestSamplesOnThePages(t *testing.T) {
	m := newMarket(t)
	at := "/brand/" + m.brand + "/samples"
	m.owner.get(at).ok().says("You offer no samples yet")
	m.maker.get("/studio/samples").ok().says("No samples yet")
	m.maker.get("/studio/showcase").ok().silent("Ask for a sample")
	m.maker.get("/studio/samples/new?product=" + m.product).want(409)
	change := m.owner.get("/brand/" + m.brand + "/programs").ok().find(`action="(/brand/[^"]*/programs/prg_[^"]*)"`)
	m.owner.post(change, "commission_percent", "15", "sample_units", "x", "sample_days", "14").want(422).says("The program is as it was.")
	m.owner.post(change, "commission_percent", "15", "sample_units", "3", "sample_days", "14", "sample_charged", "1").ok().says("Gives 3 free samples, 3 of them left", "or the price is paid")
	m.owner.get(at).ok().says("Nobody has asked")
	m.maker.get("/studio/programs").ok().says("free sample, a video due 14 days after arrival or you pay its price", "Ask for a sample")

	form := m.maker.get("/studio/samples/new?product="+m.product).ok().says("3 samples are left", "without such a video in time I pay its price, $48.00")
	m.maker.post("/studio/samples", m.sampleForm(form)...).want(409).says("Nothing was asked for.", "you pay its price")
	nowhere := m.sampleForm(form, "agree", "1")
	nowhere[slices.Index(nowhere, "city")+1] = ""
	m.maker.post("/studio/samples", nowhere...).want(422).says("Nothing was asked for.", "Please fill this in.").find(`(name="agree" value="1" checked)`)
	m.maker.post("/studio/samples", m.sampleForm(form, "agree", "1")...).ok().under("/studio/samples").says("waits for the brand", "For eggs", "you pay $48.00")
	m.maker.get("/studio/showcase").ok().says("Your sample").silent("Ask for a sample")
	m.owner.get("/brand/"+m.brand+"/samples?state=requested").ok().says("@marisol", "their first sample", "For eggs", "waits for you", "Destination: United States.", "Asked for on", "its creator pays $48.00").silent("7 Quiet Lane", "waits for the brand")
	m.owner.get("/brand/" + m.brand).ok().says("Samples to answer").silent("Samples to send")
	decide := m.owner.get(at).ok().find(`action="(/brand/[^"]*/samples/smp_\w+/decision)"`)
	m.owner.post(decide, "approve", "0").want(422).says("The sample is as it was.", "Say why")
	m.owner.post(decide, "approve", "1").ok().says("one is set aside", "7 Quiet Lane", "Austin, TX 73301", "United States")
	m.owner.get("/brand/" + m.brand).ok().says("Samples to send").silent("Samples to answer")
	one := strings.TrimSuffix(decide, "/decision")
	m.owner.post(one+"/ship", "carrier", "").want(422).says("Name the carrier")
	m.owner.post(one+"/ship", "carrier", "Post", "tracking", "RX1").ok().says("on its way", "Post RX1")
	mine := m.maker.get("/studio/samples").ok().says("It has come", "It never came").find(`action="(/studio/samples/smp_\w+)/receipt"`)
	m.maker.post(mine+"/receipt").ok().says("Your days begin now", "or you pay $48.00")
	m.maker.post(mine + "/receipt").want(409).says("The sample is as it was.")
	m.clock.Advance(time.Minute)
	film := m.film(m.maker, "Eggs, as promised.", m.product)
	must(m.t, m.samples.Sweep(m.ctx))
	m.maker.get("/v/" + film).ok().says("Free sample")
	m.owner.get(at+"?state=fulfilled").ok().says("answered", "1 of 1 sample answered with a video", "The video")
	m.maker.get("/studio/samples").ok().says("What brands read of you:", "1 of 1 sample answered with a video")
	m.owner.get("/brand/" + m.brand + "/programs").ok().says("2 of them left")
	m.owner.post(change, "commission_percent", "15", "sample_units", "").ok().silent("Gives 3 free samples")
	m.operator().get("/operator/ledger").ok()
}

// The operator notes own money that the bank has changed, and reads the rate; what is not own is refused.
func TestExchangeOnThePages(t *testing.T) {
	m := newMarket(t)
	op := m.operator()
	op.get("/operator/bank").ok().says("Changed into another currency")
	change := func(out string) shown {
		return op.post("/operator/bank/exchanges", "key", "x"+out, "out", out, "out_currency", "usd", "in", "1.82", "in_currency", "EUR", "on", m.clock.Now().Format(time.DateOnly), "reference", "FX "+out)
	}
	change("x").want(422).says("Nothing was noted.")
	change("2.00").want(409).says("Nothing was noted.", "By the books the bank holds")
	m.release()
	op.post("/operator/bank/settlements", "key", "s", "amount", "30.00", "currency", "usd", "reference", "L1").ok()
	change("30.00").want(409).says("is our own; the rest is owed")
	change("2.00").ok().says("$2.00 went out, €1.82 came in.", "0.910000", "FX 2.00")
	change("2.00").ok() // the same key
	op.get("/operator/money").ok().says("$2.00 went into other currencies")
}
