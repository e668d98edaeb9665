package hub

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"greenroom/internal/app"
	"greenroom/internal/calendar"
	"greenroom/internal/notify"
	"greenroom/store"
)

// logbook is a log that tests read.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// lines returns how many lines have the text, and forgets them all.
func (l *logbook) lines(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	n := 0
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

// logged is a bench whose log is read.
func logged(t *testing.T) (*bench, *logbook) {
	l := &logbook{}
	b := newBench(t)
	b.close()
	b.log = slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelInfo}))
	b.open()
	return b, l
}

// What fails in the background is logged. What fails because the hub closes, or because the caller left, is not.
func TestFailuresInTheBackgroundAreLogged(t *testing.T) {
	b, l := logged(t)
	c := b.calls
	gone, leave := context.WithCancel(t.Context())
	leave()
	c.look(gone)
	if n := l.lines("could not be read"); n != 0 {
		t.Errorf("%d lines about a caller that left", n)
	}
	b.complain(errors.New("no route"), "it is away", b.order[0])
	if n := l.lines("it is away"); n != 1 {
		t.Errorf("%d lines about a failure", n)
	}
	b.bookings.turn(gone)
	b.calendars.refresh(gone, 0)
	if n := l.lines("level=ERROR"); n != 0 {
		t.Errorf("%d lines about callers that left", n)
	}

	// A store that closed under the hub fails everything.
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	b.Hub.opt.ReadCalendar = (&reader{}).read
	for want, f := range map[string]func(){
		"the state for notifications could not be read": func() { c.look(t.Context()) },
		"the bookings could not be read":                func() { b.bookings.turn(t.Context()) },
		"the calendars could not be read":               func() { b.calendars.refresh(t.Context(), 0) },
	} {
		if f(); l.lines(want) != 1 {
			t.Errorf("nothing is logged with %q", want)
		}
	}
	b.cancel()
	b.complain(errors.New("no route"), "it is away", b.order[0])
	if n := l.lines("it is away"); n != 0 {
		t.Errorf("%d lines about a failure while closing", n)
	}
}

// A program of [[notify]] that fails is logged, unless it was ended because the hub closes.
func TestAProgramThatFailsIsLogged(t *testing.T) {
	b, l := logged(t)
	ran := make(chan struct{})
	fails := CallRule{Words: []string{notify.Waiting}, Run: func(context.Context, app.Call) error { return errors.New("exit status 3") }}
	works := CallRule{Words: []string{notify.Waiting}, Run: func(context.Context, app.Call) error { ran <- struct{}{}; return nil }}
	hangs := CallRule{Words: []string{notify.Starting}, Run: func(ctx context.Context, _ app.Call) error {
		ran <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}}
	b.opt.Calls = []CallRule{fails, works, hangs}
	b.goes("program", b.calls.serve) // one that serves runs them in their order
	b.calls.call(app.Call{Event: notify.Waiting})
	<-ran
	b.calls.call(app.Call{Event: notify.Starting})
	<-ran
	b.close()
	l.mu.Lock()
	text := l.text.String()
	l.mu.Unlock()
	if n := l.lines("a [[notify]] program failed"); n != 1 || !strings.Contains(text, "exit status 3") {
		t.Errorf("%d lines:\n%s", n, text)
	}
}

// A calendar that was read and can't be stored is logged; that the store can only be read is known already.
func TestACalendarThatCanNotBeStoredIsLogged(t *testing.T) {
	b, l := logged(t)
	r := &reader{texts: map[string]string{"/work.ics": workCalendar}}
	b.Hub.opt.ReadCalendar = r.read
	if _, err := b.AddCalendar(t.Context(), app.CalendarSpec{Name: "Work", URL: "/work.ics"}); err != nil {
		t.Fatal(err)
	}
	b.Hub.opt.ReadCalendar = func(ctx context.Context, source string, had calendar.Version) (calendar.Text, error) {
		if err := b.store.Close(); err != nil {
			t.Error(err)
		}
		return r.read(ctx, source, had)
	}
	b.calendars.refresh(t.Context(), 0)
	if n := l.lines("a calendar could not be stored"); n != 1 {
		t.Errorf("%d lines", n)
	}
}

// Damaged catches are named in the log, and the others are listed.
func TestDamagedCatchesAreNamed(t *testing.T) {
	b, l := logged(t)
	b.catch(app.CatchSpec{Name: "good", Scheme: "none"})
	if _, err := b.Catches(t.Context(), app.CatchQuery{}); err != nil || l.lines("could not be read") != 0 {
		t.Errorf("without damage: %v", err)
	}
	b.catch(app.CatchSpec{Name: "bad", Scheme: "none"})
	if err := b.store.Update(t.Context(), func(tx *store.Tx) error { return tx.PutValue("catch/bad", []byte("{")) }); err != nil {
		t.Fatal(err)
	}
	all, err := b.Catches(t.Context(), app.CatchQuery{})
	if err != nil || len(all) != 1 || all[0].Name != "good" || l.lines("catches=bad") != 1 {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := b.RemoveCatch(t.Context(), app.CatchRef{Name: "bad"}); err != nil {
		t.Error(err)
	}
	if _, err := b.Catches(t.Context(), app.CatchQuery{}); err != nil || l.lines("could not be read") != 0 {
		t.Errorf("after it was removed: %v", err)
	}
}
