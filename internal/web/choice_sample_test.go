package web

import (
	"time"

	"github.com/a-h/templ"

	"mezzo/internal/id"
	"mezzo/internal/rank"
	"mezzo/internal/reach"
)

// rankingPages are the pages on which people see and decide how the feed chooses.
func rankingPages() map[string]templ.Component {
	house := sampleChrome("Ranking", Operator, "ranking")
	version := reach.Version{Name: "value", Version: 3, Share: 9_900, Weights: rank.Value()}
	request := Field{Name: "request", Label: "Request of the page", Max: 40}
	asked := []reach.Asked{
		{Request: id.Request("").From([16]byte{6: 0x70, 8: 0x80, 15: 1}), At: noon(22, 18, 44), Surface: "home", Profiling: true, Places: 14},
		{Request: id.Request("").From([16]byte{6: 0x70, 8: 0x80, 15: 2}), At: noon(22, 18, 42), Surface: "category", Category: "home.kitchen", Places: 14, InFull: true},
	}
	audit, none := AuditLook{Chrome: house, Request: request}, AuditLook{Chrome: house, Request: request}
	audit.Says, audit.Lately = latelyTable(asked)
	none.Says, none.Lately = latelyTable(nil)
	audit.fill(reach.Audit{Policy: "value", Version: 3, Surface: "home", At: noon(22, 18, 42), Position: "9120.0.1763836920000000", Candidates: 289, Skipped: 4, Verdict: "The same to the byte, from its record.",
		Slots:  []reach.Place{{Video: "vid_00000000000000000000000001", Kind: "sampled", Propensity: 0.31}, {Video: "vid_00000000000000000000000002", Kind: "explore", Propensity: 0.02}},
		Record: reach.Proof{Done: true, From: "the candidates, predictions, weights and seed in its record"}, Replay: reach.Proof{Why: "it was not asked for"}})
	choices := ChoosesPage{Chrome: sampleChrome("How the feed chooses", Market, ""), Profiling: true, Lead: leadOf([]reach.Version{version}), Never: reach.Never(), Control: "1 %",
		Hidden: []CreatorRef{{Handle: "loud", Name: "Loud & Cheap"}}, Videos: []HiddenClip{{"vid_1", "A caption that goes on for longer than anybody would read on a phone before hiding it", "Loud & Cheap"}, {"vid_2", "No caption", "Marisol Vega"}},
		Policies: []PolicyWords{{"Value, version 3, for 99 % of people", settingTables(&version)}}}
	p := rank.Value()
	ranking := RankingPage{Chrome: house, Tabs: []Tab{{Text: "value", URL: "/", Here: true}}, Form: PolicyForm{Name: "value", Version: "3", Weights: weightFields(&p), Reason: Field{Name: "reason", Label: "Why", ID: "why-version"}},
		Split:    splitForm(reach.Split{Number: 2, MadeBy: "Noor Haddad", MadeAt: noon(18, 9, 0), Reason: "Watching counts for more", Shares: []reach.Share{{Name: "value", Version: 3, Share: 9_900}, {Name: rank.Uniform, Version: 1, Share: 100}}}, nil),
		Preview:  previewWords(rank.Preview{Requests: 200, Slots: 1_600, Differ: 0.12, Now: rank.Exposure{Creators: 41, Before: 4.1, After: 4.4, Categories: []rank.Part{{Name: "home", Share: 0.6}}}, Then: rank.Exposure{Creators: 44, Before: 4.0, After: 4.6, Categories: []rank.Part{{Name: "home", Share: 0.5}}}}),
		Versions: []VersionRow{{Head: "Version 3, 99 % of people", Who: "Noor Haddad, Wed 18 Nov, 09:00", Reason: "Watching counts for more", Changed: "Watching 2 → 3", URL: "/"}},
		Splits:   []SplitRow{{Number: "1", Head: "value 2 for 99 %, uniform 1 for 1 %", Who: "platform, Mon 2 Nov, 02:41: What a new Mezzo begins with", Back: true}},
		Disputes: []DisputeRow{{ID: "evt_1", URL: "/v/vid_1", Caption: "Three eggs, no oil, no stick", By: "Marisol Vega", When: "19 Nov", Reason: "It was shown at night only", Stood: "Stage 1 of 5 after 120 impressions", Field: Field{Name: "answer", Label: "Answer", Rows: 3, ID: "answer-1"}}}}
	numbers := sampleVideoNumbers()
	numbers.Reach = HowReached{Video: "vid_1", Head: "Stage 2 of 5", Part: 41, Words: "Stage 2 of 5: 412 of 1,000 impressions; clicks 3.9 %, better than 71 % of Kitchen; next decision at 1,000.",
		Rows: []SumRow{{Label: "Clicks, against Kitchen", Value: "3.9 %, better than 71 %"}, {Label: "Chance to beat 60 % of them", Value: "64 %"}}, Next: []string{"Show the product within the first second."},
		Steps: []StepWords{{DayTime(time.Date(2026, 11, 18, 9, 0, 0, 0, time.UTC)), "Stage 1 of 5, after 200 impressions: it goes on to the next stage."}}, Reason: Field{Name: "reason", Label: "What is wrong?", Rows: 3}}
	return map[string]templ.Component{
		"ranking": Chooses(choices), "ranking-empty": Chooses(ChoosesPage{Chrome: choices.Chrome, Lead: leadOf(nil), Never: reach.Never()}),
		"house-ranking": Ranking(ranking), "audit": AuditOfPage(audit), "audit-none": AuditOfPage(none), "video-reach": VideoNumbers(numbers),
	}
}
