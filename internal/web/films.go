package web

import (
	"net/http"
	"net/url"

	"mezzo/internal/account"
	"mezzo/internal/content"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/feed"
	"mezzo/internal/id"
)

// commentsPage is how many comments one page holds.
const commentsPage = 50

// home is the feed: its first films come with the page, a script or the next page brings more.
func (s *Site) home(v *visit) error {
	return s.showFeed(v, id.SurfaceHome, "For you", "feed", Empty{Art: "candle", Head: "The market opens",
		Text: "What creators post stands here at once. Be the first.", Way: Link{Text: "Post a video", URL: "/studio/upload"}})
}

// following is the newest of those the person follows, all of it.
func (s *Site) following(v *visit) error {
	empty := Empty{Art: "plant", Head: "Nobody followed yet", Text: "Follow creators you like: what they post stands here, the newest first, and nothing is left out.",
		Way: Link{Text: "Look around", URL: "/"}}
	if v.who.Account == "" {
		empty.Text, empty.Way = "Sign in to follow creators you like: what they post stands here, the newest first.", Link{Text: "Sign in", URL: signInURL("/following")}
	}
	return s.showFeed(v, id.SurfaceFollowing, "Following", "following", empty)
}

func (s *Site) showFeed(v *visit, surface id.Surface, title, place string, empty Empty) error {
	page, err := s.Feed.Page(v.ctx(), v.who, feed.Query{Surface: surface, Profiling: true, Cursor: v.text("cursor")})
	if err != nil {
		return err
	}
	view := FeedPage{Surface: surface.String(), Cursor: page.Next, Empty: empty}
	for _, i := range page.Items {
		c := v.clip(i.Card, i.Impression)
		c.Why, c.Exploration = i.Why, i.Exploration
		view.Items = append(view.Items, c)
	}
	if page.Next != "" && len(page.Items) > 0 {
		view.Next = v.r.URL.Path + "?cursor=" + url.QueryEscape(page.Next)
	}
	view.Chrome = v.chrome(title, Market, place)
	return v.show(http.StatusOK, Feed(view))
}

// clip is a video as the feed shows it.
func (v *visit) clip(c content.Card, token string) Clip {
	clip := Clip{ID: string(c.ID), Impression: token, Poster: c.Poster, Caption: c.Caption, Likes: int(c.Likes), Comments: int(c.Comments), Liked: c.Liked,
		Creator: creatorRef(c), Disclosure: disclosed(c.Disclosure), Mine: v.who.Account != "" && v.who.Account == c.Account}
	for _, r := range c.Sources {
		clip.Sources = append(clip.Sources, Source{URL: r.URL(), Type: r.Type, Height: r.Height, Bitrate: int(r.BitrateBPS)})
	}
	for _, p := range c.Products {
		clip.Products = append(clip.Products, Offer{ID: string(p.ID), Title: p.Title, Price: p.Price, Picture: Picture{URL: p.Image}, Left: leftWords(int(min(p.Available, 1_000_000)))})
	}
	return clip
}

func creatorRef(c content.Card) CreatorRef {
	return CreatorRef{Handle: c.Handle, Name: c.CreatorName, Face: c.Avatar, Following: c.Following}
}

// video is one film at an address of its own, as it is shared. Opened from a list that has shown it
// already, it keeps that list's token.
func (s *Site) video(v *visit) error {
	c, err := s.Content.Video(v.ctx(), v.who, id.Video(v.r.PathValue("video")))
	if err != nil {
		return err
	}
	view := FeedPage{Surface: id.SurfaceShared.String(), Next: "/"}
	if c.State == content.Ready {
		token := v.text("impression")
		if shown, err := s.Keys.OpenImpression(v.who.Viewer, token, v.now); err != nil || shown.Video() != c.ID {
			token = v.hand(id.SurfaceShared).Video(c.ID)
		}
		view.Items = []Clip{v.clip(c, token)}
	} else {
		view.Empty = Empty{Art: "candle", Head: "It is being made ready", Text: "Only you see this page until it can be played.", Way: Link{Text: "Your videos", URL: "/studio/videos"}}
		if c.State == content.Failed {
			view.Empty.Head, view.Empty.Text = "It could not be made ready", c.FailedReason
		}
	}
	view.Chrome = v.chrome("Video by "+c.CreatorName, Market, "")
	return v.show(http.StatusOK, Feed(view))
}

// afterFilm leads back to where a form on a film stood: its own page, unless the feed did not keep its place.
func (v *visit) afterFilm(video string) error {
	if came := v.came(); came != "" && came != "/" && came != "/following" {
		return v.to(came)
	}
	return v.to("/v/" + video)
}

