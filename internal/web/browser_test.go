package web

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// told is what a page has told the server.
type told struct {
	mu     sync.Mutex
	events []map[string]any
	calls  []string
	fail   int // how many batches of events are still refused
}

func (s *told) add(call string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call)
}

// count returns how many events of a type there were, each id once.
func (s *told) count(kind string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := map[any]bool{}
	for _, e := range s.events {
		if e["type"] == kind {
			ids[e["id"]] = true
		}
	}
	return len(ids)
}

func (s *told) called(call string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if strings.HasPrefix(c, call) {
			return true
		}
	}
	return false
}

func (s *told) take(w http.ResponseWriter, r *http.Request) {
	var batch struct {
		SentAt string           `json:"sent_at"`
		Events []map[string]any `json:"events"`
	}
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail > 0 {
		s.fail--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if err := json.Unmarshal(body, &batch); err != nil || batch.SentAt == "" || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") {
		s.calls = append(s.calls, "bad events: "+string(body))
	}
	s.events = append(s.events, batch.Events...)
	_, _ = io.WriteString(w, `{"accepted":1,"duplicates":0,"rejected":[]}`)
}

// market serves the sample feed with true clips, and answers its scripts as the program does.
func market(t *testing.T, s *told) *httptest.Server {
	t.Helper()
	page := func(c func() string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", Policy)
			_, _ = io.WriteString(w, c())
		}
	}
	clip := func(id string) Clip {
		c := sampleClip(id)
		c.Liked, c.Sources = false, []Source{{URL: "/clips/eggs.mp4", Type: "video/mp4", Height: 720}}
		return c
	}
	mux := http.NewServeMux()
	mux.Handle(AssetPath, Assets())
	mux.Handle("/sample/", http.StripPrefix("/sample/", http.FileServer(http.Dir("testdata"))))
	mux.Handle("/clips/", http.StripPrefix("/clips/", http.FileServer(http.Dir("../demo/clips"))))
	mux.HandleFunc("/{$}", page(func() string {
		return html(t, Feed(FeedPage{Chrome: sampleChrome("For you", Market, "feed"), Surface: "home", Items: []Clip{clip("vid_1"), clip("vid_2")}, Next: "/?cursor=x", Cursor: "x"}))
	}))
	mux.HandleFunc("/products/{id}", page(func() string { return html(t, Sheet(sampleProduct())) }))
	mux.HandleFunc("/studio/upload", page(func() string {
		return html(t, Upload(UploadPage{Chrome: sampleChrome("Post a video", Studio, "upload"), Caption: NewCaption(), MaxBytes: 500 << 20}))
	}))
	mux.HandleFunc("POST /api/v1/events", s.take)
	mux.HandleFunc("POST /bag/lines", func(w http.ResponseWriter, r *http.Request) {
		s.add("bag " + r.FormValue("variant_id") + " " + r.FormValue("quantity") + " " + r.FormValue("impression"))
		http.Redirect(w, r, "/bag", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /api/v1/feed", func(w http.ResponseWriter, r *http.Request) {
		s.add("feed " + r.URL.RawQuery)
		_, _ = io.WriteString(w, `{"items":[{"impression":"imp-3","slot":1,"why":["new"],"video":{"id":"vid_3","caption":"<b>bold</b>","sources":[{"url":"/clips/eggs.mp4","type":"video/mp4","height":720,"bitrate":1}],
			"poster_url":"/sample/film.svg","creator":{"handle":"kai","display_name":"Kai"},"disclosure":["sample"],"products":[{"id":"prd_9","title":"Mug","price":{"amount":123450,"currency":"USD"},"available":3}],"counts":{"likes":12,"comments":0}}}],"next_cursor":null}`)
	})
	mux.HandleFunc("/api/v1/videos/{id}/like", func(w http.ResponseWriter, r *http.Request) {
		s.add(r.Method + " like " + r.PathValue("id"))
		w.WriteHeader(http.StatusNoContent)
	})
	tus(mux, s)
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		if t.Failed() {
			t.Logf("the server heard %q, %d events", s.calls, len(s.events))
		}
	})
	return server
}

