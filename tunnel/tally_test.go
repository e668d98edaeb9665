package tunnel

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// One kind of refusal is logged at once, then counted and logged once a minute. Kinds beyond the limit share one.
func TestRefusalsAreCounted(t *testing.T) {
	var out bytes.Buffer
	now := time.Hour
	tally := Tally{Log: slog.New(slog.NewTextHandler(&out, nil)), Since: func() time.Duration { return now }}
	logged := func() []string {
		defer out.Reset()
		return strings.Split(strings.TrimSpace(out.String()), "\n")
	}
	tally.Note("refused", "a", "from", "a")
	if l := logged(); len(l) != 1 || !strings.Contains(l[0], "from=a") {
		t.Errorf("%q", l)
	}
	for range 3 {
		tally.Note("refused", "a", "from", "b")
	}
	now += tallyEvery - 1
	tally.Flush()
	if out.Len() > 0 {
		t.Errorf("too early: %s", out.String())
	}
	now++
	tally.Flush()
	if l := logged(); len(l) != 1 || !strings.Contains(l[0], "count=3 within=1m0s from=b") {
		t.Errorf("%q", l)
	}
	now += tallyEvery - 1
	tally.Flush()
	if len(tally.kinds) != 1 {
		t.Error("the kind is forgotten within a minute")
	}
	now++
	tally.Flush()
	if len(tally.kinds) != 0 {
		t.Error("the kind is kept for more than a minute")
	}
	for i := range maxTallies + 2 {
		tally.Note("refused", fmt.Sprint(i), "from", i)
	}
	if l := logged(); len(tally.kinds) != maxTallies+1 || len(l) != maxTallies+1 || strings.Contains(l[maxTallies], "from=") {
		t.Errorf("%d kinds, %d lines, the last one %q", len(tally.kinds), len(l), l[len(l)-1])
	}
}