// like notes or takes back that the asker likes a video.
func (s *Site) like(v *visit) error {
	video := v.r.PathValue("video")
	turn := s.Content.Like
	if v.text("liked") == "0" {
		turn = s.Content.Unlike
	}
	if _, err := turn(v.ctx(), v.who, id.Video(video)); err != nil {
		return err
	}
	return v.afterFilm(video)
}

// follow notes or takes back that the asker follows a creator.
func (s *Site) follow(v *visit) error {
	handle := v.r.PathValue("handle")
	turn := s.Content.Follow
	if v.text("follow") == "0" {
		turn = s.Content.Unfollow
	}
	if err := turn(v.ctx(), v.who, handle); err != nil {
		return err
	}
	return v.back("/c/" + handle)
}

// comments is what people say about a video: its own page, or the sheet over the film.
func (s *Site) comments(v *visit) error {
	return s.showComments(v, http.StatusOK, sayField())
}

func sayField() Field {
	return Field{Name: "text", Label: "Say something", Max: content.MaxComment, Rows: 2}
}

func (s *Site) showComments(v *visit, status int, text Field) error {
	video := id.Video(v.r.PathValue("video"))
	c, err := s.Content.Video(v.ctx(), v.who, video)
	if err != nil {
		return err
	}
	cursor := id.Comment(v.text("cursor"))
	list, err := s.Content.Comments(v.ctx(), v.who, video, cursor, commentsPage+1)
	if err != nil {
		return err
	}
	page := CommentsPage{Video: string(video), Caption: c.Caption, Creator: creatorRef(c), Text: text, CanSay: v.who.Account != ""}
	here := "/v/" + string(video) + "/comments"
	if len(list) > commentsPage {
		list = list[:commentsPage]
		page.Pager.Next = here + "?cursor=" + string(list[commentsPage-1].ID)
	}
	if cursor != "" {
		page.Pager.First = here
	}
	for _, x := range list {
		page.Comments = append(page.Comments, Said{Name: x.Author, Text: x.Text, When: Day(x.CreatedAt), Creator: x.Handle != "" && x.Handle == c.Handle})
	}
	if v.sheet() {
		return v.show(status, CommentsSheet(page))
	}
	page.Chrome = v.chrome("Comments", Market, "")
	page.Chrome.Back = "/v/" + string(video)
	return v.show(status, Comments(page))
}

// say writes under a video.
func (s *Site) say(v *visit) error {
	video := v.r.PathValue("video")
	_, err := s.Content.Comment(v.ctx(), v.who, id.Video(video), v.text("text"), "")
	if a, said := v.amissOf(err); said {
		f := sayField()
		f.Value = v.text("text")
		a.mark(&f)
		if f.Wrong == "" {
			f.Wrong = a.detail
		}
		return s.showComments(v, a.status, f)
	}
	if err != nil {
		return err
	}
	return v.to("/v/" + video + "/comments")
}

// reasons are what may be wrong with a video.
var reasons = []string{"It is not what it says it is", "It sells something dangerous or forbidden", "It hides that it is paid for", "It hurts or threatens somebody", "It is somebody else’s work"}

// report asks what is wrong with a video.
func (s *Site) report(v *visit) error { return s.showReport(v, http.StatusOK, "") }

func (s *Site) showReport(v *visit, status int, wrong string) error {
	c, err := s.Content.Video(v.ctx(), v.who, id.Video(v.r.PathValue("video")))
	if err != nil {
		return err
	}
	page := ReportPage{Video: string(c.ID), Caption: captionOr(c.Caption), Wrong: wrong}
	for _, r := range reasons {
		page.Reasons = append(page.Reasons, Option{Value: r, Label: r})
	}
	page.Chrome = v.chrome("Report a video", Market, "")
	page.Chrome.Back = "/v/" + string(c.ID)
	return v.show(status, Report(page))
}

// sendReport tells the operator.
func (s *Site) sendReport(v *visit) error {
	video := v.r.PathValue("video")
	err := s.Content.Report(v.ctx(), v.who, id.Video(video), v.text("reason"))
	if a, said := v.amissOf(err); said {
		return s.showReport(v, a.status, a.detail)
	}
	if err != nil {
		return err
	}
	v.tell("Thank you. A person reads it.")
	return v.to("/v/" + video)
}

// creatorNames returns what the creators are called.
func (v *visit) creatorNames(creators []id.Creator) (map[id.Creator]string, error) {
	names := map[id.Creator]string{}
	err := v.site.DB.Read(v.ctx(), func(tx *db.Tx) error {
		for _, c := range creators {
			if _, known := names[c]; known {
				continue
			}
			found, err := account.CreatorOf(tx, c)
			if err != nil && !fault.Is(err, fault.Missing) {
				return err
			}
			names[c] = found.DisplayName
		}
		return nil
	})
	return names, err
}
