package tui

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/tuitest"
)

// many delivers n webhooks, numbered in their bodies.
func many(n int) func(*tuitest.Backend) {
	return func(b *tuitest.Backend) {
		for i := range n {
			deliver(b, i+1)
		}
	}
}

func deliver(b *tuitest.Backend, i int) {
	kind := provider.KindParticipantJoined
	if i%10 == 0 {
		kind = provider.KindRecordingReady
	}
	b.Deliver(app.Delivery{Account: "daily", Method: "POST", Target: "/hooks/daily", Verdict: provider.Verified, Status: 200,
		Kind: kind, Type: string(kind), Room: fmt.Sprintf("room-%d", i), Headers: http.Header{"A": {"b"}}, Body: app.Body(fmt.Sprintf(`{"n":%d}`, i))})
}

func TestTheWebhooksArePagedFromTopToBottom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, many(5000))
		p.presses("3").sees("room-5000", "#5000", `"n": 5000`, "following")
		p.presses("G").sees("room-1 ", "#1", `"n": 1`)
		p.presses("k", "k").sees("#3 ", `"n": 3`)
		for range 40 {
			p.presses("ctrl+u")
		}
		p.misses("room-1 ").sees("#523", `"n": 523`)
		p.presses("g").sees("room-5000", "#5000", "following")
		for range 300 {
			p.presses("ctrl+d")
		}
		p.sees("#1100", `"n": 1100`)
	})
}

func TestFollowingAndReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, many(50))
		p.presses("3").sees("#50", "following")
		deliver(p.backend, 51)
		p.sees("#51", `"n": 51`)
		p.presses("j").sees("#50")
		for i := range 20 {
			deliver(p.backend, 52+i)
		}
		p.sees("20 new above", "#50", `"n": 50`).misses("following")
		p.presses("f").sees("following", "#71", `"n": 71`)
		p.presses("f").sees("Following no longer")
	})
}

func TestTheFilterOfTheWebhooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, many(300))
		p.presses("3", "/").sees("account: kind: verdict: meeting:")
		p.presses("k", "i", "n", "d", ":", "r", "e", "c", "enter").sees("recording.ready", "Webhooks / kind:rec").misses("participant.joined")
		deliver(p.backend, 301)
		deliver(p.backend, 310)
		p.sees("room-310").misses("room-301")
		p.presses("/", "z", "z", "z").sees(`there is no kind "reczzz"`)
		p.presses("ctrl+u", "v", "e", "r", "d", "i", "c", "t", ":", "r", "e", "j").sees("No delivery matches")
		p.presses("esc").sees("room-301")
		p.presses("/", "\"", "n", "\"", ":", "4", "2", "enter").sees("room-42 ").misses("room-41 ")
		p.presses("esc").sees("participant.joined")
	})
}

func TestABurstIsShownAndNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, many(10))
		p.presses("3")
		for i := range 3000 {
			deliver(p.backend, 11+i)
		}
		p.sees("#3010", `"n": 3010`)
		for range 60 {
			p.presses("ctrl+d")
		}
		p.sees("#2230", `"n": 2230`)
	})
}

func TestADeliveryAsBytesAndAsCurl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 40, many(1))
		p.presses("3").sees("7 B of JSON").presses("b").sees("7 B as bytes", "00000000  7b 22 6e 22")
		p.presses("b").sees(`"n": 1`).presses("y").sees("Delivery 1 as curl copied")
		want := "curl --globoff --path-as-is --request 'POST' \\\n  'http://127.0.0.1:7070/hooks/daily' \\\n  --header 'A: b' \\\n  --data-raw '{\"n\":1}'"
		if diff := cmp.Diff([]string{want}, p.clipboard()); diff != "" {
			t.Error(diff)
		}
	})
}

