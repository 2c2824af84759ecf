package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// rules are what every page must keep, and must not hold.
var rules = []struct {
	name string
	ok   func(page string) bool
}{
	{"one title that ends in the name of the house", func(p string) bool {
		return len(regexp.MustCompile(`<title>[^<]+( · )?Mezzo</title>`).FindAllString(p, -1)) == 1
	}},
	{"one h1", func(p string) bool { return strings.Count(p, "<h1") == 1 }},
	{"one main, reached by the first link", func(p string) bool {
		return strings.Count(p, "<main") == 1 && strings.Contains(p, `id="main"`) && strings.Index(p, `href="#main"`) < strings.Index(p, "<nav")+1+len(p)
	}},
	{"no style attribute", func(p string) bool { return !regexp.MustCompile(`<[^>]* style=`).MatchString(p) }},
	{"no style element", func(p string) bool { return !strings.Contains(p, "<style") }},
	{"no inline script", func(p string) bool {
		return !regexp.MustCompile(`<script[^>]*>[^<]`).MatchString(p) && !regexp.MustCompile(`<[^>]* on[a-z]+=`).MatchString(p)
	}},
	{"nothing from elsewhere", func(p string) bool {
		return !regexp.MustCompile(`(src|href|action)="(https?:)?//`).MatchString(p)
	}},
	{"no blocked address", func(p string) bool { return !strings.Contains(p, "about:invalid") }},
	{"language", func(p string) bool { return strings.Contains(p, `lang="en"`) }},
	{"no box drawn by its number", func(p string) bool { return !strings.Contains(p, "%!") && !strings.Contains(p, "<nil>") }},
}

func TestEveryPageKeepsTheRules(t *testing.T) {
	for name, c := range samplePages() {
		page := html(t, c)
		for _, r := range rules {
			if !r.ok(page) {
				t.Errorf("%s: %s", name, r.name)
			}
		}
		checkLabels(t, name, page)
		checkNames(t, name, page)
		checkIDs(t, name, page)
	}
}

// checkLabels finds inputs that nobody names.
func checkLabels(t *testing.T, name, page string) {
	t.Helper()
	bare := regexp.MustCompile(`(?s)<label[^>]*>.*?</label>`).ReplaceAllStringFunc(page, func(label string) string {
		return regexp.MustCompile(`<label[^>]*for="[^"]*"`).FindString(label) + " "
	})
	for _, input := range regexp.MustCompile(`<(?:input|select|textarea)[^>]*>`).FindAllString(bare, -1) {
		if strings.Contains(input, `type="hidden"`) || strings.Contains(input, "aria-label=") {
			continue
		}
		id := regexp.MustCompile(` id="([^"]*)"`).FindStringSubmatch(input)
		if id == nil || !strings.Contains(page, `for="`+id[1]+`"`) {
			t.Errorf("%s: no label for %s", name, input)
		}
	}
}

// checkNames finds links and buttons that say nothing.
func checkNames(t *testing.T, name, page string) {
	t.Helper()
	live := regexp.MustCompile(`(?s)<template.*?</template>`).ReplaceAllString(page, "")
	for _, m := range regexp.MustCompile(`(?s)<(a|button|summary)\b([^>]*)>(.*?)</(?:a|button|summary)>`).FindAllStringSubmatch(live, -1) {
		words := strings.TrimSpace(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(m[3], ""))
		if words == "" && !strings.Contains(m[2], `aria-label="`) && !regexp.MustCompile(`alt="[^"]`).MatchString(m[3]) && !strings.Contains(m[3], `aria-label="`) {
			t.Errorf("%s: a %s without a name: %s", name, m[1], m[0])
		}
	}
}

// checkIDs finds ids that occur twice.
func checkIDs(t *testing.T, name, page string) {
	t.Helper()
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if seen[m[1]] || m[1] == "" {
			t.Errorf("%s: the id %q occurs twice or is empty", name, m[1])
		}
		seen[m[1]] = true
	}
}

func TestDisclosureIsSaidInWords(t *testing.T) {
	page := html(t, samplePages()["feed"])
	for _, words := range []string{"Earns commission", "Free sample", "Marisol Vega earns commission"} {
		if !strings.Contains(page, words) {
			t.Errorf("the feed does not say %q", words)
		}
	}
}

func TestSumsStandBeforeTheButtonThatCarriesThem(t *testing.T) {
	page := html(t, samplePages()["checkout"])
	button := strings.Index(page, "Pay $51.85")
	for _, part := range []string{"$48.00", "−$5.00", "$4.90", "$3.95", "<dt class=\"all\">Total</dt>"} {
		if at := strings.Index(page, part); at < 0 || at > button {
			t.Errorf("%s does not stand before the button", part)
		}
	}
}

