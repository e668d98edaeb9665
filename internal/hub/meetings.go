package hub

import (
	"cmp"
	"context"
	"errors"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/internal/roster"
	"greenroom/internal/stable"
	"greenroom/provider"
	"greenroom/store"
)

// Meeting reads one meeting with its stays.
func (h *Hub) Meeting(ctx context.Context, ref app.MeetingRef) (app.MeetingDetail, error) {
	var d app.MeetingDetail
	err := h.store.View(ctx, func(tx *store.Tx) error {
		m, err := h.findMeeting(tx, ref.Ref)
		if err != nil {
			return err
		}
		stays, err := tx.Stays(m.ID)
		if err != nil {
			return err
		}
		d = app.MeetingDetail{Meeting: m.Meeting, Participants: make([]app.Stay, 0, len(stays))}
		for _, s := range stays {
			now := s.Stay
			if now.Waiting {
				now.JoinedAt = app.Time{} // of an earlier visit, which has its own row
			}
			d.Participants = append(d.Participants, now)
			for _, v := range s.Earlier {
				once := s.Stay
				once.JoinedAt, once.LeftAt, once.Reason, once.Waiting = app.At(v.Joined), app.At(v.Left), v.Reason, false
				if once.WaitingSince.After(v.Left) {
					once.WaitingSince = app.Time{}
				}
				d.Participants = append(d.Participants, once)
			}
		}
		stable.Sort(d.Participants, byPresence)
		if d.Guests, err = tx.Guests(m.ID); err != nil {
			return err
		}
		recogniseGuests(d.Participants, d.Guests)
		one := []app.Meeting{d.Meeting}
		err = h.giveGuestURLs(tx, one)
		d.Meeting = one[0]
		return err
	})
	return d, err
}

// byPresence sorts those who are present first, in the order of their joining, then those who wait, then those who left, the last
// one first.
func byPresence(a, b app.Stay) int {
	rank := func(s app.Stay) int {
		switch {
		case s.Present():
			return 0
		case s.Waiting:
			return 1
		}
		return 2
	}
	left := 0
	if rank(a) == 2 {
		left = b.LeftAt.Compare(a.LeftAt.Time)
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), left, a.JoinedAt.Compare(b.JoinedAt.Time), cmp.Compare(a.Session, b.Session))
}

// currentMeetings finds each room's live meeting, else its newest open one.
func currentMeetings(tx *store.Tx) (map[string]*app.Meeting, error) {
	unended, err := tx.Unended()
	if err != nil {
		return nil, err
	}
	out := make(map[string]*app.Meeting)
	for i := range unended {
		m := &unended[i].Meeting
		if had := out[m.RoomID]; had == nil || m.Status == app.Live || had.Status != app.Live {
			out[m.RoomID] = m
		}
	}
	return out, nil
}

