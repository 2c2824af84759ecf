package event

import (
	"encoding/json"
	"strings"
)

// scanner reads JSON (RFC 8259) in one pass over a string, so that what it hands out are
// slices of it. It accepts exactly what encoding/json accepts, up to maxDepth levels.
type scanner struct {
	s string
	i int
}

// syntaxError is a place at which the input stops being JSON.
type syntaxError struct {
	offset int
	reason string
}

func (e *syntaxError) Error() string { return e.reason }

func (p *scanner) fail(reason string) error { return &syntaxError{p.i, reason} }

// peek skips white space and returns the next byte, 0 at the end.
func (p *scanner) peek() byte {
	for p.i < len(p.s) {
		switch c := p.s[p.i]; c {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return c
		}
	}
	return 0
}

// take consumes the byte c after white space, or fails.
func (p *scanner) take(c byte) error {
	if p.peek() != c {
		return p.fail("expected '" + string(c) + "'")
	}
	p.i++
	return nil
}

// text reads a string. Almost none hold escapes: then the result is a slice of the input.
func (p *scanner) text() (string, error) {
	if err := p.take('"'); err != nil {
		return "", err
	}
	start, escaped := p.i, false
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == '"':
			raw := p.s[start:p.i]
			p.i++
			if !escaped {
				return raw, nil
			}
			return p.unescape(start - 1)
		case c == '\\':
			escaped = true
			p.i += 2
		case c < ' ':
			return "", p.fail("a control character in a string")
		default:
			p.i++
		}
	}
	p.i = len(p.s)
	return "", p.fail("a string without its end")
}

// unescape decodes the string literal from its opening quote at start to here.
func (p *scanner) unescape(start int) (string, error) {
	var out string
	if err := json.Unmarshal([]byte(p.s[start:p.i]), &out); err != nil {
		return "", p.fail("a string with a bad escape")
	}
	return out, nil
}

// number reads a number and returns its text.
func (p *scanner) number() (string, error) {
	p.peek()
	start := p.i
	p.accept('-')
	if !p.accept('0') && p.digits() == 0 {
		return "", p.fail("expected a value")
	}
	if p.accept('.') && p.digits() == 0 {
		return "", p.fail("a number without digits after its point")
	}
	if p.accept('e') || p.accept('E') {
		if !p.accept('+') {
			p.accept('-')
		}
		if p.digits() == 0 {
			return "", p.fail("a number without digits in its exponent")
		}
	}
	return p.s[start:p.i], nil
}

func (p *scanner) accept(c byte) bool {
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *scanner) digits() int {
	start := p.i
	for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		p.i++
	}
	return p.i - start
}

func (p *scanner) word(w string) error {
	if !strings.HasPrefix(p.s[p.i:], w) {
		return p.fail("expected a value")
	}
	p.i += len(w)
	return nil
}

// skip passes over one value of any kind. depth is how many levels are already open.
func (p *scanner) skip(depth int) error {
	switch p.peek() {
	case '"':
		_, err := p.text()
		return err
	case '{':
		return p.object(depth, func(string) error { return p.skip(depth + 1) })
	case '[':
		return p.array(depth, func() error { return p.skip(depth + 1) })
	case 't':
		return p.word("true")
	case 'f':
		return p.word("false")
	case 'n':
		return p.word("null")
	}
	_, err := p.number()
	return err
}

// object reads an object; member is called with each name and must read its value.
func (p *scanner) object(depth int, member func(name string) error) error {
	if err := p.open(depth, '{'); err != nil {
		return err
	}
	if p.peek() == '}' {
		p.i++
		return nil
	}
	for {
		name, err := p.text()
		if err != nil {
			return err
		}
		if err := p.take(':'); err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
		if more, err := p.more('}'); !more {
			return err
		}
	}
}

// array reads an array; element is called for each and must read it.
func (p *scanner) array(depth int, element func() error) error {
	if err := p.open(depth, '['); err != nil {
		return err
	}
	if p.peek() == ']' {
		p.i++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if more, err := p.more(']'); !more {
			return err
		}
	}
}

func (p *scanner) open(depth int, c byte) error {
	if depth >= maxDepth {
		return p.fail("nested too deep")
	}
	return p.take(c)
}

// more consumes a comma (true) or the closing byte (false).
func (p *scanner) more(closing byte) (bool, error) {
	switch p.peek() {
	case ',':
		p.i++
		return true, nil
	case closing:
		p.i++
		return false, nil
	}
	return false, p.fail("expected ',' or '" + string(closing) + "'")
}

// loose reads a text leniently: numbers and truth values as they are written; null, lists and
// objects count as left out.
func (p *scanner) loose(depth int, set func(string)) error {
	switch c := p.peek(); {
	case c == '"':
		s, err := p.text()
		if err == nil {
			set(s)
		}
		return err
	case c == '-' || c >= '0' && c <= '9':
		s, err := p.number()
		if err == nil {
			set(s)
		}
		return err
	case c == 't' || c == 'f':
		start := p.i
		err := p.skip(depth)
		if err == nil {
			set(p.s[start:p.i])
		}
		return err
	}
	return p.skip(depth)
}
