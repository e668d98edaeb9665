package tui

import (
	"context"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/dialog"
	"greenroom/tui/grid"
)

// act does what a key, a click or the palette asks for, or says why it can't be done now.
func (m *Model) act(a Action) tea.Cmd {
	if m.justSlipped(a) {
		return m.refuse("The row under the cursor has just changed, so nothing was done. Press the key again.")
	}
	if why := m.why(a); why != "" {
		return m.refuse(why)
	}
	switch a {
	case actQuit:
		return m.quit()
	case actHelp:
		m.dialogs.Push(m.helpSheet())
	case actPalette:
		m.dialogs.Push(m.palette())
	case actFilter:
		m.startTyping()
	case actMessages:
		m.dialogs.Push(m.messageSheet())
	case actSuspend:
		return m.suspend(true)
	case actReload:
		for i := range m.loads {
			m.loads[i].next = m.now()
		}
		return tea.Batch(m.readAll(), m.say("Refreshed", ""))
	case actRooms, actRecs, actWebhooks, actStatus:
		return m.show(map[Action]tab{actRooms: tabRooms, actRecs: tabRecordings, actWebhooks: tabWebhooks, actStatus: tabStatus}[a])
	case actNextTab:
		if inner := m.innerPane(); inner != nil {
			if *inner {
				return m.move(actOut)
			}
			return m.move(actIn)
		}
		return m.show((m.tab + 1) % 4)
	case actPrevTab:
		return m.show((m.tab + 3) % 4)
	case actUp, actDown, actTop, actBottom, actHalfDown, actHalfUp, actIn, actOut:
		return m.move(a)
	case actNewRoom:
		m.dialogs.Push(m.roomForm(nil))
	case actEditRoom:
		v, _ := m.rooms.room()
		m.dialogs.Push(m.roomForm(&v.Room))
	case actDeleteRoom:
		m.dialogs.Push(m.deleteRoom())
	case actStart:
		m.dialogs.Push(m.startMenu())
	case actEnd:
		m.dialogs.Push(m.endMeeting())
	case actCopyGuest, actCopyHost:
		return m.copyLink(a == actCopyHost)
	case actOpenGuest, actOpenHost:
		return m.openLink(a == actOpenHost)
	case actQR:
		return m.qr()
	case actRecord:
		return m.switchRecording()
	case actEject:
		m.dialogs.Push(m.removePerson())
	case actAdopt:
		return m.adopt()
	case actCheck:
		return m.check()
	case actDownload, actPauseDownload, actCancelDownload, actRetryDownload, actOpenFile, actReveal, actCopyPath, actDeleteRecording:
		return m.actOnRecording(a)
	case actLimit:
		m.dialogs.Push(m.limitMenu())
	case actFollow, actCurl, actHex:
		return m.hooks.act(m, a)
	case actTunnelCopy, actTunnelQR, actTunnelProbe, actRegister:
		return m.tunnelAct(a)
	case actCopyURL:
		return m.copyText("Webhook URL", m.status.account().Webhook, "")
	}
	return nil
}

