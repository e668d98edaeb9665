package hub

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"greenroom/internal/app"
	"greenroom/internal/calendar"
	"greenroom/internal/filter"
	"greenroom/internal/roster"
	"greenroom/internal/stable"
	"greenroom/store"
)

// Meetings lists meetings; see [app.Backend].
func (h *Hub) Meetings(ctx context.Context, q app.MeetingQuery) ([]app.Meeting, error) {
	q.Limit = cmp.Or(max(q.Limit, 0), 100)
	out := []app.Meeting{}
	err := h.store.View(ctx, func(tx *store.Tx) error {
		err := h.eachMeeting(ctx, tx, q, func(m app.Meeting) bool {
			out = append(out, m)
			return len(out) < q.Limit
		})
		if err != nil {
			return err
		}
		return h.giveGuestURLs(tx, out)
	})
	return out, err
}

// eachMeeting visits the meetings that a query selects, without its limit, in the order of [Hub.Meetings], until visit returns false
// or ctx ends.
func (h *Hub) eachMeeting(ctx context.Context, tx *store.Tx, q app.MeetingQuery, visit func(app.Meeting) bool) error {
	roomID := ""
	if q.Room != "" {
		var err error
		if roomID, err = roomOrFormer(tx, q.Room); err != nil {
			return err
		}
	}
	chosen, err := h.filterOf(q)
	if err != nil {
		return err
	}
	var failed error
	keep := func(m roster.Meeting) bool {
		if failed = ctx.Err(); failed != nil {
			return false
		}
		selected := (q.Account == "" || q.Account == m.Account) && (q.Status == "" || q.Status == m.Status) &&
			(!q.Unended || m.Status != app.Ended) && (roomID == "" || roomID == m.RoomID)
		if selected && !chosen.Empty() {
			selected = chosen.MatchItem(filter.MeetingItem(m.Meeting, func() []string { return tx.StayNames(m.ID) }))
		}
		return !selected || visit(m.Meeting)
	}
	if q.ByTime {
		return errors.Join(tx.MeetingsBefore(q.Before, keep), failed)
	}
	var standing []roster.Meeting
	if roomID != "" {
		standing, err = tx.RoomMeetings(roomID)
	} else {
		standing, err = tx.Unended()
	}
	if err != nil {
		return err
	}
	slices.Reverse(standing)
	stable.Sort(standing, func(a, b roster.Meeting) int { return cmp.Compare(liveliness(a), liveliness(b)) })
	for _, m := range standing {
		if !keep(m) {
			return failed
		}
	}
	if roomID != "" || q.Unended || q.Status == app.Open || q.Status == app.Live {
		return nil
	}
	return errors.Join(tx.MeetingsBefore("", func(m roster.Meeting) bool { return m.Status != app.Ended || keep(m) }), failed)
}

func liveliness(m roster.Meeting) int {
	return slices.Index([]app.MeetingStatus{app.Live, app.Open, app.Ended}, m.Status)
}

// filterOf parses the filter of a query, in the reader's time zone.
func (h *Hub) filterOf(q app.MeetingQuery) (*filter.Filter, error) {
	zone := calendar.Zone(cmp.Or(q.TimeZone, "UTC"))
	if zone == nil {
		return nil, invalid("", "there is no time zone %q", q.TimeZone)
	}
	f, err := filter.Parse(q.Filter, filter.Options{Now: h.clock.Now().In(zone), Of: filter.Rooms})
	if err != nil {
		return nil, invalid("", "%v", err)
	}
	return f, nil
}
