// Command benchmark measures the real program, in separate processes, beside alternatives: the minimum that a durable webhook costs, a
// plain tunnel, other downloaders, itself without forwards. It prints one table in Markdown.
//
//	go run ./internal/benchmark [-only ingest,relay,…] [-before BINARY]
//	go run ./internal/benchmark -profile cmd/greenroom/listen.pgo
//
// Rivals take turns with Greenroom within one run, so that the ratios count on any machine. docs/benchmarks.md explains the rows.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

type bench struct {
	dir            string // the folder of all files, which is removed at the end
	binary, before string
	rounds         int
	clients        []int
	rates          []float64
	each           time.Duration
	rows           []row
	cleanups       []func() error
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == floorArgument {
		exit("floor", floor(os.Args[2]))
	}
	if len(os.Args) == 2 && os.Args[1] == targetArgument {
		exit("target", target())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	exit("benchmark", err)
}

// exit ends the program.
func exit(name string, err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context) (err error) {
	b := &bench{}
	only := flag.String("only", "", "measure these sections alone, separated by commas")
	flag.StringVar(&b.binary, "binary", "", "measure this build (default: a new one of ./cmd/greenroom)")
	flag.StringVar(&b.before, "before", "", "also measure this earlier build, in the same rounds")
	flag.IntVar(&b.rounds, "rounds", 6, "rounds in which rivals take turns")
	connections := flag.String("clients", "1,32,64", "numbers of connections, each with one client that waits for its answers")
	flag.DurationVar(&b.each, "each", 700*time.Millisecond, "duration of a turn")
	rates := flag.String("rates", "20,200,1000,0", "webhooks a second beside forwards; 0 is one client that waits for its answers")
	profile := flag.String("profile", "", "measure nothing, but write a profile of a listener under load to this file, for the compiler")
	flag.Parse()
	for _, text := range strings.Split(*rates, ",") {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || n < 0 {
			return fmt.Errorf("-rates can't be %q", *rates)
		}
		b.rates = append(b.rates, n)
	}
	for _, text := range strings.Split(*connections, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("-clients can't be %q", *connections)
		}
		b.clients = append(b.clients, n)
	}
	if b.dir, err = os.MkdirTemp("", "gr-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.clean(), os.RemoveAll(b.dir)) }()
	if *profile != "" {
		return b.profile(ctx, *profile)
	}
	if err := b.build(ctx); err != nil {
		return err
	}
	sections := []struct {
		name string
		run  func(context.Context) error
	}{{"ingest", b.ingest}, {"forwards", b.forwards}, {"relay", b.relay}, {"download", b.download}, {"screen", b.screen}, {"footprint", b.footprint}}
	for _, s := range sections {
		if *only != "" && !strings.Contains(","+*only+",", ","+s.name+",") {
			continue
		}
		fmt.Fprintln(os.Stderr, "measuring", s.name, "…")
		if failed := s.run(ctx); failed != nil { // the others are still measured
			err = errors.Join(err, fmt.Errorf("%s: %w", s.name, failed))
			b.row(s.name, "", "not measured", "", "", "", "")
		}
	}
	return errors.Join(err, b.print(os.Stdout))
}

// build builds the program as it is released, unless a build was named.
func (b *bench) build(ctx context.Context, flags ...string) error {
	if b.binary != "" {
		return nil
	}
	b.binary = filepath.Join(b.dir, "greenroom")
	args := slices.Concat([]string{"build", "-trimpath", "-ldflags=-s -w", "-pgo=cmd/greenroom/listen.pgo", "-o", b.binary}, flags, []string{"./cmd/greenroom"})
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env, cmd.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	return cmd.Run()
}

// binaries returns the builds to measure.
func (b *bench) binaries() []string {
	if b.before == "" {
		return []string{b.binary}
	}
	return []string{b.binary, b.before}
}

// cleanup makes clean call f.
func (b *bench) cleanup(f func() error) { b.cleanups = append(b.cleanups, f) }

// clean ends what was started, the latest first.
func (b *bench) clean() (err error) {
	for len(b.cleanups) > 0 {
		last := len(b.cleanups) - 1
		f := b.cleanups[last]
		b.cleanups = b.cleanups[:last]
		err = errors.Join(err, f())
	}
	return err
}
