package hub

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

// nameTries is how many names are tried when the platform says that one is taken.
const nameTries = 5

// Meetings lists meetings: live ones, then open ones, then ended ones, each newest first.
func (h *Hub) Meetings(ctx context.Context, q app.MeetingQuery) ([]app.Meeting, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	out := []app.Meeting{}
	err := h.store.View(ctx, func(tx *store.Tx) error {
		roomID := ""
		if q.Room != "" {
			r, err := findRoom(tx, q.Room)
			if err != nil {
				return err
			}
			roomID = r.ID
		}
		keep := func(m roster.Meeting) bool {
			if (q.Account == "" || q.Account == m.Account) && (q.Status == "" || q.Status == m.Status) &&
				(!q.Unended || m.Status != app.Ended) {
				out = append(out, m.Meeting)
			}
			return len(out) < q.Limit
		}
		var standing []roster.Meeting
		var err error
		if roomID != "" {
			standing, err = tx.RoomMeetings(roomID)
		} else {
			standing, err = tx.Unended()
		}
		if err != nil {
			return err
		}
		slices.Reverse(standing)
		slices.SortStableFunc(standing, func(a, b roster.Meeting) int { return cmp.Compare(liveliness(a), liveliness(b)) })
		for _, m := range standing {
			if !keep(m) {
				return nil
			}
		}
		if roomID != "" || q.Unended || q.Status == app.Open || q.Status == app.Live {
			return nil
		}
		return tx.NewestMeetings(func(m roster.Meeting) bool { return m.Status != app.Ended || keep(m) })
	})
	return out, err
}

func liveliness(m roster.Meeting) int {
	return slices.Index([]app.MeetingStatus{app.Live, app.Open, app.Ended}, m.Status)
}

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
			d.Participants = append(d.Participants, s.Stay)
		}
		slices.SortFunc(d.Participants, byPresence)
		return nil
	})
	return d, err
}

// byPresence puts those who are there first, in the order in which they came, then those who left, the last one first.
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
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	if rank(a) == 2 {
		if c := b.LeftAt.Compare(a.LeftAt.Time); c != 0 {
			return c
		}
	}
	if c := a.JoinedAt.Compare(b.JoinedAt.Time); c != 0 {
		return c
	}
	return cmp.Compare(a.Session, b.Session)
}

// findMeeting finds a meeting by its id, its platform room, or its room's name: the live one, else the latest.
func (h *Hub) findMeeting(tx *store.Tx, ref string) (roster.Meeting, error) {
	m, err := tx.Meeting(ref)
	if !errors.Is(err, store.ErrNotFound) {
		return m, err
	}
	for _, a := range h.order {
		m, err = tx.MeetingByPlatform(a.Name, strings.TrimPrefix(ref, "/"), ref)
		if !errors.Is(err, store.ErrNotFound) {
			return m, err
		}
	}
	r, err := findRoom(tx, ref)
	if err != nil {
		if errors.Is(err, provider.NotFound) {
			return m, notFound("there is no meeting %q, by its id, its platform's room or its room's name", ref)
		}
		return m, err
	}
	current, err := h.currentOf(tx, r.ID)
	if err != nil {
		return m, err
	}
	if current == nil {
		return m, notFound("room %s has had no meeting yet", r.Name)
	}
	return tx.Meeting(current.ID)
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

// StartMeeting returns the room's meeting that is open or live, or makes one on the platform that the policy chooses.
func (h *Hub) StartMeeting(ctx context.Context, req app.StartMeeting) (app.StartedMeeting, error) {
	view, err := h.Room(ctx, app.RoomRef{Ref: req.Room})
	if err != nil {
		return app.StartedMeeting{}, err
	}
	defer h.rooms.lock(view.ID)()
	if view, err = h.Room(ctx, app.RoomRef{Ref: view.ID}); err != nil {
		return app.StartedMeeting{}, err // deleted while we waited
	}
	room := view.Room
	until, err := h.endOf(req)
	if err != nil {
		return app.StartedMeeting{}, err
	}
	if !req.New {
		if s, ok, err := h.reuse(ctx, room); ok || err != nil {
			if err == nil && req.Consent {
				s.Meeting, err = h.Consent(ctx, app.ConsentAnswer{Meeting: s.ID, Given: true})
			}
			return s, err
		}
	}
	choice := h.choose(room)
	a, err := h.usable(choice)
	if err != nil {
		return app.StartedMeeting{}, err
	}
	made, err := h.create(ctx, a, room, until)
	if err != nil {
		return app.StartedMeeting{}, err
	}
	m := roster.Meeting{
		Meeting: app.Meeting{
			ID: h.newID(), Room: room.Name, RoomID: room.ID, Account: a.Name, Platform: a.Platform,
			PlatformID: made.ID, PlatformRoom: made.Room, GuestURL: made.GuestURL, Status: app.Open, StartsAt: h.now(),
			EndsAt: app.At(until), Recording: app.NotRecording, StatusSource: app.FromHere, EvidenceAt: h.now(),
			Chosen: choice.Why, Locked: room.Locked, Size: room.Size, Record: room.Recording, Trigger: room.Trigger,
		},
		Lag: a.Provider.Traits().PresenceLag,
	}
	if req.Consent {
		m.Consent, m.ConsentAt = app.ConsentGiven, h.now()
	}
	m.TokenStarts = h.tokenStarts(a, m.Meeting)
	// The meeting exists on the platform from here on: it is written down even when the caller has gone.
	if err := h.store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if early, err := tx.MeetingByPlatform(a.Name, made.Room, ""); err == nil && early.Adopted {
			return adoptedIsOurs(tx, early, &m)
		} else if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return tx.PutMeeting(m)
	}); err != nil {
		return app.StartedMeeting{}, writeError(err)
	}
	s, err := h.withHostLink(ctx, a, m.Meeting)
	if err != nil {
		s.Notes = append(s.Notes, "the meeting stands, but its host link could not be made: "+err.Error())
	}
	if room.Logo != "" {
		if note := h.uploadLogo(ctx, a, room, made); note != "" {
			s.Notes = append(s.Notes, note)
		}
	}
	return s, nil
}

