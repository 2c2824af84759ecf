package account

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"mezzo/internal/fault"
)

// emailMax is the longest address that can be mailed (RFC 5321).
const emailMax = 254

// taggedHosts lists hosts where what follows a plus sign in the local part reaches the same person.
const taggedHosts = " gmail.com googlemail.com outlook.com hotmail.com live.com msn.com icloud.com me.com mac.com proton.me protonmail.com pm.me fastmail.com fastmail.fm zoho.com yandex.com "

// EmailKey returns an address in the form it is compared by: in compatibility form (ａ is a, ﬁ is fi),
// lower case, and without the tags and dots that hosts known to ignore them ignore. Two addresses of one
// key are one person.
func EmailKey(email string) string {
	email = strings.TrimSpace(fold(email))
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return email
	}
	local, host := email[:at], strings.TrimRightFunc(email[at+1:], func(c rune) bool { return c == '.' || unicode.IsSpace(c) })
	if strings.Contains(taggedHosts, " "+host+" ") {
		local, _, _ = strings.Cut(local, "+")
	}
	if host == "googlemail.com" {
		host = "gmail.com"
	}
	if host == "gmail.com" {
		local = strings.ReplaceAll(local, ".", "")
	}
	return strings.TrimSpace(local) + "@" + host
}

// fold returns the form of a text in which letters that differ in width, style or case alone are one.
// Lowering can undo what composing did, so it goes on until nothing changes.
func fold(text string) string {
	for range 4 {
		next := norm.NFKC.String(strings.ToLower(norm.NFKC.String(text)))
		if next == text {
			break
		}
		text = next
	}
	return text
}

// CheckEmail returns the address trimmed and composed, or what is wrong with it: it must be one that can be
// mailed, and not one that only looks like another (see lookalike).
func CheckEmail(location, email string) (string, error) {
	email = norm.NFC.String(strings.TrimSpace(email))
	bad := fault.InvalidField(location, "This is not an e-mail address.")
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email || len(email) > emailMax || !utf8.ValidString(email) {
		return "", bad
	}
	at := strings.LastIndexByte(email, '@')
	if at < 1 || strings.ContainsAny(email, "\" ()<>,;:\\[]") || strings.HasPrefix(EmailKey(email), "@") {
		return "", bad
	}
	for _, c := range email {
		if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) { // what nobody sees would make a second address of one
			return "", bad
		}
	}
	if lookalike(email) {
		return "", fault.InvalidField(location, "This address mixes letters that look alike and are not, or letters of unusual width. Write it in the letters of one alphabet.")
	}
	return email, nil
}

// checkText trims a line or paragraph of people's own words and bounds it in characters.
func checkText(location, text string, least, most int, lines bool) (string, error) {
	text = strings.TrimSpace(text)
	n := utf8.RuneCountInString(text)
	switch {
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return "", fault.InvalidField(location, "This is not valid text.")
	case n < least:
		return "", fault.InvalidField(location, "This needs at least %d characters.", least)
	case n > most:
		return "", fault.InvalidField(location, "This takes at most %d characters.", most)
	}
	for _, c := range text {
		if unicode.IsControl(c) && !(lines && (c == '\n' || c == '\t')) || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069 {
			return "", fault.InvalidField(location, "This holds characters that are not shown.")
		}
	}
	return text, nil
}
