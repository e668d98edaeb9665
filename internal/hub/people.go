package hub

import (
	"cmp"
	"context"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

// Eject removes a participant from a meeting; see [app.Backend]. They count as left at once, since the platform has confirmed it.
func (h *Hub) Eject(ctx context.Context, req app.Ejection) (app.MeetingDetail, error) {
	d, err := h.Meeting(ctx, app.MeetingRef{Ref: req.Meeting})
	if err != nil {
		return d, err
	}
	who, err := participantOf(d, req.Session)
	if err != nil {
		return d, err
	}
	if !who.LeftAt.IsZero() {
		return d, nil
	}
	a, err := h.accountOf(d.Account)
	if err != nil {
		return d, err
	}
	e, ok := a.Provider.(provider.Ejector)
	if !ok {
		return d, cannot(a, provider.AbilityEject)
	}
	person := provider.Participant{Session: who.Session, Name: who.Name, UserID: who.UserID}
	banned, err := e.Eject(ctx, platformMeeting(d.Meeting, nil), person, req.Ban)
	h.noteCall(a, err)
	if err != nil {
		return d, err
	}
	now := h.now()
	err = h.store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		m, err := tx.Meeting(d.ID)
		if err != nil {
			return err
		}
		s, _, err := store.Found(tx.Stay(d.ID, req.Session))
		if err != nil {
			return err
		}
		p := provider.Participant{Session: req.Session, LeftAt: now.Time, Reason: provider.ReasonRemoved}
		if s.Waiting {
			s.GaveUp(p, now.Time)
		} else {
			s.Left(p, now.Time, app.FromHere)
		}
		noteActivity(tx, &m, app.Activity{
			At: now, Kind: provider.KindParticipantLeft, Who: nameOf(s), Detail: provider.ReasonRemoved, Source: app.FromHere,
		})
		return tx.PutStay(d.ID, s)
	})
	if err != nil {
		return d, writeError(err)
	}
	if req.Ban && !banned {
		return d, app.Errorf(provider.Unsupported, "people have a user id if their link carries a token with one",
			"%s was removed but can rejoin: %s has no user id to ban", plain.Text(cmp.Or(who.Name, who.Session)), a.Platform)
	}
	return h.Meeting(ctx, app.MeetingRef{Ref: d.ID})
}

// participantOf finds the participant with a session.
func participantOf(d app.MeetingDetail, session string) (*app.Stay, error) {
	for i := range d.Participants {
		if d.Participants[i].Session == session { // present ones come first
			return &d.Participants[i], nil
		}
	}
	return nil, notFound("no one in the meeting of %s has the session %q", d.Room, session)
}

// Mute mutes or unmutes a participant; see [app.Backend].
func (h *Hub) Mute(ctx context.Context, req app.Muting) (app.Muted, error) {
	done := app.Muted{Session: req.Session}
	d, err := h.Meeting(ctx, app.MeetingRef{Ref: req.Meeting})
	if err != nil {
		return done, err
	}
	done.Meeting = d.ID
	who, err := participantOf(d, req.Session)
	if err != nil {
		return done, err
	}
	if !who.LeftAt.IsZero() {
		return done, notFound("%s has left the meeting of %s", plain.Text(cmp.Or(who.Name, who.Session)), d.Room)
	}
	if !req.Audio && !req.Video {
		return done, invalid("", "choose audio, video or both")
	}
	a, err := h.accountOf(d.Account)
	if err != nil {
		return done, err
	}
	m, ok := a.Provider.(provider.Muter)
	if !ok {
		return done, cannot(a, provider.AbilityMute)
	}
	person := provider.Participant{Session: who.Session, Name: who.Name, UserID: who.UserID}
	done.Tracks, err = m.Mute(ctx, platformMeeting(d.Meeting, nil), person, provider.Muting{Audio: req.Audio, Video: req.Video, Off: req.Off})
	h.noteCall(a, err)
	return done, err
}

// Consent stores the answer to the question that a recorded meeting asks; see [app.Backend].
func (h *Hub) Consent(ctx context.Context, c app.ConsentAnswer) (app.Meeting, error) {
	d, err := h.Meeting(ctx, app.MeetingRef{Ref: c.Meeting})
	if err != nil {
		return d.Meeting, err
	}
	if err := h.changeMeeting(ctx, d.ID, func(_ *store.Tx, m *roster.Meeting) error {
		m.Consent, m.ConsentAt = app.ConsentDeclined, h.now()
		if c.Given {
			m.Consent = app.ConsentGiven
		}
		return nil
	}); err != nil {
		return d.Meeting, err
	}
	return h.meetingNow(ctx, d.ID)
}
