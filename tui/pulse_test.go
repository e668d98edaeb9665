package tui

import (
	"bytes"
	"io"
	"strconv"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

// counter is a model that shows how many messages it got.
type counter struct{ n int }

func (c *counter) Init() tea.Cmd { return nil }
func (c *counter) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if _, ok := msg.(beatMsg); ok {
		c.n++
	}
	return c, nil
}
func (c *counter) View() tea.View { return tea.NewView("frame " + strconv.Itoa(c.n) + ";") }

type beatMsg struct{}

// output collects what a program draws.
type output struct {
	mu   sync.Mutex
	all  bytes.Buffer
	more chan struct{}
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all.Write(b)
	select {
	case o.more <- struct{}{}:
	default:
	}
	return len(b), nil
}

// A program whose ticker rests draws what happens then, and the framework still has the ticker that the pulse sets.
func TestTheTickerRestsAndHurries(t *testing.T) {
	in, keys := io.Pipe()
	defer keys.Close()
	out := &output{more: make(chan struct{}, 1)}
	beats := &pulse{}
	program := tea.NewProgram(&counter{}, tea.WithInput(in), tea.WithOutput(out), tea.WithWindowSize(20, 1), tea.WithoutSignalHandler(),
		tea.WithFilter(func(_ tea.Model, msg tea.Msg) tea.Msg { beats.beat(); return msg }))
	beats.program = program
	done := make(chan error, 1)
	go func() {
		_, err := program.Run()
		done <- err
	}()
	limit := time.After(2 * time.Minute)
	sees := func(text string) {
		t.Helper()
		for {
			out.mu.Lock()
			seen := bytes.Contains(out.all.Bytes(), []byte(text))
			out.mu.Unlock()
			if seen {
				return
			}
			select {
			case <-out.more:
			case <-limit:
				t.Fatalf("the program never drew %q", text)
			}
		}
	}
	sees("frame 0;")
	for range 3 {
		program.Send(beatMsg{})
	}
	sees("3;")
	if ticker(program) == nil {
		t.Error("the framework's ticker is somewhere else now: an idle screen costs a hundred times as much")
	}
	beats.mu.Lock()
	hurried := beats.hurries
	beats.last = time.Time{} // long ago
	beats.mu.Unlock()
	if !hurried {
		t.Error("it doesn't hurry after a message")
	}
	beats.rest()
	program.Send(beatMsg{})
	sees("4;")
	program.Quit()
	if err := <-done; err != nil {
		t.Error(err)
	}
	beats.stop()
}
