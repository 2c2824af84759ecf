package web

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"

	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/rank"
	"mezzo/internal/reach"
)

// weightText writes a weight as people type it.
func weightText(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func weightTexts(list []float64) string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = weightText(v)
	}
	return strings.Join(texts, ", ")
}

// weightLabels name the weights for people; their sentences are the ranking's own.
var weightLabels = map[string]string{
	"watch": "Watching", "engage": "Likes, comments, shares", "sale": "Sales", "negative": "Hides and reports", "return_cost": "Cost of a return",
	"optimism": "Trying what is little known", "temperature": "Freedom of the draw", "floor": "Part drawn by chance", "explore_every": "A place for a test", "control": "Pages drawn by chance",
	"repeat_fade": "Further video of a creator", "repeat_floor": "Further video, at least", "creator_most": "Of one creator among ten", "product_most": "Of one product among ten", "category_third": "Third of a category in a row",
	"lift": "Lift of the under-shown, at most", "followed_share": "From followed creators, at most", "record": "A creator’s record, at most", "stages": "Impressions of the stages", "quantiles": "Bar of each stage", "promote": "Chance to go on", "stop": "Chance below which it ends",
}

func weightLabel(name string) string {
	if label := weightLabels[name]; label != "" {
		return label
	}
	return name
}

// chooses says how the feed chooses, to everybody.
func (s *Site) chooses(v *visit) error {
	if s.Reach == nil || s.Feed == nil {
		return missing()
	}
	list, control, err := s.Reach.Public(v.ctx())
	if err != nil {
		return err
	}
	page := ChoosesPage{Profiling: true, Never: reach.Never(), Notes: s.notRunning()}
	if control > 0 {
		page.Control = Percent(int64(control))
	}
	if v.who.Viewer.Valid() {
		said, err := s.Feed.Choices(v.ctx(), v.who)
		if err != nil {
			return err
		}
		page.Profiling = said.Profiling
		for _, c := range said.Hidden {
			page.Hidden = append(page.Hidden, CreatorRef{Handle: c.Handle, Name: c.Name})
		}
		for _, x := range said.Videos {
			page.Videos = append(page.Videos, HiddenClip{string(x.ID), captionOr(x.Caption), x.By})
		}
	}
	page.Lead = leadOf(list)
	for _, p := range list {
		page.Policies = append(page.Policies, PolicyWords{First(p.Name) + p.Name[1:] + ", version " + Count(p.Version) + ", for " + Percent(int64(p.Share)) + " of people", settingTables(&p)})
	}
	page.Chrome = v.chrome("How the feed chooses", Market, "")
	return v.show(http.StatusOK, Chooses(page))
}

// settingTables say what a policy is set to, each number with its unit.
func settingTables(p *reach.Version) []Table {
	var list []Table
	for _, q := range rank.Parameters() {
		if len(list) == 0 || list[len(list)-1].Label != q.About {
			said := "Set to"
			if q.About == rank.AboutWorth {
				said = "Counts"
			}
			list = append(list, Table{Label: q.About, Heads: []TableCell{{Text: "What"}, {Text: said, Num: true}}})
		}
		t := &list[len(list)-1]
		t.Rows = append(t.Rows, []TableCell{{Text: weightLabel(q.Name), Sub: q.Means}, {Text: settingText(q, q.Values(&p.Weights)), Num: true}})
	}
	return list
}

// settingText writes what a parameter is set to with its unit: "2 minor units", "50 % → 60 %".
func settingText(q rank.Parameter, values []float64) string {
	texts := make([]string, len(values))
	for i, v := range values {
		switch {
		case q.Unit == rank.UnitPart:
			texts[i] = weightText(math.Round(v*1e6)/1e4) + " %"
		case v == math.Trunc(v):
			texts[i] = Count(int64(v))
		default:
			texts[i] = weightText(v)
		}
	}
	text := strings.Join(texts, " → ") // from stage to stage
	switch {
	case q.Name == "explore_every":
		if values[0] == 0 {
			return "none"
		}
		return "1 in " + text
	case q.Unit == rank.UnitPart:
		return text
	case len(values) == 1 && values[0] == 1:
		return text + " " + strings.TrimSuffix(q.Unit, "s")
	}
	return text + " " + q.Unit
}

