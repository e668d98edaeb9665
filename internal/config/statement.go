package config

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// statement is one header of a table, or one key with its value, in a TOML text.
type statement struct {
	// path is the whole path: that of a key begins with that of its table. A table of an array has its number in the path, as in [entry].
	path   []string
	header bool
	// from and to are its lines, with the line's end. value are the bytes of a key's value.
	from, to int
	value    [2]int
}

// errStatement means a text that [statements] can't divide. Texts that parse accepts don't lead to it.
var errStatement = errors.New("the text is not TOML")

// statements lists the statements of a TOML text in its order. Comments and empty lines lie between them.
func statements(text []byte) (out []statement, err error) {
	s := scanner{text: text}
	if bytes.HasPrefix(text, []byte("\ufeff")) { // some editors begin texts with it
		s.at = len("\ufeff")
	}
	var table []string
	tables := map[string]int{} // in arrays
	for {
		s.skip(" \t\r\n")
		switch {
		case s.done():
			return out, nil
		case s.next() == '#':
			s.line()
			continue
		}
		st := statement{from: s.lineStart()}
		if s.next() == '[' {
			st.header = true
			s.at++
			inArray := s.next() == '['
			if inArray {
				s.at++
			}
			key, err := s.key()
			if err != nil {
				return nil, err
			}
			table = nil
			for i, part := range key {
				table = append(table, part)
				name := dotted(table)
				if inArray && i == len(key)-1 {
					tables[name]++
				}
				if n := tables[name]; n > 0 { // the latest one
					table = append(table, strconv.Itoa(n-1))
				}
			}
			st.path = table
		} else {
			key, err := s.key()
			if err != nil {
				return nil, err
			}
			if s.next() != '=' {
				return nil, errStatement
			}
			s.at++
			s.skip(" \t")
			st.path = slices.Concat(table, key)
			st.value[0] = s.at
			if err := s.value(); err != nil {
				return nil, err
			}
			st.value[1] = s.at
		}
		s.line()
		st.to = s.at
		out = append(out, st)
	}
}

// scanner is a place in a TOML text.
type scanner struct {
	text []byte
	at   int
}

func (s *scanner) done() bool { return s.at >= len(s.text) }

// next is the byte at the place, 0 at the end.
func (s *scanner) next() byte {
	if s.done() {
		return 0
	}
	return s.text[s.at]
}

func (s *scanner) skip(set string) {
	for !s.done() && strings.IndexByte(set, s.text[s.at]) >= 0 {
		s.at++
	}
}

// line moves behind the line's end.
func (s *scanner) line() {
	if end := bytes.IndexByte(s.text[s.at:], '\n'); end >= 0 {
		s.at += end + 1
	} else {
		s.at = len(s.text)
	}
}

func (s *scanner) lineStart() int { return bytes.LastIndexByte(s.text[:s.at], '\n') + 1 }

// key reads a dotted key, and the white space around it.
func (s *scanner) key() (path []string, err error) {
	for {
		s.skip(" \t")
		from := s.at
		if c := s.next(); c != '"' && c != '\'' {
			for bare(s.next()) {
				s.at++
			}
		} else if err := s.quoted(); err != nil {
			return nil, err
		}
		part := string(s.text[from:s.at])
		var read map[string]any
		if _, err := toml.Decode(part+" = 1", &read); err != nil || len(read) != 1 {
			return nil, errStatement
		}
		for name := range read {
			path = append(path, name)
		}
		s.skip(" \t")
		if s.next() != '.' {
			return path, nil
		}
		s.at++
	}
}

func bare(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// quoted moves behind a text in quotes of one or three signs.
func (s *scanner) quoted() error {
	sign := s.text[s.at]
	n := 1
	if s.at+2 < len(s.text) && s.text[s.at+1] == sign && s.text[s.at+2] == sign {
		n = 3
	}
	s.at += n
	for !s.done() {
		switch c := s.text[s.at]; {
		case c == '\\' && sign == '"':
			s.at += 2
			continue
		case c == sign:
			run := 0
			for s.at+run < len(s.text) && s.text[s.at+run] == sign {
				run++
			}
			if run >= n {
				if n == 1 {
					run = 1
				}
				s.at += min(run, n+2) // up to two signs may stand before those that close the text
				return nil
			}
			s.at += run
			continue
		}
		s.at++
	}
	return errStatement
}

// value moves behind a value.
func (s *scanner) value() error {
	depth := 0
	for !s.done() {
		switch c := s.text[s.at]; {
		case c == '"' || c == '\'':
			if err := s.quoted(); err != nil {
				return err
			}
			continue
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		case c == '#' && depth > 0:
			s.line()
			continue
		case depth == 0 && (c == '#' || c == '\n'):
			s.at = len(bytes.TrimRight(s.text[:s.at], " \t\r"))
			return nil
		}
		s.at++
	}
	if depth != 0 {
		return errStatement
	}
	return nil
}
