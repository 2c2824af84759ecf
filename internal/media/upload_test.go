package media_test

import (
	"encoding/base64"
	"strconv"
	"strings"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/media"
)

func TestUploadComesInPieces(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		me, content := someone(w.clock), read(t, "tail.mp4")
		at := w.begin(me, len(content))
		if !strings.HasPrefix(at, "/api/v1/uploads/upl_") {
			t.Fatalf("location %q does not hold behind a proxy", at)
		}
		half := len(content) / 2
		w.want(204, "")(w.ask(me, "PATCH", at, content[:half], "Upload-Offset", "0"))
		w.want(409, "HEAD")(w.ask(me, "PATCH", at, content[half:], "Upload-Offset", "0"))
		r := w.want(200, "")(w.ask(me, "HEAD", at, nil))
		if got := r.Header.Get("Upload-Offset"); got != strconv.Itoa(half) {
			t.Fatalf("stands at %s of %d", got, half)
		}
		upload := id.Upload(at[strings.LastIndex(at, "/")+1:])
		if u, err := w.upload(me, upload); err != nil || u.State != media.Receiving {
			t.Fatal(u, err)
		}
		w.want(204, "")(w.ask(me, "PATCH", at, content[half:], "Upload-Offset", strconv.Itoa(half)))
		u, err := w.upload(me, upload)
		if err != nil {
			t.Fatal(err)
		}
		if u.State != media.Finished || u.Info.VideoCodec != "h264" || u.Size != int64(len(content)) || u.Filename != "My clip.mp4" {
			t.Errorf("%+v", u)
		}
	})
}

func TestUploadIsItsOwnersAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		me, other, content := someone(w.clock), someone(w.clock), read(t, "tail.mp4")
		at := w.begin(me, len(content))
		w.want(404, "")(w.ask(other, "HEAD", at, nil))
		w.want(404, "")(w.ask(other, "PATCH", at, content, "Upload-Offset", "0"))
		w.want(404, "")(w.ask(other, "DELETE", at, nil))
		w.want(404, "")(w.ask(other, "POST", at, nil, "X-HTTP-Method-Override", "DELETE"))
		w.want(401, "")(w.ask("", "PATCH", at, content, "Upload-Offset", "0"))
		w.want(401, "")(w.ask("", "POST", "/api/v1/uploads", nil, "Upload-Length", "5"))
		w.want(403, "content:write")(w.ask(me, "DELETE", at, nil, "Test-Scope", string(account.OrdersRead)))
		r := w.want(200, "")(w.ask(me, "HEAD", at, nil, "Test-Scope", string(account.ContentWrite)))
		if r.Header.Get("Upload-Offset") != "0" {
			t.Error("somebody else's bytes arrived")
		}
		upload := w.send(me, content)
		if _, err := w.upload(other, upload); !fault.Is(err, fault.Missing) {
			t.Error(err)
		}
		if _, err := w.post(other, upload, ""); !fault.Is(err, fault.Missing) {
			t.Errorf("somebody else's upload became a video: %v", err)
		}
	})
}

func TestUploadRefusals(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		me := someone(w.clock)
		post := func(headers ...string) func(int, string) {
			return func(status int, says string) {
				t.Helper()
				w.want(status, says)(w.ask(me, "POST", "/api/v1/uploads/", nil, headers...))
			}
		}
		post("Upload-Length", "500000001")(413, "500000000")
		post("Upload-Length", "0")(422, "empty")
		post("Upload-Length", "-1")(400, "")
		post("Upload-Length", "many")(400, "")
		post("Upload-Defer-Length", "1")(400, "Upload-Length")
		post("Upload-Length", "5", "Tus-Resumable", "0.2.2")(412, "Tus-Resumable")
		for _, path := range []string{"/api/v1/uploads/upl_nothing", "/api/v1/uploads/..%2fmezzo.db", "/api/v1/uploads/work", "/api/v1/uploads/" + string(id.Upload("").Next(w.clock.Now()))} {
			w.want(404, "")(w.ask(me, "PATCH", path, []byte("x"), "Upload-Offset", "0"))
		}
		at := w.begin(me, 3)
		w.want(413, "")(w.ask(me, "PATCH", at, []byte("four"), "Upload-Offset", "0"))
		w.want(400, "")(w.ask(me, "PATCH", at, []byte("abc"), "Upload-Offset", "0", "Content-Type", "video/mp4"))
		w.want(404, "HEAD")(w.ask(me, "GET", at, nil))
		r := w.want(200, "")(w.ask(me, "OPTIONS", "/api/v1/uploads/", nil))
		if got := r.Header.Get("Tus-Extension"); got != "creation,creation-with-upload,termination" {
			t.Errorf("extensions %q", got)
		}
	})
}

func TestUploadOfNoUseIsRefusedWithItsReason(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		me, content := someone(w.clock), read(t, "hevc.mp4")
		at := w.begin(me, len(content))
		w.want(422, "High Efficiency")(w.ask(me, "PATCH", at, content, "Upload-Offset", "0"))
		w.want(422, "")(w.ask(me, "HEAD", at, nil))
		upload := id.Upload(at[strings.LastIndex(at, "/")+1:])
		if _, err := w.post(me, upload, ""); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "High Efficiency") {
			t.Error(err)
		}
		if left := w.left(); len(left) > 0 {
			t.Errorf("its bytes are still here: %v", left)
		}
		// Within the request that creates it, too.
		w.want(422, "not a video")(w.ask(me, "POST", "/api/v1/uploads", []byte("hello"), "Upload-Length", "5", "Content-Type", "application/offset+octet-stream"))
	})
}

