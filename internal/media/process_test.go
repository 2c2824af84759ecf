package media_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/media"
)

func (w *world) image(who id.Account, p image.Image) media.Image {
	w.t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p, nil); err != nil {
		w.t.Fatal(err)
	}
	i, err := w.AddImage(context.Background(), account.Asker{Account: who}, &b)
	if err != nil {
		w.t.Fatal(err)
	}
	return i
}

func TestVideoOfAPhoneBecomesPlayableWithoutTools(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		me := someone(w.clock)
		poster := w.image(me, image.NewGray(image.Rect(0, 0, 1200, 1600)))
		video, err := w.post(me, w.send(me, read(t, "tail.mp4")), poster.ID)
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		r, ok := w.ready[video]
		if !ok || len(r.Sources) != 1 {
			t.Fatalf("%+v, lost %v", w.ready, w.lost)
		}
		s := r.Sources[0]
		if s.Role != media.Original || s.Type != "video/mp4" || s.Height != 192 || s.BitrateBPS < 20_000 || r.DurationMS != 1000 || r.Width != 108 || r.Height != 192 || r.Poster != poster.Large {
			t.Errorf("%+v", r)
		}
		served := w.content(s.Name)
		info, err := media.Probe(bytes.NewReader(served))
		if err != nil || !info.Faststart || !info.Clean || info.Bytes != s.Bytes {
			t.Errorf("%+v, %v", info, err)
		}
		if left := w.left(); len(left) > 0 {
			t.Errorf("still here: %v", left)
		}
		found, err := db.Get(context.Background(), w.d, func(tx *db.Tx) (map[id.Video][]media.Rendition, error) { return media.Sources(tx, video) })
		if err != nil || !slices.Equal(found[video], r.Sources) {
			t.Errorf("%+v, %v", found, err)
		}
		if n := w.count(`SELECT COUNT(*) FROM jobs WHERE state = 'done' AND progress = 100`); n != 1 {
			t.Errorf("%d jobs done", n)
		}
	})
}

func TestGoodFileIsPublishedAsItCame(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		me, content := someone(w.clock), read(t, "front.mp4")
		video, err := w.post(me, w.send(me, content), "")
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		r := w.ready[video]
		if len(r.Sources) != 1 || !bytes.Equal(w.content(r.Sources[0].Name), content) {
			t.Errorf("%+v, lost %v", r, w.lost)
		}
		if r.Poster != "" {
			t.Errorf("a poster out of nothing: %q", r.Poster)
		}
	})
}

func TestProcessRefuses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		me, other := someone(w.clock), someone(w.clock)
		upload := w.send(me, read(t, "tail.mp4"))
		theirs := w.image(other, image.NewGray(image.Rect(0, 0, 10, 10)))
		if _, err := w.post(me, upload, theirs.ID); !fault.Is(err, fault.Missing) {
			t.Errorf("a poster of somebody else's: %v", err)
		}
		if _, err := w.post(me, id.Upload("").Next(w.clock.Now()), ""); !fault.Is(err, fault.Missing) {
			t.Error(err)
		}
		if _, err := w.post(me, upload, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := w.post(me, upload, ""); !fault.Is(err, fault.Conflict) {
			t.Errorf("used twice: %v", err)
		}
		if n := w.count(`SELECT COUNT(*) FROM jobs`); n != 1 {
			t.Errorf("%d jobs", n)
		}
	})
}

// The process can die at any point of a job: the last transaction is the only one that shows.
func TestJobIsRepeatedAfterAnyFailure(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		me := someone(w.clock)
		for _, name := range []string{"tail.mp4", "front.mp4"} {
			upload := w.send(me, read(t, name))
			video, err := w.post(me, upload, "")
			if err != nil {
				t.Fatal(err)
			}
			w.fails = errors.New("the power went")
			w.work()
			if len(w.ready)+len(w.lost) > 0 || w.count(`SELECT COUNT(*) FROM renditions`) > 0 {
				t.Fatalf("%s: half a video shows: %v %v", name, w.ready, w.lost)
			}
			w.clock.Advance(time.Minute)
			w.sweep()
			w.work()
			if len(w.ready[video].Sources) != 1 {
				t.Fatalf("%s: %v %v", name, w.ready, w.lost)
			}
			if left := w.left(); len(left) > 0 {
				t.Errorf("%s: still here: %v", name, left)
			}
			delete(w.ready, video)
			w.forget(video)
		}
		w.clock.Advance(media.FileGrace + time.Second)
		w.sweep()
		if kept := w.kept(); len(kept) > 0 {
			t.Errorf("blobs nobody names: %v", kept)
		}
	})
}

