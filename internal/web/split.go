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
	look.Chrome = v.chrome("Audit of a page", Operator, "ranking")
	return v.show(status, AuditOfPage(look))
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