// tus answers resumable uploads; its first piece of every upload is lost on the way.
func tus(mux *http.ServeMux, s *told) {
	var mu sync.Mutex
	var offset, pieces int64
	mux.HandleFunc("POST /api/v1/images", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.add("image " + http.DetectContentType(body))
		_, _ = io.WriteString(w, `{"image":{"id":"img_1","url":"/i"}}`)
	})
	mux.HandleFunc("POST /api/v1/uploads", func(w http.ResponseWriter, r *http.Request) {
		s.add("upload " + r.Header.Get("Tus-Resumable") + " " + r.Header.Get("Upload-Metadata"))
		w.Header().Set("Location", "/api/v1/uploads/upl_1")
		w.WriteHeader(http.StatusCreated)
	})
	mux.HandleFunc("/api/v1/uploads/upl_1", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch r.Method {
		case http.MethodPatch:
			pieces++
			if pieces == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			n, _ := io.Copy(io.Discard, r.Body)
			offset += n
		case http.MethodHead:
			s.add("asked how far")
		}
		w.Header().Set("Upload-Offset", json.Number(itoa(offset)).String())
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /studio/videos", func(w http.ResponseWriter, r *http.Request) {
		s.add("post " + r.FormValue("upload_id") + " " + r.FormValue("poster_image_id") + " " + r.FormValue("caption"))
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
}

func itoa(n int64) string { b, _ := json.Marshal(n); return string(b) }

// browser opens Chromium at the size of a phone and fails the test on any breach of the policy and
// on any error of a script.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := os.Getenv("MEZZO_CHROMIUM")
	if path == "" || testing.Short() {
		t.Skip("MEZZO_CHROMIUM names no browser to drive, or there is no time for it")
	}
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(390, 844),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"), chromedp.Flag("disable-component-update", true))
	base, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(base)
	t.Cleanup(cancel)
	ctx, late := context.WithTimeout(ctx, 90*time.Second)
	t.Cleanup(late)
	console := chromedp.Console(ctx)
	go func() {
		for m, err := range console {
			if err != nil {
				return
			}
			if m.IsException() || strings.Contains(m.Text, "Content Security Policy") {
				t.Errorf("the page's console: %s", m)
			}
		}
	}()
	return ctx
}

// until evaluates an expression in the page until it is true.
func until(t *testing.T, ctx context.Context, what, expression string) {
	t.Helper()
	eventually(t, what, func() bool {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
		return err == nil && ok
	})
}

// eventually waits for something the server should hear.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-limit.C:
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

func TestFeedInABrowser(t *testing.T) {
	ctx := browser(t)
	s := &told{fail: 1}
	server := market(t, s)
	run := func(steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			t.Fatal(err)
		}
	}
	run(chromedp.EmulateViewport(390, 844), chromedp.Navigate(server.URL+"/"))
	until(t, ctx, "the first film plays", `document.querySelector('[data-clip=vid_1] video').currentTime > 0.2`)
	eventually(t, "an impression, told again after a refusal", func() bool { return s.count("impression") == 1 })
	eventually(t, "a view after two seconds", func() bool { return s.count("view") == 1 })
	eventually(t, "more films are asked for", func() bool { return s.called("feed limit=8&surface=home&cursor=x") })
	until(t, ctx, "the third is drawn as text", `document.querySelector('[data-clip=vid_3] [data-text]')?.textContent === '<b>bold</b>'`)
	until(t, ctx, "with its label and price", `(e => e.querySelector('[data-labels]').innerText.includes('Free sample') && e.querySelector('[data-price]').textContent === '$1,234.50')(document.querySelector('[data-clip=vid_3]'))`)

	run(chromedp.KeyEvent("l"))
	eventually(t, "the like", func() bool { return s.called("PUT like vid_1") && s.count("like") == 1 })
	run(chromedp.KeyEvent("m"))
	until(t, ctx, "the sound is kept", `localStorage.getItem('mezzo.sound') === '1' && !document.querySelector('[data-clip=vid_1] video').muted`)
	run(chromedp.KeyEvent(" "))
	until(t, ctx, "space halts it", `document.querySelector('[data-clip=vid_1] video').paused`)
	eventually(t, "what was watched", func() bool { return s.count("watch") >= 1 })

	run(chromedp.Click(`[data-clip=vid_1] [data-view]`))
	until(t, ctx, "the sheet opens over the film", `document.querySelector('#over').open && document.querySelector('#over [data-sheet]') !== null`)
	until(t, ctx, "it has come to rest", `document.querySelector('#over').getAnimations({ subtree: true }).every(a => a.playState !== 'running')`)
	eventually(t, "the click, at once", func() bool { return s.count("product_click") == 1 })
	run(chromedp.Click(`#over label.chip:first-child`))
	until(t, ctx, "the price follows", `document.querySelector('#over .price').textContent === '$36.00'`)
	until(t, ctx, "who is paid stands over the sheet", `document.querySelector('#over .over-top').textContent.includes('Marisol Vega earns commission')`)
	shoot(t, ctx, "sheet")
	run(chromedp.Click(`#over [data-add]`))
	eventually(t, "it is in the bag", func() bool { return s.called("bag var_1 1 imp-1") && s.count("add_to_cart") == 1 })
	until(t, ctx, "the bag counts it", `document.querySelector('[data-bag-count]').textContent === '3'`)
	run(chromedp.KeyEvent(kb.Escape))
	until(t, ctx, "the sheet closes", `!document.querySelector('#over').open`)

	run(chromedp.KeyEvent(kb.ArrowDown))
	until(t, ctx, "the next film plays", `document.querySelector('[data-clip=vid_2] video').currentTime > 0.1 && document.querySelector('[data-clip=vid_1] video').paused`)
	eventually(t, "its impression", func() bool { return s.count("impression") == 2 })
	if s.called("bad events") {
		t.Error(s.calls)
	}
}

