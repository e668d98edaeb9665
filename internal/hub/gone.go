package hub

import (
	"errors"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
)

const (
	// lookEvery is how often the platform is asked whether a meeting still exists.
	lookEvery = 5 * time.Minute
	// lookAgain is how soon a "not found" is checked a second time; one alone ends nothing.
	lookAgain = 30 * time.Second
)

// watchGone ends meetings that no longer exist on their platform: somebody removed them elsewhere. It takes two answers
// in a row that say so.
func (h *Hub) watchGone(a *account) {
	l, ok := a.Provider.(provider.Looker)
	if !ok {
		return
	}
	next := make(map[string]time.Time)
	missing := make(map[string]bool)
	tick := h.clock.NewTicker(time.Second)
	defer tick.Stop()
	for {
		unended, err := h.Meetings(h.ctx, app.MeetingQuery{Unended: true, Account: a.Name, Limit: 100_000})
		if err != nil && h.ctx.Err() == nil {
			h.log.Error("the meetings to look up could not be read", "account", a.Name, "err", err)
		}
		for _, m := range unended {
			now := h.clock.Now()
			if _, known := next[m.ID]; !known {
				next[m.ID] = now.Add(lookAgain)
			}
			if now.Before(next[m.ID]) {
				continue
			}
			_, err := l.Lookup(h.ctx, platformMeeting(m, nil))
			h.noteCall(a, err)
			gone := errors.Is(err, provider.NotFound) && m.Here == 0
			next[m.ID] = now.Add(lookEvery)
			switch {
			case gone && missing[m.ID]:
				if _, err := h.end(h.ctx, m.ID, now, roster.ReasonGone, app.FromPlatform); err != nil && h.ctx.Err() == nil {
					h.log.Error("a meeting that is gone could not be ended", "meeting", m.ID, "err", err)
				}
				delete(next, m.ID)
			case gone:
				next[m.ID] = now.Add(lookAgain)
			}
			missing[m.ID] = gone
			if !h.wait(traitsSpacing(a)) {
				return
			}
		}
		select {
		case <-tick.Chan():
		case <-h.ctx.Done():
			return
		}
	}
}

func traitsSpacing(a *account) time.Duration { return a.Provider.Traits().PresenceSpacing }
