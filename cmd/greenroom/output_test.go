package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"greenroom/internal/app"
	"greenroom/internal/config"

	"greenroom/internal/crash"
)

func TestTableAlignsByCells(t *testing.T) {
	tb := newTable("NAME", "STATE")
	tb.add("渡辺", "here")
	tb.add("e\u0301a\x1b[31m", "left")
	tb.add("👩🏽‍🚀", "bot")
	var b bytes.Buffer
	if err := tb.write(&b, 0); err != nil {
		t.Fatal(err)
	}
	want := "NAME     STATE\n渡辺     here\ne\u0301a␛[31m  left\n👩🏽‍🚀       bot\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestTableFitsATerminal(t *testing.T) {
	long, wide := strings.Repeat("x", 200), strings.Repeat("渡", 100)
	for _, test := range []struct {
		name  string
		width int
		rows  [][]string
		// fits is the widest that a line may be, 0 for no matter.
		fits       int
		keeps, not string
	}{
		{"a long name", 80, [][]string{{long, "host", "here", "why"}}, 80, "…", long},
		{"cells, not letters", 80, [][]string{{wide, "host", "here", "why"}}, 80, "…", wide},
		{"two of them share", 80, [][]string{{long, "host", wide, "why"}}, 80, "host", long},
		{"what fits is whole", 80, [][]string{{"Ada", "host", "here", "why"}}, 80, "Ada", "…"},
		{"the last column wraps", 80, [][]string{{"Ada", "host", "here", long}}, 0, long, "…"},
		{"columns stay readable", 20, [][]string{{long, "host", "here", "why"}}, 0, strings.Repeat("x", leastWidth-1) + "…", long},
		{"no terminal", 0, [][]string{{long, wide, "here", "why"}}, 0, long, "…"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tb := newTable("NAME", "ROLE", "STATE", "REASON")
			for _, row := range test.rows {
				tb.add(row...)
			}
			var b bytes.Buffer
			if err := tb.write(&b, test.width); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if w := ansi.StringWidth(strings.TrimSuffix(line, "\n")); test.fits > 0 && w > test.fits {
					t.Errorf("%d cells: %s", w, line)
				}
			}
			if s := b.String(); !strings.Contains(s, test.keeps) || strings.Contains(s, test.not) {
				t.Errorf("%s", s)
			}
		})
	}
	var b bytes.Buffer
	only := newTable("ONE")
	only.add(long)
	if err := only.write(&b, 80); err != nil || !strings.Contains(b.String(), long) {
		t.Errorf("one column: %v %s", err, b.String())
	}
}

// A remark that is longer than the terminal is wide continues below itself, between words; what can be copied stays whole.
func TestRemarksContinueBelowThemselves(t *testing.T) {
	made := newTable("ABOUT", "STATE", "")
	made.add("daily", "ok", "accepted")
	made.add("", "FAILED", "the webhook posts to http://127.0.0.1:7070/hooks/a-very-long-name which isn't here")
	var b strings.Builder
	if err := made.write(&b, 44); err != nil {
		t.Fatal(err)
	}
	want := "ABOUT  STATE\n" +
		"daily  ok      accepted\n" +
		"       FAILED  the webhook posts to\n" +
		"               http://127.0.0.1:7070/hooks/a-very-long-name\n" +
		"               which isn't here\n"
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
	b.Reset()
	if err := made.write(&b, 0); err != nil || strings.Count(b.String(), "\n") != 3 {
		t.Errorf("without a terminal: %v\n%s", err, b.String())
	}
}

func TestLogIsSetAsideAndReadBack(t *testing.T) {
	dir := t.TempDir()
	l, err := openLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if info, err := os.Stat(l.path); err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("the log is for others too: %v %v", info, err)
	}
	line := strings.Repeat("x", 1<<20) + "\n"
	for range 6 {
		if _, err := l.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.Stat(l.path + ".1")
	if err != nil || old.Size() > maxLog {
		t.Fatalf("set aside: %v %v", old, err)
	}
	log := newLog(l, slog.LevelInfo)
	crashes := 0
	group := crashGroup(log, func(crash.Report) { crashes++ })
	group.Go("test", func() { panic("odd \x1b[2J") })
	group.Wait()
	tail := l.tail()
	last := tail[len(tail)-1]
	if crashes != 1 || !strings.Contains(last, "panic") || !strings.Contains(last, "goroutine") || strings.Contains(last, "\x1b") {
		t.Errorf("%d crashes, the log ends with %q", crashes, last)
	}
}

