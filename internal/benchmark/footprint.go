package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// footprint measures the program's size, start, idle processor time, and memory when idle and under load.
func (b *bench) footprint(ctx context.Context) (err error) {
	const idle = 5 * time.Second
	defer func() { err = errors.Join(err, b.clean()) }()
	info, err := os.Stat(b.binary)
	if err != nil {
		return err
	}
	b.row("footprint", "program", fmt.Sprintf("%.2f MB", float64(info.Size())/1e6), "", "", "< 30 MB", "")
	var took []time.Duration
	for range 15 {
		began := time.Now()
		if err := exec.CommandContext(ctx, b.binary, "version").Run(); err != nil {
			return err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.row("footprint", "`greenroom version`", ms(took[len(took)/2]), "", "", "< 30 ms", "")
	l, err := b.listener(ctx, b.binary, filepath.Join(b.dir, "idle"))
	if err != nil {
		return err
	}
	pid := l.Process.Pid
	time.Sleep(time.Second)
	before := spent(pid)
	time.Sleep(idle)
	if used := spent(pid) - before; used > 0 {
		b.row("footprint", "`listen`, idle: processor", fmt.Sprintf("%.2f %%", 100*used.Seconds()/idle.Seconds()), "", "", "~0", "")
	}
	rest, ok := resident(pid, "VmRSS")
	if !ok {
		b.row("footprint", "`listen`: memory", "missing: /proc", "", "", "< 200 MiB", "")
		return nil
	}
	b.row("footprint", "`listen`, idle: resident", mib(rest), "", "", "< 200 MiB", "")
	s := newSenders(l.url+hook, "memory", 64)
	defer s.close()
	var m measured
	if err := s.round(ctx, 5*time.Second, &m); err != nil {
		return err
	}
	most, _ := resident(pid, "VmHWM")
	own, _ := resident(pid, "RssAnon")
	b.row("footprint", fmt.Sprintf("`listen`, %d webhooks from 64 clients: resident at most", m.count), mib(most)+", "+mib(own)+" of it not the store's pages", "", "", "< 200 MiB", "")
	return nil
}

// resident reads a figure of a process's memory in bytes.
func resident(pid int, name string) (int64, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return n << 10, err == nil
		}
	}
	return 0, false
}

func mib(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }
