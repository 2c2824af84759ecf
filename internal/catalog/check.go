package catalog

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"mezzo/internal/fault"
)

// checks collects everything wrong with an input, so that it can be mended in one go.
type checks struct{ fields []fault.Field }

func (c *checks) add(ok bool, location, message string) {
	if !ok {
		c.fields = append(c.fields, fault.Field{Location: location, Message: message})
	}
}

// fault returns Invalid with all that is wrong, nil when nothing is.
func (c *checks) fault() error {
	if len(c.fields) == 0 {
		return nil
	}
	f := fault.New(fault.Invalid, "%s", c.fields[0].Message)
	f.Fields = c.fields
	return f
}

// line trims one line of text and checks it: no control characters (PostgreSQL keeps no NUL),
// between min and max characters.
func (c *checks) line(location, s string, min, max int) string {
	s = strings.TrimSpace(s)
	c.add(plain(s, ""), location, "This must be one line of text without control characters.")
	c.length(location, s, min, max)
	return s
}

// text is line for text that may have several lines.
func (c *checks) text(location, s string, min, max int) string {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	c.add(plain(s, "\n\t"), location, "This must be text without control characters.")
	c.length(location, s, min, max)
	return s
}

func (c *checks) length(location, s string, min, max int) {
	n := utf8.RuneCountInString(s)
	switch {
	case n == 0 && min > 0:
		c.add(false, location, "This must not be empty.")
	case n < min || n > max:
		c.add(false, location, "This must have "+between(min, max)+" characters.")
	}
}

func plain(s, allowed string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && !strings.ContainsRune(allowed, r)
	})
}

// IsGTIN reports whether s is a GTIN of 8, 12, 13 or 14 digits with a right check digit
// (GS1 General Specifications, section 7.9: weights 3 and 1 from the right).
func IsGTIN(s string) bool {
	switch len(s) {
	case 8, 12, 13, 14:
	default:
		return false
	}
	sum := 0
	for i := range len(s) {
		d := int(s[i]) - '0'
		if d < 0 || d > 9 {
			return false
		}
		if (len(s)-1-i)%2 == 1 {
			d *= 3
		}
		sum += d
	}
	return sum%10 == 0
}
