// Package rooms is the Rooms tab: the rooms, the meeting of the selected one with the people in it, and what happened.
package rooms

import (
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/app"
	"greenroom/tui/grid"
	"greenroom/tui/pane"
	"greenroom/tui/words"
)

// Pane is the tab.
type Pane struct {
	*pane.Screen

	rooms, shown []app.RoomView
	filter       pane.Filter
	// valid is the last filter that could be used. hasPeople reports that the rooms were read with their people.
	valid     string
	hasPeople bool
	// marked are the ids of the rooms that were marked to do something with all of them.
	marked map[string]bool
	// running reports that something is done with several rooms, and stopped that the user wants no more of it.
	running, stopped bool
	// turn counts the timers for the next change of the order by time.
	turn uint64
	list grid.List
	// rows are the shown rooms with the headings of their groups.
	rows []listRow
	// chosen is the id of the room under the cursor, which follows it when the order changes. wanted is the name of a
	// room that will be selected as soon as it is listed.
	chosen, wanted string
	// widest is the width of the longest name, widestAccount that of the longest account, 0 if all are equal.
	widest, widestAccount int
	// had is true while the last reading had rows to show.
	had bool

	detail *app.MeetingDetail
	people []row
	roster grid.List
	// inner reports that the people have the focus.
	inner bool
	// gap reports that the activity may lack something.
	gap bool

	readRooms, readMeeting, readActivity *pane.Slot
}

// New makes the tab.
func New(s *pane.Screen) *Pane {
	p := &Pane{Screen: s, marked: map[string]bool{}}
	p.filter.Hint = "words, people, is:live open waiting failing soon adopted   "
	p.filter.Apply = p.search
	s.AfterStatus = append(s.AfterStatus, p.sort)
	p.readRooms = pane.NewSlot(s, "the rooms", p.askRooms, p.setRooms)
	p.readMeeting = pane.NewSlot(s, "the meeting", p.askMeeting, func(d app.MeetingDetail) tea.Cmd {
		p.detail = &d
		p.setPeople(append(declined(d.Guests), byPresence(d.Participants)...))
		return nil
	})
	p.readActivity = pane.NewSlot(s, "the activity", pane.Always(p.askActivity), func(page app.EventPage) tea.Cmd {
		if p.gap || p.Activity.Empty() {
			p.Activity.Replace(activityOf(page.Events))
			p.gap = false
		}
		return nil
	})
	return p
}

// The actions that sentences of this tab refer to.
const (
	newRoom         pane.Name = "room.new"
	planMeetings    pane.Name = "room.plan"
	markRoom        pane.Name = "room.mark"
	adoptRoom       pane.Name = "room.adopt"
	undo            pane.Name = "undo"
	startMeeting    pane.Name = "meeting.start"
	endMeeting      pane.Name = "meeting.end"
	switchRecording pane.Name = "recording.switch"
	copyGuest       pane.Name = "copy.guest"
	copyHost        pane.Name = "copy.host"
	openGuest       pane.Name = "open.guest"
	openHost        pane.Name = "open.host"
	showQR          pane.Name = "qr"
)