// leadOf says in plain words how the policy that most people have deals its places.
func leadOf(list []reach.Version) string {
	if len(list) == 0 {
		return "Every place of the feed is drawn evenly among all videos that may be shown, for everybody."
	}
	p := &list[0].Weights
	says := "Each place of the feed is drawn among videos you may like, the better they are expected to do for you the likelier. What is expected is learned from what people do with them."
	if p.ExploreEvery > 0 {
		says += " One place in " + weightText(p.ExploreEvery) + " is kept for new videos that are being tested, whoever made them: " + weightText(p.Stages[0]) + " impressions each at first, and more for those that do better than others of their kind."
	} else {
		says += " No place is kept for new videos."
	}
	if p.FollowedShare > 0 {
		says += " At most " + strings.ReplaceAll(Share(p.FollowedShare), " ", "\u00a0") + " of a home page is there because you follow somebody, and following has no other part."
	}
	return says
}

// notRunning says when the ranking does not choose here.
func (s *Site) notRunning() []Note {
	if s.Reach.Runs() {
		return nil
	}
	return []Note{{Tone: "wait", Head: "The ranking is not running here now.", Text: "Until it is, every video is as likely as any other, for everybody."}}
}

// chosen ends a choice on the page it was made on.
func (v *visit) chosen(err error, says string) error {
	if err != nil {
		return err
	}
	v.tell(says)
	if came := v.came(); came == "/" || strings.HasPrefix(came, "/c/") || strings.HasPrefix(came, "/v/") || strings.HasPrefix(came, "/following") {
		return v.to(came)
	}
	return v.to("/ranking")
}

func (s *Site) setProfiling(v *visit) error {
	on := v.text("on") == "1"
	says := "Your feed does not go by what you did."
	if on {
		says = "Your feed goes by what you do."
	}
	return v.chosen(s.Feed.SetProfiling(v.ctx(), v.who, on), says)
}

func (s *Site) resetFeed(v *visit) error {
	return v.chosen(s.Feed.Reset(v.ctx(), v.who), "Your feed begins anew.")
}

func (s *Site) hideCreator(v *visit) error {
	c, err := s.Accounts.CreatorByHandle(v.ctx(), v.text("handle"))
	if err != nil {
		return err
	}
	hide := v.text("hide") == "1"
	says := c.DisplayName + " may be in your feed again."
	if hide {
		says = c.DisplayName + " is in your feed no more."
	}
	return v.chosen(s.Feed.HideCreator(v.ctx(), v.who, c.ID, hide), says)
}

func (s *Site) hideVideo(v *visit) error {
	hide := v.text("hide") == "1"
	says := "It may be in your feed again."
	if hide {
		says = "It is in your feed no more. To let it in again, see How the feed chooses."
	}
	return v.chosen(s.Feed.HideVideo(v.ctx(), v.who, id.Video(v.text("video")), hide), says)
}

// reached is how a video's reach came about.
func (v *visit) reached(video id.Video) (HowReached, error) {
	r := HowReached{Video: string(video), Reason: Field{Name: "reason", Label: "What is wrong?", Rows: 3, Max: reach.MaxReason, Hint: "The operator reads it, with how the video stands now."}}
	if v.site.Reach == nil {
		return r, nil
	}
	d, err := v.site.Reach.Distribution(v.ctx(), v.who, video)
	if err != nil {
		return r, err
	}
	r.Words, r.Next, r.Head = d.Words, d.Next, "Stage "+Count(d.Stage)+" of "+Count(d.Stages)
	if d.Budget > 0 && d.State == reach.Testing {
		r.Part = min(100*d.Impressions/d.Budget, 100)
	}
	if s := d.Standing; s != nil {
		r.Rows = []SumRow{{Label: "Clicks, against " + d.Category, Value: Share(s.Click) + ", better than " + Share(s.Better)}, {Label: "Watched longer than", Value: Share(s.Watch) + " of videos of its length"},
			{Label: "Orders", Value: Count(s.Orders)}, {Label: "Chance to beat " + Share(s.Bar) + " of them", Value: Share(s.Chance)}, {Label: "Goes on from", Value: Share(s.Promote)}, {Label: "Ends below", Value: Share(s.Stop)}}
	}
	for _, step := range d.Steps {
		r.Steps = append(r.Steps, StepWords{DayTime(step.At), step.Words})
	}
	for _, x := range d.Disputes {
		r.Disputes = append(r.Disputes, DisputeRow{When: Day(x.MadeAt), Reason: x.Reason, Stood: x.Stood, Answer: x.Answer})
		r.Open = r.Open || x.Answered == nil
	}
	return r, nil
}

