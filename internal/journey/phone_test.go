package journey

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// The screen of the phone that people hold here, in CSS pixels.
const (
	phoneWidth  = 390
	phoneHeight = 844
)

// phone is somebody's browser: its cookies are theirs alone, and it writes down what goes wrong in it.
type phone struct {
	t    *testing.T
	ctx  context.Context
	base string
	who  string

	mu    sync.Mutex
	wrong []string
}

// chromium opens one browser for a test; people get a profile each with newPhone.
func chromium(t *testing.T) context.Context {
	t.Helper()
	path := os.Getenv("MEZZO_CHROMIUM")
	if path == "" {
		path, _ = exec.LookPath("chromium")
	}
	if path == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no Chromium to drive: set MEZZO_CHROMIUM or put chromium on the PATH")
		}
		t.Skip("there is no Chromium to drive: set MEZZO_CHROMIUM or put chromium on the PATH")
	}
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.WindowSize(phoneWidth, phoneHeight), chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute))
	for _, flag := range []string{"disable-background-networking", "disable-component-update", "disable-sync", "disable-quic", "disable-dev-shm-usage"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	base, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(base)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	return ctx
}

// newPhone gives somebody a browser of their own, without or with scripts.
func newPhone(t *testing.T, browser context.Context, base, who string, scripts bool) *phone {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	p := &phone{t: t, ctx: ctx, base: base, who: who}
	if err := chromedp.Listen(ctx, p.heard); err != nil {
		t.Fatal(err)
	}
	p.do(chromedp.EmulateViewport(phoneWidth, phoneHeight))
	if !scripts {
		if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// heard notes what goes wrong: errors on the console, breaches of the content security policy,
// requests that fail or are refused.
func (p *phone) heard(ev any) {
	note := func(format string, args ...any) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.wrong = append(p.wrong, fmt.Sprintf(format, args...))
	}
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		note("an exception: %s %+v", ev.ExceptionDetails.Text, ev.ExceptionDetails.Exception)
	case *runtime.EventConsoleAPICalled:
		if ev.Type == runtime.ConsoleAPICalledTypeError {
			note("the console: %v", ev.Args)
		}
	case *log.EventEntryAdded:
		if ev.Entry.Level == log.EntryLevelError || strings.Contains(ev.Entry.Text, "Content Security Policy") {
			note("the console: %s %s", ev.Entry.Text, ev.Entry.URL)
		}
	case *network.EventResponseReceived:
		if ev.Response.Status >= 400 {
			note("%d for %s", ev.Response.Status, ev.Response.URL)
		}
	case *network.EventLoadingFailed:
		if !ev.Canceled && ev.ErrorText != "net::ERR_ABORTED" { // going on to another page ends what was under way
			note("a request failed: %s %s", ev.Type, ev.ErrorText)
		}
	}
}

// fine fails the test when anything went wrong in the browser.
func (p *phone) fine() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.wrong {
		p.t.Errorf("%s's browser: %s", p.who, w)
	}
	p.wrong = nil
}

// do runs steps, each within the patience of a test.
func (p *phone) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.lost(err.Error())
	}
}

// open goes to a page of the market.
func (p *phone) open(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.base + path))
}

// until waits for an expression to be true in the page.
func (p *phone) until(what, expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	for {
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression, chromedp.EvalAwaitPromise)); err == nil && ok {
			return
		}
		select {
		case <-ctx.Done():
			p.lost("never: " + what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// read evaluates an expression in the page.
func read[T any](p *phone, expression string, options ...chromedp.EvaluateOption) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, options...))
	if err != nil {
		p.lost(err.Error())
	}
	return v
}

// press presses a button or link and waits for the page it leads to, which may be the same again. A
// path that ends in * is a beginning.
func (p *phone) press(selector, path string) {
	p.t.Helper()
	read[bool](p, "window.before = true")
	p.tap(selector)
	here := fmt.Sprintf("location.pathname === %q", path)
	if begin, ok := strings.CutSuffix(path, "*"); ok {
		here = fmt.Sprintf("location.pathname.startsWith(%q)", begin)
	}
	p.until("the page "+path, "window.before === undefined && document.readyState === 'complete' && "+here)
}

// tap scrolls something into view, waits until it has come to rest there, as a hand would, and taps it.
func (p *phone) tap(selector string) {
	p.t.Helper()
	p.do(chromedp.ScrollIntoView(selector))
	where := fmt.Sprintf("JSON.stringify(document.querySelector(%q).getBoundingClientRect())", selector)
	for was, is := "", read[string](p, where); was != is; was, is = is, read[string](p, where) {
		<-time.After(100 * time.Millisecond)
	}
	p.do(chromedp.Click(selector))
}

// fill types into the fields of a form, by name.
func (p *phone) fill(fields ...string) {
	p.t.Helper()
	for i := 0; i < len(fields); i += 2 {
		field := "[name=" + fields[i] + "]"
		read[bool](p, fmt.Sprintf("document.querySelector(%q).value = '', true", field))
		p.do(chromedp.SendKeys(field, fields[i+1]))
	}
}

// tick ticks a box or chooses a radio button, which may be drawn by its label.
func (p *phone) tick(selector string) {
	p.t.Helper()
	p.do(chromedp.Focus(selector), chromedp.KeyEvent(" "))
	p.until(selector+" is ticked", fmt.Sprintf("document.querySelector(%q).checked", selector))
}

// lost ends the test with a picture of what the person saw.
func (p *phone) lost(why string) {
	p.t.Helper()
	p.shoot("lost " + p.who)
	where, _ := chromedp.Run(p.ctx, chromedp.Location())
	words, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string]("document.body.innerText.slice(0, 1500)"))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.t.Fatalf("%s, at %s: %s\nheard: %q\nthe page says:\n%s", p.who, where, why, p.wrong, words)
}

// shoot keeps a picture for people to look at, when MEZZO_SHOTS names a folder for them.
func (p *phone) shoot(name string) {
	folder := os.Getenv("MEZZO_SHOTS")
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, strings.ReplaceAll(name, " ", "-")+".png"), picture, 0o644)
	}
	if err != nil {
		p.t.Logf("no picture %s: %v", name, err)
	}
}
