package web

import (
	"net/http"
	"strings"
	"time"

	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/content"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/media"
	"mezzo/internal/metric"
	"mezzo/internal/money"
)

// looksBack is how many of the newest commissions the studio's first page adds up.
const looksBack = 100

// studio answers what a creator earns, which video did it and what is next; who is none yet becomes one.
func (s *Site) studio(v *visit) error {
	if v.who.Creator == "" {
		f := NewCreatorForm()
		f.Name.Value = v.who.Name
		return s.showBecome(v, http.StatusOK, f, nil)
	}
	sums, err := s.Affiliate.Earnings(v.ctx(), v.who)
	if err != nil {
		return err
	}
	list, err := s.Affiliate.Commissions(v.ctx(), v.who, "", "", looksBack)
	if err != nil {
		return err
	}
	page := StudioPage{Greeting: "Hello, " + firstName(v.who.Name), Available: sums.Available, Pending: sums.Pending, Today: zero(sums.Pending.Currency)}
	if sums.NextReleaseAt != nil {
		page.PayWords = "The next commission is yours on " + Day(*sums.NextReleaseAt) + "."
	}
	page.today(list, v.now)
	if page.Best, err = v.best(list, page.Today.Currency); err != nil {
		return err
	}
	if page.Next, err = v.nextSteps(); err != nil {
		return err
	}
	if err = v.studioNumbers(&page); err != nil {
		return err
	}
	page.Chrome = v.chrome("Studio", Studio, "studio")
	page.Chrome.Live = page.Live.Stream != ""
	return v.show(http.StatusOK, StudioHome(page))
}

func firstName(name string) string {
	first, _, _ := strings.Cut(name, " ")
	return first
}

// today adds up what was earned since the day began, in the page's currency.
func (p *StudioPage) today(list []affiliate.Earned, now time.Time) {
	orders := map[id.Order]bool{}
	states := map[affiliate.CommissionState]bool{}
	for _, c := range list {
		if c.CreatedAt.UTC().Format(time.DateOnly) != now.UTC().Format(time.DateOnly) || c.State == affiliate.Reversed || c.Amount.Currency != p.Today.Currency {
			continue
		}
		p.Today.Minor += c.Amount.Minor
		orders[c.Order], states[c.State] = true, true
	}
	p.Orders = len(orders)
	if len(states) == 1 {
		for state := range states {
			p.AllOf = MoneyState(state)
		}
	}
}

