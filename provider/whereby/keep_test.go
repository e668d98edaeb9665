package whereby_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/provider"
	"greenroom/provider/providertest"
	"greenroom/provider/sandbox"
	"greenroom/provider/whereby"
)

// A meeting that lasts has the latest end that Whereby accepts, and one with a lost answer is never created twice.
func TestKeptUntilTheLatestEnd(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC))
	for _, c := range []struct {
		ahead time.Duration
		want  time.Time
	}{
		{0, time.Date(2099, 12, 31, 23, 59, 59, 0, time.UTC)},
		{400 * 24 * time.Hour, clock.Now().AddDate(1, 0, 0)},
		{100 * 24 * time.Hour, clock.Now().AddDate(0, 3, 0)},
		{24 * time.Hour, time.Time{}},
	} {
		world := sandbox.New(sandbox.Options{Clock: clock, WherebyAhead: c.ahead, NoRateLimits: true})
		srv := httptest.NewServer(world.Handler())
		var a provider.Account
		for _, one := range sandbox.Accounts(srv.URL) {
			if one.Platform == provider.Whereby {
				a = one
			}
		}
		p, err := whereby.New(a, whereby.Options{Clock: providertest.NewClock(clock.Now())})
		if err != nil {
			t.Fatal(err)
		}
		m, err := p.KeepRoom(t.Context(), provider.KeptRoom{Name: "weekly-abcd1234"})
		if c.want.IsZero() && !errors.Is(err, provider.Invalid) || !c.want.IsZero() && (err != nil || !m.Until.Equal(c.want) || !strings.HasPrefix(m.Room, "weekly-abcd1234-")) {
			t.Errorf("%s ahead: %+v, %v", c.ahead, m, err)
		}
		srv.Close()
		if err := world.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Soon after a lost answer Whereby may still be about to create the meeting, so nothing is created.
func TestKeptInDoubtWaits(t *testing.T) {
	p, s, clock := on(t, account(), answers{"GET /meetings": {providertest.JSON(`{"results":[],"cursor":null}`)}})
	r := provider.KeptRoom{Name: "weekly-abcd1234", Tried: clock.Now().Add(-10 * time.Second)}
	if m, err := p.KeepRoom(t.Context(), r); !errors.Is(err, provider.Unavailable) || provider.HintOf(err) == "" || len(s.Asked()) != 1 {
		t.Errorf("%+v, %v after %d calls", m, err, len(s.Asked()))
	}
}