// why says what stands in the way of an action, safe to draw; empty when nothing does.
func (m *Model) why(a Action) string {
	v, hasRoom := m.rooms.room()
	mt, hasMeeting := m.rooms.meeting()
	going := hasMeeting && mt.Status != app.Ended
	onRooms, name := m.tab == tabRooms, safe(v.Name)
	switch a {
	case actNewRoom, actAdopt:
		if !onRooms {
			return "Create rooms on the Rooms tab: " + m.keys.name(actRooms)
		}
		if a == actAdopt {
			return m.whyNoAdoption()
		}
	case actStart, actEditRoom, actDeleteRoom, actEnd, actCopyGuest, actCopyHost, actOpenGuest, actOpenHost, actQR, actRecord,
		actEject:
		switch {
		case !onRooms:
			return "Use this on the Rooms tab: " + m.keys.name(actRooms)
		case !hasRoom:
			return "No room selected. Press " + m.keys.name(actNewRoom) + " to create one."
		case a == actStart && going:
			return "The meeting of " + name + " is open already: " + m.keys.name(actOpenHost) + " opens it, " +
				m.keys.name(actEnd) + " ends it"
		case a == actStart && v.Would.Problem != "":
			return safe(v.Would.Problem)
		case a == actDeleteRoom && going:
			return "The room has a meeting: end it first with " + m.keys.name(actEnd)
		case a != actStart && a != actEditRoom && a != actDeleteRoom && !going:
			return name + " has no meeting now: " + m.keys.name(actStart) + " starts one"
		case a == actRecord:
			return m.cannot(mt.Account, app.AbilityRecord)
		case a == actEject:
			return m.whyNoRemoval(mt)
		}
	case actDownload, actPauseDownload, actCancelDownload, actRetryDownload, actOpenFile, actReveal, actCopyPath, actDeleteRecording:
		return m.whyNoDownload(a)
	case actLimit:
		if m.tab != tabRecordings {
			return "Use this on the Recordings tab: " + m.keys.name(actRecs)
		}
	case actFollow, actCurl, actHex:
		if m.tab != tabWebhooks {
			return "Use this on the Webhooks tab: " + m.keys.name(actWebhooks)
		}
		if _, ok := m.hooks.feed.Chosen(); !ok && a != actFollow {
			return "No delivery selected"
		}
	case actCheck:
		switch {
		case m.tab != tabStatus:
			return "Use this on the Status tab: " + m.keys.name(actStatus)
		case m.loads[slotChecks].busy:
			return "A check is running"
		}
	case actTunnelCopy, actTunnelQR, actTunnelProbe, actRegister:
		return m.whyNoTunnelAct(a)
	case actCopyURL:
		if m.status.account().Webhook == "" {
			return "No webhook URL yet: no tunnel is open"
		}
	case actFilter:
		if m.tab == tabStatus {
			return "This tab has no filter"
		}
	}
	return ""
}

// cannot says why an account can't do something, safe to draw; empty when it can, or when nothing is known of it.
func (m *Model) cannot(account string, what app.Ability) string {
	a, _ := m.accountStatus(account)
	return safe(a.Cannot[what])
}

// accountStatus finds an account by its name, as far as the status is known.
func (m *Model) accountStatus(name string) (app.AccountStatus, bool) {
	for _, a := range m.status.status.Accounts {
		if a.Name == name {
			return a, true
		}
	}
	return app.AccountStatus{}, false
}

// innerPane is whether the second pane of the tab has the keys; nil when the tab has one pane only, or nothing to move to in the second.
func (m *Model) innerPane() *bool {
	switch m.tab {
	case tabRooms:
		if _, ok := m.rooms.meeting(); ok {
			return &m.rooms.inner
		}
	case tabWebhooks:
		if m.hooks.feed.Held() > 0 {
			return &m.hooks.inner
		}
	}
	return nil
}

// show goes to a tab.
func (m *Model) show(t tab) tea.Cmd {
	m.tab = t
	m.arrange()
	switch t {
	case tabStatus:
		return tea.Batch(m.want(slotStatus), m.want(slotLog), m.checkOnce())
	case tabWebhooks:
		m.seenWebhooks = true
		return tea.Batch(m.hooks.settle(m), m.fillWindow())
	}
	return nil
}

// move moves the cursor of the pane that has the keys.
func (m *Model) move(a Action) tea.Cmd {
	by := map[Action]func(*grid.List){
		actUp: func(l *grid.List) { l.Move(-1) }, actDown: func(l *grid.List) { l.Move(1) },
		actTop: (*grid.List).First, actBottom: (*grid.List).Last,
		actHalfDown: func(l *grid.List) { l.Half(1) }, actHalfUp: func(l *grid.List) { l.Half(-1) },
	}[a]
	switch m.tab {
	case tabRooms:
		switch a {
		case actIn:
			_, m.rooms.inner = m.rooms.meeting()
			m.rooms.moveRoster(func(*grid.List) {})
			m.arrange()
		case actOut:
			if !m.rooms.inner && m.rooms.filter.text != "" {
				m.rooms.filter = filter{}
				return m.rooms.narrow(m)
			}
			m.rooms.inner = false
			m.arrange()
		default:
			return m.rooms.move(m, by)
		}
	case tabRecordings:
		if a == actOut {
			m.recs.filter = filter{}
			m.recs.narrow()
		} else if by != nil {
			by(&m.recs.list)
		}
	case tabWebhooks:
		return m.hooks.move(m, a, by)
	case tabStatus:
		m.status.move(a, by)
	}
	return nil
}

