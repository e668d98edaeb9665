package tui

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/provider"
)

// filter is the line after /.
type filter struct {
	text   string
	typing bool
	before string // what esc goes back to
}

// maxFilter bounds what is typed or pasted.
const maxFilter = 200

func (f *filter) insert(s string) {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, safe(strings.ReplaceAll(s, "\n", " ")))
	if r := []rune(f.text + s); len(r) > maxFilter {
		f.text = string(r[:maxFilter])
	} else {
		f.text += s
	}
}

// matches says whether every word is in one of the fields.
func (f *filter) matches(fields ...string) bool {
	hay := strings.ToLower(strings.Join(fields, "\n"))
	for _, w := range strings.Fields(strings.ToLower(f.text)) {
		if !strings.Contains(hay, w) {
			return false
		}
	}
	return true
}

// current is the filter of the tab, nil where there is none.
func (m *Model) current() *filter {
	switch m.tab {
	case tabRooms:
		return &m.rooms.filter
	case tabRecordings:
		return &m.recs.filter
	case tabWebhooks:
		return &m.hooks.filter
	}
	return nil
}

// typing is the filter that has the keys.
func (m *Model) typing() *filter {
	if f := m.current(); f != nil && f.typing {
		return f
	}
	return nil
}

func (m *Model) startTyping() {
	if f := m.current(); f != nil {
		f.typing, f.before = true, f.text
	}
}

// typed edits the filter.
func (m *Model) typed(f *filter, msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "enter", "down":
		f.typing = false
		return nil
	case "esc", "ctrl+c":
		f.typing, f.text = false, ""
	case "backspace":
		r := []rune(f.text)
		if len(r) == 0 {
			f.typing = false
			return nil
		}
		f.text = string(r[:len(r)-1])
	case "ctrl+u":
		f.text = ""
	case "ctrl+w":
		t := strings.TrimRight(f.text, " ")
		f.text = t[:strings.LastIndex(t, " ")+1]
	default:
		if msg.Text == "" {
			return nil
		}
		f.insert(msg.Text)
	}
	return m.filtered()
}

// filtered applies the filter of the tab.
func (m *Model) filtered() tea.Cmd {
	switch m.tab {
	case tabRooms:
		return m.rooms.narrow(m)
	case tabRecordings:
		m.recs.narrow()
	case tabWebhooks:
		return m.hooks.search(m)
	}
	return nil
}

// parseFilter reads the filter of the webhooks: words of the form account: kind: verdict: meeting:, and text for the
// rest. A kind may be the beginning of one ("participant"). What is wrong is said in the error, and the query holds what
// could be understood.
func parseFilter(text string) (app.EventQuery, error) {
	var q app.EventQuery
	var rest []string
	var err error
	for _, w := range strings.Fields(text) {
		name, value, ok := strings.Cut(w, ":")
		if !ok || value == "" && !slices.Contains([]string{"account", "kind", "verdict", "meeting"}, name) {
			rest = append(rest, w)
			continue
		}
		switch name {
		case "account":
			q.Account = value
		case "meeting":
			q.Meeting = value
		case "kind":
			found := kindsOf(value)
			if len(found) == 0 {
				err = fmt.Errorf("there is no kind %q", value)
			}
			q.Kinds = append(q.Kinds, found...)
		case "verdict":
			switch v := matching(value, provider.Verified, provider.Rejected, provider.Unverified); v {
			case "":
				err = fmt.Errorf("a verdict is verified, rejected or unverified")
			default:
				q.Verdict = v
			}
		default:
			rest = append(rest, w)
		}
	}
	q.Grep = strings.Join(rest, " ")
	return q, err
}

// kindsOf gives the kinds that a word begins, or that end in it: "joined" is participant.joined.
func kindsOf(word string) (out []provider.EventKind) {
	for _, k := range provider.EventKinds() {
		if word != "" && (strings.HasPrefix(string(k), word) || strings.HasSuffix(string(k), "."+word)) {
			out = append(out, k)
		}
	}
	return out
}

func matching(word string, all ...provider.Verdict) provider.Verdict {
	for _, v := range all {
		if word != "" && strings.HasPrefix(string(v), word) {
			return v
		}
	}
	return ""
}