// A real shell gives a real program exactly what was delivered.
func TestCurlIsQuotedForTheShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell here")
	}
	for _, body := range []string{`{"a":1}`, `it's "q" $HOME $(id) ` + "`id`" + ` \n !x`, "@/etc/passwd", "line\nline\n", "", "\x00\xff\x1b[31m", "\ttab", "\u202e", "-x"} {
		d := app.Delivery{Method: "POST", Target: "/hooks/a?x='y'&z=$(id)", Body: app.Body(body), Headers: http.Header{
			"X-Quote": {"it's; $(id)", ""}, "Host": {"evil"}, "Content-Length": {"99"}, "Bad Name": {"x"}, "X-Esc": {"a\x1b[31mb"},
		}}
		// The stand-in for curl prints its arguments and what comes by the pipe, separated by NUL.
		script := "curl() { printf '%s\\0' \"$@\"; case \"$*\" in *@-) cat;; esac; }\n" + curl(d, "http://127.0.0.1:7070", "")
		out, err := exec.Command(sh, "-c", script).Output()
		if err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		args := strings.Split(string(out), "\x00")
		before, _, _ := strings.Cut(string(out), "--data")
		got, sent := strings.Join(args, " "), args[len(args)-2]
		if _, piped, ok := strings.Cut(string(out), "@-\x00"); ok {
			sent = piped
		}
		if body != "" && sent != body {
			t.Errorf("body %q became %q", body, sent)
		}
		for _, want := range []string{"http://127.0.0.1:7070/hooks/a?x='y'&z=$(id)", "X-Quote: it's; $(id)", "X-Quote;"} {
			if !strings.Contains(got, want) {
				t.Errorf("%q is not among the arguments: %q", want, got)
			}
		}
		for _, bad := range []string{"evil", "99", "Bad Name", "\x1b[31mb"} {
			if strings.Contains(before, bad) {
				t.Errorf("%q is among the arguments: %q", bad, got)
			}
		}
		if cmdline := curl(d, "", ""); strings.ContainsAny(cmdline, "\x00\x1b\u202e\t") {
			t.Errorf("the command holds controls: %q", cmdline)
		}
	}
}

func TestDocuments(t *testing.T) {
	text := func(body string, hex bool) string {
		var out []string
		for _, l := range newDocument(app.Delivery{Body: app.Body(body)}, hex).lines[3:] {
			if out = append(out, l.text); l.kind == lineBytes {
				out = append(out[:len(out)-1], dump(l.raw, 80)...)
			}
		}
		return strings.Join(out, "\n")
	}
	for _, c := range []struct{ name, body, want string }{
		{"numbers and order are kept", `{"z":1.50,"a":12345678901234567890123,"m":1e3}`,
			"Body, 46 B of JSON\n{\n  \"z\": 1.50,\n  \"a\": 12345678901234567890123,\n  \"m\": 1e3\n}"},
		{"text", "hello\r\n\tworld\x1b", "Body, 14 B of text\nhello\n    world␛"},
		{"bytes", "\xff\x00", "Body, 2 B as bytes\n00000000  ff 00                                             |..|"},
		{"nothing", "", "Body\nempty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, text(c.body, false)); diff != "" {
				t.Error(diff)
			}
		})
	}
	long := strings.Repeat("x", 2*maxBody)
	if got := text(long, false); len(got) > maxBody+200 || !strings.Contains(got, "more: copying takes all of it") {
		t.Errorf("%d bytes are laid out", len(got))
	}
	if got := text(long, true); !strings.Contains(got, "more") {
		t.Error("the end of the bytes is not told")
	}
}

// Rows of bytes are as wide as there is room for, and never wrap.
func TestBytesFitThePane(t *testing.T) {
	raw := []byte("0123456789abcdef\x00\xff")
	if diff := cmp.Diff(strings.TrimRight(hex.Dump(raw), "\n"), strings.Join(dump(raw, 78), "\n")); diff != "" {
		t.Error("not as a hex dump is:", diff)
	}
	for _, c := range []struct {
		w    int
		want string
	}{
		{77, "00000000  30 31 32 33 34 35 36 37  |01234567|"},
		{45, "00000000  30 31 32 33 34 35 36 37  |01234567|"},
		{44, "00000000  30 31 32 33  |0123|"},
		{5, "00000000  30 31 32 33  |0123|"},
	} {
		if got := dump(raw, c.w); got[0] != c.want {
			t.Errorf("in %d cells %q, want %q", c.w, got[0], c.want)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, rejected)
		p.presses("3", "b", "l", "G").sees("│   00000000  7b 22 7a 65 74 61 22 3a  |{\"zeta\":|", "00000058  7d                       |}|")
	})
}