func TestUploadWithCreationAndTermination(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		me, content := someone(w.clock), read(t, "front.mp4")
		r := w.want(201, "")(w.ask(me, "POST", "/api/v1/uploads", content, "Upload-Length", strconv.Itoa(len(content)), "Content-Type", "application/offset+octet-stream"))
		at := r.Header.Get("Location")
		upload := id.Upload(at[strings.LastIndex(at, "/")+1:])
		if u, err := w.upload(me, upload); err != nil || u.State != media.Finished {
			t.Fatal(u, err)
		}
		w.want(204, "")(w.ask(me, "DELETE", at, nil))
		w.want(404, "")(w.ask(me, "HEAD", at, nil))
		if left := w.left(); len(left) > 0 {
			t.Errorf("its bytes are still here: %v", left)
		}
		claimed := w.send(me, content)
		if _, err := w.post(me, claimed, ""); err != nil {
			t.Fatal(err)
		}
		w.want(409, "Delete the video")(w.ask(me, "DELETE", "/api/v1/uploads/"+string(claimed), nil))
	})
}

func TestUploadsOfOneAccountAreBounded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		me, other := someone(w.clock), someone(w.clock)
		for range media.OpenUploads {
			w.begin(me, 10)
		}
		w.want(429, "unfinished")(w.ask(me, "POST", "/api/v1/uploads", nil, "Upload-Length", "10"))
		w.begin(other, 10)
		for range media.UploadsPerDay / media.MaxUploadBytes {
			at := w.begin(other, media.MaxUploadBytes-1)
			w.want(204, "")(w.ask(other, "DELETE", at, nil)) // gone, and no longer counted
		}
		w.begin(other, media.MaxUploadBytes)
		w.clock.Advance(media.UnfinishedLife)
		w.sweep()
		w.begin(me, 10)
	})
}

func TestUnfinishedUploadsGoAfterADay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		me, content := someone(w.clock), read(t, "tail.mp4")
		open := w.begin(me, len(content))
		w.want(204, "")(w.ask(me, "PATCH", open, content[:100], "Upload-Offset", "0"))
		finished := w.send(me, content)
		w.clock.Advance(media.UnfinishedLife - time.Second)
		w.sweep()
		w.want(200, "")(w.ask(me, "HEAD", open, nil))
		w.clock.Advance(time.Second)
		w.sweep()
		w.want(404, "")(w.ask(me, "HEAD", open, nil))
		if u, err := w.upload(me, finished); err != nil || u.State != media.Finished {
			t.Fatal(u, err)
		}
		w.clock.Advance(media.UnclaimedLife)
		w.sweep()
		if _, err := w.upload(me, finished); !fault.Is(err, fault.Missing) {
			t.Error(err)
		}
		if left := w.left(); len(left) > 0 {
			t.Errorf("bytes are still here: %v", left)
		}
	})
}

// The process can die after the last byte and before it is looked into.
func TestUploadWholeBeforeACrashIsFinishedAfterIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		me, content := someone(w.clock), read(t, "tail.mp4")
		for name, notice := range map[string]func(at string){
			"asked": func(at string) { w.want(200, "")(w.ask(me, "HEAD", at, nil)) },
			"sent again": func(at string) {
				w.want(204, "")(w.ask(me, "PATCH", at, nil, "Upload-Offset", strconv.Itoa(len(content))))
			},
			"swept": func(string) { w.sweep() },
		} {
			at := w.begin(me, len(content))
			upload := id.Upload(at[strings.LastIndex(at, "/")+1:])
			w.write(string(upload), content)
			if _, err := w.post(me, upload, ""); !fault.Is(err, fault.Conflict) {
				t.Fatalf("%s: %v", name, err)
			}
			notice(at)
			if u, err := w.upload(me, upload); err != nil || u.State != media.Finished || u.Info.Width != 108 {
				t.Errorf("%s: %+v, %v", name, u, err)
			}
		}
	})
}

func TestFilenamesAreClipped(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		me := someone(w.clock)
		for name, want := range map[string]string{
			"C:\\fakepath\\a.mp4":    "a.mp4",
			"line\nbreak\x00.mp4":    "linebreak.mp4",
			strings.Repeat("é", 200): strings.Repeat("é", 120),
			"broken \xff.mp4":        "broken \uFFFD.mp4",
			"":                       "",
		} {
			r := w.want(201, "")(w.ask(me, "POST", "/api/v1/uploads", nil, "Upload-Length", "9", "Upload-Metadata", "filename "+base64.StdEncoding.EncodeToString([]byte(name))))
			at := r.Header.Get("Location")
			u, err := w.upload(me, id.Upload(at[strings.LastIndex(at, "/")+1:]))
			if err != nil || u.Filename != want {
				t.Errorf("%q became %q, want %q (%v)", name, u.Filename, want, err)
			}
			w.want(204, "")(w.ask(me, "DELETE", at, nil))
		}
	})
}
