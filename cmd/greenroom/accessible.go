package main

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strings"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/crash"
	"greenroom/internal/plain"
	"greenroom/provider"
	"greenroom/tui"
	"greenroom/tui/cell"
)

// lineMode replaces the screen by prompts and lines. It runs commands on one backend.
type lineMode struct {
	*program
	backend app.Backend
	news    *news
	// listed reports that the tasks were listed. An empty answer lists them again.
	listed bool
}

// task is a thing that the host can do.
type task struct {
	words string
	do    func(ctx context.Context) error
}

// isAccessible reports whether prompts and lines are wanted instead of the screen.
func (p *program) isAccessible() bool {
	off := map[string]bool{"": true, "0": true, "false": true, "no": true}
	return p.accessible || !off[strings.ToLower(p.getenv("ACCESSIBLE"))]
}

// runLines offers the tasks until the user quits.
func (p *program) runLines(ctx context.Context, c *config.Config, b app.Backend, g *crash.Group) error {
	q := *p
	if tui.ASCIIOnly(p.getenv) {
		q.stdout, q.stderr = safely{p.stdout, asciiLines}, safely{p.stderr, asciiLines}
	}
	q.lines = bufio.NewReader(p.stdin)
	q.loaded = c
	q.open = func(context.Context, *config.Config, string, access) (app.Backend, func() error, error) {
		return b, func() error { return nil }, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := &lineMode{program: &q, backend: b, news: &news{ring: func(call app.Call) { q.ring(p.stderr, c.Notify, call) }}}
	changes, err := b.Subscribe(ctx)
	if err != nil {
		return err
	}
	g.Go("news", func() {
		for ch := range changes {
			m.news.add(ch)
		}
	})
	q.words("Greenroom with prompts instead of the full screen. Answer with a number.")
	for {
		switch err := m.turn(ctx); {
		case err == errQuit, err == errDeclined:
			return nil
		case err == tui.ErrSetUp:
			return err
		case ctx.Err() != nil:
			return nil
		case err != nil:
			q.report(err)
		}
	}
}

// errQuit ends the line mode.
var errQuit = fmt.Errorf("quit")

// turn shows the news, asks for a task, and does it.
func (m *lineMode) turn(ctx context.Context) error {
	m.words("")
	m.news.print(m.program)
	if err := m.summary(ctx); err != nil {
		m.report(err)
	}
	tasks := m.tasks()
	for i, t := range tasks {
		if !m.listed {
			m.words(fmt.Sprintf("  %d  %s", i+1, t.words))
		}
	}
	m.listed = true
	n, err := m.number(ctx, "What next? Press enter to list the tasks. Number: ", len(tasks), -1)
	if err != nil || n < 0 {
		m.listed = false
		return err
	}
	err = tasks[n].do(ctx)
	if err == errDeclined {
		m.words("Nothing was changed.")
		return nil
	}
	return err
}

// summary counts what is live.
func (m *lineMode) summary(ctx context.Context) error {
	rooms, err := m.backend.Rooms(ctx, app.RoomQuery{})
	if err != nil {
		return err
	}
	live, here, waiting := 0, 0, 0
	for _, r := range rooms {
		if r.Meeting != nil && r.Meeting.Status == app.Live {
			live++
			here += r.Meeting.Here
			waiting += r.Meeting.Waiting
		}
	}
	m.words(fmt.Sprintf("Rooms: %d. Live: %d. Here: %d. Waiting: %d.", len(rooms), live, here, waiting))
	return nil
}

// tasks returns the tasks of the host.
func (m *lineMode) tasks() []task {
	of := func(open bool, args ...string) func(context.Context) error {
		return func(ctx context.Context) error {
			room, err := m.room(ctx, open)
			if err != nil {
				return err
			}
			return m.command(ctx, append(args, room)...)
		}
	}
	run := func(args ...string) func(context.Context) error {
		return func(ctx context.Context) error { return m.command(ctx, args...) }
	}
	tasks := []task{
		{"List the rooms", m.listRooms},
		{"Who is here", m.whoIsHere},
		{"Start a meeting", of(false, "meeting", "start")},
		{"Show the links of a meeting", m.links},
		{"Open a meeting in the browser, as host", of(true, "meeting", "join", "--host")},
		{"End a meeting", of(true, "meeting", "end")},
		{"List the recordings", run("recording", "list")},
		{"Download a recording", m.download},
		{"Create a room", m.createRoom},
		{"Show upcoming meetings", run("upcoming")},
		{"Check everything", run("doctor")},
		{"Any other command", m.anyCommand},
		{"Quit", func(context.Context) error { return errQuit }},
	}
	if len(accountNames(m.loaded)) == 0 {
		tasks = append([]task{{"Set up an account", func(context.Context) error { return tui.ErrSetUp }}}, tasks...)
	}
	return tasks
}

// command runs a command of Greenroom.
func (m *lineMode) command(ctx context.Context, args ...string) error {
	q := *m.program
	root := q.root()
	root.SetArgs(args)
	root.SetIn(q.stdin)
	root.SetOut(q.stdout)
	root.SetErr(q.stderr)
	root.SilenceErrors, root.SilenceUsage = true, true
	if err := root.ExecuteContext(ctx); err != nil {
		return err
	}
	return q.err
}

// anyCommand asks for a command line.
func (m *lineMode) anyCommand(ctx context.Context) error {
	line, err := m.ask(ctx, "Command, without greenroom: ")
	if err != nil || line == "" {
		return err
	}
	args := strings.Fields(line)
	if own := []string{"accessible", "demo", "init", "listen", "mcp", "relay", "sandbox"}; slices.Contains(own, args[0]) {
		return &app.Error{
			Kind: provider.Unsupported, Text: args[0] + " needs its own terminal", Hint: "run it in another terminal: greenroom " + line,
		}
	}
	return m.command(ctx, args...)
}

// links prints both links of a meeting, each with its purpose.
func (m *lineMode) links(ctx context.Context) error {
	room, err := m.room(ctx, true)
	if err != nil {
		return err
	}
	m.words("For guests:")
	if err := m.command(ctx, "meeting", "link", room); err != nil {
		return err
	}
	m.words("For you, the host. Don't share it:")
	return m.command(ctx, "meeting", "link", "--host", room)
}

// listRooms prints a sentence for each room.
func (m *lineMode) listRooms(ctx context.Context) error {
	rooms, err := m.backend.Rooms(ctx, app.RoomQuery{})
	if err != nil {
		return err
	}
	if len(rooms) == 0 {
		m.words("There are no rooms yet.")
	}
	for _, r := range rooms {
		m.words(roomSentence(r))
	}
	return nil
}

func roomSentence(r app.RoomView) string {
	mt := r.Meeting
	if mt == nil || mt.Status == app.Ended {
		return plain.Text(r.Name) + ", no meeting."
	}
	state := "open, no one is here"
	if mt.Status != app.Open {
		state = fmt.Sprintf("live, %d here", mt.Here)
	}
	if mt.Waiting > 0 {
		state += fmt.Sprintf(", %d waiting", mt.Waiting)
	}
	if mt.Recording == app.IsRecording {
		state += ", recording"
	}
	return fmt.Sprintf("%s, %s, on %s.", plain.Text(r.Name), state, plain.Text(mt.Account))
}

// whoIsHere prints a line for each person in a meeting.
func (m *lineMode) whoIsHere(ctx context.Context) error {
	room, err := m.room(ctx, true)
	if err != nil {
		return err
	}
	d, err := m.backend.Meeting(ctx, app.MeetingRef{Ref: room})
	if err != nil {
		return err
	}
	said := 0
	for _, s := range d.Participants {
		if !s.LeftAt.IsZero() {
			continue
		}
		said++
		name := plain.Text(s.Name)
		if name == "" {
			name = "A participant without a name"
		}
		switch {
		case s.Waiting:
			name += ", waiting to be let in"
		case s.Bot:
			name += ", a bot"
		case s.Owner:
			name += ", host"
		}
		if !s.JoinedAt.IsZero() {
			name += ", since " + m.clock(s.JoinedAt)
		}
		m.words(name + ".")
	}
	if said == 0 {
		m.words("No one is in " + plain.Text(d.Room) + ".")
	}
	return nil
}

// room asks for a room; with open, for one with an open meeting.
func (m *lineMode) room(ctx context.Context, open bool) (string, error) {
	rooms, err := m.backend.Rooms(ctx, app.RoomQuery{})
	if err != nil {
		return "", err
	}
	var names []string
	for _, r := range rooms {
		if !open || r.Meeting != nil && r.Meeting.Status != app.Ended {
			names = append(names, r.Name)
			m.words(fmt.Sprintf("  %d  %s", len(names), roomSentence(r)))
		}
	}
	if len(names) == 0 {
		if m.words("There are none."); open {
			m.words("Start a meeting first.")
		}
		return "", errDeclined
	}
	n, err := m.number(ctx, "Which room? Number: ", len(names), -1)
	if err != nil {
		return "", err
	}
	if n < 0 {
		return "", errDeclined
	}
	return names[n], nil
}

// download asks for a recording and downloads it.
func (m *lineMode) download(ctx context.Context) error {
	all, err := m.backend.Recordings(ctx, app.RecordingQuery{Limit: 20})
	if err != nil {
		return err
	}
	var ready []app.Recording
	for _, r := range all {
		if r.Status == app.RecordingReady && r.DeletedAt.IsZero() {
			ready = append(ready, r)
			state := "not downloaded"
			if r.Download != nil {
				state = "download " + string(r.Download.State)
			}
			m.words(fmt.Sprintf("  %d  %s, %s, %s, %s.", len(ready), plain.Text(r.Room), local(r.StartedAt), length(r.Length()), state))
		}
	}
	if len(ready) == 0 {
		m.words("No recording is ready. List the recordings to ask the platforms.")
		return nil
	}
	n, err := m.number(ctx, "Which recording? Number: ", len(ready), -1)
	if err != nil || n < 0 {
		return err
	}
	return m.command(ctx, "recording", "download", ready[n].ID)
}

// createRoom asks for the name of a new room.
func (m *lineMode) createRoom(ctx context.Context) error {
	name, err := m.ask(ctx, "Name of the room: ")
	if err != nil || name == "" {
		return err
	}
	return m.command(ctx, "room", "create", "--", name)
}

// asciiLines returns text for a terminal without UTF-8.
func asciiLines(b []byte) []byte {
	lines := strings.Split(string(b), "\n")
	for i, l := range lines {
		lines[i] = cell.Ruler{}.ASCII(l)
	}
	return []byte(strings.Join(lines, "\n"))
}