func (w *world) forget(video id.Video) {
	w.t.Helper()
	if err := w.d.Write(context.Background(), func(tx *db.Tx) error { return media.Forget(tx, video) }); err != nil {
		w.t.Fatal(err)
	}
}

func TestForgottenWhileBeingMade(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		me := someone(w.clock)
		video, err := w.post(me, w.send(me, read(t, "tail.mp4")), "")
		if err != nil {
			t.Fatal(err)
		}
		w.forget(video)
		w.work()
		w.sweep()
		if len(w.ready)+len(w.lost) > 0 {
			t.Errorf("%v %v", w.ready, w.lost)
		}
		w.clock.Advance(time.Hour)
		w.sweep()
		if left := w.left(); len(left) > 0 {
			t.Errorf("still here: %v", left)
		}
	})
}

func TestLostFileFailsTheVideoWithASentence(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		me := someone(w.clock)
		upload := w.send(me, read(t, "tail.mp4"))
		video, err := w.post(me, upload, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(w.dir, string(upload))); err != nil {
			t.Fatal(err)
		}
		w.work()
		if !strings.Contains(w.lost[video], "Upload it again") {
			t.Errorf("%v %v", w.ready, w.lost)
		}
		if u, err := w.upload(me, upload); err != nil || u.State != media.Refused {
			t.Error(u, err)
		}
	})
}

// A job that takes the process down each time ends without a word of its own.
func TestJobThatKillsIsTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		me := someone(w.clock)
		video, err := w.post(me, w.send(me, read(t, "tail.mp4")), "")
		if err != nil {
			t.Fatal(err)
		}
		err = w.d.Write(context.Background(), func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE jobs SET state = 'failed'`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.sweep()
		if !strings.Contains(w.lost[video], "Upload it again") {
			t.Errorf("%v %v", w.ready, w.lost)
		}
	})
}

// What two videos share stays until the last of them goes.
func TestSharedBlobsStay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		me, content := someone(w.clock), read(t, "front.mp4")
		var videos []id.Video
		for range 2 {
			video, err := w.post(me, w.send(me, content), "")
			if err != nil {
				t.Fatal(err)
			}
			w.work()
			videos = append(videos, video)
		}
		picture := w.image(me, image.NewGray(image.Rect(0, 0, 700, 700)))
		w.clock.Advance(media.FileGrace + time.Second)
		w.forget(videos[0])
		w.sweep()
		w.content(w.ready[videos[1]].Sources[0].Name)
		w.forget(videos[1])
		w.sweep()
		if kept := w.kept(); len(kept) != 2 || !slices.Contains(kept, picture.Large) || !slices.Contains(kept, picture.Small) {
			t.Errorf("%v; want the two sizes of the picture alone", kept)
		}
		if n := w.count(`SELECT COUNT(*) FROM media_files`); n != 2 {
			t.Errorf("%d rows of files", n)
		}
	})
}

func TestImagesAreOwnedAndBounded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, me, other := context.Background(), someone(w.clock), someone(w.clock)
		mine := w.image(me, image.NewGray(image.Rect(0, 0, 700, 500)))
		if mine.Width != 700 || mine.Height != 500 || !strings.HasPrefix(mine.URL(), "/media/") || mine.SmallURL() == mine.URL() {
			t.Errorf("%+v", mine)
		}
		err := w.d.Read(ctx, func(tx *db.Tx) error {
			if i, err := media.OwnImage(tx, me, mine.ID); err != nil || i != mine {
				t.Errorf("%+v, %v", i, err)
			}
			if _, err := media.OwnImage(tx, other, mine.ID); !fault.Is(err, fault.Missing) {
				t.Error(err)
			}
			found, err := media.Images(tx, mine.ID, "img_nobody", mine.ID)
			if len(found) != 1 || found[mine.ID] != mine {
				t.Errorf("%v, %v", found, err)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.AddImage(ctx, account.Asker{}, strings.NewReader("")); !fault.Is(err, fault.Unauthorized) {
			t.Error(err)
		}
		err = w.d.Write(ctx, func(tx *db.Tx) error {
			for i := range media.ImagesPerHour - 1 {
				_, err := tx.Exec(`INSERT INTO images (id, account_id, large, width, height, small, created_at) VALUES ($1, $2, 'a', 1, 1, 'b', $3)`,
					fmt.Sprint("img_", i), me, db.Micros(tx.Now()))
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var one bytes.Buffer
		if err := jpeg.Encode(&one, image.NewGray(image.Rect(0, 0, 1, 1)), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := w.AddImage(ctx, account.Asker{Account: me}, bytes.NewReader(one.Bytes())); !fault.Is(err, fault.Limited) {
			t.Error(err)
		}
		w.clock.Advance(time.Hour + time.Second)
		if _, err := w.AddImage(ctx, account.Asker{Account: me}, &one); err != nil {
			t.Error(err)
		}
	})
}

func TestBlobsAreServedForEver(t *testing.T) {
	d, c := dbtest.SQLite(t)
	w := newWorld(t, d, c, nil)
	me, content := someone(c), read(t, "front.mp4")
	video, err := w.post(me, w.send(me, content), "")
	if err != nil {
		t.Fatal(err)
	}
	w.work()
	at := w.ready[video].Sources[0].URL()
	r := w.want(200, "")(w.ask("", "GET", at, nil))
	for name, want := range map[string]string{
		"Content-Type": "video/mp4", "Cache-Control": "public, max-age=31536000, immutable", "Accept-Ranges": "bytes",
		"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "cross-origin", "Last-Modified": "",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	tag := r.Header.Get("ETag")
	if len(tag) != 66 || !strings.Contains(at, strings.Trim(tag, `"`)) {
		t.Errorf("ETag %s of %s", tag, at)
	}
	part := w.want(206, string(content[100:201]))(w.ask("", "GET", at, nil, "Range", "bytes=100-200", "If-Range", tag))
	if got := part.Header.Get("Content-Range"); got != fmt.Sprintf("bytes 100-200/%d", len(content)) {
		t.Errorf("Content-Range %q", got)
	}
	w.want(304, "")(w.ask("", "GET", at, nil, "If-None-Match", tag))
	w.want(416, "")(w.ask("", "GET", at, nil, "Range", "bytes=99999999-"))
	if h := w.want(200, "")(w.ask("", "HEAD", at, nil)); h.ContentLength != int64(len(content)) {
		t.Errorf("HEAD says %d bytes", h.ContentLength)
	}
	secret, _, err := w.blobs.Put(context.Background(), strings.NewReader(`{"email":"a@b"}`), "json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{secret, strings.Repeat("0", 64) + ".mp4", "lock", "..%2f..%2fmezzo.db", strings.Repeat("a", 64) + ".html"} {
		w.want(http.StatusNotFound, "")(w.ask("", "GET", media.Path+name, nil))
	}
}

