package webhooks

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"greenroom/internal/app"
)

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
