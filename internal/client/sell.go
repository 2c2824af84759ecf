package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Money is an amount in minor units.
type Money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// SignUp makes an account and returns the client that acts as it.
func (c Client) SignUp(ctx context.Context, email, password, name string) (Client, error) {
	var out struct {
		Account struct {
			ID string `json:"id"`
		} `json:"account"`
		Token string `json:"token"`
	}
	err := c.Call(ctx, http.MethodPost, "/api/v1/accounts", map[string]any{"email": email, "password": password, "display_name": name, "over_18": true}, &out)
	c.Token = out.Token
	return c, err
}

// SignIn returns the client that acts as the account.
func (c Client) SignIn(ctx context.Context, email, password string) (Client, error) {
	var out struct {
		Token string `json:"token"`
	}
	err := c.Call(ctx, http.MethodPost, "/api/v1/sessions", map[string]any{"email": email, "password": password}, &out)
	c.Token = out.Token
	return c, err
}

// NewViewer returns the client as an anonymous shopper the server minted.
func (c Client) NewViewer(ctx context.Context) (Client, error) {
	var out struct {
		Token string `json:"viewer_token"`
	}
	err := c.Call(ctx, http.MethodPost, "/api/v1/viewers", map[string]any{}, &out)
	c.Viewer = out.Token
	return c, err
}

// ID is an answer of which only the id matters.
type ID struct {
	ID string `json:"id"`
}

// BecomeCreator gives the account a handle.
func (c Client) BecomeCreator(ctx context.Context, handle, name, bio string, categories ...string) error {
	if categories == nil {
		categories = []string{}
	}
	return c.Call(ctx, http.MethodPut, "/api/v1/me/creator", map[string]any{"handle": handle, "display_name": name, "bio": bio, "categories": categories}, nil)
}

// OpenBrand opens a brand of the account and returns its id.
func (c Client) OpenBrand(ctx context.Context, name, country, currency string) (string, error) {
	var out struct {
		ID
		Brand ID `json:"brand"`
	}
	err := c.Call(ctx, http.MethodPost, "/api/v1/brands", map[string]any{"name": name, "country": country, "currency": currency}, &out)
	return first(out.ID.ID, out.Brand.ID), err
}

func first(ids ...string) string {
	for _, s := range ids {
		if s != "" {
			return s
		}
	}
	return ""
}

// Variant is one SKU of a product.
type Variant struct {
	ID     string `json:"id,omitempty"`
	SKU    string `json:"sku"`
	Title  string `json:"title"`
	Price  Money  `json:"price"`
	Stock  int64  `json:"stock"` // to begin with; answers leave it as it was asked
	Weight int64  `json:"weight_grams,omitempty"`
}

// Product is a product with its variants.
type Product struct {
	ID          string    `json:"id,omitempty"`
	Title       string    `json:"title"`
	Description string    `json:"description"`
	Category    string    `json:"category"`
	Images      []string  `json:"images"`
	Variants    []Variant `json:"variants"`
}

// List puts a product up for a brand and returns it with its ids.
func (c Client) List(ctx context.Context, brand string, p Product) (Product, error) {
	if p.Images == nil {
		p.Images = []string{}
	}
	var out struct {
		ID       string `json:"id"`
		Variants []ID   `json:"variants"`
	}
	if err := c.Call(ctx, http.MethodPost, "/api/v1/brands/"+brand+"/products", p, &out); err != nil {
		return p, err
	}
	if len(out.Variants) != len(p.Variants) {
		return p, fmt.Errorf("%d variants were put up and %d answered", len(p.Variants), len(out.Variants))
	}
	p.ID, p.Variants = out.ID, append([]Variant(nil), p.Variants...)
	for i, v := range out.Variants {
		p.Variants[i].ID = v.ID
	}
	return p, nil
}

// OpenProgram starts an open program over all of a brand's products and returns its id.
func (c Client) OpenProgram(ctx context.Context, brand, name string, bps, holdDays int) (string, error) {
	var out ID
	err := c.Call(ctx, http.MethodPost, "/api/v1/brands/"+brand+"/programs",
		map[string]any{"kind": "open", "name": name, "commission_bps": bps, "hold_days": holdDays, "product_ids": "all"}, &out)
	return out.ID, err
}

