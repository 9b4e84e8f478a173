package query

import (
	"strings"
	"unicode"
)

// Words splits a line into words at white space. A word that begins with a single or double quote
// goes on to the next one like it, so that an apostrophe inside a name is only an apostrophe; a
// backslash before a quote or a backslash takes away its meaning. There is no other syntax: nothing
// is ever expanded or executed. A quote that is not closed is a *UsageError.
func Words(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote rune
	inWord := false
	runes := []rune(line)
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		switch {
		case r == '\\' && i+1 < len(runes) && strings.ContainsRune(`\"'`, runes[i+1]):
			i++
			word.WriteRune(runes[i])
			inWord = true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && !inWord && (r == '"' || r == '\''):
			quote, inWord = r, true
		case quote == 0 && unicode.IsSpace(r):
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, &UsageError{Problem: "a quote is not closed", Hint: "close it, or put a backslash before it"}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}