// best is the video that earned most of what the newest commissions come to.
func (v *visit) best(list []affiliate.Earned, c money.Currency) (*BestVideo, error) {
	earned := map[id.Video]int64{}
	orders := map[id.Video]map[id.Order]bool{}
	all := map[id.Order]bool{}
	var top id.Video
	for _, e := range list {
		if e.State == affiliate.Reversed || e.Amount.Currency != c {
			continue
		}
		all[e.Order] = true
		if e.Video == "" {
			continue
		}
		earned[e.Video] += e.Amount.Minor
		if orders[e.Video] == nil {
			orders[e.Video] = map[id.Order]bool{}
		}
		orders[e.Video][e.Order] = true
		if top == "" || earned[e.Video] > earned[top] || earned[e.Video] == earned[top] && e.Video > top {
			top = e.Video
		}
	}
	if top == "" {
		return nil, nil
	}
	card, err := v.site.Content.Video(v.ctx(), v.who, top)
	if fault.Is(err, fault.Missing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &BestVideo{Of: metric.OfVideo(top).String(), Numbers: "/studio/videos/" + string(top), URL: "/v/" + string(top), Poster: card.Poster, Length: time.Duration(card.DurationMS) * time.Millisecond, Caption: captionOr(card.Caption),
		Earned: money.Of(earned[top], c), Share: Count(len(orders[top])) + " of " + CountOf(len(all), "order", "")}, nil
}

func captionOr(caption string) string {
	if caption == "" {
		return "A video without words"
	}
	return caption
}

// nextSteps are what a creator may do next, by what is there.
func (v *visit) nextSteps() ([]Todo, error) {
	shelf, err := v.site.Affiliate.MyShowcase(v.ctx(), v.who, "", 1)
	if err != nil {
		return nil, err
	}
	var next []Todo
	if len(shelf) == 0 {
		next = append(next, Todo{URL: "/studio/programs", Icon: "tag", Text: "Find goods to show", Note: "open to everyone, each with its rate"})
	}
	next = append(next, Todo{URL: "/studio/upload", Icon: "film", Text: "Post a video", Note: "it has the same chance to be shown as any other"},
		Todo{URL: "/c/" + v.who.Handle, Icon: "user", Text: "See your page", Note: "@" + v.who.Handle})
	return next, nil
}

func (s *Site) showBecome(v *visit, status int, f CreatorForm, notes []Note) error {
	return v.show(status, Become(BecomePage{Chrome: v.chrome("Studio", Studio, "studio"), Form: f, Notes: notes}))
}

// upload shows the form of a new video.
func (s *Site) upload(v *visit) error {
	return s.showUpload(v, http.StatusOK, NewCaption(), many[id.Product](v, "product"), nil)
}

func (s *Site) showUpload(v *visit, status int, caption Field, chosen []id.Product, notes []Note) error {
	picks, err := v.picks(chosen)
	if err != nil {
		return err
	}
	page := UploadPage{Caption: caption, Products: picks, Notes: notes, MaxBytes: media.MaxUploadBytes}
	page.Chrome = v.chrome("Post a video", Studio, "upload")
	page.Chrome.Back = "/studio"
	return v.show(status, Upload(page))
}

// picks are what a creator may tag: what stands on the shelf, and what own brands sell.
func (v *visit) picks(chosen []id.Product) ([]Pick, error) {
	items, err := v.site.Affiliate.MyShowcase(v.ctx(), v.who, "", affiliate.MaxShowcase)
	if err != nil {
		return nil, err
	}
	var list []catalog.Product
	notes := map[id.Product]string{}
	for _, i := range items {
		list = append(list, i.Product)
		notes[i.Product.ID] = i.Product.SoldBy.Name
		if i.Terms != nil {
			notes[i.Product.ID] = Percent(int64(i.Terms.Rate)) + ", " + i.Product.SoldBy.Name
		}
	}
	for brand := range v.who.Brands {
		own, err := v.site.Catalog.Products(v.ctx(), catalog.Query{Brand: brand, Limit: catalog.MaxPage})
		if err != nil {
			return nil, err
		}
		for _, p := range own {
			if _, known := notes[p.ID]; !known {
				list = append(list, p)
			}
			notes[p.ID] = "own brand"
		}
	}
	goods, err := v.goods(list, nil)
	if err != nil {
		return nil, err
	}
	picks := make([]Pick, len(list))
	for i, p := range list {
		picks[i] = Pick{ID: string(p.ID), Title: p.Title, Note: notes[p.ID], Price: Money(p.Low()), Picture: goods[i].Picture}
		for _, c := range chosen {
			picks[i].Chosen = picks[i].Chosen || c == p.ID
		}
	}
	return picks, nil
}

// post makes a video of an upload: one that a script has sent before, or the file of this very form.
func (s *Site) post(v *visit) error {
	in := content.NewVideo{Upload: id.Upload(v.text("upload_id")), Poster: id.Image(v.text("poster_image_id")), Caption: v.text("caption"),
		Products: many[id.Product](v, "product_ids"), Disclosure: many[content.Disclosure](v, "disclosure")}
	in.Hashtags = hashtags(in.Caption)
	var err error
	if in.Upload == "" {
		in.Upload, err = v.sentVideo()
	}
	if err == nil {
		_, err = s.Content.Post(v.ctx(), v.who, in)
	}
	if a, said := v.amissOf(err); said {
		caption := NewCaption()
		caption.Value = in.Caption
		a.mark(&caption)
		return s.showUpload(v, a.status, caption, in.Products, a.notes("The video was not posted."))
	}
	if err != nil {
		return err
	}
	v.tell("Posted. It is being made ready.")
	return v.to("/studio/videos")
}

// sentVideo takes in the file of the form.
func (v *visit) sentVideo() (id.Upload, error) {
	file, head, err := v.r.FormFile("file")
	if err != nil {
		return "", fault.InvalidField("body.file", "Choose a video file first.")
	}
	defer file.Close()
	return v.site.Media.AddVideo(v.ctx(), v.who, head.Filename, head.Size, file)
}

// hashtags are the words of a caption that begin with #, as many as a video may carry.
func hashtags(caption string) []string {
	var tags []string
	for _, word := range strings.Fields(caption) {
		tag, ok := strings.CutPrefix(strings.TrimRight(word, ".,;:!?)"), "#")
		if ok && tag != "" && len([]rune(tag)) <= content.MaxHashtag && !strings.ContainsAny(tag, "#-'’\"&/") && len(tags) < content.MaxHashtags {
			tags = append(tags, tag)
		}
	}
	return tags
}

// videos lists the creator's videos with how each stands.
func (s *Site) videos(v *visit) error {
	cursor := id.Video(v.text("cursor"))
	list, err := s.Content.ByCreator(v.ctx(), v.who, v.who.Creator, cursor, rowsPage+1)
	if err != nil {
		return err
	}
	page := VideosPage{}
	if len(list) > rowsPage {
		list = list[:rowsPage]
		page.Pager.Next = "/studio/videos?cursor=" + string(list[rowsPage-1].ID)
	}
	if cursor != "" {
		page.Pager.First = "/studio/videos"
	}
	for _, c := range list {
		row := VideoRow{ID: string(c.ID), URL: "/v/" + string(c.ID), Poster: c.Poster, Caption: captionOr(c.Caption), When: DayYear(c.CreatedAt), State: string(c.State),
			Progress: c.Progress, Reason: c.FailedReason, Standing: c.Standing, Likes: int(c.Likes), Comments: int(c.Comments)}
		if c.Standing != string(catalog.Visible) {
			row.StandingWhy = "By the operator: " + c.Reason
		}
		page.Videos = append(page.Videos, row)
	}
	if err = v.countVideos(&page); err != nil {
		return err
	}
	page.Chrome = v.chrome("Your videos", Studio, "videos")
	page.Chrome.Live = page.Live.Stream != ""
	return v.show(http.StatusOK, Videos(page))
}

// changeVideo keeps another caption.
func (s *Site) changeVideo(v *visit) error {
	caption := v.text("caption")
	_, err := s.Content.Update(v.ctx(), v.who, id.Video(v.r.PathValue("video")), 0, content.Change{Caption: &caption})
	if err != nil {
		return err
	}
	v.tell("The caption is kept.")
	return v.to("/studio/videos")
}

// removeVideo takes a video down for good.
func (s *Site) removeVideo(v *visit) error {
	if err := s.Content.Delete(v.ctx(), v.who, id.Video(v.r.PathValue("video"))); err != nil {
		return err
	}
	v.tell("It is taken down. What it sold stays sold.")
	return v.to("/studio/videos")
}

// productsOf returns the products of the ids that the public may open.
func (v *visit) productsOf(ids []id.Product) (map[id.Product]catalog.Product, error) {
	list, err := db.Get(v.ctx(), v.site.DB, func(tx *db.Tx) ([]catalog.Product, error) { return catalog.ByIDs(tx, ids) })
	found := make(map[id.Product]catalog.Product, len(list))
	for _, p := range list {
		found[p.ID] = p
	}
	return found, err
}