func TestUploadInABrowser(t *testing.T) {
	ctx := browser(t)
	s := &told{}
	server := market(t, s)
	err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/studio/upload"),
		chromedp.SetUploadFiles(`input[type=file]`, []string{absolute(t, "../demo/clips/eggs.mp4")}, chromedp.NodeReady),
		chromedp.SendKeys(`#f-caption`, "Three eggs"))
	if err != nil {
		t.Fatal(err)
	}
	until(t, ctx, "all is sent, past a lost piece", `document.querySelector('[data-upload-id]').value === 'upl_1'`)
	if !s.called("upload 1.0.0 filename ZWdncy5tcDQ=,filetype ") || !s.called("asked how far") || !s.called("image image/jpeg") {
		t.Errorf("the server heard %q", s.calls)
	}
	if err := chromedp.Do(ctx, chromedp.Click(`[data-post]`)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the video is posted with its poster", func() bool { return s.called("post upl_1 img_1 Three eggs") })
}

// shoot keeps a picture of the page for people to look at, when they ask for pictures.
func shoot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	folder := os.Getenv("MEZZO_SHOTS")
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}

// No page may be wider than a small phone, nor than a phone whose owner reads letters of twice the size.
func TestPagesFitNarrowScreens(t *testing.T) {
	ctx := browser(t)
	s := gallery(t)
	for name := range samplePages() {
		for _, fit := range []struct {
			what, prepare string
			width         int64
		}{
			{"at 320", "true", 320},
			{"at 390 with letters of twice the size", "document.documentElement.style.fontSize = '200%', true", 390},
		} {
			err := chromedp.Do(ctx, chromedp.EmulateViewport(fit.width, 700), chromedp.Navigate(s.URL+"/gallery/"+name+"?theme=light"))
			if err != nil {
				t.Fatal(err)
			}
			wide, err := chromedp.Run(ctx, chromedp.Evaluate[string](fit.prepare+` && (() => {
				const most = innerWidth + 1, out = [];
				if (document.documentElement.scrollWidth > most) {
					for (const e of document.querySelectorAll('body *')) {
						if (e.getBoundingClientRect().right > most && !e.closest('.pics,.cats,.tabs,.offers,.vh,.reel')) out.push(e.tagName + '.' + e.className);
					}
					out.unshift(document.documentElement.scrollWidth);
				}
				return out.slice(0, 8).join(' ');
			})()`))
			if err != nil || wide != "" {
				t.Errorf("%s %s is too wide: %s %v", name, fit.what, wide, err)
			}
		}
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	full, err := filepath.Abs(path) // Chromium opens no path with dots in it
	if err != nil {
		t.Fatal(err)
	}
	return full
}