func TestParseFilter(t *testing.T) {
	for _, c := range []struct {
		text string
		want app.EventQuery
		bad  bool
	}{
		{text: "", want: app.EventQuery{}},
		{text: "ada lovelace", want: app.EventQuery{Grep: "ada lovelace"}},
		{text: "account:daily verdict:rej meeting:standup x", want: app.EventQuery{Account: "daily", Verdict: provider.Rejected, Meeting: "standup", Grep: "x"}},
		{text: "kind:joined", want: app.EventQuery{Kinds: []provider.EventKind{provider.KindParticipantJoined}}},
		{text: "kind:meeting", want: app.EventQuery{Kinds: []provider.EventKind{provider.KindMeetingStarted, provider.KindMeetingEnded}}},
		{text: "http://x a:b :c", want: app.EventQuery{Grep: "http://x a:b :c"}},
		{text: "kind:nonsense", bad: true},
		{text: "verdict:", bad: true},
	} {
		got, err := parseFilter(c.text)
		if (err != nil) != c.bad {
			t.Errorf("%q: %v", c.text, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" && !c.bad {
			t.Errorf("%q: %s", c.text, diff)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	f.Add("account:a kind:participant text")
	f.Fuzz(func(t *testing.T, s string) {
		q, _ := parseFilter(s)
		if len(q.Grep) > len(s) {
			t.Errorf("%q grew to %q", s, q.Grep)
		}
		var fl filter
		fl.insert(s)
		if strings.ContainsAny(fl.text, "\x1b\n\x00") {
			t.Errorf("%q was typed as %q", s, fl.text)
		}
	})
}

// Whatever a webhook holds, laying it out neither fails nor lets a control through.
func FuzzDocument(f *testing.F) {
	f.Add([]byte(`{"a":[1,"x",null]}`), 40, false)
	f.Add([]byte("\x1b]0;x\x07 \u202e"), 20, true)
	f.Fuzz(func(t *testing.T, body []byte, w int, hex bool) {
		d := newDocument(app.Delivery{Body: body, Headers: http.Header{"X": {string(body)}}}, hex)
		for _, l := range d.lines {
			if strings.ContainsAny(l.text, "\x1b\n\r\x07\u202e") {
				t.Errorf("%q is in a line", l.text)
			}
		}
		d.layout(plainStyles, 5+(w&127))
	})
}

func TestPasteIntoTheFilter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "alpha", Account: "daily"})
			b.AddRoom(app.RoomSpec{Name: "beta", Account: "daily"})
		})
		p.presses("/")
		p.term.Paste("bet\x1b[31m\n")
		p.rest()
		p.misses("alpha")
		p.presses("ctrl+u", "b").sees("beta", "1 of 2").presses("enter").misses("│ · alpha")
		p.presses("esc").sees("alpha")
		p.presses("2", "/", "x", "enter").sees("/ x").presses("esc", "4", "/").sees("This tab has no filter")
		p.wait(6 * time.Second)
	})
}

func TestABodyThatDoesNotFitIsScrolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, rejected)
		p.presses("3", "l").misses("渡辺")
		p.presses("G").sees("渡辺")
		p.presses("g").sees("the signature does not match").misses("渡辺")
		p.presses("ctrl+d", "ctrl+d", "ctrl+d").sees("渡辺")
	})
}

// From 64 KiB on the body is in a file, since systems refuse so long an argument; what curl reads is the body, byte for byte.
func TestALongBodyIsCopiedThroughAFile(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	body := strings.Repeat("it's \x00\xff long ", bodyInFile)
	text, path, err := curlWithFile(app.Delivery{Seq: 7, Body: app.Body(body)}, "")
	if err != nil || path == "" || len(text) > 4000 || !strings.Contains(text, "--data-binary '@"+path+"'") {
		t.Fatalf("%v %q: %.300s", err, path, text)
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != body {
		t.Errorf("%d bytes of %d, %v", len(got), len(body), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if text, path, err := curlWithFile(app.Delivery{Body: app.Body(body[:bodyInFile-1])}, ""); err != nil || path != "" || strings.Contains(text, "@/") {
		t.Errorf("%v %q", err, path)
	}
}

// A clipboard that takes no more is not said to hold it.
func TestWhatIsTooLongForTheClipboardIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 40, func(b *tuitest.Backend) {
			b.Deliver(app.Delivery{Account: "daily", Method: "POST", Target: "/hooks/daily?" + strings.Repeat("x", maxTerminalCopy), Verdict: provider.Verified})
		}, func(o *Options) { o.Copy = nil })
		p.presses("3", "y").sees("is too long for the terminal's clipboard").misses("copied", "Sent to")
		if strings.Contains(p.written(), "\x1b]52;") {
			t.Error("the terminal was sent it all the same")
		}
	})
}
