package account_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
)

// from returns a stranger at an address, as the door makes them.
func (h *house) from(ip string) account.Asker {
	h.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	who, err := h.Meet(httptest.NewRecorder(), r, netip.MustParseAddr(ip), false)
	if err != nil {
		h.t.Fatal(err)
	}
	return who
}

func TestSignInIsLimited(t *testing.T) {
	ctx := context.Background()
	d, c := dbtest.SQLite(t)
	h := open(t, d, c)
	h.person("ada")
	there, elsewhere := h.from("192.0.2.1"), h.from("198.51.100.7")
	var limited *fault.Fault
	for i := range 11 {
		_, err := h.SignIn(ctx, there, "ADA@example.com", "wrong horse")
		if i < 10 {
			wantKind(t, err, fault.Unauthorized)
			continue
		}
		wantKind(t, err, fault.Limited)
		limited = err.(*fault.Fault)
	}
	if limited.RetryAfter <= 0 || limited.RetryAfter > time.Minute {
		t.Errorf("retry after %v", limited.RetryAfter)
	}
	_, err := h.SignIn(ctx, there, "ada@example.com", password)
	wantKind(t, err, fault.Limited) // the right password is not asked about either
	if _, err := h.SignIn(ctx, elsewhere, "ada@example.com", password); err != nil {
		t.Errorf("she is locked out elsewhere: %v", err)
	}
	c.Advance(limited.RetryAfter)
	for range 50 { // who knows the password is never held up
		if _, err := h.SignIn(ctx, there, "ada@example.com", password); err != nil {
			t.Fatal(err)
		}
	}
	_, err = h.SignIn(ctx, there, "ada@example.com", "wrong horse")
	wantKind(t, err, fault.Unauthorized)
	_, err = h.SignIn(ctx, there, "ada@example.com", "wrong horse")
	wantKind(t, err, fault.Limited)
}

func TestSignUpIsLimited(t *testing.T) {
	ctx := context.Background()
	d, c := dbtest.SQLite(t)
	h := open(t, d, c)
	up := func(ip, name string) error {
		_, err := h.SignUp(ctx, h.from(ip), account.NewAccount{Email: name + "@example.com", Password: password, DisplayName: name})
		return err
	}
	n := 0
	for ; n < 100; n++ { // one household has a /64
		if err := up("2001:db8::"+strings.Repeat("f", 1+n%4), "a"+strings.Repeat("x", n)); err != nil {
			wantKind(t, err, fault.Limited)
			break
		}
	}
	if n != 20 {
		t.Errorf("limited after %d", n)
	}
	if err := up("2001:db8:0:1::1", "neighbour"); err != nil {
		t.Errorf("the next household is limited: %v", err)
	}
	c.Advance(5 * time.Minute)
	if err := up("2001:db8::1", "later"); err != nil {
		t.Error(err)
	}
}

// A bucket never gives more than its burst and what time has added.
func TestLimiterBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		burst := rapid.IntRange(1, 20).Draw(t, "burst")
		every := time.Duration(rapid.IntRange(1, 1000).Draw(t, "every")) * time.Millisecond
		c := clock.NewManual(dbtest.Start)
		l := account.NewLimiter(c, account.Rate{Burst: burst, Every: every})
		allowed, passed := 0, time.Duration(0)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			step := time.Duration(rapid.IntRange(0, 500).Draw(t, "ms")) * time.Millisecond
			c.Advance(step)
			passed += step
			wait := l.Take("k")
			if wait == 0 {
				allowed++
			} else if wait > every {
				t.Fatalf("told to wait %v for a token every %v", wait, every)
			}
			if most := burst + int(passed/every) + 1; allowed > most {
				t.Fatalf("%d allowed, at most %d", allowed, most)
			}
		}
		c.Advance(every)
		if wait := l.Take("k"); wait > time.Microsecond {
			t.Fatalf("after a whole period still %v to wait", wait)
		}
	})
}

