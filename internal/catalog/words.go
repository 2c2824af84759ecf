package catalog

import (
	"strings"
	"unicode"
)

// Limits of a search, so that no query is dear.
const (
	maxQueryWords = 12
	maxWordRunes  = 40
)

// Words splits text into the words it is found by, the same for both engines and for what is searched:
// lower case, Latin letters without their marks, and each character of scripts that write no spaces as a
// word of its own. What is no letter or digit only separates, so no query has any syntax.
func Words(text string) []string {
	var list []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			list = append(list, string(word[:min(len(word), maxWordRunes)]))
			word = word[:0]
		}
	}
	for _, r := range text {
		switch {
		case unicode.Is(unicode.Mn, r) || r == '\'' || r == '’': // a mark of its own, or within a word
		case spaceless(r):
			end()
			list = append(list, string(r))
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if plain, ok := unmarked[unicode.ToLower(r)]; ok {
				word = append(word, []rune(plain)...)
			} else {
				word = append(word, unicode.ToLower(r))
			}
		default:
			end()
		}
	}
	end()
	return list
}

func spaceless(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// unmarked maps the marked letters of the Latin script to what people type for them.
var unmarked = func() map[rune]string {
	table := map[rune]string{'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'đ': "d", 'ð': "d", 'þ': "th", 'ł': "l", 'ħ': "h", 'ı': "i", 'ŋ': "n"}
	for plain, marked := range map[string]string{
		"a": "àáâãäåāăąǎạảấầẩẫậắằẳẵặ", "c": "çćĉċč", "d": "ď", "e": "èéêëēĕėęěẹẻẽếềểễệ", "g": "ĝğġģ", "h": "ĥ",
		"i": "ìíîïĩīĭįǐỉị", "j": "ĵ", "k": "ķ", "l": "ĺļľŀ", "n": "ñńņňŉ", "o": "òóôõöōŏőǒọỏốồổỗộớờởỡợơ",
		"r": "ŕŗř", "s": "śŝşšș", "t": "ţťŧț", "u": "ùúûüũūŭůűųǔụủứừửữựư", "w": "ŵ", "y": "ýÿŷỳỵỷỹ", "z": "źżž",
	} {
		for _, r := range marked {
			table[r] = plain
		}
	}
	return table
}()

// indexed returns text as it is stored to be searched.
func indexed(texts ...string) string { return strings.Join(Words(strings.Join(texts, " ")), " ") }

// queryWords returns the words of a search, at most maxQueryWords.
func queryWords(q string) []string {
	list := Words(q)
	return list[:min(len(list), maxQueryWords)]
}

// matchSQLite writes the words for FTS5: each must be there, the last may be the beginning of one.
func matchSQLite(list []string) string {
	var b strings.Builder
	for i, w := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(`"` + w + `"`)
	}
	return b.String() + "*"
}

// matchPostgres writes the same for to_tsquery.
func matchPostgres(list []string) string {
	quoted := make([]string, len(list))
	for i, w := range list {
		quoted[i] = "'" + w + "'"
	}
	return strings.Join(quoted, " & ") + ":*"
}
