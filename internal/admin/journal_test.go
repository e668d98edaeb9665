package admin

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// TestAFloodOfForgeriesIsCounted: anyone can send them, and each line of the log takes disk.
func TestAFloodOfForgeriesIsCounted(t *testing.T) {
	var out bytes.Buffer
	j := newJournal(slog.New(slog.NewTextHandler(&out, nil)))
	now := time.Duration(0)
	j.since = func() time.Duration { return now }
	send := func(n int, d app.Delivery) int {
		before := strings.Count(out.String(), "\n")
		for range n {
			j.change(t.Context(), app.Change{Kind: app.DeliveryChange, Delivery: &d})
		}
		return strings.Count(out.String(), "\n") - before
	}
	forged := app.Delivery{Account: "daily", Verdict: provider.Rejected, Status: 401, Reason: "the signature is wrong"}
	if n := send(5000, forged); n != 1 {
		t.Errorf("%d lines for 5000 forgeries", n)
	}
	if n := send(20, app.Delivery{Account: "daily", Verdict: provider.Verified, Status: 200}); n != 20 {
		t.Errorf("%d lines for 20 webhooks", n)
	}
	other := forged
	other.Account = "whereby"
	if n := send(2, other); n != 1 {
		t.Errorf("%d lines for forgeries of another account", n)
	}
	now += rejectedEvery
	if n := send(3, forged); n != 1 || !strings.Contains(out.String(), "alike=4999") {
		t.Errorf("%d lines after a minute, without the count", n)
	}
	for i := range 3 * maxRejections {
		forged.Reason = fmt.Sprint(i)
		send(1, forged)
	}
	if len(j.rejected) > maxRejections {
		t.Errorf("%d reasons are remembered", len(j.rejected))
	}
}
