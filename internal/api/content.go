package api

import (
	"context"
	"io"
	"net/http"

	"mezzo/internal/account"
	"mezzo/internal/content"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/media"
	"mezzo/internal/trust"
)

// registerContent adds the routes of API.md §5 and the follows of §2.
func (a *API) registerContent() {
	if a.deps.Content == nil {
		return
	}
	write := account.ContentWrite
	register(a, Route{Method: http.MethodPost, Path: "/videos", Who: Creator, Scope: write, Tag: "content", Status: 201, Summary: "Post a video of a finished upload"}, a.postVideo)
	register(a, Route{Method: http.MethodGet, Path: "/videos/{id}", Who: Public, Tag: "content", Summary: "A video"}, a.getVideo)
	register(a, Route{Method: http.MethodPatch, Path: "/videos/{id}", Who: Creator, Scope: write, Tag: "content", Summary: "Change an own video"}, a.patchVideo)
	register(a, Route{Method: http.MethodDelete, Path: "/videos/{id}", Who: Creator, Scope: write, Tag: "content", Summary: "Take an own video away"}, a.deleteVideo)
	register(a, Route{Method: http.MethodGet, Path: "/creators/{handle}/videos", Who: Public, Tag: "content", Summary: "A creator's videos, newest first"}, a.creatorVideos)
	register(a, Route{Method: http.MethodPut, Path: "/videos/{id}/like", Who: Account, Scope: write, Tag: "content", Status: 200, Summary: "Like a video"}, a.likeVideo)
	register(a, Route{Method: http.MethodDelete, Path: "/videos/{id}/like", Who: Account, Scope: write, Tag: "content", Status: 200, Summary: "Take a like back"}, a.unlikeVideo)
	register(a, Route{Method: http.MethodGet, Path: "/videos/{id}/comments", Who: Public, Tag: "content", Summary: "What people wrote under a video, oldest first"}, a.comments)
	register(a, Route{Method: http.MethodPost, Path: "/videos/{id}/comments", Who: Account, Scope: write, Tag: "content", Status: 201, Summary: "Write under a video"}, a.comment)
	register(a, Route{Method: http.MethodDelete, Path: "/comments/{id}", Who: Account, Scope: write, Tag: "content", Summary: "Take an own comment away, or one under an own video"}, a.deleteComment)
	register(a, Route{Method: http.MethodPost, Path: "/videos/{id}/reports", Who: Viewer, Scope: write, Tag: "content", Status: 202, Summary: "Tell the operator that something is wrong"}, a.report)
	register(a, Route{Method: http.MethodPut, Path: "/creators/{handle}/follow", Who: Account, Scope: write, Tag: "people", Summary: "Follow a creator"}, a.follow)
	register(a, Route{Method: http.MethodDelete, Path: "/creators/{handle}/follow", Who: Account, Scope: write, Tag: "people", Summary: "Follow a creator no more"}, a.unfollow)
}

// registerMedia adds the uploads and pictures of API.md §5.
func (a *API) registerMedia() {
	m := a.deps.Media
	if m == nil {
		return
	}
	a.raw(Route{Method: http.MethodPost, Path: "/images", Who: Account, Scope: account.ContentWrite, Tag: "content", Status: 201, MaxBody: media.MaxImageBytes + 1,
		Summary: "Send a picture: JPEG, PNG or WebP, as the body or as the file of a form"}, a.addImage)
	uploads := a.deps.Uploads
	if uploads == nil {
		return
	}
	serve := func(w http.ResponseWriter, r *http.Request) error { uploads.ServeHTTP(w, r); return nil }
	for _, r := range []Route{
		{Method: http.MethodPost, Path: "/uploads", Status: 201, Summary: "Begin a resumable upload (tus 1.0)"},
		{Method: http.MethodHead, Path: "/uploads/{id}", Status: 200, Summary: "How far an upload has come"},
		{Method: http.MethodPatch, Path: "/uploads/{id}", Status: 204, Summary: "Send more of an upload"},
		{Method: http.MethodDelete, Path: "/uploads/{id}", Status: 204, Summary: "Give an upload up"},
	} {
		r.Who, r.Scope, r.Tag, r.MaxBody, r.Idempotency = Account, account.ContentWrite, "content", NoLimit, Ignored
		a.raw(r, serve)
	}
}

type imageView struct {
	ID     id.Image `json:"id"`
	URL    string   `json:"url"`
	Small  string   `json:"small_url"`
	Width  int      `json:"width"`
	Height int      `json:"height"`
}

