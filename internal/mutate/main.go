// Command mutate measures whether the tests of a package notice changes to its code.
//
//	go run ./internal/mutate ./internal/roster            # every covered mutant
//	go run ./internal/mutate -n 100 -seed 1 ./internal/hub # a sample: the same one for the same seed
//
// The mutants are those of [gremlins], which must be installed (go install github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0).
// gremlins can neither draw a sample nor use Go's build cache, so only its list is used: each mutant is built as an overlay of one file. The
// tests that reach its line run against it, the fastest first.
//
// A mutant counts as killed when a test fails, and as alive when all pass. Mutants that don't compile and mutants whose
// tests exceed their time are listed and not counted. The exit status is 1 if fewer than -least percent were killed.
//
// [gremlins]: https://github.com/go-gremlins/gremlins
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

func main() {
	n := flag.Int("n", 0, "sample size; 0 runs every covered mutant")
	seed := flag.Uint64("seed", 1, "seed of the sample")
	workers := flag.Int("workers", 2, "mutants tested at the same time")
	limit := flag.Duration("timeout", 0, "time limit of one mutant's tests (default: five times the unchanged package's, at least 30s)")
	least := flag.Float64("least", 0, "percentage that must be killed")
	run := flag.String("run", "", "run only these tests, as go test -run")
	file := flag.String("file", "", "only mutants in files whose name contains this")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	failed := false
	for _, pkg := range flag.Args() {
		score, err := measure(ctx, options{pkg, *n, *seed, *workers, *limit, *run, *file})
		if err != nil {
			fmt.Fprintln(os.Stderr, "mutate:", err)
			os.Exit(1)
		}
		failed = failed || score < *least
	}
	if failed {
		os.Exit(1)
	}
}

type options struct {
	pkg     string
	n       int
	seed    uint64
	workers int
	limit   time.Duration
	run     string
	file    string
}

// measure tests the mutants of one package, prints each that is not killed, and returns the percentage killed.
func measure(ctx context.Context, o options) (float64, error) {
	mutants, err := list(ctx, o.pkg)
	if err != nil {
		return 0, err
	}
	mutants = slices.DeleteFunc(mutants, func(m mutant) bool { return !strings.Contains(m.file, o.file) })
	all := len(mutants)
	if o.n > 0 && o.n < all {
		rand.New(rand.NewPCG(o.seed, 0)).Shuffle(all, func(i, j int) { mutants[i], mutants[j] = mutants[j], mutants[i] })
		mutants = mutants[:o.n]
		slices.SortFunc(mutants, mutant.compare)
	}

	tests, err := survey(ctx, o)
	if err != nil {
		return 0, err
	}
	if o.limit == 0 {
		var all time.Duration
		for _, t := range tests {
			all += t.took
		}
		o.limit = max(30*time.Second, 5*all)
	}

	count := map[string]int{}
	var mu sync.Mutex
	var group sync.WaitGroup
	work := make(chan mutant)
	for range o.workers {
		group.Go(func() {
			for m := range work {
				result, err := m.test(ctx, o, tests)
				mu.Lock()
				if err != nil {
					result = "ERROR " + err.Error()
				}
				count[result]++
				if result != "KILLED" {
					fmt.Printf("%-12s %-22s %s:%d:%d\n", result, m.kind, m.file, m.line, m.column)
				}
				mu.Unlock()
			}
		})
	}
	for _, m := range mutants {
		select {
		case work <- m:
		case <-ctx.Done():
		}
	}
	close(work)
	group.Wait()
	if err := ctx.Err(); err != nil {
		return 0, err
	}

	killed, lived := count["KILLED"], count["LIVED"]
	score := 100 * float64(killed) / float64(max(1, killed+lived))
	fmt.Printf("%s: %.1f %% killed (%d of %d; %d timed out, %d not viable; %d of %d covered mutants, seed %d)\n",
		o.pkg, score, killed, killed+lived, count["TIMED OUT"], count["NOT VIABLE"], len(mutants), all, o.seed)
	return score, nil
}

// A mutant is one change of one operator.
type mutant struct {
	kind         string
	file         string // relative to the working directory
	line, column int    // of the operator, counted from 1, columns in bytes
}

func (m mutant) compare(other mutant) int {
	return cmp.Or(cmp.Compare(m.file, other.file), cmp.Compare(m.line, other.line), cmp.Compare(m.column, other.column),
		cmp.Compare(m.kind, other.kind))
}

// list returns the mutants of pkg on lines that its own tests reach.
func list(ctx context.Context, pkg string) ([]mutant, error) {
	out, err := os.CreateTemp("", "mutants-*.json")
	if err != nil {
		return nil, err
	}
	out.Close()
	defer os.Remove(out.Name())
	text, err := exec.CommandContext(ctx, "gremlins", "unleash", "--dry-run", "-o", out.Name(), pkg).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("gremlins: %w\n%s", err, text)
	}
	content, err := os.ReadFile(out.Name())
	if err != nil {
		return nil, err
	}
	var report struct {
		Files []struct {
			Name      string `json:"file_name"`
			Mutations []struct {
				Type, Status string
				Line, Column int
			}
		}
	}
	if err := json.Unmarshal(content, &report); err != nil {
		return nil, fmt.Errorf("gremlins: %w", err)
	}
	var mutants []mutant
	for _, f := range report.Files {
		if strings.ContainsRune(f.Name, '/') {
			continue // a package below this one
		}
		for _, m := range f.Mutations {
			if m.Status == "RUNNABLE" {
				mutants = append(mutants, mutant{m.Type, filepath.Join(pkg, f.Name), m.Line, m.Column})
			}
		}
	}
	slices.SortFunc(mutants, mutant.compare)
	return mutants, nil
}