func latest(tx *store.Tx, roomID string) (*app.Meeting, error) {
	m, err := tx.LatestOf(roomID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return &m.Meeting, err
}

// currentOf finds a room's live meeting, else its newest open one, else its latest, else nil.
func (h *Hub) currentOf(tx *store.Tx, roomID string) (*app.Meeting, error) {
	current, err := currentMeetings(tx)
	if err != nil || current[roomID] != nil {
		return current[roomID], err
	}
	return latest(tx, roomID)
}

func platformMeeting(m app.Meeting, stays []*roster.Stay) provider.Meeting {
	out := provider.Meeting{
		ID: m.PlatformID, Room: m.PlatformRoom, GuestURL: m.GuestURL, Until: m.EndsAt.Time, Keep: m.KeepsRoom(),
	}
	for _, s := range stays {
		if s.Present() {
			out.Sessions = append(out.Sessions, s.Session)
		}
	}
	return out
}

// EndMeeting ends a meeting on its platform and here. One that has ended already is returned as it is.
func (h *Hub) EndMeeting(ctx context.Context, ref app.MeetingRef) (app.Meeting, error) {
	var m roster.Meeting
	var stays []*roster.Stay
	err := h.store.View(ctx, func(tx *store.Tx) (err error) {
		if m, err = h.findMeeting(tx, ref.Ref); err != nil {
			return err
		}
		stays, err = tx.Stays(m.ID)
		return err
	})
	if err != nil || m.Status == app.Ended {
		return m.Meeting, err
	}
	defer h.locks.lock(m.RoomID)()
	return h.endMeeting(ctx, m, stays)
}

// endMeeting is EndMeeting while the meeting's room is locked.
func (h *Hub) endMeeting(ctx context.Context, m roster.Meeting, stays []*roster.Stay) (app.Meeting, error) {
	defer h.locks.lock(recordingOf(m.ID))() // waits for a start of the recording
	if err := h.store.View(ctx, func(tx *store.Tx) (err error) { m, err = tx.Meeting(m.ID); return err }); err != nil ||
		m.Status == app.Ended {
		return m.Meeting, err // ended while we waited
	}
	a, err := h.accountOf(m.Account)
	if err != nil {
		return m.Meeting, err
	}
	err = a.Provider.EndMeeting(ctx, platformMeeting(m.Meeting, stays))
	h.noteCall(a, err)
	if err != nil {
		return m.Meeting, err
	}
	return h.end(context.WithoutCancel(ctx), m.ID, h.now().Time, roster.ReasonEndedHere, app.FromHere)
}

// end stores that a meeting has ended.
func (h *Hub) end(ctx context.Context, id string, at time.Time, why string, from app.Source) (app.Meeting, error) {
	err := h.store.Update(ctx, func(tx *store.Tx) error {
		m, err := tx.Meeting(id)
		if err != nil {
			return err
		}
		m.End(at, why, from)
		noteActivity(tx, &m, app.Activity{At: m.EndedAt, Kind: provider.KindMeetingEnded, Detail: why, Source: from})
		if err := stopRecordings(tx, &m, h.clock.Now()); err != nil {
			return err
		}
		return tx.PutMeeting(m)
	})
	if err != nil {
		return app.Meeting{}, writeError(err)
	}
	return h.meetingNow(ctx, id)
}

// MeetingLink returns a meeting's guest link, or fetches a host link.
func (h *Hub) MeetingLink(ctx context.Context, req app.LinkRequest) (app.Link, error) {
	d, err := h.Meeting(ctx, app.MeetingRef{Ref: req.Meeting})
	if err != nil {
		return app.Link{}, err
	}
	m := d.Meeting
	if m.Status == app.Ended {
		return app.Link{}, app.Errorf(provider.Conflict, "start another with: greenroom meeting start "+plain.Word(m.Room),
			"the meeting of %s has ended", m.Room)
	}
	if !req.Host && m.GuestURL != "" {
		return app.Link{Meeting: m.ID, URL: m.GuestURL}, nil
	}
	a, err := h.accountOf(m.Account)
	if err != nil {
		return app.Link{}, err
	}
	if !req.Host {
		return h.guestLink(ctx, a, m)
	}
	if err := h.noteTokenStart(ctx, a, m); err != nil {
		return app.Link{}, err
	}
	s, err := h.withHostLink(ctx, a, m)
	if err == nil && s.HostURL == "" {
		err = app.Errorf(provider.Unsupported, "", "%s gave no host link", a.Platform)
	}
	return app.Link{Meeting: m.ID, URL: s.HostURL, Host: true}, err
}

// guestLink asks the platform for the link of a meeting that was found there.
func (h *Hub) guestLink(ctx context.Context, a *account, m app.Meeting) (app.Link, error) {
	l, ok := a.Provider.(provider.Linker)
	if !ok {
		return app.Link{}, app.Errorf(provider.Unsupported, "", "%s gave no link", a.Platform)
	}
	links, err := l.Links(ctx, provider.LinkRequest{Meeting: platformMeeting(m, nil)})
	h.noteCall(a, err)
	if a.needsPage(err) {
		links.Guest, err = h.pageURL(ctx, m)
	}
	return app.Link{Meeting: m.ID, URL: links.Guest}, err
}

// noteTokenStart stores that a host link starts the recording, before the link is handed out.
func (h *Hub) noteTokenStart(ctx context.Context, a *account, m app.Meeting) error {
	if !h.tokenStarts(a, m) {
		return nil
	}
	return h.changeMeeting(ctx, m.ID, func(_ *store.Tx, m *roster.Meeting) error { m.TokenStarts = true; return nil })
}