func viewImage(i media.Image) imageView {
	return imageView{i.ID, i.URL(), i.SmallURL(), i.Width, i.Height}
}

func (a *API) addImage(w http.ResponseWriter, r *http.Request) error {
	body, err := pictureOf(r)
	if err != nil {
		return err
	}
	image, err := a.deps.Media.AddImage(r.Context(), asker(r.Context()), body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	return writeJSON(w, map[string]any{"image": viewImage(image)})
}

// pictureOf returns the bytes of a picture: the body, or the first file when it is a form.
func pictureOf(r *http.Request) (io.Reader, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return r.Body, nil
	}
	for {
		part, err := parts.NextPart()
		if err != nil {
			return nil, fault.Wrap(fault.Malformed, err, "This form holds no picture. Send the picture as the body, or as a file of the form.")
		}
		if part.FileName() != "" {
			return part, nil
		}
	}
}

// VideoInput names a video.
type VideoInput struct {
	ID id.Video `path:"id"`
}

type postVideoInput struct {
	Body struct {
		Upload     id.Upload            `json:"upload_id" maxLength:"40"`
		Poster     id.Image             `json:"poster_image_id,omitempty" maxLength:"40"`
		Caption    string               `json:"caption,omitempty" maxLength:"8800" doc:"At most 2,200 characters"`
		Products   []id.Product         `json:"product_ids,omitempty" nullable:"false" doc:"At most 6, from the showcase or an own brand"`
		Hashtags   []string             `json:"hashtags,omitempty" nullable:"false"`
		Disclosure []content.Disclosure `json:"disclosure,omitempty" nullable:"false" doc:"A set of commission, sample, own_brand; the server adds what it knows"`
	}
}

func (a *API) postVideo(ctx context.Context, in *postVideoInput) (*Output[videoView], error) {
	card, err := a.deps.Content.Post(ctx, asker(ctx), content.NewVideo{Upload: in.Body.Upload, Poster: in.Body.Poster, Caption: in.Body.Caption,
		Products: in.Body.Products, Hashtags: in.Body.Hashtags, Disclosure: in.Body.Disclosure})
	if err != nil {
		return nil, err
	}
	return ok(a.videoFor(asker(ctx), card)), nil
}