// adoptedIsOurs takes over what an event that overtook our own note of the meeting made of it.
func adoptedIsOurs(tx *store.Tx, early roster.Meeting, m *roster.Meeting) error {
	m.ID = early.ID
	m.Marks, m.StartedMark, m.EndedMark, m.Recordings = early.Marks, early.StartedMark, early.EndedMark, early.Recordings
	if err := tx.PutMeeting(*m); err != nil {
		return err
	}
	r, err := tx.Room(early.RoomID)
	if err != nil || !r.Adopted {
		return err
	}
	return dropEmpty(tx, r)
}

func (h *Hub) endOf(req app.StartMeeting) (time.Time, error) {
	now := h.clock.Now()
	until := req.Until.Time
	switch {
	case req.For < 0, !req.Until.IsZero() && !until.After(now):
		return until, &app.Error{Kind: provider.Invalid, Text: "the meeting would end in the past"}
	case req.For > 0 && !req.Until.IsZero():
		return until, &app.Error{Kind: provider.Invalid, Text: "a length and an end were both given", Hint: "give one of them"}
	case req.For > 0:
		until = now.Add(req.For)
	case req.Until.IsZero():
		until = now.Add(app.DefaultLength)
	}
	// Platforms take whole seconds; rounding up keeps a short meeting from ending before it began.
	if cut := until.Truncate(time.Second); !cut.Equal(until) {
		until = cut.Add(time.Second)
	}
	return until.UTC(), nil
}

// reuse returns the room's current meeting when there is one that still stands.
func (h *Hub) reuse(ctx context.Context, room app.Room) (app.StartedMeeting, bool, error) {
	var m *app.Meeting
	err := h.store.View(ctx, func(tx *store.Tx) (err error) {
		m, err = h.currentOf(tx, room.ID)
		return err
	})
	if err != nil || m == nil || m.Status == app.Ended {
		return app.StartedMeeting{}, false, err
	}
	a, err := h.accountOf(m.Account)
	if err != nil {
		return app.StartedMeeting{}, false, err
	}
	if !m.EndsAt.IsZero() && h.clock.Now().After(m.EndsAt.Time) {
		if m.Here > 0 {
			return app.StartedMeeting{}, false, nil // they may stay, but it is over
		}
		_, err := h.end(ctx, m.ID, m.EndsAt.Time, roster.ReasonExpired, app.FromClock)
		return app.StartedMeeting{}, false, err
	}
	if l, ok := a.Provider.(provider.Looker); ok {
		_, err := l.Lookup(ctx, platformMeeting(*m, nil))
		h.noteCall(a, err)
		if errors.Is(err, provider.NotFound) && m.Here == 0 {
			_, err := h.end(ctx, m.ID, h.clock.Now(), roster.ReasonGone, app.FromPlatform)
			return app.StartedMeeting{}, false, err
		}
	}
	s, err := h.withHostLink(ctx, a, *m)
	s.Reused = true
	return s, true, err
}

// overdue says whether the meeting's end has passed: on a platform that removes the room then, whoever is in it;
// elsewhere once it is empty.
func (h *Hub) overdue(m app.Meeting, a *account) bool {
	if m.EndsAt.IsZero() || m.Status == app.Ended {
		return false
	}
	linger := a.Provider.Traits().Linger
	return h.clock.Now().After(m.EndsAt.Add(linger)) && (m.Here == 0 || linger > 0)
}

// create makes the meeting on the platform under a name that nobody has.
func (h *Hub) create(ctx context.Context, a *account, room app.Room, until time.Time) (provider.Meeting, error) {
	slug := Slug(room.Name)
	base := slug + "-" + h.clock.Now().UTC().Format("20060102150405")
	name := base
	for try := 1; ; try++ {
		made, err := a.Provider.CreateMeeting(ctx, provider.MeetingSpec{
			Name: name, Room: slug, Locked: room.Locked, Size: room.Size, Until: until,
			Recording: room.Recording, Trigger: room.Trigger,
		})
		h.noteCall(a, err)
		if err == nil || !errors.Is(err, provider.Conflict) || try == nameTries {
			return made, err
		}
		name = base + "-" + strings.ToLower(rand.Text()[:6])
	}
}