func TestLengths(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0:00", 61 * time.Second: "1:01", 3723 * time.Second: "1:02:03", -time.Minute: "0:00"} {
		if got := length(d); got != want {
			t.Errorf("%s: %s", d, got)
		}
	}
}

// Eighty columns hold the list of meetings with its ids whole: names are clipped, and what is missed least is left out.
func TestIdsDontWrap(t *testing.T) {
	b := newBench(t, true, "")
	b.width = 80
	long := strings.Repeat("Quarterly planning ", 4)
	b.run(t, 0, "room", "create", long[:60])
	b.run(t, 0, "meeting", "start", long[:60], "--json")
	var m app.StartedMeeting
	if err := json.Unmarshal(b.out.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	tb := newTable("ROOM", "ACCOUNT", "STATE", "HERE", "PEAK", "OPENED", "PLATFORM ROOM", "ID").keep("ID", "OPENED").narrow("PLATFORM ROOM", "PEAK", "ACCOUNT")
	tb.add(long, strings.Repeat("account", 5), "live", "12", "14", "2026-11-22 10:00", "all-hands-20261122100000", "01JD7Q1T6S8X4WZ0Y3N5K9R2VB")
	var out bytes.Buffer
	if err := tb.write(&out, 80); err != nil {
		t.Fatal(err)
	}
	b.run(t, 0, "meeting", "list")
	for _, s := range []string{out.String(), b.out.String()} {
		for line := range strings.Lines(s) {
			if w := ansi.StringWidth(strings.TrimSuffix(line, "\n")); w > 80 {
				t.Errorf("%d cells: %s", w, line)
			}
		}
	}
	if s := out.String(); !strings.Contains(s, "01JD7Q1T6S8X4WZ0Y3N5K9R2VB") || strings.Contains(s, "PLATFORM ROOM") || !strings.Contains(s, "Quarterly") {
		t.Error(s)
	}
	if s := b.out.String(); !strings.Contains(s, m.ID) {
		t.Error(s)
	}
}

// A long name in one event pushes nothing out of sight.
func TestAnEventFitsItsLine(t *testing.T) {
	b := newBench(t, true, "")
	b.width = 80
	if err := b.printEvent(app.Delivery{Seq: 7, Account: "daily", Room: strings.Repeat("r", 300), Participant: strings.Repeat("渡", 300), Reason: "why"}); err != nil {
		t.Fatal(err)
	}
	if s := b.out.String(); ansi.StringWidth(strings.TrimSpace(s)) > 80 || !strings.HasSuffix(s, "why\n") {
		t.Error(s)
	}
}

func TestAMeetingWithoutEndHasNone(t *testing.T) {
	b := newBench(t, true, "")
	b.run(t, 0, "room", "create", "standup")
	for _, end := range []app.Time{{}, app.At(b.now().Add(time.Hour))} {
		b.program.open = func(context.Context, *config.Config, string, access) (app.Backend, func() error, error) {
			return ending{b.backend, end}, func() error { return nil }, nil
		}
		b.run(t, 0, "meeting", "start", "standup")
		if s := b.err.String(); !strings.Contains(s, "standup on ") || strings.Contains(s, "until") == end.IsZero() || strings.Contains(s, "until .") {
			t.Errorf("with end %v: %q", end, s)
		}
	}
}

// ending has meetings that end at a given time; adopted ones have no end.
type ending struct {
	app.Backend
	end app.Time
}

func (e ending) StartMeeting(ctx context.Context, s app.StartMeeting) (app.StartedMeeting, error) {
	m, err := e.Backend.StartMeeting(ctx, s)
	m.EndsAt = e.end
	return m, err
}

func TestLongLinesAreFolded(t *testing.T) {
	for in, want := range map[string]string{
		"short":                   "short",
		"a b c d e f":             "a b c\nd e f",
		"  aa bb cc":              "  aa\n  bb\n  cc",
		"one\ntwo three":          "one\ntwo\nthree",
		"see https://x.example/y": "see\nhttps://x.example/y",
		"         deep in":        "         deep in",
	} {
		if got := foldLines(in, 6); got != want {
			t.Errorf("%q became %q, not %q", in, got, want)
		}
	}
}