func (a *API) getVideo(ctx context.Context, in *VideoInput) (*Tagged[videoView], error) {
	card, err := a.deps.Content.Video(ctx, asker(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return tagged(card.Version, a.shared(asker(ctx), card)), nil
}

type patchVideoInput struct {
	ID id.Video `path:"id"`
	Match
	Body struct {
		Caption    *string               `json:"caption,omitempty" maxLength:"8800"`
		Products   *[]id.Product         `json:"product_ids,omitempty"`
		Hashtags   *[]string             `json:"hashtags,omitempty"`
		Disclosure *[]content.Disclosure `json:"disclosure,omitempty" doc:"Added to what is there; nothing is taken away"`
	}
}

func (a *API) patchVideo(ctx context.Context, in *patchVideoInput) (*Tagged[videoView], error) {
	match, err := in.version()
	if err != nil {
		return nil, err
	}
	card, err := a.deps.Content.Update(ctx, asker(ctx), in.ID, match, content.Change{Caption: in.Body.Caption, Products: in.Body.Products,
		Hashtags: in.Body.Hashtags, Disclosure: in.Body.Disclosure})
	if err != nil {
		return nil, err
	}
	return tagged(card.Version, a.videoFor(asker(ctx), card)), nil
}

func (a *API) deleteVideo(ctx context.Context, in *VideoInput) (*None, error) {
	return nil, a.deps.Content.Delete(ctx, asker(ctx), in.ID)
}

func (a *API) creatorVideos(ctx context.Context, in *struct {
	HandleInput
	List
}) (*PageOutput[videoView], error) {
	from, err := after[id.Video](in.List)
	if err != nil {
		return nil, err
	}
	who := asker(ctx)
	creator, err := a.deps.Accounts.CreatorByHandle(ctx, in.Handle)
	if err != nil {
		return nil, err
	}
	cards, err := a.deps.Content.ByCreator(ctx, who, creator.ID, from, in.Limit+1)
	if err != nil {
		return nil, err
	}
	views, hand := make([]videoView, len(cards)), a.hand(who, id.SurfaceCreator)
	for i := range cards {
		views[i] = a.handOut(hand, who, cards[i])
	}
	return page(views, in.Limit, func(v videoView) string { return string(v.ID) }), nil
}

type likes struct {
	Likes int64 `json:"likes"`
	Liked bool  `json:"liked"`
}

func (a *API) likeVideo(ctx context.Context, in *VideoInput) (*Output[likes], error) {
	n, err := a.deps.Content.Like(ctx, asker(ctx), in.ID)
	return answered(likes{n, true}, err)
}

func (a *API) unlikeVideo(ctx context.Context, in *VideoInput) (*Output[likes], error) {
	n, err := a.deps.Content.Unlike(ctx, asker(ctx), in.ID)
	return answered(likes{n, false}, err)
}

func (a *API) comments(ctx context.Context, in *struct {
	VideoInput
	List
}) (*PageOutput[content.Comment], error) {
	from, err := after[id.Comment](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Content.Comments(ctx, asker(ctx), in.ID, from, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(list, in.Limit, func(c content.Comment) string { return string(c.ID) }), nil
}

func (a *API) comment(ctx context.Context, in *struct {
	VideoInput
	Body struct {
		Text    string     `json:"text" maxLength:"2000" doc:"At most 500 characters"`
		ReplyTo id.Comment `json:"reply_to,omitempty" maxLength:"40"`
	}
}) (*Output[content.Comment], error) {
	return answered(a.deps.Content.Comment(ctx, asker(ctx), in.ID, in.Body.Text, in.Body.ReplyTo))
}

func (a *API) deleteComment(ctx context.Context, in *struct {
	ID id.Comment `path:"id"`
}) (*None, error) {
	return nil, a.deps.Content.DeleteComment(ctx, asker(ctx), in.ID)
}

func (a *API) report(ctx context.Context, in *struct {
	VideoInput
	Body struct {
		Reason string `json:"reason" maxLength:"2000"`
	}
}) (*None, error) {
	return nil, a.deps.Content.Report(ctx, asker(ctx), in.ID, in.Body.Reason)
}

func (a *API) follow(ctx context.Context, in *HandleInput) (*None, error) {
	return nil, a.deps.Content.Follow(ctx, asker(ctx), in.Handle)
}

func (a *API) unfollow(ctx context.Context, in *HandleInput) (*None, error) {
	return nil, a.deps.Content.Unfollow(ctx, asker(ctx), in.Handle)
}

// registerTrust adds how the operator changes the standing of things.
func (a *API) registerTrust() {
	if a.deps.Trust == nil {
		return
	}
	register(a, Route{Method: http.MethodPost, Path: "/operator/standing/{kind}/{subject}", Who: Operator, Tag: "operator", Status: 200, Summary: "Change how a video, product, comment or account stands"}, a.setStanding)
	register(a, Route{Method: http.MethodGet, Path: "/operator/standing/{kind}/{subject}", Who: Operator, Tag: "operator", Summary: "The changes of one thing's standing, newest first"}, a.standingHistory)
	register(a, Route{Method: http.MethodPost, Path: "/operator/standing-changes/{change}/undo", Who: Operator, Tag: "operator", Status: 200, Summary: "Take the newest change of standing back"}, a.undoStanding)
}

// SubjectInput names what is judged.
type SubjectInput struct {
	Kind    trust.Kind `path:"kind" enum:"video,product,comment,account"`
	Subject string     `path:"subject" maxLength:"40"`
}

func (a *API) setStanding(ctx context.Context, in *struct {
	SubjectInput
	Body struct {
		Standing trust.Standing `json:"standing" enum:"visible,limited,removed"`
		Reason   string         `json:"reason" maxLength:"2000" doc:"Its owner reads it"`
	}
}) (*Output[trust.Change], error) {
	return answered(a.deps.Trust.Set(ctx, asker(ctx), in.Kind, in.Subject, in.Body.Standing, in.Body.Reason))
}

func (a *API) standingHistory(ctx context.Context, in *SubjectInput) (*PageOutput[trust.Change], error) {
	list, err := a.deps.Trust.History(ctx, asker(ctx), in.Kind, in.Subject)
	if err != nil {
		return nil, err
	}
	return whole(list), nil
}

func (a *API) undoStanding(ctx context.Context, in *struct {
	Change string `path:"change" maxLength:"40"`
}) (*Output[trust.Change], error) {
	return answered(a.deps.Trust.Undo(ctx, asker(ctx), in.Change))
}

// shared returns a video opened by its address, with a token for that.
func (a *API) shared(who account.Asker, card content.Card) videoView {
	return a.handOut(a.hand(who, id.SurfaceShared), who, card)
}
