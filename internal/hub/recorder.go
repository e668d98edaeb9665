package hub

import (
	"cmp"
	"context"
	"crypto/sha1"
	"fmt"
	"maps"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/catalog"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

const (
	// startTries is how often a start is tried while the platform reports the meeting as empty against other evidence, startAgain
	// the pause.
	startTries = 5
	startAgain = 2 * time.Second
	// startPause is the longest pause between starts while the platform is unavailable.
	startPause = 30 * time.Second
	// tokenTime is how long a host link has to start the recording before it is started from here. Presence doesn't show who is a
	// host, so any participant may be.
	tokenTime = 15 * time.Second
	// confirmTime is how long the platform has to confirm a recording whose start it accepted.
	confirmTime = 3 * time.Minute
)

// instanceSpace is the namespace of the ids under which recordings are started.
const instanceSpace = "\x8f\x1c\x2b\x4e\x0d\x63\x5a\x17\x9b\x70\x44\xe2\x31\xa6\x5d\xc8"

// instanceID returns the id under which a kind of recording of a meeting is started: a version 5 UUID, always the same, so that a
// repeated start, even after a restart, makes no second recording.
func instanceID(meeting, kind string) string {
	sum := sha1.Sum([]byte(instanceSpace + meeting + "/" + kind))
	u := sum[:16]
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// wantsRecording returns how many people must be in a meeting for its recording to start automatically; 0 is never.
func wantsRecording(m app.Meeting) int {
	switch {
	case m.Record != provider.RecordingCloud || m.Status != app.Live:
		return 0
	case m.Trigger == provider.TriggerAutomatic:
		return 1
	case m.Trigger == provider.TriggerAutomatic2nd:
		return 2
	}
	return 0
}

// autoRecorder starts the recordings of an account's meetings when enough people are there, once for each gathering: a stopped
// recording stays stopped until the meeting was empty and a participant returns.
type autoRecorder struct {
	hub     *Hub
	account *account
	record  provider.Recorder
	tries   map[string]*startTry
}

// startTry is a start that has not succeeded yet.
type startTry struct {
	since, begun, next time.Time
	n                  int
}

func newAutoRecorder(h *Hub, a *account) (*autoRecorder, bool) {
	r, ok := a.Provider.(provider.Recorder)
	return &autoRecorder{hub: h, account: a, record: r, tries: make(map[string]*startTry)}, ok
}

func (r *autoRecorder) turn(ctx context.Context) {
	h, now := r.hub, r.hub.clock.Now()
	unended, err := h.unended(ctx, r.account)
	if err != nil {
		h.complain(err, "the meetings to record could not be read", r.account)
		return
	}
	var due []string
	for _, m := range unended {
		if !m.RecordAsked.IsZero() && now.Sub(m.RecordAsked) > confirmTime {
			h.recordingNotStarted(ctx, m.ID, time.Time{}, "the platform accepted the start of a recording but has not confirmed it")
		}
		if need := wantsRecording(m.Meeting); need > 0 && m.Here >= need {
			due = append(due, m.ID)
		}
	}
	maps.DeleteFunc(r.tries, func(id string, _ *startTry) bool { return !slices.Contains(due, id) })
	for _, id := range due {
		if ctx.Err() == nil {
			r.attempt(ctx, id)
		}
	}
}

// attempt starts one meeting's recording if it is due. It locks the recording and reads the meeting again, since the list of due
// meetings may be old.
func (r *autoRecorder) attempt(ctx context.Context, id string) {
	h := r.hub
	defer h.locks.lock(recordingOf(id))()
	m, since, due, err := h.gathering(ctx, id)
	if err != nil {
		h.complain(err, "a meeting to record could not be read", r.account)
		return
	}
	now, try := h.clock.Now(), r.tries[id]
	if !due {
		delete(r.tries, id)
		return
	}
	if try == nil || !try.since.Equal(since) {
		try = &startTry{since: since, begun: now}
		r.tries[id] = try
	}
	switch {
	case now.Before(try.next):
		return
	case m.Recording == app.IsRecording:
		// The user or the host link was faster.
		h.recordingStarted(ctx, m.ID, since, time.Time{})
		return
	case m.TokenStarts && now.Sub(try.begun) < tokenTime:
		try.next = now.Add(tokenTime / 3)
		h.lookForRecordings(ctx, r.account, m.PlatformRoom)
		return
	}
	err = h.startKinds(ctx, r.account, r.record, m.Meeting)
	if ctx.Err() != nil {
		return
	}
	h.noteCall(r.account, err)
	try.n++
	switch kind := provider.KindOf(err); {
	case err == nil:
		delete(r.tries, m.ID)
		h.recordingStarted(ctx, m.ID, since, now)
	case kind == provider.NotReady && try.n < startTries:
		try.next = now.Add(startAgain)
	case kind == provider.RateLimited, kind == provider.Unavailable:
		try.next = now.Add(max(retryAfter(err, startAgain), min(startAgain<<min(try.n, 5), startPause)))
		h.noteMeeting(ctx, m.ID, func(tx *store.Tx, m *roster.Meeting) error {
			m.StartError, m.StartErrorAt = err.Error(), h.clock.Now().UTC()
			return noteRecording(tx, m)
		})
	default:
		delete(r.tries, m.ID)
		h.recordingNotStarted(ctx, m.ID, since, err.Error())
	}
}

// recordingOf returns the key of the lock for starting and stopping a meeting's recording.
func recordingOf(meeting string) string { return "recording " + meeting }

// gathering reads a meeting and since when people have been in it, and reports whether its recording must start automatically: enough
// people are there, and this gathering has had no recording yet.
func (h *Hub) gathering(ctx context.Context, id string) (m roster.Meeting, since time.Time, due bool, err error) {
	err = h.store.View(ctx, func(tx *store.Tx) (err error) {
		if m, err = tx.Meeting(id); err != nil {
			return err
		}
		need := wantsRecording(m.Meeting)
		if need == 0 || m.Here < need || m.Recording == app.IsRecording && !m.RecordFor.IsZero() {
			return nil
		}
		stays, err := tx.Stays(id)
		var people int
		since, people = roster.Gather(stays)
		due = people >= need && since.After(m.RecordFor)
		return err
	})
	return m, since, due, err
}

// startKinds starts each kind of recording that the account makes. Webhooks of single recordings go to the tunnel.
func (h *Hub) startKinds(ctx context.Context, a *account, r provider.Recorder, m app.Meeting) error {
	hook := ""
	if t, live := h.hookOf(a); live {
		hook = t.URL
	}
	for _, kind := range r.RecordingKinds() {
		err := r.StartRecording(ctx, platformMeeting(m, nil), provider.RecordingStart{
			Kind: kind, Instance: instanceID(m.ID, kind), HookURL: hook,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// StartRecording starts a meeting's recording now; see [app.Backend].
func (h *Hub) StartRecording(ctx context.Context, req app.RecordingSwitch) (app.Meeting, error) {
	m, a, r, unlock, err := h.recorderOf(ctx, req)
	if err != nil {
		return m.Meeting, err
	}
	defer unlock()
	if m.Recording == app.IsRecording {
		return m.Meeting, nil
	}
	now := h.clock.Now()
	err = h.startKinds(ctx, a, r, m.Meeting)
	h.noteCall(a, err)
	if err != nil {
		return m.Meeting, err
	}
	h.recordingStarted(context.WithoutCancel(ctx), m.ID, now, now)
	return h.meetingNow(ctx, m.ID)
}

// StopRecording stops the known recordings of a meeting, and those that Greenroom would have started; see [app.Backend].
func (h *Hub) StopRecording(ctx context.Context, req app.RecordingSwitch) (app.Meeting, error) {
	m, a, r, unlock, err := h.recorderOf(ctx, req)
	if err != nil {
		return m.Meeting, err
	}
	defer unlock()
	stops := map[provider.RecordingStart]bool{}
	for _, kind := range r.RecordingKinds() {
		stops[provider.RecordingStart{Kind: kind, Instance: instanceID(m.ID, kind)}] = true
	}
	if err := h.store.View(ctx, func(tx *store.Tx) error {
		all, err := recordingsOf(tx, &m)
		for _, rec := range all {
			if rec.Status != app.RecordingRunning {
				continue
			}
			kind := "cloud"
			if rec.Kind == "tracks" {
				kind = "raw-tracks"
			}
			stops[provider.RecordingStart{Kind: kind, Instance: rec.Instance}] = true
		}
		return err
	}); err != nil {
		return m.Meeting, err
	}
	for s := range stops {
		err := r.StopRecording(ctx, platformMeeting(m.Meeting, nil), s)
		h.noteCall(a, err)
		if err != nil {
			return m.Meeting, err
		}
	}
	err = h.changeMeeting(context.WithoutCancel(ctx), m.ID, func(tx *store.Tx, m *roster.Meeting) error {
		now := h.clock.Now().UTC()
		m.RecordFor, m.RecordAsked = app.Later(m.RecordFor, now), time.Time{}
		m.StartError, m.ErrorsFrom = "", now
		return stopRecordings(tx, m, now)
	})
	if err != nil {
		return m.Meeting, err
	}
	return h.meetingNow(ctx, m.ID)
}

// recorderOf finds the meeting whose recording is to be started or stopped, and locks its recording.
func (h *Hub) recorderOf(
	ctx context.Context, req app.RecordingSwitch,
) (m roster.Meeting, a *account, r provider.Recorder, unlock func(), err error) {
	read := func(ref string) error {
		return h.store.View(ctx, func(tx *store.Tx) (err error) { m, err = h.findMeeting(tx, ref); return err })
	}
	if err = read(req.Meeting); err != nil {
		return m, nil, nil, nil, err
	}
	held := h.locks.lock(recordingOf(m.ID))
	defer func() {
		if err != nil {
			held()
		}
	}()
	if err = read(m.ID); err != nil {
		return m, nil, nil, nil, err
	}
	if m.Status == app.Ended {
		return m, nil, nil, nil, app.Errorf(provider.Conflict, "", "the meeting of %s has ended", m.Room)
	}
	if a, err = h.accountOf(m.Account); err != nil {
		return m, nil, nil, nil, err
	}
	r, ok := a.Provider.(provider.Recorder)
	if !ok {
		err = cannot(a, provider.AbilityRecord)
	}
	return m, a, r, held, err
}

// recordingStarted stores that the gathering since a time has its recording, which was requested from here at asked, zero for
// elsewhere.
func (h *Hub) recordingStarted(ctx context.Context, id string, since, asked time.Time) {
	h.noteMeeting(ctx, id, func(tx *store.Tx, m *roster.Meeting) error {
		m.RecordFor, m.StartError = app.Later(m.RecordFor, since.UTC()), ""
		if !asked.IsZero() {
			m.RecordAsked, m.ErrorsFrom = asked.UTC(), asked.Add(-catalog.ClockSlack).UTC()
		}
		return noteRecording(tx, m)
	})
}

// recordingNotStarted stores why the gathering since a time is not recorded.
func (h *Hub) recordingNotStarted(ctx context.Context, id string, since time.Time, why string) {
	h.noteMeeting(ctx, id, func(tx *store.Tx, m *roster.Meeting) error {
		m.RecordFor, m.RecordAsked = app.Later(m.RecordFor, since.UTC()), time.Time{}
		m.StartError, m.StartErrorAt = why, h.clock.Now().UTC()
		return noteRecording(tx, m)
	})
}

// noteMeeting is changeMeeting in the background: it logs errors.
func (h *Hub) noteMeeting(ctx context.Context, id string, change func(*store.Tx, *roster.Meeting) error) {
	if err := h.changeMeeting(ctx, id, change); err != nil && ctx.Err() == nil && h.ctx.Err() == nil {
		h.log.Error("a meeting could not be stored", "meeting", id, "err", err)
	}
}

// changeMeeting changes one meeting in a transaction.
func (h *Hub) changeMeeting(ctx context.Context, id string, change func(*store.Tx, *roster.Meeting) error) error {
	return writeError(h.store.Update(ctx, func(tx *store.Tx) error {
		m, known, err := store.Found(tx.Meeting(id))
		if !known {
			return cmp.Or(err, notFound("there is no meeting %q", id))
		}
		if err := change(tx, &m); err != nil {
			return err
		}
		return tx.PutMeeting(m)
	}))
}

// meetingNow reads a meeting as it is after a change.
func (h *Hub) meetingNow(ctx context.Context, id string) (app.Meeting, error) {
	m, err := store.Read(ctx, h.store, func(tx *store.Tx) (roster.Meeting, error) { return tx.Meeting(id) })
	return m.Meeting, err
}
