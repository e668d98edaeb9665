package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/internal/config"
	"greenroom/internal/plain"
	"greenroom/provider"
)

// fake is a Backend in memory whose meetings are recorded if set so.
type fake struct {
	*apptest.Memory
	record  provider.RecordingMode
	events  func(q app.EventQuery) (app.EventPage, error)
	changes chan app.Change
}

func (f *fake) Meeting(ctx context.Context, ref app.MeetingRef) (app.MeetingDetail, error) {
	m, err := f.Memory.Meeting(ctx, ref)
	m.Record, m.Recording = f.record, app.NotRecording
	return m, err
}

func (f *fake) Events(ctx context.Context, q app.EventQuery) (app.EventPage, error) {
	if f.events == nil {
		return f.Memory.Events(ctx, q)
	}
	return f.events(q)
}

func (f *fake) Subscribe(ctx context.Context) (<-chan app.Change, error) {
	if f.changes == nil {
		return f.Memory.Subscribe(ctx)
	}
	return f.changes, nil
}

// bench is a program whose outside world is in the test's hands.
type bench struct {
	*program
	out, err bytes.Buffer
	opened   []string
	backend  *fake
}

// newBench makes one at a terminal on which answers will be typed.
func newBench(t *testing.T, tty bool, answers string) *bench {
	t.Helper()
	b := &bench{backend: &fake{Memory: apptest.NewMemory(8)}}
	home := t.TempDir()
	b.program = &program{
		stdin: strings.NewReader(answers), stdout: &b.out, stderr: &b.err, inTTY: tty, outTTY: tty, version: "test", stops: &stops{},
		getenv: func(name string) string {
			return map[string]string{"XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home, "XDG_RUNTIME_DIR": home}[name]
		},
		now: func() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) },
		open: func(context.Context, *config.Config, string, access) (app.Backend, func() error, error) {
			return b.backend, func() error { return nil }, nil
		},
		browse: func(url string) error { b.opened = append(b.opened, url); return nil },
	}
	return b
}

// refuses wants a command line to be wrong usage. If it isn't, it ends soon all the same.
func (b *bench) refuses(t *testing.T, args ...string) {
	t.Helper()
	b.err.Reset()
	b.program.err = nil
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if got := b.execute(ctx, args); got != exitUsage {
		t.Errorf("greenroom %q: status %d: %s", args, got, b.err.String())
	}
}

// run runs one command line, and wants the given exit status of it.
func (b *bench) run(t *testing.T, want int, args ...string) {
	t.Helper()
	b.out.Reset()
	b.err.Reset()
	b.program.err = nil
	if got := b.execute(context.Background(), args); got != want {
		t.Fatalf("greenroom %s: status %d, not %d: %s", strings.Join(args, " "), got, want, b.err.String())
	}
}

func TestAskingOnATerminal(t *testing.T) {
	for _, test := range []struct {
		answer string
		want   int
	}{{"y\n", 0}, {"YES\n", 0}, {"n\n", 1}, {"\n", 1}, {"", 1}, {"yess\n", 1}} {
		b := newBench(t, true, test.answer)
		b.run(t, 0, "room", "create", "all-hands")
		b.run(t, test.want, "room", "delete", "all-hands")
		if !strings.Contains(b.err.String(), "Delete room all-hands? [y/N]") {
			t.Errorf("it asks %q", b.err.String())
		}
		still := 0
		if test.want == 0 {
			still = 3
		}
		b.run(t, still, "room", "show", "all-hands")
	}
}

