package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/provider/sandbox"
)

// outside is a recording on a sandbox that sends slowly, and the program as a process of its own.
type outside struct {
	t             *testing.T
	program, base string
	home, run, id string
}

func newOutside(t *testing.T, seconds int) *outside {
	t.Helper()
	program, err := exec.LookPath("greenroom")
	if err != nil {
		t.Fatal(err)
	}
	w := sandbox.New(sandbox.Options{NoRateLimits: true, Seed: 4, FileRate: 3 << 20})
	o := &outside{t: t, program: program, base: serve(t, w), home: t.TempDir(), run: shortDir(t)}
	if _, err := w.AddRoom(provider.Daily, "board", sandbox.RoomOptions{}); err != nil {
		t.Fatal(err)
	}
	o.id, err = w.AddRecording(provider.Daily, "board", sandbox.PastRecording{
		StartedAt: w.Now().Add(-time.Hour), For: time.Duration(seconds) * time.Second, BytesPerSecond: 60_000,
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// download is the command that fetches the recording.
func (o *outside) download(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(o.t.Context(), o.program,
		append([]string{"recording", "download", o.id, "--to", filepath.Join(o.home, "videos")}, args...)...)
	cmd.Env = []string{
		"GORACE=atexit_sleep_ms=0", "PATH=" + os.Getenv("PATH"), "HOME=" + o.home, "XDG_CONFIG_HOME=" + o.home, "XDG_DATA_HOME=" + o.home, "XDG_RUNTIME_DIR=" + o.run,
	}
	for _, kv := range sandboxEnvironment(o.base) {
		cmd.Env = append(cmd.Env, kv[0]+"="+kv[1])
	}
	return cmd
}

// files are all files in the target folder.
func (o *outside) files() []string {
	o.t.Helper()
	list, err := filepath.Glob(filepath.Join(o.home, "videos", "*", "*"))
	if err != nil {
		o.t.Fatal(err)
	}
	return list
}

// A command that downloads is killed again and again, by kill -9 at any instant; each time the same command resumes, and in
// the end the file is the platform's, byte for byte.
func TestAKilledDownloadResumes(t *testing.T) {
	t.Parallel()
	o := newOutside(t, 180)
	kills := 0
	for range 8 {
		cmd := o.download("--limit-rate", "2M") // so that it lasts
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// How long is chance: it may be while it opens the store, while it fetches, or when it has finished.
		time.AfterFunc(time.Duration(200+rand.N(1200))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		if err := cmd.Wait(); err != nil {
			kills++
		}
	}
	var out, words bytes.Buffer
	last := o.download("--json")
	last.Stdout, last.Stderr = &out, &words
	if err := last.Run(); err != nil {
		t.Fatalf("%v: %s", err, words.String())
	}
	var r app.Recording
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || r.Download == nil || r.Download.State != app.DownloadDone {
		t.Fatalf("%s, %v", out.String(), err)
	}
	got, err := os.ReadFile(r.Download.Path)
	if err != nil {
		t.Fatal(err)
	}
	if want := recordingFile(t, o.base, o.id); kills == 0 || !bytes.Equal(got, want) {
		t.Errorf("after %d kills %d bytes, not the %d of the platform", kills, len(got), len(want))
	}
	if left := o.files(); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// Two who ask for the same recording at once, in two processes, get one download: one has the store, the other follows.
func TestTwoProcessesShareOneDownload(t *testing.T) {
	o := newOutside(t, 60)
	var outs [2]bytes.Buffer
	var words [2]bytes.Buffer
	var running [2]*exec.Cmd
	for i := range running {
		running[i] = o.download()
		running[i].Stdout, running[i].Stderr = &outs[i], &words[i]
		if err := running[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	for i, cmd := range running {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, words[i].String())
		}
	}
	if files := o.files(); len(files) != 1 || outs[0].String() != files[0]+"\n" || outs[1].String() != outs[0].String() {
		t.Errorf("%v; %q and %q", files, outs[0].String(), outs[1].String())
	}
}

// recordingFile is the file on the platform.
func recordingFile(t *testing.T, base, id string) []byte {
	t.Helper()
	get := func(url, key string) []byte {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if key != "" {
			req.Header.Set("Authorization", "Bearer "+key)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s, %v", resp.Status, err)
		}
		return b
	}
	var link struct {
		URL string `json:"download_link"`
	}
	if err := json.Unmarshal(get(base+"/daily/v1/recordings/"+id+"/access-link", sandbox.DailyKey), &link); err != nil {
		t.Fatal(err)
	}
	return get(link.URL, "")
}
