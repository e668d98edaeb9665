package rooms

import (
	"context"
	"errors"
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/dialog"
	"greenroom/tui/pane"
	"greenroom/tui/words"
)

// errLink reports a link from a platform that is not a web address.
var errLink = errors.New("the platform's link is not an http or https address")

// link reads a link of a meeting. It is kept only until it was copied or opened.
func (p *Pane) link(mt app.Meeting, host bool, doing string, then func(url string) tea.Cmd) tea.Cmd {
	return pane.Try(p.Screen, doing, nil, func(ctx context.Context) (string, error) {
		l, err := p.Backend.MeetingLink(ctx, app.LinkRequest{Meeting: mt.ID, Host: host})
		if err != nil {
			return "", err
		}
		url, ok := words.WebURL(l.URL)
		if !ok {
			return "", errLink
		}
		return url, nil
	}, then)
}

// copyLink copies the link for guests or for hosts. Only the demo may show a host link, which is no secret there.
func (p *Pane) copyLink(host bool) func() tea.Cmd {
	return func() tea.Cmd {
		if url, room, ok := p.lastingLink(); ok && !host {
			c := pane.Copied{What: "Guest link of " + room.Name}
			if app.Recorded(room.Recording) {
				c.What += " (recorded)"
			}
			return p.CopyText(c, url)
		}
		mt, _ := p.Meeting()
		c := pane.Copied{What: "Guest link of " + mt.Room}
		if host {
			c = pane.Copied{What: "Host link of " + mt.Room, Hint: "Anyone with this link joins as host. Don't share it."}
			if !p.Demo {
				c.Instead = hostLinkCommand(mt.Room)
			}
		}
		if recorded(mt) {
			c.What += " (recorded)"
		}
		return p.link(mt, host, "copy the link", func(url string) tea.Cmd { return p.CopyText(c, url) })
	}
}

// lastingLink returns the address of the selected room's page where everyone reaches it, else the guest link of the room while no
// meeting is open.
func (p *Pane) lastingLink() (url string, room app.Room, ok bool) {
	v, _ := p.Room()
	if v.PageReach == app.PagePublic {
		url, ok = words.WebURL(v.PageURL)
		return url, v.Room, ok
	}
	if _, open := p.open(); open {
		return "", v.Room, false
	}
	url, ok = words.WebURL(v.GuestURL)
	return url, v.Room, ok
}

// whyNoGuestLink returns why the selected room has no guest link now.
func (p *Pane) whyNoGuestLink() string {
	if _, _, ok := p.lastingLink(); ok {
		return ""
	}
	return p.whyNoMeeting()
}

// recorded reports whether a meeting may be recorded.
func recorded(mt app.Meeting) bool {
	return app.Recorded(mt.Record) || mt.Recording != app.NotRecording && mt.Recording != ""
}

// qr shows the guest link as a code for a phone.
func (p *Pane) qr() tea.Cmd {
	if url, room, ok := p.lastingLink(); ok {
		note := ""
		if app.Recorded(room.Recording) {
			note = "recorded"
		}
		return p.ShowQR(room.Name, note, url)
	}
	mt, _ := p.Meeting()
	note := ""
	if recorded(mt) {
		note = "recorded"
	}
	return p.link(mt, false, "make the QR code", func(url string) tea.Cmd { return p.ShowQR(mt.Room, note, url) })
}

// openLink opens the meeting in the browser, a recorded one only after the user has agreed. The answer is stored with the
// meeting first, and after a yes the question is not asked again.
func (p *Pane) openLink(host bool) func() tea.Cmd {
	return func() tea.Cmd {
		v, _ := p.Room()
		mt, _ := p.Meeting()
		if !app.NeedsConsent(mt, v.Room) {
			return p.browse(mt, host)
		}
		answer := func(given bool, then func() tea.Cmd) func() tea.Cmd {
			return func() tea.Cmd {
				return pane.Try(p.Screen, "store your answer", nil,
					func(ctx context.Context) (app.Meeting, error) {
						return p.Backend.Consent(ctx, app.ConsentAnswer{Meeting: mt.ID, Given: given})
					},
					func(now app.Meeting) tea.Cmd {
						p.meetingChanged(now)
						return then()
					})
			}
		}
		state := "may be"
		if mt.Recording == app.IsRecording || mt.Recording == app.StartingRecording {
			state = "is being"
		}
		return p.Dialogs.Push(&dialog.Confirm{
			Title: "This meeting is recorded", Yes: "I agree, open it", No: "Don't open",
			Text: "What you say and show in " + words.Safe(mt.Room) + " " + state + " recorded. Open it only if you and your " +
				"guests agree. Your answer is stored with the meeting.",
			OnYes: answer(true, func() tea.Cmd { return p.browse(mt, host) }),
			OnNo:  answer(false, func() tea.Cmd { return p.Refuse("Nothing was opened: you didn't agree to be recorded.") }),
		})
	}
}

// browse opens the link in the browser. If that is impossible, a guest link is shown, and for a host link the command that
// prints it.
func (p *Pane) browse(mt app.Meeting, host bool) tea.Cmd {
	as := "guest"
	if host {
		as = "host"
	}
	return p.link(mt, host, "open the meeting", func(url string) tea.Cmd {
		return p.OpenURL(url, "Opened "+mt.Room+" as "+as+" in the browser", func(err error) tea.Cmd {
			title, why := "No browser found", ""
			if err != nil {
				title, why = "The browser can't be opened", " ("+err.Error()+")"
			}
			if host && !p.Demo {
				return p.Complain("", &app.Error{Text: title + why, Hint: hostLinkCommand(mt.Room) + " prints the link.", Err: err})
			}
			if err != nil {
				p.Failed(title+why, err)
			}
			p.ShowText(title, "Open this address"+why+":", url)
			return nil
		})
	})
}

// hostLinkCommand returns the command that prints the host link of a room's meeting.
func hostLinkCommand(room string) string {
	if strings.ContainsFunc(room, func(r rune) bool {
		return r != '-' && r != '_' && r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		room = words.ShellQuote(room)
	}
	return "greenroom meeting link " + room + " --host"
}