// dispute keeps what a creator holds against a video's distribution.
func (s *Site) dispute(v *visit) error {
	if s.Reach == nil {
		return missing()
	}
	video := id.Video(v.r.PathValue("video"))
	_, err := s.Reach.Contest(v.ctx(), v.who, video, v.text("reason"))
	if a, said := v.amissOf(err); said {
		v.tell(a.says())
		return v.to("/studio/videos/" + string(video))
	}
	if err != nil {
		return err
	}
	v.tell("Asked. The answer will stand here.")
	return v.to("/studio/videos/" + string(video))
}

// ranking is the operator's page of the ranking.
func (s *Site) ranking(v *visit) error {
	return s.showRanking(v, http.StatusOK, v.text("policy"), func(*RankingPage) {})
}

func (s *Site) showRanking(v *visit, status int, name string, change func(*RankingPage)) error {
	if s.Reach == nil {
		return missing()
	}
	split, err := s.Reach.InForce(v.ctx(), v.who)
	if err != nil {
		return err
	}
	page := RankingPage{Notes: s.notRunning()}
	policies, err := s.Reach.Policies(v.ctx(), v.who, "", rowsPage)
	if err != nil {
		return err
	}
	if name == "" && len(split.Shares) > 0 {
		name = split.Shares[0].Name
	}
	if name == rank.Uniform || name == "" {
		name = "value"
	}
	page.Split = splitForm(split, policies)
	for _, p := range policies {
		page.Tabs = append(page.Tabs, Tab{Text: p.Name, URL: "/operator/ranking?policy=" + p.Name, Here: p.Name == name})
	}
	versions, err := s.Reach.Versions(v.ctx(), v.who, name, 0, rowsPage)
	if fault.Is(err, fault.Missing) && v.r.Method != http.MethodGet {
		err = nil // it is being written for the first time
	}
	if err != nil {
		return err
	}
	page.Form = PolicyForm{Name: name, Reason: Field{Name: "reason", Label: "Why", Max: reach.MaxReason, Optional: true, Hint: "It stands in the history, with your name.", ID: "why-version"}}
	shown := rank.Value()
	for i, x := range versions {
		row := VersionRow{Head: "Version " + Count(x.Version), Who: madeBy(x.MadeBy) + ", " + DayTime(x.MadeAt), Reason: x.Reason, URL: "/operator/ranking?policy=" + name + "&version=" + Count(x.Version)}
		if x.Share > 0 {
			row.Head += ", " + Percent(int64(x.Share)) + " of people"
		}
		if i+1 < len(versions) {
			row.Changed = changedWords(reach.Differences(versions[i+1].Weights, x.Weights))
		}
		if wanted, ok := v.number("version"); i == 0 || ok && wanted == x.Version && v.r.Method == http.MethodGet {
			shown = x.Weights
		}
		page.Versions = append(page.Versions, row)
	}
	if len(versions) > 0 {
		page.Form.Version = strconv.FormatInt(versions[0].Version, 10)
	}
	page.Form.Weights = weightFields(&shown)
	if err := v.rankingHistory(&page, split.Number); err != nil {
		return err
	}
	change(&page)
	page.Chrome = v.chrome("Ranking", Operator, "ranking")
	return v.show(status, Ranking(page))
}

// headWords are what the predictions are of.
var headWords = map[string]string{"watch": "Watching", "click": "Opening a product", "buy": "Buying", "engage": "Liking, commenting, sharing", "negative": "Hiding, reporting"}

// madeBy is who set something; the platform sets what there is at first.
func madeBy(name string) string {
	if name == "platform" {
		return "Mezzo"
	}
	return name
}

