package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// forwardsEach is the number of forwards of a listener that has some.
const forwardsEach = 3

// forwards measures the time until 200 of `greenroom listen` without forwards, with forwards to targets that answer, and with forwards to
// targets that never do, all in separate processes. Webhooks come at fixed rates, and from a client that sends the next one when the last
// one was answered.
func (b *bench) forwards(ctx context.Context) error {
	for _, rate := range b.rates {
		if err := b.forwardsAt(ctx, rate); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) forwardsAt(ctx context.Context, rate float64) (err error) {
	dir, err := os.MkdirTemp(b.dir, "forwards-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.clean()) }()
	var all []*senders
	for i, binary := range b.binaries() {
		for kind, path := range []string{"", "/in", hangPath} {
			s, err := b.forwarding(ctx, binary, filepath.Join(dir, fmt.Sprintf("%d-%d", i, kind)), path)
			if err != nil {
				return err
			}
			s.rate = rate
			all = append(all, s)
		}
	}
	each := b.each
	if rate > 0 {
		each = max(2*each, time.Duration(60/rate*float64(time.Second))) // 60 webhooks at least
	}
	got, err := contest(ctx, b.rounds, each, all...)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("time until 200, %.0f/s, ", rate)
	if rate == 0 {
		what = "time until 200, 1 client without a pause, "
	}
	for i, name := range []string{"answering", "hanging"} {
		kind, name := i+1, fmt.Sprintf("%d %s forwards", forwardsEach, name)
		row := func(name, budget string, show func(*measured) string, of func(*measured) float64) {
			none, with := &got[0], &got[kind]
			text := ""
			if b.before != "" {
				text = show(&got[3+kind]) + ", " + ratio(of(&got[3+kind])/of(&got[3]))
			}
			b.row("forwards", what+name, show(with), "none "+show(none), ratio(of(with)/of(none)), budget, text)
		}
		for _, share := range []float64{.5, .99} {
			row(fmt.Sprintf("%s, p%.0f", name, 100*share), "", func(m *measured) string { return fine(m.at(share)) }, func(m *measured) float64 { return m.at(share).Seconds() })
		}
		if got[0].ran > 0 {
			row(name+", processor time", "", func(m *measured) string { return fmt.Sprintf("%.0f µs", m.cpu()*1e6) }, (*measured).cpu)
		}
	}
	if arrived := got[1].forwarded; len(arrived) > 0 {
		show := func(m *measured) string {
			return fine(within(m.forwarded, .5)) + ", p99 " + fine(within(m.forwarded, .99))
		}
		text := ""
		if b.before != "" {
			text = show(&got[4])
		}
		b.row("forwards", fmt.Sprintf("until the targets have it, %.0f/s", rate), show(&got[1]), "", "", "", text)
	}
	return nil
}

func fine(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1000) }

// forwarding starts a listener with forwards to a path of a target, none if path is empty, and returns its load.
func (b *bench) forwarding(ctx context.Context, binary, home, path string) (*senders, error) {
	at := ""
	if path != "" {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		t, err := start(ctx, filepath.Join(home, "target"), self, nil, targetArgument)
		if err != nil {
			return nil, err
		}
		b.cleanup(t.stop)
		if at, err = t.waitFor("Listening on"); err != nil {
			return nil, err
		}
		for n := range forwardsEach {
			add := exec.CommandContext(ctx, binary, "forward", "add", fmt.Sprint("f", n), at+path)
			add.Env = homeEnv(home)
			if out, err := add.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("forward add: %w: %s", err, out)
			}
		}
	}
	l, err := b.listener(ctx, binary, home)
	if err != nil {
		return nil, err
	}
	s := newSenders(l.url+hook, fmt.Sprint(time.Now().UnixNano()), 1)
	s.pid = l.Process.Pid
	if path != "" && path != hangPath {
		arrived := 0
		s.settled = func(m *measured) error {
			for late := time.Now().Add(startTime); arrived < forwardsEach*int(s.sent.Load()); {
				var got received
				if err := readJSON(at, &got); err != nil {
					return err
				}
				if arrived += got.Count; got.Count == 0 {
					time.Sleep(5 * time.Millisecond)
				}
				m.forwarded = append(m.forwarded, got.Took...)
				if time.Now().After(late) {
					return fmt.Errorf("%d of %d webhooks were forwarded within %s", arrived, forwardsEach*s.sent.Load(), startTime)
				}
			}
			return nil
		}
	}
	return s, nil
}

func readJSON(url string, to any) error {
	r, err := http.Get(url)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	return json.NewDecoder(r.Body).Decode(to)
}