// outcome is what an action came to. then runs in Update.
type outcome struct {
	err   error
	doing string
	form  *dialog.Form
	then  func() tea.Cmd
}

// try runs an action on the backend; its outcome reaches then.
func try[T any](m *Model, doing string, form *dialog.Form, f func(context.Context) (T, error), then func(T) tea.Cmd) tea.Cmd {
	ctx := m.ctx
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, actTimeout)
		defer cancel()
		v, err := f(ctx)
		return outcome{err: err, doing: doing, form: form, then: func() tea.Cmd { return then(v) }}
	}
}

// done takes an outcome. A form whose action failed keeps what was typed.
func (m *Model) done(o outcome) tea.Cmd {
	if o.err != nil {
		if o.form != nil && m.dialogs.Has(o.form) {
			e := app.AsError(o.err)
			text := safe(e.Text)
			if e.Hint != "" {
				text += "\n" + safe(e.Hint)
			}
			o.form.Fail(text)
			m.failed(strings.TrimPrefix(o.doing+": ", ": ")+e.Text, o.err)
			return nil
		}
		return m.complain(o.doing, o.err)
	}
	if o.form != nil {
		m.dialogs.Close(o.form)
	}
	return o.then()
}

// quit asks only when quitting would stop webhooks from being received, or downloads.
func (m *Model) quit() tea.Cmd {
	if n := m.recs.fetching(); n > 0 && !m.receiving() && !m.opts.Demo && m.status.status.Store.Owner == m.opts.PID {
		m.dialogs.Push(&dialog.Confirm{
			Title: "Quit?", Yes: "Quit", No: "Stay", OnYes: func() tea.Cmd { return tea.Quit },
			Text: plural(n, "download stops", "downloads stop") + ". What was fetched is kept, and the next screen or `listen` resumes it.",
		})
		return nil
	}
	if !m.receiving() {
		return tea.Quit
	}
	text := "Webhooks won't be received after you quit."
	if m.status.status.Tunnel.StoreAndForward {
		text = "The relay keeps webhooks after you quit, until something listens again."
	}
	if n := m.going(); n > 0 {
		text += fmt.Sprintf(" %s.", plural(n, "meeting continues", "meetings continue"))
	}
	if n := m.recs.fetching(); n > 0 {
		text += fmt.Sprintf(" %s until the next start.", plural(n, "download stops", "downloads stop"))
	}
	m.dialogs.Push(&dialog.Confirm{
		Title: "Quit?", Text: text + " To keep receiving without a screen: greenroom listen", Yes: "Quit", No: "Stay",
		OnYes: func() tea.Cmd { return tea.Quit },
	})
	return nil
}

// receiving says whether this process is the one that webhooks reach, and whether any can be expected.
func (m *Model) receiving() bool {
	st := &m.status.status
	if m.opts.Demo || st.Store.Owner != m.opts.PID || st.Listener.URL == "" {
		return false
	}
	return m.going() > 0 || st.Tunnel.State == "live"
}

// going counts the meetings that are open or live.
func (m *Model) going() (n int) {
	for _, v := range m.rooms.all {
		if v.Meeting != nil && v.Meeting.Status != app.Ended {
			n++
		}
	}
	return n
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return itoa(n) + " " + many
}

// recorded says whether what goes on in a meeting may be recorded.
func recorded(mt app.Meeting) bool {
	return app.Recorded(mt.Record) || mt.Recording != app.NotRecording && mt.Recording != ""
}