// rankingHistory fills in the splits there were, the quality and the open questions.
func (v *visit) rankingHistory(page *RankingPage, now int64) error {
	splits, err := v.site.Reach.Splits(v.ctx(), v.who, 0, rowsPage)
	if err != nil {
		return err
	}
	for _, s := range splits {
		page.Splits = append(page.Splits, SplitRow{Number: strconv.FormatInt(s.Number, 10), Head: splitWords(s), Who: madeBy(s.MadeBy) + ", " + DayTime(s.MadeAt) + ": " + s.Reason, Back: s.Number != now})
	}
	heads, settled, err := v.site.Reach.Qualities(v.ctx(), v.who)
	if err != nil {
		return err
	}
	page.Settled = "By " + CountOf(int64(settled), "impression", "") + ". Calibration error is how far what is said lies from what happens; order is the chance that of a yes and a no the yes stands above (0.5 is chance); surprise is against always saying the rate, 1 or more is useless."
	page.Quality = Table{Label: "Quality of the predictions", Heads: []TableCell{{Text: "Prediction"}, {Text: "Rate", Num: true}, {Text: "Calibration error", Num: true}, {Text: "Order (AUC)", Num: true}, {Text: "Log loss", Num: true}, {Text: "Surprise", Num: true}, {Text: "Judged", Num: true}}}
	for _, q := range heads {
		if q.N > 0 {
			number := func(x float64) TableCell { return TableCell{Text: strconv.FormatFloat(x, 'f', 3, 64), Num: true} }
			page.Quality.Rows = append(page.Quality.Rows, []TableCell{{Text: headWords[q.Head], Sub: q.Means}, {Text: Share(q.Rate), Num: true}, number(q.ECE), number(q.AUC), number(q.LogLoss), number(q.NormalisedEntropy), {Text: Count(int64(q.N)), Num: true}})
		}
	}
	disputes, err := v.site.Reach.Disputes(v.ctx(), v.who, false, "", rowsPage)
	for _, d := range disputes {
		page.Disputes = append(page.Disputes, DisputeRow{ID: d.ID, URL: "/v/" + string(d.Video), Caption: captionOr(d.Caption), By: d.By, When: Day(d.MadeAt), Reason: d.Reason, Stood: d.Stood,
			Field: Field{Name: "answer", Label: "Answer", Rows: 3, Max: reach.MaxReason, ID: "answer-" + d.ID}})
	}
	return err
}

// splitWords says a split in one line.
func splitWords(s reach.Split) string {
	parts := make([]string, len(s.Shares))
	for i, share := range s.Shares {
		parts[i] = share.Name + " " + Count(share.Version) + " for " + Percent(int64(share.Share))
	}
	return strings.Join(parts, ", ")
}

// splitForm lists what is in force, then the newest versions of the rest at 0 %.
func splitForm(now reach.Split, policies []reach.Version) SplitForm {
	f := SplitForm{Number: strconv.FormatInt(now.Number, 10), Says: "Set by " + madeBy(now.MadeBy) + " on " + DayTime(now.MadeAt) + ": " + now.Reason, Reason: Field{Name: "reason", Label: "Why", Max: reach.MaxReason, ID: "why-split"}}
	add := func(name string, version int64, share money.Bps) {
		label := name + ", version " + Count(version) + ", %"
		if name == rank.Uniform {
			label = "uniform, the control: at least 1 %"
		}
		f.Shares = append(f.Shares, ShareRow{name, strconv.FormatInt(version, 10), Field{Name: "percent", Label: label, Mode: "decimal", Value: percentIn(share), ID: "share-" + name + "-" + Count(version)}})
	}
	for _, s := range now.Shares {
		add(s.Name, s.Version, s.Share)
	}
	for _, p := range policies {
		if p.Share == 0 {
			add(p.Name, p.Version, 0)
		}
	}
	return f
}

// weightFields are the weights of a policy as fields, each with its unit, bounds and reason.
func weightFields(p *rank.Policy) []Field {
	var list []Field
	for _, q := range rank.Parameters() {
		hint := q.Means + " " + weightText(q.Least) + " to " + weightText(q.Most) + "."
		if q.Many() {
			hint += " One for each stage, with commas between."
		}
		list = append(list, Field{Name: "w-" + q.Name, Label: weightLabel(q.Name), Value: weightTexts(q.Values(p)), Hint: hint, Mode: "decimal", Max: 200})
	}
	return list
}

// changedWords says what a version changed.
func changedWords(list []reach.Difference) string {
	if len(list) == 0 {
		return "changes nothing"
	}
	parts := make([]string, len(list))
	for i, d := range list {
		parts[i] = weightLabel(d.Name) + " " + weightTexts(d.Before) + " → " + weightTexts(d.After)
	}
	return strings.Join(parts, "; ")
}

// typedPolicy reads the weights of the form as JSON. What is no number stays text, so that the policy refuses it
// with the field named.
func (v *visit) typedPolicy(name string) ([]byte, error) {
	weights := map[string]any{"name": name}
	for _, q := range rank.Parameters() {
		text := v.text("w-" + q.Name)
		if !q.Many() {
			weights[q.Name] = typedNumber(text)
			continue
		}
		list := []any{}
		for part := range strings.SplitSeq(text, ",") {
			list = append(list, typedNumber(part))
		}
		weights[q.Name] = list
	}
	return json.Marshal(weights)
}

func typedNumber(text string) any {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseFloat(text, 64); err == nil && json.Valid([]byte(text)) {
		return n
	}
	return text
}

