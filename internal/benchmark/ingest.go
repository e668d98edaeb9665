package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// ingest measures `greenroom listen`, the real program with its listener, hub and store, beside the floor.
func (b *bench) ingest(ctx context.Context) error {
	for _, connections := range b.clients {
		if err := b.ingestWith(ctx, connections); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) ingestWith(ctx context.Context, connections int) (err error) {
	dir, err := os.MkdirTemp(b.dir, "ingest-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.clean()) }()
	var all []*senders
	add := func(url string, p *process) {
		s := newSenders(url, fmt.Sprint(time.Now().UnixNano()), connections)
		s.pid = p.Process.Pid
		all = append(all, s)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p, err := start(ctx, filepath.Join(dir, "floor"), self, nil, floorArgument, filepath.Join(dir, "floor.log"))
	if err != nil {
		return err
	}
	b.cleanup(p.stop)
	url, err := p.waitFor("Listening on")
	if err != nil {
		return err
	}
	add(url, p)
	for i, binary := range b.binaries() {
		l, err := b.listener(ctx, binary, filepath.Join(dir, fmt.Sprint("listen-", i)))
		if err != nil {
			return err
		}
		add(l.url+hook, l.process)
	}
	got, err := contest(ctx, b.rounds, b.each, all...)
	if err != nil {
		return err
	}
	floor, ours := &got[0], &got[1]
	what := "webhooks, " + clients(connections)
	row := func(what, budget string, show func(m *measured) string, of func(m *measured) float64) {
		b.row("ingest", what, show(ours), "floor "+show(floor), ratio(of(ours)/of(floor)), budget, b.earlier(got, func(m *measured) string {
			return show(m) + ", " + ratio(of(m)/of(floor))
		}))
	}
	row(what, pick(connections == 1, "≥ 0.5", "≥ 0.6"), func(m *measured) string { return rate(m.rate()) }, (*measured).rate)
	row(what+", p99", "≤ 2", func(m *measured) string { return ms(m.at(.99)) }, func(m *measured) float64 { return m.at(.99).Seconds() })
	if ours.ran > 0 {
		row(what+", processor time", "", func(m *measured) string { return fmt.Sprintf("%.0f µs", m.cpu()*1e6) }, (*measured).cpu)
	}
	return nil
}

// earlier describes the result of the earlier build, which comes last; empty without one.
func (b *bench) earlier(got []measured, text func(*measured) string) string {
	if b.before == "" {
		return ""
	}
	return text(&got[len(got)-1])
}
