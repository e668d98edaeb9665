package pane

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/provider"
)

func TestARemovalIsShownOnce(t *testing.T) {
	clock := clockwork.NewFakeClock()
	at := func(after time.Duration) app.Time { return app.At(clock.Now().Add(after)) }
	removed := app.Activity{Kind: provider.KindParticipantLeft, Meeting: "m", Who: "Ada", Detail: "removed", Source: app.FromHere, At: at(0)}
	left := app.Activity{Kind: provider.KindParticipantLeft, Meeting: "m", Who: "Ada", Source: app.FromWebhook, At: at(2 * time.Second)}
	joined, elsewhere, later := left, left, left
	joined.Kind, elsewhere.Meeting, later.At = provider.KindParticipantJoined, "other", at(2*time.Minute)
	gaveUp := left
	gaveUp.Kind = provider.KindParticipantWaitingLeft
	for _, c := range []struct {
		name    string
		batches [][]app.Activity // in order of arrival
		want    []app.Activity   // newest first
	}{
		{"the platform says it later", [][]app.Activity{{removed}, {left}}, []app.Activity{removed}},
		{"the platform says it first", [][]app.Activity{{left}, {removed}}, []app.Activity{removed}},
		{"both at once", [][]app.Activity{{removed, left}}, []app.Activity{removed}},
		{"both at once, the platform first", [][]app.Activity{{left, removed}}, []app.Activity{removed}},
		{"who only waited", [][]app.Activity{{removed}, {gaveUp}}, []app.Activity{removed}},
		{"one echo each", [][]app.Activity{{removed}, {left}, {left}}, []app.Activity{left, removed}},
		{"left and came back before", [][]app.Activity{{left}, {joined}, {removed}}, []app.Activity{removed, joined, left}},
		{"left and came back before, at once", [][]app.Activity{{left, joined, removed}}, []app.Activity{removed, joined, left}},
		{"another meeting", [][]app.Activity{{removed}, {elsewhere}}, []app.Activity{elsewhere, removed}},
		{"long after", [][]app.Activity{{removed}, {later}}, []app.Activity{later, removed}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := Activity{now: clock.Now}
			for _, b := range c.batches {
				l.Add(b)
			}
			if diff := cmp.Diff(c.want, l.Rows); diff != "" {
				t.Error(diff)
			}
		})
	}
	l := Activity{now: clock.Now}
	for range 3 * maxActivity {
		l.Add([]app.Activity{joined})
	}
	if len(l.Rows) != maxActivity {
		t.Errorf("%d lines are kept", len(l.Rows))
	}
}