// Actions implements [pane.Pane], as do the methods below.
func (p *Pane) Actions() []pane.Action {
	outer := func() bool { return !p.inner }
	chosen := func() bool { _, ok := p.person(); return ok }
	return []pane.Action{
		{Name: newRoom, Keys: "n", Word: "new", Long: "Create a room", Footer: true, Shown: outer, Do: p.create},
		{Name: startMeeting, Keys: "s", Word: "start", Long: "Start a meeting in the room, or in the marked rooms", Footer: true, Aims: true, Why: p.whyNoStart, Do: p.chooseLength},
		{Name: planMeetings, Keys: "b", Word: "plan", Long: "Plan meetings in the room " +
			"(bookings)", Footer: true, Shown: outer, Aims: true, Why: p.whyNoRoom, Do: p.bookings},
		{Name: endMeeting, Keys: "e", Word: "end", Long: "End the meeting for everyone", Footer: true, Aims: true, Why: p.whyNoMeeting, Do: p.end},
		{Name: switchRecording, Keys: "r", Word: "record", Long: "Start or stop the recording", Footer: true, Aims: true, Why: p.whyNoRecording, Do: p.record},
		{Name: "person.remove", Keys: "x", Word: "remove", Long: "Remove a person from the meeting", Footer: true, Shown: chosen, Aims: true,
			Why: p.whyNoRemoval, Do: p.remove},
		{Name: "person.mute", Keys: "m", Word: "mute", Long: "Mute a person", Shown: chosen, Aims: true, Why: p.whyNoMute, Do: p.mute},
		{Name: copyGuest, Keys: "c", Word: "copy", Long: "Copy the guest link", Footer: true, Aims: true, Why: p.whyNoGuestLink, Do: p.copyLink(false)},
		{Name: copyHost, Keys: "C", Word: "copy host", Long: "Copy the host link", Aims: true, Why: p.whyNoMeeting, Do: p.copyLink(true)},
		{Name: openHost, Keys: "O", Word: "host", Long: "Open the meeting as host", Footer: true, Aims: true, Why: p.whyNoMeeting, Do: p.openLink(true)},
		{Name: openGuest, Keys: "o", Word: "guest", Long: "Open the meeting as guest", Footer: true, Aims: true, Why: p.whyNoMeeting, Do: p.openLink(false)},
		{Name: showQR, Keys: "Q", Word: "QR", Long: "Show the guest link as a QR code", Aims: true, Why: p.whyNoGuestLink, Do: p.qr},
		{Name: pane.EditRoom, Keys: "E", Word: "edit", Long: "Edit the room", Footer: true, Shown: outer, Aims: true, Why: p.whyNoRoom, Do: p.edit},
		{Name: markRoom, Keys: "space", Word: "mark", Long: "Mark the room, to start or delete several", Aims: true, Why: p.whyNoRoom, Do: p.mark},
		{Name: "room.mark-all", Keys: "*", Word: "mark all", Long: "Mark all listed rooms, or none", Why: p.whyNoRoom, Do: p.markAll},
		{Name: "room.favourite", Keys: "f", Word: "favourite", Long: "Make the room a favourite, or undo " +
			"that", Aims: true, Why: p.whyNoRoom, Do: p.favour},
		{Name: "room.delete", Keys: "D", Word: "delete", Long: "Delete the room, or the marked rooms", Aims: true, Why: p.whyNoDeletion, Do: p.deleteRoom},
		{Name: undo, Keys: "u", Word: "undo", Long: "Restore the last deleted item", Do: p.undo},
		{Name: adoptRoom, Keys: "A", Word: "adopt", Long: "Adopt existing rooms", Footer: true, Shown: outer, Why: p.whyNoAdoption, Do: p.adopt},
	}
}

// whyNoRoom returns why nothing can be done with the selected room.
func (p *Pane) whyNoRoom() string {
	if _, ok := p.Room(); !ok {
		return "No room selected. Press " + p.Key(newRoom) + " to create one."
	}
	return ""
}

// whyNoMeeting returns why nothing can be done with the selected room's meeting.
func (p *Pane) whyNoMeeting() string {
	if why := p.whyNoRoom(); why != "" {
		return why
	}
	if _, open := p.open(); !open {
		v, _ := p.Room()
		return words.Safe(v.Name) + " has no meeting now: " + p.Key(startMeeting) + " starts one"
	}
	return ""
}

// Title implements [pane.Pane].
func (p *Pane) Title() string { return "Rooms" }

// Filter implements [pane.Pane].
func (p *Pane) Filter() *pane.Filter { return &p.filter }

// Refresh implements [pane.Pane].
func (p *Pane) Refresh() tea.Cmd {
	return tea.Batch(p.readRooms.Want(), p.readMeeting.Want(), p.readActivity.Want())
}

// Changed implements [pane.Pane].
func (p *Pane) Changed(c pane.Changes) tea.Cmd {
	var cmds []tea.Cmd
	p.gap = p.gap || c.Missed
	if len(c.Activity) > 0 {
		p.Activity.Add(c.Activity)
	}
	again := c.Rooms
	for _, mt := range c.Meetings {
		again = p.meetingChanged(mt) || again
	}
	for _, mt := range c.Confirmed {
		p.meetingChanged(mt)
	}
	if again {
		cmds = append(cmds, p.readRooms.Want())
	}
	if chosen, ok := p.Meeting(); ok {
		if _, changed := c.Meetings[chosen.ID]; changed {
			cmds = append(cmds, p.readMeeting.Want())
		}
	}
	return tea.Batch(cmds...)
}