// Promote puts a product on the creator's shelf.
func (c Client) Promote(ctx context.Context, product string) error {
	return c.Call(ctx, http.MethodPut, "/api/v1/me/showcase/"+product, nil, nil)
}

// UploadImage sends a picture and returns its id.
func (c Client) UploadImage(ctx context.Context, mime string, data []byte) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Base+"/api/v1/images", bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", mime)
	var out struct {
		Image ID `json:"image"`
	}
	_, err = c.Send(req, &out)
	return out.Image.ID, err
}

// uploadChunk is how much of a file one PATCH carries, in bytes.
const uploadChunk = 4 << 20

// Upload sends a file by tus 1.0 in chunks and returns the upload's id.
func (c Client) Upload(ctx context.Context, name, mime string, data []byte) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Base+"/api/v1/uploads", nil)
	if err != nil {
		return "", err
	}
	encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	req.Header.Set("Tus-Resumable", "1.0.0")
	req.Header.Set("Upload-Length", strconv.Itoa(len(data)))
	req.Header.Set("Upload-Metadata", "filename "+encode(name)+",filetype "+encode(mime))
	resp, err := c.Send(req, nil)
	if err != nil {
		return "", err
	}
	at, err := resp.Request.URL.Parse(resp.Header.Get("Location"))
	if err != nil {
		return "", err
	}
	for offset := 0; offset < len(data); {
		end := min(offset+uploadChunk, len(data))
		if err := c.patch(ctx, at, offset, data[offset:end]); err != nil {
			return "", err
		}
		offset = end
	}
	return at.Path[strings.LastIndexByte(at.Path, '/')+1:], nil
}

func (c Client) patch(ctx context.Context, at *url.URL, offset int, chunk []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, at.String(), io.NopCloser(bytes.NewReader(chunk)))
	if err != nil {
		return err
	}
	req.ContentLength = int64(len(chunk))
	req.Header.Set("Tus-Resumable", "1.0.0")
	req.Header.Set("Upload-Offset", strconv.Itoa(offset))
	req.Header.Set("Content-Type", "application/offset+octet-stream")
	_, err = c.Send(req, nil)
	return err
}

// Video is a video as the API tells it.
type Video struct {
	ID         string `json:"id"`
	Impression string `json:"impression"` // the token of this showing; in a feed the item has it
	State      string `json:"state"`
	Caption    string `json:"caption"`
	Sources    []struct {
		URL    string `json:"url"`
		Type   string `json:"type"`
		Height int    `json:"height"`
	} `json:"sources"`
	Poster       string   `json:"poster_url"`
	Disclosure   []string `json:"disclosure"`
	FailedReason string   `json:"failed_reason"`
	Products     []struct {
		ID string `json:"id"`
	} `json:"products"`
}

// Post makes a video of an upload with tagged products.
func (c Client) Post(ctx context.Context, upload, poster, caption string, products ...string) (Video, error) {
	body := map[string]any{"upload_id": upload, "caption": caption, "product_ids": products, "hashtags": []string{}, "disclosure": []string{}}
	if poster != "" {
		body["poster_image_id"] = poster
	}
	var v Video
	err := c.Call(ctx, http.MethodPost, "/api/v1/videos", body, &v)
	return v, err
}

// GetVideo returns a video.
func (c Client) GetVideo(ctx context.Context, id string) (Video, error) {
	var v Video
	err := c.Call(ctx, http.MethodGet, "/api/v1/videos/"+id, nil, &v)
	return v, err
}

// Turn moves the sandbox clock of the server on; the client must be an operator's.
func (c Client) Turn(ctx context.Context, seconds int64) error {
	if seconds < 0 {
		return fmt.Errorf("time does not run back")
	}
	return c.Call(ctx, http.MethodPost, "/api/v1/sandbox/clock", map[string]any{"advance_seconds": seconds}, nil)
}
