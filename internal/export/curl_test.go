package export

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/peers"
)

// received is a request as its receiver read it.
type received struct {
	line   string
	header http.Header
	body   []byte
}

// receiver accepts any request as bytes, which net/http's server doesn't.
func receiver(t *testing.T) (base string, got chan received) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	got = make(chan received, 1)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			got <- read(c)
		}
	}()
	return "http://" + l.Addr().String(), got
}

func read(c net.Conn) received {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	r := bufio.NewReader(c)
	line, _ := r.ReadString('\n')
	out := received{line: strings.TrimSpace(line), header: http.Header{}}
	size := 0
	for {
		h, err := r.ReadString('\n')
		name, value, ok := strings.Cut(strings.TrimRight(h, "\r\n"), ":")
		if err != nil || !ok {
			break
		}
		value = strings.TrimPrefix(value, " ")
		if out.header.Add(name, value); strings.EqualFold(name, "Content-Length") {
			for _, d := range value {
				size = size*10 + int(d-'0')
			}
		}
	}
	out.body = make([]byte, size)
	_, _ = io.ReadFull(r, out.body)
	_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	return out
}

// folderSaver saves into a folder.
func folderSaver(dir string) Saver {
	return func(name string, content []byte) (string, error) {
		return name, os.WriteFile(filepath.Join(dir, name), content, 0o600)
	}
}

// Real shells and the real curl send what was received, whatever it is.
func TestCurlSendsTheSameRequest(t *testing.T) {
	peers.Find(t, "curl")
	shells := []string{}
	for _, name := range []string{"sh", "bash", "dash", "zsh"} {
		if path, err := exec.LookPath(name); err == nil {
			shells = append(shells, path)
		}
	}
	if len(shells) == 0 {
		peers.Missing(t, "a shell")
	}
	base, got := receiver(t)
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for name, d := range map[string]app.Delivery{
		"plain":            {Body: app.Body(`{"a":1}`), Headers: http.Header{"Content-Type": {"application/json"}, "User-Agent": {"x/1"}, "Accept": {"*/*"}}},
		"quotes":           {Body: app.Body(`it's "q" $HOME $(id) ` + "`id`" + ` \n !x !! %s \\`), Headers: http.Header{"X-Quote": {"it's; $(id) \\ \"q\" !x", "", "second"}}},
		"at":               {Body: app.Body("@/etc/passwd")},
		"dash":             {Body: app.Body("-x --y")},
		"lines":            {Body: app.Body("\n\nline\nline\n")},
		"nothing":          {Headers: http.Header{"Content-Length": {"0"}}},
		"every byte":       {Body: every},
		"every byte twice": {Body: bytes.Repeat(every, 2)},
		"tab":              {Body: app.Body("a\tb")},
		"bidi":             {Body: app.Body("\u202e")},
		"return":           {Body: app.Body("a\r\nb")},
		"long line":        {Body: app.Body(strings.Repeat("it's é long ", 5000))},
		"long quotes":      {Body: app.Body(strings.Repeat("'", 20000))},
		"just below":       {Body: app.Body(strings.Repeat("x", bodyInFile-1))},
		"64 KiB":           {Body: app.Body(strings.Repeat("x", bodyInFile))},
		"3 MiB":            {Body: bytes.Repeat([]byte("\x00\xff'\n"), 3<<18)},
		"target":           {Target: "/a/../b//c?x='y'&z=$(id)&e=%2F%zz[1-3]{a,b}", Body: app.Body("x")},
		"odd target":       {Target: "/a b#c\\d?\"<>^`|\xff\xc3\xa9", Body: app.Body("x")},
		"odd headers":      {Headers: http.Header{"X-Latin": {"caf\xe9", "\ttab \"q\" \\"}, "X-Utf": {"zoë"}}, Body: app.Body("x")},
		"long header":      {Headers: http.Header{"Authorization": {strings.Repeat("a'b", 4000)}}, Body: app.Body("x")},
		"get":              {Method: "GET", Headers: http.Header{"Accept": {"text/html"}}},
		"head":             {Method: "HEAD"},
		"put":              {Method: "PUT", Body: app.Body("x")},
	} {
		if d.Seq = 17; d.Target == "" {
			d.Target = "/hooks/daily"
		}
		if d.Method == "" {
			d.Method = "POST"
		}
		dir := t.TempDir()
		text, err := Curl(d, base, folderSaver(dir))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, line := range strings.Split(text, "\n") {
			if len(line) > 4000 {
				t.Errorf("%s: a line of %d", name, len(line))
			}
		}
		if !pasteable(text) {
			t.Errorf("%s: %q can't be pasted", name, text)
		}
		for _, shell := range shells {
			cmd := exec.Command(shell)
			cmd.Dir, cmd.Stdin = dir, strings.NewReader(text+" --silent --show-error\n")
			cmd.Env = append(os.Environ(), "HOME="+dir, "no_proxy=*")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s in %s: %v: %s", name, shell, err, out)
				continue
			}
			r := <-got
			if want := d.Method + " " + d.Target + " HTTP/1.1"; r.line != want {
				t.Errorf("%s in %s: %q, want %q", name, shell, r.line, want)
			}
			if !bytes.Equal(r.body, d.Body) {
				t.Errorf("%s in %s: a body of %d bytes became %d: %.200q", name, shell, len(d.Body), len(r.body), r.body)
			}
			r.header.Del("Host")
			r.header.Del("Content-Length")
			for n, want := range d.Headers {
				if n != "Content-Length" && strings.Join(r.header[n], "|") != strings.TrimLeft(strings.Join(want, "|"), "\t") &&
					strings.Join(r.header[n], "|") != strings.Join(want, "|") {
					t.Errorf("%s in %s: %s is %q, want %q", name, shell, n, r.header[n], want)
				}
				delete(r.header, n)
			}
			if len(r.header) > 0 {
				t.Errorf("%s in %s: curl added %v", name, shell, r.header)
			}
		}
	}
}

func TestCurlFailsWhereAFileCantBeSaved(t *testing.T) {
	full := errors.New("disk full")
	_, err := Curl(app.Delivery{Method: "POST", Target: "/", Body: app.Body("\x00")}, "http://x", func(string, []byte) (string, error) { return "", full })
	if !errors.Is(err, full) {
		t.Error(err)
	}
	if _, err := Curl(app.Delivery{Method: "A B", Target: "/"}, "http://x", nil); err == nil {
		t.Error("a method with a space was accepted")
	}
}
