package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"greenroom/internal/peers"
	"greenroom/provider/sandbox"
)

// patience is longer than anything here takes, on a machine that is busy with other tests, too.
const patience = 2 * time.Minute

// bare is a root that has nothing but Debian's base system.
type bare struct {
	t   *testing.T
	dir string
	env []string
}

func newBare(t *testing.T) *bare {
	t.Helper()
	if os.Geteuid() != 0 {
		peers.Missing(t, "root, for a root folder of one's own")
	}
	b := &bare{t: t, dir: filepath.Join(t.TempDir(), "root"), env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TERM=xterm-256color", "LANG=C.UTF-8"}}
	strap := exec.Command(peers.Find(t, "debootstrap", "/usr/sbin/debootstrap"), "--variant=minbase", "stable", b.dir)
	strap.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	if out, err := strap.CombinedOutput(); err != nil {
		t.Fatalf("debootstrap: %v\n%s", err, tail(out))
	}
	return b
}

func tail(b []byte) []byte { return b[max(0, len(b)-2000):] }

// command returns a command inside the root.
func (b *bare) command(ctx context.Context, args ...string) *exec.Cmd {
	path := ""
	for _, dir := range []string{"/usr/bin", "/usr/sbin"} {
		if _, err := os.Stat(filepath.Join(b.dir, dir, args[0])); err == nil {
			path = dir + "/" + args[0]
		}
	}
	cmd := exec.CommandContext(ctx, path, args[1:]...)
	cmd.Env, cmd.Dir = b.env, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: b.dir, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// runs runs a command inside the root and returns its output.
func (b *bare) runs(args ...string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	out, err := b.command(ctx, args...).CombinedOutput()
	if err != nil {
		b.t.Fatalf("%v: %v\n%s", args, err, tail(out))
	}
	return string(out)
}

// has reports whether the root has a file.
func (b *bare) has(path string) bool {
	_, err := os.Lstat(filepath.Join(b.dir, path))
	return err == nil
}

// A newcomer's life with the package: install it, look at the demo, run the service, upgrade from an earlier version's store, and remove it.
func TestThePackageOnABareRoot(t *testing.T) {
	peers.Find(t, "nfpm")
	b := newBare(t)
	debs := t.TempDir()
	t.Chdir(root)
	if err := pack(t.Context(), ".", "deb", debs); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(debs, "*.deb"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if err := os.Rename(found[0], filepath.Join(b.dir, "greenroom.deb")); err != nil {
		copied, err := os.ReadFile(found[0]) // another file system
		if err == nil {
			err = os.WriteFile(filepath.Join(b.dir, "greenroom.deb"), copied, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	b.runs("dpkg", "-i", "/greenroom.deb")
	files := []string{
		"/usr/bin/greenroom", "/usr/share/man/man1/greenroom.1.gz", "/usr/share/bash-completion/completions/greenroom",
		"/usr/share/zsh/vendor-completions/_greenroom", "/usr/share/fish/vendor_completions.d/greenroom.fish",
		"/usr/lib/systemd/user/greenroom.service", "/usr/lib/systemd/system/greenroom-relay.service",
	}
	for _, file := range files {
		if file != "/usr/share/man/man1/greenroom.1.gz" && !b.has(file) { // Debian's minimal systems leave manual pages out
			t.Errorf("the package brought no %s", file)
		}
	}
	if got := b.runs("greenroom", "version"); !strings.HasPrefix(got, "greenroom ") {
		t.Errorf("version: %q", got)
	}
	b.demo()
	b.upgrade()
	b.service()
	b.runs("dpkg", "--purge", "greenroom")
	for _, file := range append(files, "/usr/share/doc/greenroom") {
		if b.has(file) {
			t.Errorf("%s outlived the package", file)
		}
	}
	if !b.has("/root/.local/share/greenroom/greenroom.db") {
		t.Error("removing the package removed the store")
	}
}

// demo opens the demo on a terminal and leaves it.
func (b *bare) demo() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	cmd := b.command(ctx, "greenroom", "demo")
	cmd.SysProcAttr.Pdeathsig = 0
	tty, err := pty.StartWithAttrs(cmd, &pty.Winsize{Rows: 24, Cols: 80}, &syscall.SysProcAttr{Chroot: b.dir, Setsid: true, Setctty: true})
	if err != nil {
		b.t.Fatal(err)
	}
	defer tty.Close()
	var seen bytes.Buffer
	some := make([]byte, 4096)
	for !strings.Contains(seen.String(), "Rooms") {
		n, err := tty.Read(some)
		seen.Write(some[:n])
		if err != nil {
			b.t.Fatalf("the demo showed no rooms: %v\n%q", err, tail(seen.Bytes()))
		}
	}
	if _, err := tty.WriteString("q"); err != nil {
		b.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, tty) // until the terminal is closed
	if err := cmd.Wait(); err != nil {
		b.t.Errorf("the demo ended with %v", err)
	}
}

// upgrade opens a store that an earlier version wrote.
func (b *bare) upgrade() {
	b.t.Helper()
	f, err := os.Open("internal/release/testdata/store-d5507d4.db.gz")
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		b.t.Fatal(err)
	}
	store, err := io.ReadAll(unzipped)
	if err != nil {
		b.t.Fatal(err)
	}
	dir := filepath.Join(b.dir, "root/.local/share/greenroom")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "greenroom.db"), store, 0o600); err != nil {
		b.t.Fatal(err)
	}
	var rooms []struct{ Name string }
	if err := json.Unmarshal([]byte(b.runs("greenroom", "room", "list", "--json")), &rooms); err != nil {
		b.t.Fatal(err)
	}
	names := ""
	for _, r := range rooms {
		names += r.Name + ","
	}
	for _, name := range []string{"all-hands", "retro", "Café ☕"} {
		if !strings.Contains(names, name+",") {
			b.t.Errorf("the upgrade lost the room %q: %s", name, names)
		}
	}
	if aside, err := filepath.Glob(filepath.Join(dir, "greenroom.db.v*")); err != nil || len(aside) != 1 {
		b.t.Errorf("the upgrade set no copy aside: %v %v", aside, err)
	}
}

// service starts what the unit starts, as systemd would, and sends it a webhook.
func (b *bare) service() {
	b.t.Helper()
	world := sandbox.New(sandbox.Options{NoRateLimits: true, PresenceLag: -1})
	defer world.Close()
	platforms := httptest.NewServer(world.Handler())
	defer platforms.Close()
	b.env = append(b.env, "DAILY_API_KEY="+sandbox.DailyKey, "DAILY_API_URL="+platforms.URL+"/daily/v1", "DAILY_WEBHOOK_SECRET="+sandbox.DailyWebhookSecret)
	notify := filepath.Join(b.dir, "run/notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: notify, Net: "unixgram"})
	if err != nil {
		b.t.Fatal(err)
	}
	defer c.Close()
	unit, err := os.ReadFile(filepath.Join(b.dir, "usr/lib/systemd/user/greenroom.service"))
	if err != nil {
		b.t.Fatal(err)
	}
	_, start, _ := strings.Cut(string(unit), "ExecStart=")
	start, _, _ = strings.Cut(start, "\n")
	args := strings.Fields(start)
	for i, arg := range args {
		if strings.HasPrefix(arg, "127.0.0.1:") {
			args[i] = "127.0.0.1:0" // the ports may be in use here
		}
	}
	args[0] = filepath.Base(args[0])
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	cmd := b.command(ctx, args...)
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET=/run/notify")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	ready := make([]byte, 1000)
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		b.t.Fatal(err)
	}
	n, err := c.Read(ready)
	if err != nil || !strings.Contains(string(ready[:n]), "READY=1") {
		cancel()
		_ = cmd.Wait()
		b.t.Fatalf("the service isn't ready: %v %q\n%s", err, ready[:n], tail(out.Bytes()))
	}
	b.runs("greenroom", "trigger", "participant.joined", "--room", "from-elsewhere", "--name", "Ada")
	if got := b.runs("greenroom", "event", "list", "--json"); !strings.Contains(got, "from-elsewhere") {
		b.t.Errorf("the webhook isn't in the list: %s", tail([]byte(got)))
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() != 143 && cmd.ProcessState.ExitCode() != 0 {
		b.t.Errorf("the service ended with %v\n%s", err, tail(out.Bytes()))
	}
}
