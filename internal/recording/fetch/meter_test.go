package fetch

import (
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/internal/recording"
)

// A report says how much of the file is here, why it waits, and what started it over; it is made when one of those changes.
func TestWhatIsReported(t *testing.T) {
	var got []recording.Report
	m := newMeter(clockwork.NewFakeClock(), func(r recording.Report) { got = append(got, r) })
	for _, c := range []struct {
		name string
		act  func()
		new  bool
		want recording.Report
	}{
		{"it runs", func() { m.state(recording.Running, "") }, true, recording.Report{State: recording.Running}},
		{"it still runs", func() { m.state(recording.Running, "") }, false, recording.Report{}},
		{"it begins", func() { m.begin(5, 100); m.send() }, true, recording.Report{State: recording.Running, Bytes: 5, Total: 100}},
		{"bytes", func() { m.add(20); m.send() }, true, recording.Report{State: recording.Running, Bytes: 25, Total: 100, Fetched: 20}},
		{"bytes to fetch again", func() { m.forget(10); m.send() }, true, recording.Report{State: recording.Running, Bytes: 15, Total: 100, Fetched: 20}},
		{"more than there are", func() { m.forget(50); m.send() }, true, recording.Report{State: recording.Running, Total: 100, Fetched: 20}},
		{"trouble", func() { m.trouble("no route"); m.send() }, true, recording.Report{State: recording.Running, Total: 100, Fetched: 20, Reason: "no route"}},
		{"the same trouble", func() { m.trouble("no route"); m.send() }, false, recording.Report{}},
		{"it yields", func() { m.yielded(true, "silence") }, true, recording.Report{State: recording.Running, Total: 100, Fetched: 20, Reason: "no route", Yielded: true}},
		{"new bytes end it", func() { m.add(1); m.yielded(false, "") }, true, recording.Report{State: recording.Running, Bytes: 1, Total: 100, Fetched: 21}},
		{"it yields for a reason", func() { m.yielded(true, "silence") }, true, recording.Report{State: recording.Running, Bytes: 1, Total: 100, Fetched: 21, Reason: "silence", Yielded: true}},
		{"it pauses", func() { m.state(recording.Paused, "no space") }, true, recording.Report{State: recording.Paused, Bytes: 1, Total: 100, Fetched: 21, Reason: "no space", Yielded: true}},
		{"the reason of a pause stays", func() { m.add(1); m.send() }, true, recording.Report{State: recording.Paused, Bytes: 2, Total: 100, Fetched: 22, Reason: "no space", Yielded: true}},
		{"an unknown size", func() { m.begin(3, -1); m.send() }, true, recording.Report{State: recording.Paused, Bytes: 3, Fetched: 22, Reason: "no space", Yielded: true}},
		{"a restart", func() { m.restarted("it changed") }, true, recording.Report{State: recording.Paused, Fetched: 22, Reason: "no space", Yielded: true, Restarted: []string{"it changed"}}},
	} {
		before := len(got)
		c.act()
		if len(got)-before != map[bool]int{true: 1}[c.new] {
			t.Errorf("%s: %d reports", c.name, len(got)-before)
			continue
		}
		if !c.new {
			continue
		}
		is := got[len(got)-1]
		if strings.Join(is.Restarted, ",") != strings.Join(c.want.Restarted, ",") || is.State != c.want.State || is.Bytes != c.want.Bytes ||
			is.Total != c.want.Total || is.Fetched != c.want.Fetched || is.Reason != c.want.Reason || is.Yielded != c.want.Yielded {
			t.Errorf("%s: %+v, not %+v", c.name, is, c.want)
		}
	}
	if m.fetched() != 22 {
		t.Errorf("%d bytes have come", m.fetched())
	}
}

// A file is idle since its last new byte, or since it began to wait for one.
func TestHowLongAFileIsIdle(t *testing.T) {
	clock := clockwork.NewFakeClock()
	m := newMeter(clock, nil)
	idle := func(what string, want time.Duration) {
		t.Helper()
		if got := m.idle(); got != want {
			t.Errorf("%s: %s, not %s", what, got, want)
		}
	}
	clock.Advance(time.Minute)
	idle("before it runs", time.Minute)
	m.state(recording.Running, "")
	idle("when it begins to run", 0)
	clock.Advance(time.Second)
	m.state(recording.Running, "slow")
	idle("while it runs", time.Second)
	m.add(1)
	idle("after a new byte", 0)
	clock.Advance(time.Second)
	m.state(recording.Paused, "no space")
	idle("when it pauses", time.Second)
	clock.Advance(time.Hour)
	m.state(recording.Running, "")
	idle("after a pause", 0)
}

// Names that are taken get a number before their extension, unless that is too long to be one, and stay within a file system's limit.
func TestTheNumbersOfNames(t *testing.T) {
	for _, c := range []struct {
		base string
		n    int
		want string
	}{
		{"one.mp4", 1, "one.mp4"}, {"one.mp4", 2, "one (2).mp4"}, {"one", 3, "one (3)"}, {"a." + strings.Repeat("x", 15), 2, "a (2)." + strings.Repeat("x", 15)},
		{"a." + strings.Repeat("x", 16), 2, "a." + strings.Repeat("x", 16) + " (2)"},
		{strings.Repeat("n", nameMost-4) + ".mp4", 12, strings.Repeat("n", nameMost-9) + " (12).mp4"},
	} {
		if got := numbered(c.base, c.n); got != c.want || len(got) > nameMost {
			t.Errorf("%s, %d: %s", c.base, c.n, got)
		}
	}
	short, long := partName("key", "a."+strings.Repeat("x", 15)), partName("key", "a."+strings.Repeat("x", 16))
	if !strings.HasSuffix(short, "."+strings.Repeat("x", 15)+partEnd) || strings.HasSuffix(long, "x"+partEnd) || partName("other", "a.mp4") == partName("key", "a.mp4") {
		t.Errorf("%s, %s", short, long)
	}
	if got := partName("key", strings.Repeat("n", 300)+".mp4"); len(got) != nameMost {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}
