package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/crash"
	"greenroom/provider"
	"greenroom/provider/sandbox"
)

func (p *program) demoCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "demo", Short: "Open the screen on an embedded sandbox: no account, no network", Args: exactly(),
		Long: "Open the screen on an embedded sandbox. Rooms, meetings, people and webhooks are simulated; everything else is " +
			"real. Signed webhooks arrive over HTTP through an embedded relay. The demo deletes its data at the end, including " +
			"downloads, unless --data-dir names a folder to keep it in. It uses its own store and never opens another one.",
		RunE: p.do(func(ctx context.Context, _ []string) error { return p.demo(ctx) }),
	}
	p.themeFlag(cmd)
	return cmd
}

func (p *program) demo(ctx context.Context) (err error) {
	if err := p.canShow(); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp("", "greenroom-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = joined(err, os.RemoveAll(temporary)) }()
	dir := temporary
	if p.dataDir != "" {
		if dir, err = filepath.Abs(p.dataDir); err != nil {
			return err
		}
	}
	if err := checkStore(&config.Config{DataDir: dir}, true); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the sandbox: %w", err)
	}
	base := "http://" + l.Addr().String()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	w := sandbox.New(sandbox.Options{
		BaseURL: base, PresenceLag: 2 * time.Second, NoRateLimits: true, Seed: demoSeed, FileRate: demoRate, OnPanic: func(r crash.Report) { fail(r) },
	})
	var group crash.Group
	group.Go("sandbox", func() {
		if err := w.Serve(l); err != nil {
			fail(err)
		}
	})
	defer func() {
		err = joined(err, w.Close())
		group.Wait()
	}()
	r, err := openDemoRelay(ctx, temporary, &group, func(err error) { fail(err) })
	if err != nil {
		return err
	}
	defer func() { err = joined(err, r.close()) }()
	c, err := p.demoConfig(ctx, base, dir, r)
	if err != nil {
		return err
	}
	return p.show(ctx, c, showOptions{demo: true, opened: func(ctx context.Context, b app.Backend, _ string) error {
		return seed(ctx, w, b, r.hook)
	}})
}

// demoConfig returns the demo's configuration: the sandbox's accounts, the demo's relay, and theme, mouse and keys of the user's
// configuration if it can be read, without its secrets.
func (p *program) demoConfig(ctx context.Context, base, dir string, r *demoRelay) (*config.Config, error) {
	env := map[string]string{
		"GREENROOM_DATA_DIR": dir, "XDG_CONFIG_HOME": dir, "XDG_RUNTIME_DIR": dir, "XDG_DOWNLOAD_DIR": filepath.Join(dir, "downloads"),
		"GREENROOM_RELAY_URL": r.url, "GREENROOM_RELAY_TOKEN": r.token,
	}
	for _, kv := range sandboxEnvironment(base) {
		env[kv[0]] = kv[1]
	}
	c, err := config.Load(ctx, config.Options{
		Listen: "127.0.0.1:0", Theme: p.theme, Drivers: drivers(), Getenv: func(name string) string { return env[name] },
	})
	if err != nil {
		return nil, err
	}
	c.Download.Files = demoFiles
	if own, err := p.configWithout(ctx); err == nil {
		c.Theme, c.Mouse, c.Keys = own.Theme, own.Mouse, own.Keys
	}
	return c, nil
}

const (
	// demoSeed makes the demo's recordings the same each time, so that the next demo resumes a download.
	demoSeed = 20250615
	// demoRate is the speed of a download in bytes per second, demoFiles the number of downloads at once: slow enough to watch.
	demoRate  = 500_000
	demoFiles = 3
)

// demoAccounts returns two accounts of the sandbox, on different platforms, for the demo's rooms.
func demoAccounts() (one, other provider.Account) {
	all := sandbox.Accounts("")
	return all[0], all[1]
}

// seedRecordings creates recordings of the previous days.
func seedRecordings(w *sandbox.World) error {
	day := w.Now().UTC().Truncate(24 * time.Hour)
	one, other := demoAccounts()
	for i, r := range []struct {
		account provider.Account
		room    string
		length  time.Duration
		people  []string
	}{
		{one, "weekly-review", 14 * time.Minute, []string{"Ada", "Grace"}},
		{one, "retro", 9 * time.Minute, []string{"Zoë 渡辺", "Linus"}},
		{one, "board", 11 * time.Minute, []string{"Ada", "Zoë 渡辺"}},
		{other, "interview-", 7 * time.Minute, []string{"Grace"}},
	} {
		room, err := w.AddRoom(r.account.Platform, r.room, sandbox.RoomOptions{})
		if err != nil {
			return err
		}
		began := day.Add(-time.Duration(i+1) * 22 * time.Hour)
		if _, err := w.AddRecording(r.account.Platform, room, sandbox.PastRecording{
			StartedAt: began, For: r.length, BytesPerSecond: 65_000, People: r.people,
		}); err != nil {
			return err
		}
	}
	return nil
}

// demoRoom returns the settings of one of the demo's rooms.
func demoRoom(name, account string) app.RoomSpec {
	r := app.RoomSpec{Name: name, Account: account, Recording: provider.RecordingNone, Trigger: provider.TriggerNone, Link: app.LinkNew}
	switch name {
	case "all-hands":
		r.Locked, r.Recording, r.Trigger = true, provider.RecordingCloud, provider.TriggerAutomatic2nd
	case "office":
		r.Size = 12
	}
	return r
}

// seed creates rooms, bookings, recordings and meetings with people. The platforms post to the URL.
func seed(ctx context.Context, w *sandbox.World, b app.Backend, url string) error {
	for _, a := range sandbox.Accounts("") {
		if _, err := w.SetWebhook(a.Platform, url+"/hooks/"+a.Name, ""); err != nil {
			return err
		}
	}
	if err := seedRecordings(w); err != nil {
		return err
	}
	w.AutoPlay(sandbox.PlayOptions{Hostile: true})
	one, other := demoAccounts()
	for name, account := range map[string]string{"all-hands": one.Name, "design": other.Name, "office": one.Name, "stand-up": one.Name, "studio": sandbox.Accounts("")[2].Name} {
		// One with a past already exists.
		if _, err := b.CreateRoom(ctx, demoRoom(name, account)); err != nil && !errors.Is(err, provider.Conflict) {
			return err
		}
	}
	if err := seedBookings(ctx, b, w.Now()); err != nil {
		return err
	}
	for _, room := range []string{"all-hands", "design", "studio"} {
		if _, err := b.StartMeeting(ctx, app.StartMeeting{Room: room, For: 2 * time.Hour, New: true}); err != nil {
			return err
		}
	}
	return nil
}
