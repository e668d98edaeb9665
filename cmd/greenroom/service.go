package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/pflag"

	"greenroom/internal/admin"
	"greenroom/internal/app"
	"greenroom/internal/config"
)

// service supports a program that runs unattended: with a log, an address for operators, and systemd's notifications.
type service struct {
	adminAddr string
	logJSON   bool
	level     slog.Level
}

func (s *service) add(fl *pflag.FlagSet) {
	fl.StringVar(&s.adminAddr, "admin-addr", "", "serve /healthz, /readyz and /metrics on this HOST:PORT")
	parsed(fl, &s.level, "log-level", "warn", parseLevel, "lowest level to log: debug, info, warn or error")
	fl.BoolVar(&s.logJSON, "log-json", false, "write the log as JSON")
}

// serviceLog returns the log of a program that runs unattended.
func serviceLog(w io.Writer, level slog.Level, asJSON bool) *slog.Logger {
	if asJSON {
		return newJSONLog(w, level)
	}
	return newLog(w, level)
}

func parseLevel(s string) (slog.Level, error) {
	word, err := oneOf("debug", "info", "warn", "error")(s)
	if err != nil {
		return 0, err
	}
	var level slog.Level
	err = level.UnmarshalText([]byte(word))
	return level, err
}

// listen opens the address for operators; the listener is nil without --admin-addr.
func (s *service) listen() (net.Listener, error) {
	if s.adminAddr == "" {
		return nil, nil
	}
	return listenOn("admin-addr", s.adminAddr)
}

// serve serves the operators' address, logs events, and notifies systemd's watchdog until ctx ends.
func (s *service) serve(ctx context.Context, b app.Backend, l net.Listener, log *slog.Logger, start func(string, func())) {
	if l != nil {
		start("admin address", func() {
			if err := admin.Serve(ctx, l, admin.Handler(b, log), log); err != nil {
				log.Error("the admin address failed", "err", err)
			}
		})
	}
	if s.level <= slog.LevelInfo {
		start("journal", func() {
			if err := admin.Journal(ctx, b, log); err != nil && ctx.Err() == nil {
				log.Error("events are not logged", "err", err)
			}
		})
	}
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("systemd's watchdog can't be served", "err", err)
	}
	if every > 0 {
		start("watchdog", func() { watchdog(ctx, b, every/2, log) })
	}
}

// watchdog notifies systemd regularly while the store answers. Otherwise systemd restarts the program.
func watchdog(ctx context.Context, b app.Backend, every time.Duration, log *slog.Logger) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		asking, cancel := context.WithTimeout(ctx, every)
		_, err := b.Status(asking, app.StatusQuery{})
		cancel()
		switch {
		case err == nil:
			notifySystemd(log, daemon.SdNotifyWatchdog)
		case ctx.Err() == nil:
			log.Error("the watchdog found that the store does not answer", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// notifySystemd sends a state to systemd. Without systemd it does nothing.
func notifySystemd(log *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("systemd could not be notified", "state", state, "err", err)
	}
}

// reload reads the configuration again and applies the settings that can change while the program runs: the download rate and the
// notifications. An invalid configuration changes nothing.
func (o *listenOptions) reload(ctx context.Context, b app.Backend, was *config.Config, calls *listenCalls, log *slog.Logger) {
	notifySystemd(log, daemon.SdNotifyReloading)
	defer notifySystemd(log, daemon.SdNotifyReady)
	now, err := o.configFor(ctx, o.addr, o.tunnel)
	if err != nil {
		log.Error("the new configuration is invalid and was not applied", "err", err)
		return
	}
	rules, err := newCallRules(now)
	if err != nil {
		log.Error("the new notifications are invalid and were not applied", "err", err)
		return
	}
	if _, err := b.LimitDownloads(ctx, app.DownloadLimit{BytesPerSecond: now.Download.LimitRate}); err != nil {
		log.Error("the download rate could not be changed", "err", err)
		return
	}
	was.Download.LimitRate = now.Download.LimitRate
	calls.replace(now.Notify, rules)
	if now.Fingerprint() != was.Fingerprint() {
		log.Warn("the configuration was read again: the download rate and the notifications apply now, other changes after a restart")
		return
	}
	log.Info("the configuration was read again")
}
