package main

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"time"

	"github.com/atotto/clipboard"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/crash"
	"greenroom/internal/inlet"
	"greenroom/tui"
)

// canShow checks that there is a terminal for the screen.
func (p *program) canShow() error {
	const commands = "`greenroom room list`, `greenroom meeting start ROOM`, `greenroom event tail`, `greenroom listen`; `greenroom --help` lists them"
	switch {
	case p.isAccessible() && p.inTTY && p.outTTY:
		return nil
	case p.getenv("TERM") == "dumb":
		return usagef("this terminal can't show the screen (TERM=dumb). The commands do the same: %s", commands)
	case !p.inTTY || !p.outTTY:
		return usagef("the screen needs a terminal. The commands do the same without one: %s", commands)
	}
	return nil
}

// screen opens the screen on the configured accounts.
func (p *program) screen(ctx context.Context) error {
	if err := p.canShow(); err != nil {
		return err
	}
	for {
		c, err := p.config(ctx, "")
		if err != nil {
			return err
		}
		if err := p.show(ctx, c, showOptions{}); !errors.Is(err, tui.ErrSetUp) {
			return err
		}
		if err := p.setUp(ctx); err != nil && !errors.Is(err, errDeclined) {
			return err
		}
	}
}

// themeFlag adds the flag of commands that open the screen.
func (p *program) themeFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.theme, "theme", "", "theme of the screen: "+strings.Join(tui.Themes(), ", ")+" (default: from the configuration)")
	words(cmd, "theme", tui.Themes()...)
	cmd.Flags().BoolVar(&p.accessible, "accessible", false, "use prompts and lines instead of the screen; also ACCESSIBLE=1")
}

// showOptions distinguish the demo's screen from the real one.
type showOptions struct {
	demo bool
	// opened is called before the screen appears. url is the listener's, empty if another process owns the store and listens.
	opened func(ctx context.Context, b app.Backend, url string) error
}

// show runs the screen until the user quits. It listens for webhooks unless the owner of the store does.
func (p *program) show(ctx context.Context, c *config.Config, o showOptions) (err error) {
	if err := checkKeys(c); err != nil {
		return err
	}
	logs, err := openLog(c.DataDir)
	if err != nil {
		return folderError(c, err)
	}
	ctx, fail := context.WithCancelCause(ctx)
	log := newLog(logs, slog.LevelInfo)
	group := crashGroup(log, func(r crash.Report) { fail(r) })
	p.guardTerminal(log)
	defer catchLibraries(log)()
	for _, n := range c.Notices {
		log.Warn(n)
	}
	listener, _ := newInlet(c, p, log, group, nil)
	defer func() {
		if r, crashed := context.Cause(ctx).(crash.Report); crashed && err == nil {
			err = &app.Error{Text: r.Error(), Hint: "the details are in " + logs.path, Err: r}
		}
		fail(nil)
		err = joined(err, logs.Close())
	}()
	a := listenerAccess(listener, true, log, group)
	a.demo = o.demo
	a.warn = func(w string) { log.Warn(w) }
	b, closer, err := p.open(ctx, c, p.version, a)
	if err != nil {
		return folderError(c, err)
	}
	defer func() { err = joined(err, listener.Close(), closer()) }()
	if s, serr := b.Status(ctx, app.StatusQuery{}); serr == nil && s.Listener.URL == "" {
		// The owner is one that doesn't listen, such as event tail.
		listener.TryOpen(b)
	}
	if o.opened != nil {
		if err := o.opened(ctx, b, listener.Status().URL); err != nil {
			return err
		}
	}
	if p.isAccessible() {
		return p.runLines(ctx, c, listener.Backend(b), group)
	}
	forwarder := inlet.NewForwarder(p.now)
	defer forwarder.Close()
	options := tui.Options{
		Send: func(ctx context.Context, url string, d app.Delivery) app.Attempt {
			return forwarder.Send(ctx, app.ForwardTarget{URL: url}, d)
		},
		Backend: listener.Backend(b), Demo: o.demo, Mouse: c.Mouse, Keys: c.Keys, Theme: c.Theme, SetUp: !o.demo, Bell: c.Notify.Bell, Desktop: c.Notify.Desktop, Open: p.browse, Log: logs.tail, Logger: log,
		Crash: group, Version: p.version, AccountHelp: accountHelp(),
	}
	defer p.shareProcessors()()
	options.ZoneName, _ = localZone(p.getenv, p.now())
	if !clipboard.Unsupported {
		options.Copy = clipboard.WriteAll
	}
	return p.draw(ctx, options)
}

// screenThreads is how many goroutines run at a time at least while there is a screen. On a machine with two processors a key would
// otherwise wait until the webhooks that are being processed are done. With more threads than processors the system shares them fairly.
const screenThreads = 4

// shareProcessors lets the screen run beside everything else, once the first frame is there: it comes sooner without. GOMAXPROCS overrides
// it. The result undoes what is still to come.
func (p *program) shareProcessors() (stop func() bool) {
	if p.getenv("GOMAXPROCS") != "" || runtime.GOMAXPROCS(0) >= screenThreads {
		return func() bool { return false }
	}
	return time.AfterFunc(time.Second, func() { runtime.GOMAXPROCS(screenThreads) }).Stop
}

// checkKeys returns an error for invalid [keys].
func checkKeys(c *config.Config) error {
	if err := tui.CheckKeys(c.Keys); err != nil {
		return &app.Error{Kind: app.NotConfigured, Text: err.Error(), Hint: "see [keys] in " + c.File, Err: err}
	}
	return nil
}
