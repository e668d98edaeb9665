package filter

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lexer reads the text from the left.
type lexer struct {
	text string
	at   int
}

func (l *lexer) rest() string { return l.text[l.at:] }

func (l *lexer) peek() byte {
	if l.at < len(l.text) {
		return l.text[l.at]
	}
	return 0
}

func (l *lexer) end() bool { return l.at >= len(l.text) }

func (l *lexer) space() {
	for !l.end() {
		r, n := utf8.DecodeRuneInString(l.rest())
		if !unicode.IsSpace(r) {
			return
		}
		l.at += n
	}
}

func (l *lexer) fail(at int, problem, hint string) error {
	return &Error{Text: l.text, At: at, Problem: problem, Hint: hint}
}

// boundary reports whether a term ends here.
func (l *lexer) boundary() bool {
	r, _ := utf8.DecodeRuneInString(l.rest())
	return l.end() || unicode.IsSpace(r) || r == ')' || r == '('
}

// word reads until a space, a quote, a parenthesis that isn't part of the word, or one of the stops.
func (l *lexer) word(stops string) string {
	from, depth := l.at, 0
	for !l.end() {
		r, n := utf8.DecodeRuneInString(l.rest())
		switch {
		case unicode.IsSpace(r) || r == '"' || depth == 0 && (r == ')' || strings.ContainsRune(stops, r)):
			return l.text[from:l.at]
		case r == '(':
			if l.at == from || keyword(l.text[from:l.at]) {
				return l.text[from:l.at]
			}
			depth++
		case r == ')':
			depth--
		}
		l.at += n
	}
	return l.text[from:l.at]
}

func keyword(s string) bool {
	return strings.EqualFold(s, "and") || strings.EqualFold(s, "or") || strings.EqualFold(s, "not")
}

// quoted reads a text between quotes, in which \ makes the next character ordinary.
func (l *lexer) quoted() (string, error) {
	from := l.at
	var b strings.Builder
	for l.at++; !l.end(); l.at++ {
		switch c := l.peek(); {
		case c == '"':
			l.at++
			return b.String(), nil
		case c == '\\' && l.at+1 < len(l.text):
			l.at++
			b.WriteByte(l.peek())
		default:
			b.WriteByte(c)
		}
	}
	return "", l.fail(from, "this quote is not closed", `close it with "`)
}

// slashed reads a regular expression between slashes. ok is false if there is no second slash at which the term ends.
func (l *lexer) slashed() (expr string, ok bool) {
	for i := l.at + 1; i < len(l.text); i++ {
		switch l.text[i] {
		case '\\':
			i++
		case '/':
			after := lexer{text: l.text, at: i + 1}
			if !after.boundary() && after.peek() != ',' {
				continue
			}
			expr = strings.ReplaceAll(l.text[l.at+1:i], `\/`, "/")
			l.at = i + 1
			return expr, true
		}
	}
	return "", false
}

// path reads the name after header. or body. up to the colon that ends it. Colons in quotes and parentheses are part of it, and so
// is a character after \.
func (l *lexer) path() (string, bool) {
	depth, quote := 0, false
	for i := l.at; i < len(l.text); i++ {
		switch c := l.text[i]; {
		case c == '\\':
			i++
		case c == '"':
			quote = !quote
		case quote:
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			if depth--; depth < 0 {
				return "", false
			}
		case depth > 0:
		case c == ':':
			path := l.text[l.at:i]
			l.at = i + 1
			return path, true
		case c == ' ' || c == '\t' || c == '\n':
			return "", false
		}
	}
	return "", false
}