// Ten tenths of a token sum to a little less than one: who asks then waits, and is not let through
// again and again without a token being taken.
func TestLimiterFractionsGiveNothingAway(t *testing.T) {
	c := clock.NewManual(dbtest.Start)
	l := account.NewLimiter(c, account.Rate{Burst: 1, Every: 10 * time.Nanosecond})
	l.Take("k")
	for range 9 {
		c.Advance(time.Nanosecond)
		l.Take("k")
	}
	allowed := 0
	c.Advance(time.Nanosecond)
	for range 100 {
		if l.Take("k") == 0 {
			allowed++
		}
	}
	if allowed > 1 {
		t.Errorf("%d of 100 got through on one token", allowed)
	}
}

func TestLimiterMemoryIsBounded(t *testing.T) {
	c := clock.NewManual(dbtest.Start)
	l := account.NewLimiter(c, account.Rate{Burst: 1, Every: time.Hour})
	l.Take("a")
	if l.Take("a") == 0 {
		t.Fatal("two tokens of a burst of one")
	}
	for i := range 250_000 {
		l.Take(string(rune(i%0xd000)) + string(rune(i/0xd000)))
	}
	if n := l.Len(); n > 100_000 {
		t.Errorf("%d buckets are kept", n)
	}
}

func TestEmailKey(t *testing.T) {
	for email, want := range map[string]string{
		" Ada@Example.COM ":            "ada@example.com",
		"a.d.a+shop@gmail.com":         "ada@gmail.com",
		"a.d.a+shop@googlemail.com":    "ada@gmail.com",
		"ada+shop@outlook.com":         "ada@outlook.com",
		"a.da+shop@example.com":        "a.da+shop@example.com",
		"ada@example.com.":             "ada@example.com",
		"no at":                        "no at",
		`"quoted@local"@example.com`:   `"quoted@local"@example.com`,
		"ada+one+two@proton.me":        "ada@proton.me",
		"ＡＤＡ@ｇmail．com":                "ada@gmail.com",
		"ada＠example.com":              "ada@example.com",
		"e\u0301va@example.com":        "\u00e9va@example.com",
		"ada@mail.gmail.com.evil.test": "ada@mail.gmail.com.evil.test",
	} {
		if got := account.EmailKey(email); got != want {
			t.Errorf("%q is %q, want %q", email, got, want)
		}
	}
}

func FuzzEmailKey(f *testing.F) {
	f.Add("A.b+c@Gmail.com.")
	f.Add("@")
	f.Add("A0\xdd0+0@GmAil.co .")
	f.Add(". a @gmail.com")
	f.Add("a +b@outlook.com . .")
	f.Add("ＡＤＡ＠ｇmail．com")
	f.Add("ÅŞﬁϓ\u0301@ﬃ.com")
	f.Fuzz(func(t *testing.T, email string) {
		key := account.EmailKey(email)
		if again := account.EmailKey(key); again != key {
			t.Errorf("%q: %q becomes %q", email, key, again)
		}
	})
}