// Slug makes a room's name legal on every platform: letters, digits, hyphen and underscore, at most 64 of them.
func Slug(name string) string {
	var b strings.Builder
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() == 64 {
			break
		}
	}
	if s := strings.Trim(b.String(), "-"); s != "" {
		return s
	}
	return "room"
}

func (h *Hub) withHostLink(ctx context.Context, a *account, m app.Meeting) (app.StartedMeeting, error) {
	s := app.StartedMeeting{Meeting: m}
	l, ok := a.Provider.(provider.Linker)
	if !ok {
		s.Notes = append(s.Notes, fmt.Sprintf("%s has no host links", a.Platform))
		return s, nil
	}
	start := h.tokenStarts(a, m)
	links, err := l.Links(ctx, provider.LinkRequest{Meeting: platformMeeting(m, nil), Host: true, StartRecording: start})
	h.noteCall(a, err)
	if err != nil {
		return s, err
	}
	s.HostURL = links.Host
	return s, nil
}

// tokenStarts says whether the host's link shall start the recording by itself: where nobody watches the meeting to do
// it from here. Both at once would record twice.
func (h *Hub) tokenStarts(a *account, m app.Meeting) bool {
	r, ok := a.Provider.(provider.Recorder)
	return ok && !h.started.Load() && m.Record == provider.RecordingCloud && m.Trigger == provider.TriggerAutomatic &&
		slices.Equal(r.RecordingKinds(), []string{"cloud"})
}

func platformMeeting(m app.Meeting, stays []*roster.Stay) provider.Meeting {
	out := provider.Meeting{
		ID: m.PlatformID, Room: m.PlatformRoom, GuestURL: m.GuestURL, Until: m.EndsAt.Time, Keep: m.Adopted,
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
	defer h.rooms.lock(m.RoomID)()
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

// end writes down that a meeting has ended for good.
func (h *Hub) end(ctx context.Context, id string, at time.Time, why string, from app.Source) (app.Meeting, error) {
	err := h.store.Update(ctx, func(tx *store.Tx) error {
		m, err := tx.Meeting(id)
		if err != nil {
			return err
		}
		m.End(at, why, from)
		tx.Changed(app.Change{Kind: app.ActivityChange, Activity: &app.Activity{
			At: m.EndedAt, Account: m.Account, Meeting: m.ID, Room: m.Room, Kind: provider.KindMeetingEnded,
			Detail: why, Source: from,
		}})
		if err := stopRecordings(tx, &m, h.clock.Now()); err != nil {
			return err
		}
		return tx.PutMeeting(m)
	})
	if err != nil {
		return app.Meeting{}, writeError(err)
	}
	var m roster.Meeting
	err = h.store.View(ctx, func(tx *store.Tx) (err error) { m, err = tx.Meeting(id); return err })
	return m.Meeting, err
}

// MeetingLink gives a meeting's guest or host link. The host's is minted now.
func (h *Hub) MeetingLink(ctx context.Context, req app.LinkRequest) (app.Link, error) {
	d, err := h.Meeting(ctx, app.MeetingRef{Ref: req.Meeting})
	if err != nil {
		return app.Link{}, err
	}
	m := d.Meeting
	if m.Status == app.Ended {
		return app.Link{}, &app.Error{
			Kind: provider.Conflict, Text: fmt.Sprintf("the meeting of %s has ended", m.Room),
			Hint: "start another with: greenroom meeting start " + plain.Word(m.Room),
		}
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
		err = &app.Error{Kind: provider.Unsupported, Text: fmt.Sprintf("%s gave no host link", a.Platform)}
	}
	return app.Link{Meeting: m.ID, URL: s.HostURL, Host: true}, err
}

// guestLink asks the platform for the link of a meeting that was found there.
func (h *Hub) guestLink(ctx context.Context, a *account, m app.Meeting) (app.Link, error) {
	l, ok := a.Provider.(provider.Linker)
	if !ok {
		return app.Link{}, &app.Error{Kind: provider.Unsupported, Text: fmt.Sprintf("%s gave no link", a.Platform)}
	}
	links, err := l.Links(ctx, provider.LinkRequest{Meeting: platformMeeting(m, nil)})
	h.noteCall(a, err)
	return app.Link{Meeting: m.ID, URL: links.Guest}, err
}

// noteTokenStart remembers, before the link is handed out, that it starts the recording.
func (h *Hub) noteTokenStart(ctx context.Context, a *account, m app.Meeting) error {
	if !h.tokenStarts(a, m) {
		return nil
	}
	return h.changeMeeting(ctx, m.ID, func(_ *store.Tx, m *roster.Meeting) error { m.TokenStarts = true; return nil })
}
