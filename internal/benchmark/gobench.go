package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// gobench runs benchmarks of the module once, and returns their figures by name and unit.
func gobench(ctx context.Context, pkg, pattern string, args ...string) (map[string]map[string]float64, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-run", "^$", "-bench", pattern, pkg}, args...)...)
	var errs bytes.Buffer
	cmd.Stderr, cmd.Env = &errs, os.Environ()
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go test %s: %w: %s%s", pkg, err, errs.Bytes(), out)
	}
	figures := map[string]map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(f[0], "Benchmark")
		if i := strings.LastIndexByte(name, '-'); i > 0 {
			name = name[:i] // the number of processors
		}
		figures[name] = map[string]float64{}
		for i := 2; i+1 < len(f); i += 2 {
			n, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				return nil, fmt.Errorf("go test %s printed %q", pkg, lines.Text())
			}
			figures[name][f[i+1]] = n
		}
	}
	return figures, nil
}

// download compares the downloader with aria2c and curl, each in its own process.
func (b *bench) download(ctx context.Context) error {
	for _, program := range []string{"aria2c", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			b.row("download", "256 MiB", "", program+": missing", "", "≤ 1", "")
			return nil
		}
	}
	all, err := gobench(ctx, "./internal/recording/fetch", "^BenchmarkDownload$", "-benchtime", "1x")
	if err != nil {
		return err
	}
	for _, of := range []struct{ name, what string }{
		{"Download/shaped", "256 MiB, 20 MB/s a connection, 40 ms away"}, {"Download/unlimited", "256 MiB, no limit"},
	} {
		m := all[of.name]
		for _, rival := range []struct{ name, shown string }{{"aria2c", "aria2c -x4"}, {"curl", "curl"}} {
			ours, theirs := m["s/greenroom"], m["s/"+rival.name]
			b.row("download", of.what, seconds(ours), rival.shown+" "+seconds(theirs), ratio(ours/theirs), pick(rival.name == "aria2c" && of.name == "Download/shaped", "≤ 1", ""), "")
		}
	}
	return nil
}

// screen measures the real screen on a terminal, over a store of 100,000 deliveries.
func (b *bench) screen(ctx context.Context) error {
	all, err := gobench(ctx, "./cmd/greenroom", "^BenchmarkScreen$", "-short", "-benchtime", "200x", "-timeout", "8m")
	if err != nil {
		return err
	}
	for _, of := range []struct{ name, what string }{
		{"Screen/first-frame", "first frame, 500 rooms, 100 live meetings"},
		{"Screen/key-to-frame/Rooms", "key to frame, rooms, 2,000 events a second"},
		{"Screen/key-to-frame/Webhooks", "key to frame, webhooks, 2,000 events a second"},
		{"Screen/idle", "idle, 12 rooms, 3 live meetings"},
		{"Screen/idle-with-hundreds", "idle, 500 rooms, 100 live meetings"},
	} {
		figures := all[of.name]
		for _, unit := range slices.Sorted(maps.Keys(figures)) {
			if unit != "ns/op" && unit != "B/op" && unit != "allocs/op" {
				b.row("screen", of.what+": "+unit, fmt.Sprintf("%.4g", figures[unit]), "", "", "", "")
			}
		}
	}
	return nil
}

func seconds(s float64) string { return fmt.Sprintf("%.2f s", s) }