// With ffmpeg on the PATH; without it there is nothing to try.
func TestTranscoding(t *testing.T) {
	tool := media.FindTool(context.Background())
	if tool == nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("ffmpeg with libx264 is lacking")
		}
		t.Skip("transcoding is not tried here: ffmpeg with libx264 is lacking")
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, tool)
		me := someone(c)
		for name, turned := range map[string]bool{"hevc.mp4": false, "vp9.webm": false, "deep.mp4": false, "fragmented.mp4": false, "opus.mp4": false, "turned.mov": true} {
			video, err := w.post(me, w.send(me, read(t, name)), "")
			if err != nil {
				t.Fatal(name, err)
			}
			w.work()
			r := w.ready[video]
			if len(r.Sources) != 1 || r.Poster == "" || r.DurationMS < 950 || r.DurationMS > 1100 || (r.Width > r.Height) != turned {
				t.Errorf("%s: %+v, lost %q", name, r, w.lost[video])
				continue
			}
			info, err := media.Probe(bytes.NewReader(w.content(r.Sources[0].Name)))
			if err != nil || !info.PlaysAsIs() || !info.Faststart {
				t.Errorf("%s: made %+v, %v", name, info, err)
			}
			if p, err := jpeg.DecodeConfig(bytes.NewReader(w.content(r.Poster))); err != nil || p.Width != r.Width || p.Height != r.Height {
				t.Errorf("%s: the poster is %d × %d (%v)", name, p.Width, p.Height, err)
			}
		}
		if len(w.steps) == 0 || slices.Max(w.steps) < 50 {
			t.Errorf("progress told: %v", w.steps)
		}
	})
}
