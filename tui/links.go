package tui

import (
	"context"
	"errors"
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/tui/dialog"
	"greenroom/tui/theme"
)

// errLink is a link from a platform that is not one.
var errLink = errors.New("the platform gave a link that is not an http(s) address")

// link asks for a link of a meeting. It is held only until it was copied or opened.
func (m *Model) link(mt app.Meeting, host bool, doing string, then func(url string) tea.Cmd) tea.Cmd {
	b := m.backend
	return try(m, doing, nil, func(ctx context.Context) (string, error) {
		l, err := b.MeetingLink(ctx, app.LinkRequest{Meeting: mt.ID, Host: host})
		if err != nil {
			return "", err
		}
		safe, ok := webURL(l.URL)
		if !ok {
			return "", errLink
		}
		return safe, nil
	}, then)
}

func (m *Model) copyLink(host bool) tea.Cmd {
	mt, _ := m.rooms.meeting()
	what := "Guest link of " + mt.Room
	if host {
		what = "Host link of " + mt.Room
	}
	if recorded(mt) {
		what += " (recorded)"
	}
	return m.link(mt, host, "copy the link", func(url string) tea.Cmd {
		if host {
			return m.copyText(what, url, mt.Room)
		}
		return m.copyText(what, url, "")
	})
}

// copied is what became of writing the native clipboard.
type copied struct{ sure bool }

// maxTerminalCopy is the longest text that terminals are known to put on the clipboard.
const maxTerminalCopy = 64 << 10

// copyText writes the clipboard twice: through the terminal, which works over ssh, and natively, which alone tells
// whether it worked. When neither is sure, the text is shown, unless it is secret: the host link of the room hostOf,
// which in the demo is none.
func (m *Model) copyText(what, text, hostOf string) tea.Cmd {
	native := m.opts.Copy
	text = plain.Lines(text)
	terminal := tea.SetClipboard(text)
	if len(text) > maxTerminalCopy {
		terminal = nil
	}
	return tea.Batch(terminal, try(m, "copy", nil,
		func(context.Context) (copied, error) { return copied{native != nil && native(text) == nil}, nil },
		func(c copied) tea.Cmd {
			if c.sure {
				hint := ""
				if hostOf != "" {
					hint = "Anyone with it joins as host: don't pass it on."
				}
				return m.say(what+" copied", hint)
			}
			if hostOf != "" && !m.opts.Demo {
				return m.say(what+" sent to your clipboard",
					"If it isn't there: "+hostLinkCommand(hostOf)+" prints it.")
			}
			if len(text) > maxTerminalCopy {
				return m.complain("", &app.Error{Text: what + " is too long for the terminal's clipboard (" + bytes(int64(len(text))) + ")",
					Hint: "Copying that much needs a clipboard on this machine, such as xclip or wl-copy."})
			}
			m.dialogs.Push(textSheet("Sent to your clipboard. If it isn't there, copy it here:", what, text))
			return nil
		}))
}

// textSheet shows a text for copying by hand.
func textSheet(title, what, text string) *dialog.Sheet {
	return &dialog.Sheet{Title: title, Through: true, Draw: func(s *theme.Styles, w int) []string {
		out := []string{s.Muted.Render(s.Clip(safe(what), w)), ""}
		for _, para := range strings.Split(plain.Lines(text), "\n") {
			for _, line := range s.Break(para, w) {
				out = append(out, s.Link.Render(line))
			}
		}
		return out
	}}
}

// opening is what became of handing a link to the browser.
type opening struct{ err error }

// open hands the link to the browser.
func (m *Model) open(mt app.Meeting, host bool) tea.Cmd {
	as := "guest"
	if host {
		as = "host"
	}
	return m.link(mt, host, "open the meeting", func(url string) tea.Cmd {
		open := m.opts.Open
		if open == nil {
			return m.byHand(mt, host, url, "No browser found", nil)
		}
		return try(m, "open the browser", nil,
			func(context.Context) (opening, error) { return opening{open(url)}, nil },
			func(o opening) tea.Cmd {
				if o.err != nil {
					return m.byHand(mt, host, url, "The browser can't be opened", o.err)
				}
				return m.say("Opened "+mt.Room+" as "+as+" in the browser", "")
			})
	})
}

// byHand leaves the opening of a link to the user: a guest's is shown, a host's is named by the command that prints it.
// The demo's links hold no secret, and no other program knows them.
func (m *Model) byHand(mt app.Meeting, host bool, url, title string, err error) tea.Cmd {
	why := ""
	if err != nil {
		why = " (" + err.Error() + ")"
	}
	if host && !m.opts.Demo {
		return m.complain("", &app.Error{Text: title + why, Hint: hostLinkCommand(mt.Room) + " prints the link.", Err: err})
	}
	if err != nil {
		m.failed(title+why, err)
	}
	m.dialogs.Push(textSheet(title, "Open this address"+why+":", url))
	return nil
}

// hostLinkCommand prints the host link of a room's meeting.
func hostLinkCommand(room string) string {
	if strings.ContainsFunc(room, func(r rune) bool {
		return r != '-' && r != '_' && r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		room = quote(room)
	}
	return "greenroom meeting link " + room + " --host"
}
