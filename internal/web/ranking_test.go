package web_test

import (
	"strconv"
	"strings"
	"testing"

	"mezzo/internal/rank"
)

// typed are the fields of a policy's form, some changed.
func typed(change map[string]string) []string {
	p := rank.Value()
	var fields []string
	for _, q := range rank.Parameters() {
		var texts []string
		for _, v := range q.Values(&p) {
			texts = append(texts, strconv.FormatFloat(v, 'f', -1, 64))
		}
		text := strings.Join(texts, ", ")
		if other, there := change[q.Name]; there {
			text = other
		}
		fields = append(fields, "w-"+q.Name, text)
	}
	return fields
}

// The operator writes a version with the form, sees what was wrong with another, looks before they leap, splits
// viewers, and goes back; everybody reads what is in force.
func TestOperatorTendsTheRanking(t *testing.T) {
	m := newMarket(t)
	op, guest := m.operator(), m.browser()
	op.get("/operator/ranking").ok().says("In force", "Set by Mezzo on", "Watching", "at least 1 %", "No question is open", "Nothing judged yet", "What a new Mezzo begins with")
	form := func(change map[string]string, more ...string) []string {
		return append(append([]string{"name", "value", "version", "1"}, more...), typed(change)...)
	}
	op.post("/operator/ranking/preview", form(map[string]string{"watch": "-3"})...).want(422).find(`(id="f-w-watch-wrong")`)
	op.post("/operator/ranking/preview", form(map[string]string{"stages": "200, nought"})...).want(422)
	op.post("/operator/ranking/preview", form(map[string]string{"watch": "NaN"})...).want(422).find(`(id="f-w-watch-wrong")`)
	op.post("/operator/ranking/preview", form(map[string]string{"watch": "3"})...).ok().says("What it would change", "nothing to try it on")
	op.post("/operator/ranking/versions", form(map[string]string{"watch": "3"}, "reason", "")...).want(422).says("It was not written down.")
	op.post("/operator/ranking/versions", form(map[string]string{"watch": "3"}, "reason", "Watching counts for more")...).ok().says("Version 2", "Watching 2 → 3", "Watching counts for more")
	guest.get("/ranking").ok().says("How the feed chooses", "Value, version 1, for 99 % of people", "how many followers", "2 minor units", "1 in 8", "200 → 1,000 → 5,000 → 25,000 impressions", "50 % → 60 % → 70 % → 80 %").silent("version 2")

	split := func(number, value string, reason string) []string {
		return []string{"number", number, "policy", "value", "of-version", "2", "percent", value, "policy", "uniform", "of-version", "1", "percent", "1", "reason", reason}
	}
	op.post("/operator/ranking/split", split("1", "98", "Try it")...).want(422).says("The split is as it was.")
	op.post("/operator/ranking/split", split("1", "x", "Try it")...).want(422)
	op.post("/operator/ranking/split", split("1", "99", "Try it")...).ok().says("value 2 for 99 %", "Try it")
	op.post("/operator/ranking/split", split("1", "99", "Try it again")...).want(412)
	guest.get("/ranking").ok().says("Value, version 2")
	op.post("/operator/ranking/rollback", "number", "2", "to", "1").ok().says("Back to split 1")
	guest.get("/ranking").ok().says("Value, version 1")
	op.get("/operator/ranking/audit").ok().says("Request of the page", "None since this machine began to listen")
	op.get("/operator/ranking/audit?request=nonsense").want(422)
	op.get("/operator/ranking/audit?request=req_00000000000000000000000000").ok().says("The log holds no page")
}

// A shopper turns profiling off and on, begins anew, and hides a creator and lets them in again, without a script.
func TestShoppersChooseOnPages(t *testing.T) {
	m := newMarket(t)
	b := m.browser()
	b.get("/ranking").ok().says("It goes by what you did here before")
	b.post("/ranking/profiling", "on", "0").ok().says("It does not go by what you did before")
	b.post("/ranking/profiling", "on", "1").ok().says("It goes by what you did here before")
	b.post("/ranking/reset").ok().says("Your feed begins anew.")
	b.get("/c/marisol").ok().says("Hide from my feed")
	b.at = ""
	b.post("/ranking/creators", "handle", "marisol", "hide", "1").ok().says("Hidden creators", "@marisol")
	b.post("/ranking/creators", "handle", "marisol", "hide", "0").ok().silent("@marisol")
	b.post("/ranking/creators", "handle", "nobody-here", "hide", "1").want(404)
}

// A creator reads how their video is shown, asks once, and reads the operator's answer.
func TestCreatorsAskAboutReach(t *testing.T) {
	m := newMarket(t)
	path := "/studio/videos/" + m.id
	m.maker.get(path).ok().says("How it is shown", "This is not right")
	m.maker.post(path+"/dispute", "reason", " ").ok().says("Say what you think is wrong")
	m.maker.post(path+"/dispute", "reason", "Shown at night only").ok().says("Shown at night only", "The operator reads it").silent("This is not right")
	op := m.operator()
	board := op.get("/operator/ranking").ok().says("Shown at night only")
	id := board.find(`name="id" value="(evt_\w+)"`)
	op.post("/operator/ranking/answer", "id", id, "answer", "It was shown at all hours").ok().says("No question is open")
	m.maker.get(path).ok().says("It was shown at all hours", "This is not right")
}
