package pane

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/jonboulle/clockwork"
	"golang.org/x/text/language"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/dialog"
	"greenroom/tui/theme"
	"greenroom/tui/words"
)

// Wide is the width from which lists and details are side by side.
const Wide = 100

// Screen is the state that all panes share. The frame fills in the fields before it makes the panes.
type Screen struct {
	Ctx     context.Context
	Backend app.Backend
	Clock   clockwork.Clock
	// Zone is the time zone in which times are shown. ZoneName is its IANA name, empty if it is unknown.
	Zone     *time.Location
	ZoneName string
	// Language sorts names.
	Language language.Tag
	// Demo reports that everything belongs to the sandbox, whose links hold no secret.
	Demo bool
	// AccountHelp lists the settings that make an account, one platform a line.
	AccountHelp []string
	// Open opens a URL with the system's opener, Copy writes the clipboard. Both may be nil.
	Open func(url string) error
	Copy func(text string) error
	// Send sends an event to a URL; nil if it can't be.
	Send func(ctx context.Context, url string, d app.Delivery) app.Attempt
	// Logger receives the errors that were shown; may be nil.
	Logger *slog.Logger
	// Log returns the last lines of the log, oldest first; may be nil.
	Log     func() []string
	Version string
	// PID is this process, compared with the owner of the store.
	PID int

	// Keys are the keys of all actions. Act runs one.
	Keys *Keys
	Act  func(Name) tea.Cmd
	// Current is the pane of the open tab.
	Current Pane

	Styles *theme.Styles
	Look   theme.Options
	// ASCII reports that the terminal has no UTF-8: the frame draws everything in ASCII.
	ASCII bool
	// W and H are the size of the terminal in cells.
	W, H    int
	Dialogs dialog.Stack
	Toast   Toast
	// Messages are the results, refusals and errors that were shown, newest first.
	Messages []Message
	// Activity lists events of the meetings and errors of this screen.
	Activity Activity
	// Linked reports that the stream of changes is open.
	Linked bool
	// ReadWebhooks reports that the Webhooks tab was open once.
	ReadWebhooks bool

	// Status is the last status of accounts, listener, tunnel and store. StatusRead reads it.
	Status     app.Status
	StatusRead *Slot
	// AfterStatus runs when Status was read.
	AfterStatus []func() tea.Cmd
	// RecordingsRead reads the list of recordings.
	RecordingsRead *Slot

	slots []*Slot
	zones []zone
	// warned is true after the first status: only that one warns of a listener in another place.
	warned bool
}

// Init prepares a screen whose fields are filled in.
func (s *Screen) Init() {
	s.Dialogs.Now = s.Now
	s.Activity.now = s.Now
	s.StatusRead = NewSlot(s, "the status",
		Always(func(ctx context.Context) (app.Status, error) { return s.Backend.Status(ctx, app.StatusQuery{}) }),
		func(st app.Status) tea.Cmd {
			was := s.Status.Store.Owner
			s.Status = st
			cmds := []tea.Cmd{s.warnOfListener(), s.sayTakeover(was)}
			for _, f := range s.AfterStatus {
				cmds = append(cmds, f())
			}
			return tea.Batch(cmds...)
		})
}

// Restyle builds the styles for the present look.
func (s *Screen) Restyle(noColor bool) {
	if noColor {
		s.Look.Profile = colorprofile.ASCII
	}
	s.Styles = theme.New(s.Look)
}

// Now is the time of the screen's clock.
func (s *Screen) Now() time.Time { return s.Clock.Now() }

// TimeOfDay returns a time as hours, minutes and seconds.
func (s *Screen) TimeOfDay(t app.Time) string {
	if t.IsZero() {
		return theme.Nothing
	}
	return t.In(s.Zone).Format("15:04:05")
}

// Day returns the time of day if t is today, and the date otherwise.
func (s *Screen) Day(t app.Time) string { return words.Day(t, s.Now(), s.Zone) }

// Key returns the first key of an action, as sentences show it.
func (s *Screen) Key(name Name) string { return s.Keys.First(name) }

// Account returns the status of an account, zero while it is unknown.
func (s *Screen) Account(name string) app.AccountStatus {
	for _, a := range s.Status.Accounts {
		if a.Name == name {
			return a
		}
	}
	return app.AccountStatus{}
}

// NoAccount reports that no account is configured. HowToAdd explains how to change that, before AccountHelp.
func (s *Screen) NoAccount() bool { return s.StatusRead.Ready && len(s.Status.Accounts) == 0 }

// HowToAdd returns what to do without an account.
func (s *Screen) HowToAdd() string {
	return "No account is configured. " + s.Key(SetUp) + " sets one up. Or set one of these and start again:"
}

// Cannot returns why an account lacks an ability, safe to draw; empty if it has it or if its status is unknown.
func (s *Screen) Cannot(account string, what provider.Ability) string {
	return words.Safe(s.Account(account).Cannot[what])
}

// sayTakeover says that this screen has the store now, which another process had: webhooks and downloads end with the screen.
func (s *Screen) sayTakeover(was int) tea.Cmd {
	if was == 0 || was == s.PID || s.Status.Store.Owner != s.PID {
		return nil
	}
	return s.Say(fmt.Sprintf("This screen now receives webhooks: process %d has exited", was), "")
}

// warnOfListener warns once, at the start, of a listener that is not where it should be.
func (s *Screen) warnOfListener() tea.Cmd {
	l := s.Status.Listener
	if s.warned || l.URL == "" {
		return nil
	}
	if s.warned = true; l.Problem == "" {
		return nil
	}
	return s.Warn(l.Problem, s.Key(TabStatus)+" shows where it listens")
}
