package media

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"mezzo/internal/db"
)

// smallBytes is what KeepSmall takes for small.
const smallBytes = 8_000_000

// wanted returns the renditions that are worth making of a video besides the original.
func (m *Media) wanted(info Info) []shape {
	if m.Tool == nil {
		return nil
	}
	side := min(info.Width, info.Height)
	if m.KeepSmall && info.PlaysAsIs() && info.Faststart && side <= 720 && info.Bytes <= smallBytes {
		return nil
	}
	var all []shape
	for i, s := range shapes {
		useful := side > s.side || info.BitrateBPS > int64(s.mostKbps+s.soundKbs)*2000
		if !info.PlaysAsIs() { // something must play, and nothing is made larger than it was
			useful = i == len(shapes)-1 || side > shapes[i+1].side
		}
		if useful {
			all = append(all, s)
		}
	}
	return all
}

// original stores the video as it was sent, with its index in front.
func (w *work) original(ctx context.Context) (Rendition, error) {
	path := filepath.Join(w.folder, Original+".mp4")
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return Rendition{}, fmt.Errorf("media: %w", err)
	}
	info := w.upload.Info
	// What needs no change is linked: storing it moves the link, and the source stays for another attempt.
	if !info.Faststart || !info.Clean || os.Link(w.source, path) != nil {
		if err := repackage(w.source, path); err != nil {
			return Rendition{}, err
		}
	}
	return w.store(ctx, Original, path)
}

func repackage(from, to string) error {
	r, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("media: %w", err)
	}
	defer r.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("media: %w", err)
	}
	return errors.Join(Faststart(r, out), out.Close())
}

// encode makes renditions with the tool when it is this video's turn.
func (w *work) encode(ctx context.Context, wanted []shape) ([]Rendition, error) {
	select {
	case w.m.encoding <- struct{}{}:
		defer func() { <-w.m.encoding }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	err := w.m.Tool.Encode(ctx, w.source, w.upload.Info, w.folder, wanted, func(percent int) {
		w.progress(ctx, 10+percent*8/10)
	})
	if err != nil {
		return nil, err
	}
	var all []Rendition
	for _, s := range wanted {
		r, err := w.store(ctx, s.role, filepath.Join(w.folder, s.role+".mp4"))
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// store keeps a file of the work folder as a blob and says what it is.
func (w *work) store(ctx context.Context, role, path string) (Rendition, error) {
	f, err := os.Open(path)
	if err != nil {
		return Rendition{}, fmt.Errorf("media: %w", err)
	}
	info, err := Probe(f)
	f.Close()
	if err != nil { // of our own making: not the sender's fault
		return Rendition{}, fmt.Errorf("media: what was made cannot be read: %s", err)
	}
	name, err := w.m.keepFile(ctx, path, "mp4")
	if err != nil {
		return Rendition{}, err
	}
	r := Rendition{Role: role, Name: name, Type: "video/mp4", BitrateBPS: info.BitrateBPS, Bytes: info.Bytes}
	r.Width, r.Height = info.Shown()
	if w.lasts == 0 {
		w.lasts = info.DurationMS
	}
	return r, nil
}

// poster finds the picture that stands for the video: its creator's, else a frame of it.
func (w *work) poster(ctx context.Context, out *made) error {
	if w.upload.Poster != "" {
		err := w.m.DB.Read(ctx, func(tx *db.Tx) error {
			i, err := OwnImage(tx, w.upload.Account, w.upload.Poster)
			out.Poster = i.Large
			return err
		})
		return err
	}
	if w.m.Tool == nil {
		return nil
	}
	p, err := w.m.Tool.Poster(ctx, w.source, w.upload.Info, w.folder)
	if err != nil {
		if w.run.Attempt < toolAttempts || ctx.Err() != nil {
			return fmt.Errorf("media: take a frame: %s", err)
		}
		w.m.Log.Warn("a video is published without a poster", "video", w.upload.Video, "error", err)
		return nil
	}
	if out.Poster, err = w.m.keepBytes(ctx, p.jpeg, "jpg"); err != nil {
		return err
	}
	out.renditions = append(out.renditions, Rendition{Role: Poster, Name: out.Poster, Type: "image/jpeg",
		Width: p.width, Height: p.height, Bytes: int64(len(p.jpeg))})
	return nil
}