func TestBadSignUps(t *testing.T) {
	ctx := context.Background()
	d, c := dbtest.SQLite(t)
	h := open(t, d, c)
	good := account.NewAccount{Email: "ada@example.com", Password: password, DisplayName: "Ada"}
	for what, change := range map[string]func(*account.NewAccount){
		"no at":          func(n *account.NewAccount) { n.Email = "ada" },
		"named":          func(n *account.NewAccount) { n.Email = "Ada <ada@example.com>" },
		"two":            func(n *account.NewAccount) { n.Email = "a@b.c, d@e.f" },
		"newline":        func(n *account.NewAccount) { n.Email = "a\n@b.c" },
		"nul":            func(n *account.NewAccount) { n.Email = "a\x00@b.c" },
		"not utf-8":      func(n *account.NewAccount) { n.Email = "a\xff@b.c" },
		"long":           func(n *account.NewAccount) { n.Email = strings.Repeat("a", 251) + "@b.c" },
		"only a tag":     func(n *account.NewAccount) { n.Email = "+x@gmail.com" },
		"full width":     func(n *account.NewAccount) { n.Email = "ａda@example.com" },
		"full at":        func(n *account.NewAccount) { n.Email = "ada＠example.com" },
		"ligature":       func(n *account.NewAccount) { n.Email = "of\ufb01ce@example.com" },
		"mixed local":    func(n *account.NewAccount) { n.Email = "\u0430da@example.com" },
		"mixed host":     func(n *account.NewAccount) { n.Email = "ada@ex\u0430mple.com" },
		"greek o":        func(n *account.NewAccount) { n.Email = "b\u03bfb@example.com" },
		"in disguise":    func(n *account.NewAccount) { n.Email = "\u0440\u0430\u0443\u0440\u0430@example.com" },
		"short password": func(n *account.NewAccount) { n.Password = "1234567" },
		"long password":  func(n *account.NewAccount) { n.Password = strings.Repeat("x", 201) },
		"no name":        func(n *account.NewAccount) { n.DisplayName = " \t" },
		"long name":      func(n *account.NewAccount) { n.DisplayName = strings.Repeat("ä", 61) },
		"turned name":    func(n *account.NewAccount) { n.DisplayName = "a\u202eb" },
		"nul name":       func(n *account.NewAccount) { n.DisplayName = "a\x00b" },
	} {
		in := good
		change(&in)
		if _, err := h.SignUp(ctx, account.Asker{}, in); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	good.DisplayName = strings.Repeat("ä", 60)
	if _, err := h.SignUp(ctx, account.Asker{}, good); err != nil {
		t.Error(err)
	}
}

// A stored hash says its own cost; a right password renews one made at another.
func TestPasswordsAreRenewed(t *testing.T) {
	ctx := context.Background()
	d, c := dbtest.SQLite(t)
	h := open(t, d, c)
	h.person("ada")
	stored := func() (s string) {
		t.Helper()
		err := h.d.Read(ctx, func(tx *db.Tx) error {
			return tx.Row(`SELECT password_hash FROM accounts WHERE email_key = 'ada@example.com'`).Scan(&s)
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := stored()
	if !strings.HasPrefix(before, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Fatalf("stored as %s", before)
	}
	keys, err := account.LoadKeys(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	dearer := account.New(d, keys, account.Options{Passwords: account.Cost{MemoryKiB: 128, Passes: 1, Lanes: 1}})
	_, err = dearer.SignIn(ctx, account.Asker{}, "ada@example.com", "wrong horse")
	wantKind(t, err, fault.Unauthorized)
	if stored() != before {
		t.Error("a wrong password renewed the hash")
	}
	if _, err := dearer.SignIn(ctx, account.Asker{}, "ada@example.com", password); err != nil {
		t.Fatal(err)
	}
	if after := stored(); !strings.HasPrefix(after, "$argon2id$v=19$m=128,t=1,p=1$") {
		t.Errorf("not renewed: %s", after)
	}
	if _, err := h.SignIn(ctx, account.Asker{}, "ada@example.com", password); err != nil {
		t.Error(err)
	}
}

func TestEmailsHideNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, email := range []string{"ada@example.com\u200b", "a\u200dda@example.com", "ada@exam\u00adple.com", "ada@example.com\u202e"} {
			_, err := h.SignUp(context.Background(), account.Asker{}, account.NewAccount{Email: email, Password: password, DisplayName: "Ada"})
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("%q was taken as an address of its own: %v", email, err)
			}
		}
	})
}

// Addresses in other alphabets are as good as any, as long as they are what they seem.
func TestAddressesOfAllAlphabets(t *testing.T) {
	for _, email := range []string{"ada@example.com", "éva.müller@exämple.de", "почта@пример.рф", "иван@example.com", "δοκιμή@παράδειγμα.gr", "田中tanaka@例え.jp",
		"김철수kim@example.kr", "小明@example.cn", "דנה@example.co.il", "o'neil+shop_1@example.ie", "ада7@example.com"} {
		if got, err := account.CheckEmail("body.email", email); err != nil || got != email {
			t.Errorf("%s: %q, %v", email, got, err)
		}
	}
	if got, err := account.CheckEmail("body.email", " e\u0301va@example.com "); err != nil || got != "\u00e9va@example.com" {
		t.Errorf("written in parts: %q, %v", got, err)
	}
}
