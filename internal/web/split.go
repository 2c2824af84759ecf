package web

import (
	"net/http"
	"strconv"
	"strings"

	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/reach"
)

// splitPolicies puts policies in force side by side.
func (s *Site) splitPolicies(v *visit) error {
	if s.Reach == nil {
		return missing()
	}
	match, _ := v.number("number")
	names, versions, percents := v.r.Form["policy"], v.r.Form["of-version"], v.r.Form["percent"]
	var shares []reach.Share
	var err error
	for i, name := range names {
		if i >= len(versions) || i >= len(percents) {
			break
		}
		version, _ := strconv.ParseInt(versions[i], 10, 64)
		bps, wrong := rateOf(percents[i])
		if wrong != nil {
			err = fault.InvalidField("body.shares", "Write the shares in figures, such as 50 or 12.5.")
		}
		if bps > 0 {
			shares = append(shares, reach.Share{Name: name, Version: version, Share: bps})
		}
	}
	if err == nil {
		_, err = s.Reach.Activate(v.ctx(), v.who, match, shares, v.text("reason"))
	}
	return s.splitDone(v, err, "In force from the next page on.")
}

// rollBack puts an earlier split in force again.
func (s *Site) rollBack(v *visit) error {
	if s.Reach == nil {
		return missing()
	}
	match, _ := v.number("number")
	to, _ := v.number("to")
	_, err := s.Reach.Rollback(v.ctx(), v.who, match, to, "Back to split "+strconv.FormatInt(to, 10))
	return s.splitDone(v, err, "It is as it was then, from the next page on.")
}

func (s *Site) splitDone(v *visit, err error, says string) error {
	if a, said := v.amissOf(err); said {
		return s.showRanking(v, a.status, "", func(p *RankingPage) {
			p.Split.Reason.Value = v.text("reason")
			a.under(&p.Split.Reason, "reason")
			p.Notes = a.notes("The split is as it was.")
		})
	}
	if err != nil {
		return err
	}
	v.tell(says)
	return v.to("/operator/ranking")
}

// answerDispute answers what a creator holds against a video's distribution.
func (s *Site) answerDispute(v *visit) error {
	if s.Reach == nil {
		return missing()
	}
	_, err := s.Reach.Answer(v.ctx(), v.who, v.text("id"), v.text("answer"))
	if a, said := v.amissOf(err); said {
		return s.showRanking(v, a.status, "", func(p *RankingPage) { p.Notes = a.notes("It was not sent.") })
	}
	if err != nil {
		return err
	}
	v.tell("They read it on the page of their video.")
	return v.to("/operator/ranking")
}

// audit draws a served page again.
func (s *Site) audit(v *visit) error {
	if s.Reach == nil {
		return missing()
	}
	look := AuditLook{Request: Field{Name: "request", Label: "Request of the page", Value: v.text("request"), Max: 40, Hint: "req_…, as request_id in the feed’s answer."}}
	status := http.StatusOK
	if v.text("request") != "" {
		found, err := s.Reach.AuditPage(v.ctx(), v.who, id.Request(v.text("request")), v.text("replay") == "1")
		a, said := v.amissOf(err)
		switch {
		case said:
			status = a.status
			a.under(&look.Request, "request_id")
			look.Notes = a.notes("It was not drawn again.")
		case fault.Is(err, fault.Missing):
			look.Notes = []Note{{Tone: "wait", Text: faultOf(err).Detail}}
		case err != nil:
			return err
		default:
			look.fill(found)
		}
	}
	look.Also = v.text("replay") == "1"
	lately, err := s.Reach.Lately(v.who, latelyMost)
	if err != nil {
		return err
	}
	look.Says, look.Lately = latelyTable(lately)
	look.Chrome = v.chrome("Audit of a page", Operator, "ranking")
	return v.show(status, AuditOfPage(look))
}

// latelyMost is how many of the last pages an audit offers; those logged in full come on top.
const latelyMost = 12

// latelyTable lists pages to audit. Of one that is not logged in full the link asks for the way that takes longer.
func latelyTable(list []reach.Asked) (says string, t Table) {
	if len(list) == 0 {
		return "None since this machine began to listen. Open the feed, and the page stands here within a second.", t
	}
	t = Table{Label: "Pages asked for lately", Heads: []TableCell{{Text: "Asked"}, {Text: "Page"}, {Text: "Places", Num: true}, {Text: "Logged"}}}
	for _, a := range list {
		url, logged, page := "/operator/ranking/audit?request="+string(a.Request), "in full", a.Surface
		if !a.InFull {
			url, logged = url+"&replay=1", "by its hash"
		}
		if a.Category != "" {
			page += ", " + a.Category
		}
		sub := "by what the viewer did"
		if !a.Profiling {
			sub = "not by what the viewer did"
		}
		t.Rows = append(t.Rows, []TableCell{{Text: stamp(a.At, "2 Jan, 15:04:05"), Sub: Tail(string(a.Request)), URL: url}, {Text: page, Sub: sub}, {Text: Count(a.Places), Num: true}, {Text: logged}})
	}
	return "The newest first, then those that are logged in full, which one page in a hundred is. A page logged by its hash is drawn again from a snapshot and the log, which takes longer.", t
}

func (l *AuditLook) fill(a reach.Audit) {
	proof := func(p reach.Proof) string {
		switch {
		case !p.Done:
			return "not done: " + p.Why
		case p.Same():
			return "the same to the byte, from " + p.From
		}
		return "DIFFERS in " + strings.Join(p.Differs, ", ")
	}
	l.Found, l.Verdict, l.Record, l.Replay = true, a.Verdict, proof(a.Record), proof(a.Replay)
	l.Rows = []SumRow{{Label: "Drawn", Value: DayTime(a.At)}, {Label: "Policy", Value: a.Policy + ", version " + Count(int64(a.Version))}, {Label: "Surface", Value: a.Surface},
		{Label: "Candidates", Value: Count(a.Candidates)}, {Label: "Left out by filters", Value: Count(a.Skipped)}, {Label: "Place in the log", Value: a.Position}}
	l.Slots = Table{Label: "Places", Heads: []TableCell{{Text: "Place"}, {Text: "Video"}, {Text: "Drawn"}, {Text: "Odds", Num: true}}}
	for i, slot := range a.Slots {
		l.Slots.Rows = append(l.Slots.Rows, []TableCell{{Text: Count(i + 1)}, {Text: Tail(string(slot.Video)), URL: "/v/" + string(slot.Video)}, {Text: slot.Kind}, {Text: Share(slot.Propensity), Num: true}})
	}
}