func TestWhatPeopleTypeStaysText(t *testing.T) {
	c := sampleClip("vid_1")
	c.Caption, c.Creator.Name, c.Products[0].Title = `<img src=x onerror=alert(1)>`, `"><script>alert(1)</script>`, `</title><b>`
	c.Creator.Handle = `x" onmouseover="alert(1)`
	v := sampleProduct()
	v.Seller.Email = `a@b.example" onclick="x`
	page := html(t, Feed(FeedPage{Chrome: Chrome{Title: "<i>"}, Items: []Clip{c}, Panel: &v}))
	for _, bad := range []string{"<img src=x", "<script>alert", `" onmouseover="`, `" onclick="`, "<i>"} {
		if strings.Contains(strings.ReplaceAll(page, "<i></i>", ""), bad) {
			t.Errorf("the page holds %s as markup", bad)
		}
	}
}

func TestFirstFeedPageFitsSixtyKilobytes(t *testing.T) {
	var sum int
	packed := func(s string) int {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = io.WriteString(z, s)
		_ = z.Close()
		return b.Len()
	}
	sum += packed(html(t, samplePages()["feed"]))
	for _, name := range []string{"mezzo.css", "feed.js", "icons.svg", "mark.svg"} {
		sum += len(assets()[name].packed)
	}
	t.Logf("%d bytes packed, pictures aside", sum)
	if sum > 45_000 { // leaves fifteen for the first poster
		t.Errorf("the first page has %d bytes packed without its poster, more than 45,000", sum)
	}
}

func TestAssetsAreKeptForEverAndPacked(t *testing.T) {
	h := Assets()
	get := func(url, encoding, etag string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, url, nil)
		r.Header.Set("Accept-Encoding", encoding)
		r.Header.Set("If-None-Match", etag)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	url := AssetURL("mezzo.css")
	w := get(url, "gzip, br", "")
	if w.Code != 200 || w.Header().Get("Content-Encoding") != "gzip" || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Fatalf("%s: %d %v", url, w.Code, w.Header())
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, _ := io.ReadAll(z)
	if plain := get(url, "", "").Body.Bytes(); !bytes.Equal(plain, unpacked) || len(plain) == 0 {
		t.Error("packed and plain differ")
	}
	if got := get(url, "gzip", w.Header().Get("ETag")).Code; got != http.StatusNotModified {
		t.Errorf("asked again with its tag: %d", got)
	}
	for _, bad := range []string{AssetPath + "mezzo.css", AssetPath + "../asset.go", AssetPath, AssetPath + "mezzo.000000000000.css"} {
		if got := get(bad, "", "").Code; got != http.StatusNotFound {
			t.Errorf("%s: %d", bad, got)
		}
	}
}

func TestPagesArePackedForThoseWhoAcceptIt(t *testing.T) {
	long := []byte(strings.Repeat("<p>warm, plain-spoken, exact</p>", 200))
	ask := func(method, encoding string, body []byte) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/", nil)
		r.Header.Set("Accept-Encoding", encoding)
		w := httptest.NewRecorder()
		send(w, r, http.StatusOK, body)
		return w
	}
	w := ask(http.MethodGet, "gzip, deflate, br", long)
	if w.Header().Get("Content-Encoding") != "gzip" || w.Body.Len() > len(long)/4 {
		t.Fatalf("%d bytes, %v", w.Body.Len(), w.Header())
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, long) {
		t.Errorf("unpacked to %d bytes, %v", len(got), err)
	}
	if w := ask(http.MethodGet, "", long); w.Header().Get("Content-Encoding") != "" || !bytes.Equal(w.Body.Bytes(), long) {
		t.Error("packed for somebody who did not ask for it")
	}
	if w := ask(http.MethodGet, "gzip", long[:100]); w.Header().Get("Content-Encoding") != "" {
		t.Error("a short page is packed")
	}
	if w := ask(http.MethodHead, "gzip", long); w.Body.Len() != 0 {
		t.Errorf("HEAD is answered with %d bytes", w.Body.Len())
	}
}

// Icons that pages name must be in the sprite.
func TestEveryPictureNamedIsInItsSprite(t *testing.T) {
	for name, c := range samplePages() {
		for _, m := range regexp.MustCompile(`/assets/(icons|art)\.[0-9a-f]+\.svg#([\w-]+)`).FindAllStringSubmatch(html(t, c), -1) {
			if !bytes.Contains(assets()[m[1]+".svg"].plain, []byte(`id="`+m[2]+`"`)) {
				t.Errorf("%s: %s.svg has no %s", name, m[1], m[2])
			}
		}
	}
}