func TestConsent(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer string
		args   []string
		record provider.RecordingMode
		skip   bool
		status int
		opens  int
		// answered is the stored answer.
		answered app.Consent
	}{
		{"not recorded", "", nil, provider.RecordingNone, false, 0, 1, ""},
		{"given", "y\n", nil, provider.RecordingCloud, false, 0, 1, app.ConsentGiven},
		{"declined", "n\n", nil, provider.RecordingCloud, false, 1, 0, app.ConsentDeclined},
		{"local counts", "n\n", nil, provider.RecordingLocal, false, 1, 0, app.ConsentDeclined},
		{"by flag", "", []string{"--consent"}, provider.RecordingCloud, false, 0, 1, app.ConsentGiven},
		{"yes is not consent", "", []string{"--yes"}, provider.RecordingCloud, false, 1, 0, app.ConsentDeclined},
		{"the room skips it", "", nil, provider.RecordingCloud, true, 0, 1, ""},
		{"host", "y\n", []string{"--host"}, provider.RecordingCloud, false, 0, 1, app.ConsentGiven},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, true, test.answer)
			args := []string{"room", "create", "r", "--recording", "cloud"}
			if test.skip {
				args = append(args, "--skip-consent")
			}
			b.run(t, 0, args...)
			b.run(t, 0, "meeting", "start", "r")
			b.backend.record = test.record
			b.run(t, test.status, append([]string{"meeting", "join", "r"}, test.args...)...)
			if len(b.opened) != test.opens {
				t.Errorf("opened %v", b.opened)
			}
			m, err := b.backend.Meeting(t.Context(), app.MeetingRef{Ref: "r"})
			if err != nil || m.Consent != test.answered {
				t.Errorf("kept as %q, %v", m.Consent, err)
			}
		})
	}
}

func TestJoinRefusesOddLinksAndBrokenBrowsers(t *testing.T) {
	b := newBench(t, false, "")
	b.run(t, 0, "room", "create", "r")
	b.run(t, 0, "meeting", "start", "r")
	b.browse = func(string) error { return errors.New("no display") }
	b.run(t, 1, "meeting", "join", "r")
	if !strings.Contains(b.err.String(), "greenroom meeting link r") {
		t.Errorf("no way out is shown: %s", b.err.String())
	}
	b.run(t, 1, "meeting", "join", "r", "--host")
	if !strings.Contains(b.err.String(), "greenroom meeting link r --host\n") {
		t.Errorf("the host is shown the guests' way out: %s", b.err.String())
	}
	b.run(t, 0, "room", "create", "Ada's office")
	b.run(t, 0, "meeting", "start", "Ada's office")
	b.run(t, 1, "meeting", "join", "Ada's office", "--host")
	if want := "greenroom meeting link " + plain.Word("Ada's office") + " --host\n"; !strings.Contains(b.err.String(), want) {
		t.Errorf("no %q in %s", want, b.err.String())
	}
	b.run(t, 0, "meeting", "end", "r", "--yes")
	b.run(t, 3, "meeting", "join", "r")
}

func TestExitStatus(t *testing.T) {
	for _, test := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("x"), 1},
		{errDeclined, 1},
		{usagef("x"), 2},
		{fmt.Errorf("wrapped: %w", usagef("x")), 2},
		{&app.Error{Kind: provider.NotFound}, 3},
		{fmt.Errorf("w: %w", &provider.Error{Kind: provider.NotFound}), 3},
		{&app.Error{Kind: app.NotConfigured}, 4},
		{&app.Error{Kind: provider.Unsupported}, 4},
		{&provider.Error{Kind: provider.Unauthenticated}, 4},
		{&provider.Error{Kind: provider.Forbidden}, 4},
		{errors.Join(&config.Error{Problem: "x"}), 4},
		{&config.Error{Origin: config.Origin{Kind: config.FromFlag}}, 2},
		{&app.Error{Kind: provider.Invalid}, 2},
		{&provider.Error{Kind: provider.Invalid, Platform: provider.Daily}, 1},
		{&app.Error{Kind: provider.Unavailable}, 1},
		{&app.Error{Kind: app.Busy}, 1},
	} {
		if got := exitCode(test.err); got != test.want {
			t.Errorf("%v: %d, not %d", test.err, got, test.want)
		}
	}
}