// retyped puts what was sent back into the form, with what was wrong with it.
func (f *PolicyForm) retyped(v *visit, a *amiss) {
	for i := range f.Weights {
		w := &f.Weights[i]
		w.Value = v.text(w.Name)
		if a != nil {
			name := strings.TrimPrefix(w.Name, "w-")
			a.under(w, "weights."+name, "weights."+name+"[0]", "weights."+name+"[1]", "weights."+name+"[2]", "weights."+name+"[3]")
		}
	}
	f.Reason.Value = v.text("reason")
	if a != nil {
		a.under(&f.Reason, "reason")
	}
}

// previewPolicy shows what the typed weights would change.
func (s *Site) previewPolicy(v *visit) error {
	if s.Reach == nil {
		return missing()
	}
	name := v.text("name")
	text, err := v.typedPolicy(name)
	if err != nil {
		return err
	}
	found, err := s.Reach.Preview(v.ctx(), v.who, text, reach.PreviewMost)
	if a, said := v.amissOf(err); said {
		return s.showRanking(v, a.status, name, func(p *RankingPage) {
			p.Form.retyped(v, &a)
			p.Notes = a.notes("Nothing was changed.")
		})
	}
	if err != nil {
		return err
	}
	return s.showRanking(v, http.StatusOK, name, func(p *RankingPage) {
		p.Form.retyped(v, nil)
		p.Preview = previewWords(found)
	})
}

func previewWords(f rank.Preview) *PreviewWords {
	if f.Requests == 0 {
		return &PreviewWords{Says: "Nobody has asked for a page since this machine began to listen, so there is nothing to try it on. Open the feed and try again."}
	}
	p := &PreviewWords{Says: "On the last " + CountOf(f.Requests, "page", "") + ": " + Share(f.Differ) + " of the places would show another video. Nothing is changed yet.",
		Table: Table{Label: "What it would change", Heads: []TableCell{{Text: "Each impression, expected"}, {Text: "now", Num: true}, {Text: "then", Num: true}}}}
	row := func(label string, write func(rank.Exposure) string) {
		p.Table.Rows = append(p.Table.Rows, []TableCell{{Text: label}, {Text: write(f.Now), Num: true}, {Text: write(f.Then), Num: true}})
	}
	row("Worth by the weights in force, minor units", func(e rank.Exposure) string { return thousandths(e.Before) })
	row("Worth by the weights tried, minor units", func(e rank.Exposure) string { return thousandths(e.After) })
	row("Sales, minor units", func(e rank.Exposure) string { return thousandths(e.Sales) })
	row("Watched longer than", func(e rank.Exposure) string { return Share(e.Watch) })
	row("Clicks", func(e rank.Exposure) string { return Share(e.Click) })
	row("Orders", func(e rank.Exposure) string { return Share(e.Order) })
	row("Hides and reports", func(e rank.Exposure) string { return Share(e.Negative) })
	row("Places with videos being tested", func(e rank.Exposure) string { return Share(e.Testing) })
	row("Creators shown", func(e rank.Exposure) string { return Count(e.Creators) })
	row("Places of the tenth shown most", func(e rank.Exposure) string { return Share(e.TopTenth) })
	part := func(of func(rank.Exposure) []rank.Part, label func(string) string) {
		then := map[string]float64{}
		for _, x := range of(f.Then) {
			then[x.Name] = x.Share
		}
		for i, x := range of(f.Now) {
			if i < 8 {
				p.Table.Rows = append(p.Table.Rows, []TableCell{{Text: label(x.Name)}, {Text: Share(x.Share), Num: true}, {Text: Share(then[x.Name]), Num: true}})
			}
		}
	}
	part(func(e rank.Exposure) []rank.Part { return e.Stages }, func(n string) string { return "Places in stage " + n })
	part(func(e rank.Exposure) []rank.Part { return e.Categories }, func(n string) string { return "Places of " + n })
	return p
}

func thousandths(x float64) string { return strconv.FormatFloat(x, 'f', 3, 64) }

// writePolicy writes a version down.
func (s *Site) writePolicy(v *visit) error {
	if s.Reach == nil {
		return missing()
	}
	name := v.text("name")
	text, err := v.typedPolicy(name)
	if err != nil {
		return err
	}
	match, _ := v.number("version")
	made, err := s.Reach.CreateVersion(v.ctx(), v.who, match, text, v.text("reason"))
	if a, said := v.amissOf(err); said {
		return s.showRanking(v, a.status, name, func(p *RankingPage) {
			p.Form.retyped(v, &a)
			p.Notes = a.notes("It was not written down.")
		})
	}
	if err != nil {
		return err
	}
	v.tell("Version " + Count(made.Version) + " is written down. It changes nobody’s feed yet.")
	return v.to("/operator/ranking?policy=" + name)
}
