//go:build unix

package fetch

import (
	"bufio"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// The limit on the size of a file stands for a full disk: the same calls fail, for a reason of the same kind.
func TestAFullDiskPausesAndLosesNothing(t *testing.T) {
	data := content(7, 3<<20)
	for name, before := range map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"when room is reserved": nil,
		"when a file of unknown length is written": func(w http.ResponseWriter, r *http.Request) bool {
			w.(http.Flusher).Flush()
			w.Write(data)
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := serve(t, data)
			o.set(func() { o.before = before })
			dir := t.TempDir()
			cmd := process(t, order{URL: o.URL, Dir: dir, Name: "one.mp4", Journal: filepath.Join(t.TempDir(), "journal"), FileLimit: 1 << 20})
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil || !strings.Contains(line, "no space") {
				t.Errorf("it says %q; %v", line, err)
			}
			for _, name := range files(t, dir) {
				if !strings.HasSuffix(name, ".part") {
					t.Errorf("there is a file %s", name)
				}
			}
			if before == nil && o.sent.Load() > 1 {
				t.Errorf("%d bytes were sent although there is no room for the file", o.sent.Load())
			}
			if _, err := io.WriteString(in, "resume\n"); err != nil {
				t.Error(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Fatal(err)
			}
			holds(t, filepath.Join(dir, "one.mp4"), data)
			only(t, dir, "one.mp4")
		})
	}
}