// Every text flag of every command refuses an empty value, and every named argument too: in a script that is a variable which
// isn't set, and the command must not act on everything, or by default, instead.
func TestEmptyValuesAreRefused(t *testing.T) {
	b := newBench(t, false, "")
	meaningful := map[string]bool{
		"greenroom room create --account": true, "greenroom room edit --account": true, "greenroom room edit --logo": true,
		"greenroom trigger --name": true, "greenroom room schedule --every": true, "greenroom room schedule --until": true, // with --edit: none any more
		"greenroom forward edit --filter": true, "greenroom forward edit --resign": true, "greenroom forward edit --ca": true,
		"greenroom room edit --group": true,
	}
	tried := 0
	for _, c := range allCommands(newProgram().root()) {
		c.InheritedFlags() // merges those of its parents
		path := strings.Fields(c.CommandPath())[1:]
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if name := c.CommandPath() + " --" + f.Name; !strings.HasPrefix(f.Value.Type(), "string") || meaningful[name] {
				return
			}
			tried++
			b.refuses(t, append(slices.Clone(path), "--"+f.Name, "")...)
			if !strings.Contains(b.err.String(), "--"+f.Name+" is empty") {
				t.Errorf("%s --%s '': %s", c.CommandPath(), f.Name, b.err.String())
			}
		})
	}
	if tried < 100 {
		t.Errorf("only %d flags were tried", tried)
	}
	for _, args := range [][]string{
		{"room", "show", ""}, {"meeting", "end", "--yes", ""}, {"meeting", "eject", "r", "", "--yes"}, {"store", "backup", ""}, {"tunnel", "register", ""},
		{"room", "adopt", ""}, {"recording", "limit", ""},
	} {
		b.refuses(t, args...)
	}
	b.run(t, exitDone, "room", "create", "atelier", "--account", "")
	b.run(t, exitDone, "room", "edit", "atelier", "--account", "", "--logo", "")
}

// Help and completions exist for what exists.
func TestHelpAndCompletionRefuseUnknownNames(t *testing.T) {
	b := newBench(t, false, "")
	for _, args := range [][]string{{"help", "nope"}, {"help", "room", "nope"}, {"completion", "tcsh"}} {
		b.refuses(t, args...)
	}
	for _, args := range [][]string{{"help"}, {"help", "room"}, {"help", "room", "list"}, {"completion"}, {"completion", "bash"}, {"help", "completion", "zsh"}} {
		b.run(t, exitDone, args...)
	}
}

// A number or an address that no program can use is wrong usage, in every command that has such a flag.
func TestNumbersAndAddressesAreChecked(t *testing.T) {
	b := newBench(t, false, "")
	for _, args := range [][]string{
		{"sandbox", "--speed", "nan"}, {"sandbox", "--speed", "inf"}, {"sandbox", "--speed", "0"}, {"sandbox", "--speed", "-1"},
		{"relay", "--rate", "nan"}, {"relay", "--rate", "-1"}, {"relay", "--rate", "inf"},
		{"sandbox", "--addr", "foo"}, {"relay", "--addr", "foo"}, {"relay", "--addr", "127.0.0.1:"}, {"relay", "--addr", "127.0.0.1:99999"},
		{"listen", "--addr", "foo"}, {"relay", "--addr", "127.0.0.1:0", "--admin-addr", "foo"},
	} {
		b.refuses(t, args...)
	}
}

func TestRecordings(t *testing.T) {
	b := newBench(t, false, "")
	b.backend.PutRecording(app.Recording{ID: "rec-2", Status: app.RecordingRunning})
	b.backend.PutRecording(app.Recording{
		ID: "rec-1", Room: "all-hands\x1b[2J", Status: app.RecordingReady, Kind: "tracks", DurationS: 3723,
		Files: []provider.RecordingFile{{Name: "a.webm", Kind: "cam-audio", Size: 2048, Key: "k/a.webm"}},
	})
	b.run(t, 0, "recording", "list")
	if s := b.out.String(); !strings.Contains(s, "1:02:03") || !strings.Contains(s, "2.0 KiB") || strings.Contains(s, "\x1b") {
		t.Errorf("list: %q", s)
	}
	b.run(t, 0, "recording", "list", "--json")
	if s := b.out.String(); !strings.Contains(s, `"files":[]`) || !strings.Contains(s, `"download":null`) {
		t.Errorf("list as JSON: %s", s)
	}
	b.run(t, 0, "recording", "show", "rec-1")
	if s := b.out.String(); !strings.Contains(s, "k/a.webm") || !strings.Contains(s, "cam-audio") {
		t.Errorf("show: %s", s)
	}
	b.run(t, 3, "recording", "show", "rec-3")
}

func TestScreenNeedsATerminalThatCan(t *testing.T) {
	b := newBench(t, true, "")
	b.getenv = func(name string) string { return map[string]string{"TERM": "dumb"}[name] }
	b.run(t, 2)
	if !strings.Contains(b.err.String(), "greenroom event tail") {
		t.Errorf("the sentence names no commands: %s", b.err.String())
	}
}
