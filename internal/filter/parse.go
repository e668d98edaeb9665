package filter

import (
	"regexp"
	"strings"

	"greenroom/internal/nearest"
)

// The limits of a text, so that a filter from outside costs little.
const (
	maxText  = 16 << 10
	maxDepth = 100
)

// parser makes nodes of the text, and binds tighter than or:
//
//	or   = and { "or" and }
//	and  = unary { [ "and" ] unary }
//	unary = ( "-" | "not" ) unary | "(" or ")" | term
type parser struct {
	lexer
	Options
	depth int
}

func (p *parser) parse() (node, error) {
	if len(p.text) > maxText {
		return nil, p.fail(maxText, "the filter is longer than 16 KiB", "")
	}
	if p.space(); p.end() {
		return nil, nil
	}
	n, err := p.or()
	if err == nil && !p.end() {
		err = p.fail(p.at, "this ) has no matching (", "")
	}
	return n, err
}

// keyword reads the given word, if it is next.
func (p *parser) keyword(word string) bool {
	p.space()
	if len(p.rest()) < len(word) || !strings.EqualFold(p.rest()[:len(word)], word) {
		return false
	}
	after := lexer{text: p.text, at: p.at + len(word)}
	if !after.boundary() {
		return false
	}
	p.at = after.at
	return true
}

func (p *parser) or() (node, error) {
	var all anyOf
	for {
		n, err := p.and()
		if err != nil {
			return nil, err
		}
		all = append(all, n)
		if !p.keyword("or") {
			break
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

func (p *parser) and() (node, error) {
	var all allOf
	for {
		n, err := p.unary()
		if err != nil {
			return nil, err
		}
		all = append(all, n)
		if p.keyword("and") {
			continue
		}
		was := p.at
		or := p.keyword("or")
		p.at = was
		if p.space(); or || p.end() || p.peek() == ')' {
			break
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all.sorted(), nil
}

func (p *parser) unary() (node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail(p.at, "more than 100 parentheses and negations are nested", "")
	}
	defer func() { p.depth-- }()
	p.space()
	at := p.at
	if p.peek() == '-' {
		p.at++
		if p.boundary() && p.peek() != '(' {
			return nil, p.fail(p.at, "there must be a term after -", "")
		}
	} else if !p.keyword("not") {
		return p.primary()
	}
	if p.space(); p.end() {
		return nil, p.fail(at, "there must be a term after not", "")
	}
	n, err := p.unary()
	if err != nil {
		return nil, err
	}
	return negation{n}, nil
}

func (p *parser) primary() (node, error) {
	at := p.at
	switch c := p.peek(); {
	case p.end():
		return nil, p.fail(at, "a term is missing at the end", "")
	case c == ')':
		return nil, p.fail(at, "a term is missing before )", "")
	case c == '(':
		p.at++
		n, err := p.or()
		if err != nil {
			return nil, err
		}
		if p.space(); p.peek() != ')' {
			return nil, p.fail(at, "this ( has no matching )", "")
		}
		p.at++
		return n, nil
	case c == '"':
		text, err := p.quoted()
		if err != nil {
			return nil, err
		}
		return words(text, true), nil
	case c == '/':
		return p.regex(at)
	}
	for _, word := range []string{"and", "or"} {
		if p.keyword(word) {
			return nil, p.fail(at, word+" needs a term before it", `to search for the word, quote it: "`+word+`"`)
		}
	}
	return p.term()
}

func (p *parser) regex(at int) (node, error) {
	expr, ok := p.slashed()
	if !ok {
		return nil, p.fail(at, "a regular expression ends with /", `to search for a text that begins with /, quote it`)
	}
	r, err := p.compile(expr, at)
	if err != nil {
		return nil, err
	}
	t := text{regex: r}
	return &wordTerm{t, p.text[at:p.at], t.plainWord()}, nil
}

func (p *parser) compile(expr string, at int) (*regexp.Regexp, error) {
	r, err := regexp.Compile("(?i:" + expr + ")")
	if err != nil {
		// The message refers to the expression as it was written.
		if _, plain := regexp.Compile(expr); plain != nil {
			err = plain
		}
		return nil, p.fail(at, strings.TrimPrefix(err.Error(), "error parsing regexp: "), "")
	}
	return r, nil
}

// term reads a word, or a field with its values.
func (p *parser) term() (node, error) {
	at := p.at
	for _, f := range []struct {
		prefix string
		Field
	}{{"header.", Header}, {"body.", Body}} {
		if len(p.rest()) < len(f.prefix) || !strings.EqualFold(p.rest()[:len(f.prefix)], f.prefix) {
			continue
		}
		p.at += len(f.prefix)
		if p.Of != Events {
			return nil, p.fail(at, f.prefix[:len(f.prefix)-1]+" is a field of events", "")
		}
		name, ok := p.path()
		if !ok || name == "" {
			return nil, p.fail(at, f.prefix+" needs a name, a colon and a value", "such as "+map[Field]string{
				Header: "header.User-Agent:curl*", Body: "body.payload.room:standup"}[f.Field])
		}
		return p.values(f.Field, name, at)
	}
	word := p.word(":")
	if p.peek() != ':' || !name(word) {
		p.at = at
		if word = p.word(""); word == "" {
			// Only a colon, a quote or a parenthesis could be here, and word takes the first.
			return nil, p.fail(at, "a term is missing", "")
		}
		return words(word, false), nil
	}
	field, of, ok := fieldNamed(word)
	switch {
	case (strings.EqualFold(word, "header") || strings.EqualFold(word, "body")) && p.Of == Events:
		return nil, p.fail(at, word+": needs a name after a full stop", "such as "+strings.ToLower(word)+".NAME:VALUE")
	case !ok:
		hint := nearest.Question(word, Fields(p.Of))
		if hint == "" {
			hint = "to search for a text with a colon, quote it"
		}
		return nil, p.fail(at, "there is no field "+quoteIfOdd(word), hint)
	case !of(p.Of):
		return nil, p.fail(at, strings.ToLower(word)+" is a field of "+map[Subject]string{Events: "rooms and meetings", Rooms: "events"}[p.Of], "")
	}
	p.at++ // the colon
	return p.values(field, "", at)
}

// name reports whether a word before a colon is meant as a field.
func name(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789._-", r)) {
			return false
		}
	}
	return s != ""
}

func quoteIfOdd(s string) string { return `"` + s + `"` }