// meetingChanged shows a change of a meeting at once. It reports whether the rooms have to be read again: because the change concerns more
// than one row, or because an answer is awaited that may be older. With a hundred live meetings, counts change all the time.
func (p *Pane) meetingChanged(mt app.Meeting) (again bool) {
	by, listed := p.by(), false
	for _, list := range [][]app.RoomView{p.rooms, p.shown} {
		for i := range list {
			if cur := list[i].Meeting; cur != nil && cur.ID == mt.ID {
				state, copied := by.State(list[i]), mt
				list[i].Meeting, listed = &copied, true
				again = again || cur.Status != mt.Status || by.State(list[i]) != state
			}
		}
	}
	if p.detail != nil && p.detail.ID == mt.ID {
		p.detail.Meeting = mt
	}
	return again || !listed || p.filter.Text != "" || p.readRooms.Busy
}

// Target implements [pane.Pane]: the room, its open meeting and the selected person.
func (p *Pane) Target() (id string, empty bool) {
	v, ok := p.Room()
	if !ok {
		return "", p.readRooms.Ready
	}
	parts := []string{v.ID}
	if mt, open := p.open(); open {
		parts = append(parts, mt.ID)
		if st, chosen := p.person(); chosen {
			parts = append(parts, st.Session, st.Name)
		}
	}
	return strings.Join(parts, "\x00"), false
}

// Pace implements [pane.Pane]: a live meeting, a recording and a person who waits count seconds.
func (p *Pane) Pace() time.Duration {
	mt, open := p.open()
	switch {
	case !open && p.anySoon():
		return 20 * time.Second // the minutes until then
	case !open:
		return 0
	case mt.Status == app.Live || mt.Recording == app.IsRecording || mt.Waiting > 0:
		return time.Second
	}
	return 20 * time.Second
}

// Inner implements [pane.Split].
func (p *Pane) Inner() *bool {
	if _, ok := p.Meeting(); ok {
		return &p.inner
	}
	return nil
}

// Move implements [pane.Pane].
func (p *Pane) Move(m pane.Motion) tea.Cmd {
	switch {
	case m == pane.In:
		_, p.inner = p.Meeting()
		p.moveInRoster(m.Move)
	case m == pane.Out && p.running:
		p.stopped = true
	case m == pane.Out && !p.inner && len(p.marked) > 0:
		clear(p.marked)
	case m == pane.Out && !p.inner && p.filter.Text != "":
		p.filter.Clear()
		return p.search()
	case m == pane.Out:
		p.inner = false
	case p.inner:
		p.moveInRoster(m.Move)
	default:
		p.wanted = "" // the user has moved on from it
		return p.selecting(func() { p.moveInList(m.Move) })
	}
	return nil
}

// Guide implements [pane.Pane].
func (p *Pane) Guide() string {
	v, ok := p.Room()
	mt, has := p.Meeting()
	ended := slices.ContainsFunc(p.rooms, func(r app.RoomView) bool {
		return r.Meeting != nil && r.Meeting.Status == app.Ended && r.Meeting.EndReason == "ended here"
	})
	switch {
	case !ok:
		return "press " + p.Key(newRoom) + " to create your first room."
	case has && mt.Status == app.Live && !p.ReadWebhooks:
		return "people come and go. Press " + p.Key(pane.TabWebhooks) + " to read the webhooks."
	case has && mt.Status == app.Live:
		more := p.Key(newRoom) + " to create your own room."
		if mt.Recording != app.IsRecording && mt.Recording != app.StartingRecording && p.whyNoRecording() == "" {
			more = p.Key(switchRecording) + " to record it, " + p.Key(newRoom) + " to create a room."
		}
		return "press " + p.Key(endMeeting) + " to end the meeting, " + more
	case has && mt.Status == app.Open:
		return "people will join in a moment. " + p.Key(copyGuest) + " copies the guest link."
	case ended && p.ReadWebhooks:
		text := "that's the tour. "
		if p.whyNoAdoption() == "" {
			text += p.Key(adoptRoom) + " adopts existing rooms, "
		}
		return text + p.Key(pane.Help) + " shows every key, " + p.Key(pane.Quit) + " quits."
	}
	return "press " + p.Key(startMeeting) + " to start a meeting in " + p.Styles.Clip(words.Safe(v.Name), 20) + "."
}

// Ready reports whether the rooms are known.
func (p *Pane) Ready() bool { return p.readRooms.Ready }
