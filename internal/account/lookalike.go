package account

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// together are the sets of scripts that one word is honestly written in (Unicode TS 39, "highly
// restrictive"). Digits and signs belong to all.
var together = [][]*unicode.RangeTable{
	{unicode.Latin, unicode.Han, unicode.Hiragana, unicode.Katakana},
	{unicode.Latin, unicode.Han, unicode.Hangul},
	{unicode.Latin, unicode.Han, unicode.Bopomofo},
}

// twins are letters of other alphabets that cannot be told from Latin ones: a word of nothing else is
// there to be taken for another.
const twins = "асеорхуіјѕһԁԛԝӏ" + "ονικαρυχ"

// lookalike reports whether an address only looks like what it seems to be: it holds letters of unusual
// width or style, a word of letters from several alphabets, or a word that reads as Latin and is not.
func lookalike(email string) bool {
	if norm.NFKC.String(email) != email {
		return true
	}
	for _, word := range strings.FieldsFunc(strings.ToLower(email), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsMark(c) }) {
		if mixed(word) || disguised(word) {
			return true
		}
	}
	return false
}

// mixed reports whether no one alphabet, and no set that is written together, has all letters of a word.
func mixed(word string) bool {
	within := func(tables ...*unicode.RangeTable) bool {
		for _, c := range word {
			if !unicode.IsMark(c) && !unicode.In(c, tables...) {
				return false
			}
		}
		return true
	}
	for _, set := range together {
		if within(set...) {
			return false
		}
	}
	for _, table := range unicode.Scripts {
		if table != unicode.Common && table != unicode.Inherited && within(table) {
			return false
		}
	}
	return !within(unicode.Common, unicode.Inherited)
}

// disguised reports whether a word of another alphabet consists of letters that look Latin alone.
func disguised(word string) bool {
	for _, c := range word {
		if c < unicode.MaxASCII || !strings.ContainsRune(twins, c) {
			return false
		}
	}
	return word != ""
}
