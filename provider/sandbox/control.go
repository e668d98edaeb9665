package sandbox

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"greenroom/provider"
)

// RoomState is a room in the control API.
type RoomState struct {
	Platform   provider.Platform `json:"platform"`
	Room       string            `json:"room"`
	ID         string            `json:"id"`
	CreatedAt  time.Time         `json:"created_at"`
	Locked     bool              `json:"locked"`
	Deleted    bool              `json:"deleted"`
	People     []PersonState     `json:"people"`
	Waiting    []PersonState     `json:"waiting"`
	Recordings []RecordingState  `json:"recordings"`
}

// PersonState is a person in a room.
type PersonState struct {
	Session  string    `json:"session"`
	Name     string    `json:"name"`
	Role     string    `json:"role"`
	Owner    bool      `json:"owner"`
	JoinedAt time.Time `json:"joined_at"`
}

// RecordingState is a room's recording.
type RecordingState struct {
	ID    string `json:"id"`
	Kind  string `json:"kind"`
	State string `json:"state"`
}

// Rooms returns every room, oldest first, including deleted ones that still have people.
func (w *World) Rooms() []RoomState {
	w.lock()
	defer w.unlock()
	out := []RoomState{}
	for _, r := range w.rooms {
		if !r.deleted || len(r.here()) > 0 {
			out = append(out, w.stateOf(r))
		}
	}
	return out
}

// Room returns one room.
func (w *World) Room(p provider.Platform, name string) (RoomState, error) {
	return inRoom(w, p, name, func(r *room, _ time.Time) (RoomState, error) { return w.stateOf(r), nil })
}

func (w *World) stateOf(r *room) RoomState {
	person := func(s *stay) PersonState {
		return PersonState{s.id, s.person.Name, s.person.role(), s.person.Owner, s.joinedAt}
	}
	st := RoomState{
		Platform: r.platform, Room: r.name, ID: r.id, CreatedAt: r.createdAt, Locked: r.locked, Deleted: r.deleted,
		People: []PersonState{}, Waiting: []PersonState{}, Recordings: []RecordingState{},
	}
	for _, s := range r.here() {
		st.People = append(st.People, person(s))
	}
	for _, s := range w.waiting {
		if s.room == r {
			st.Waiting = append(st.Waiting, person(s))
		}
	}
	for _, rec := range r.recordings {
		st.Recordings = append(st.Recordings, RecordingState{rec.id, rec.kind, string(rec.state)})
	}
	return st
}

// span is a duration: in JSON a text in Go's form, "1m30s", or a number of seconds, at most [maxSpan].
type span time.Duration

// maxSpan is the longest accepted duration: a longer one is a mistake in the unit.
const maxSpan = 366 * 24 * time.Hour

// MarshalJSON writes the text.
func (s span) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(s).String()) }

func (s *span) UnmarshalJSON(b []byte) error {
	var words string
	var seconds float64
	if json.Unmarshal(b, &words) == nil {
		d, err := time.ParseDuration(words)
		if err != nil {
			return fmt.Errorf("%q is no duration: write it like \"1.5s\" or 1.5", words)
		}
		seconds = d.Seconds()
	} else if err := json.Unmarshal(b, &seconds); err != nil {
		return fmt.Errorf("%s is no duration: write it like \"1.5s\" or 1.5", b)
	}
	if seconds < -maxSpan.Seconds() || seconds > maxSpan.Seconds() {
		return fmt.Errorf("%g seconds are more than a year: numbers are seconds", seconds)
	}
	*s = span(seconds * float64(time.Second))
	return nil
}

// MarshalJSON writes a fault in the form that UnmarshalJSON reads.
func (f Fault) MarshalJSON() ([]byte, error) {
	type fields Fault
	return json.Marshal(struct {
		fields
		Delay span `json:"delay,omitempty"`
	}{fields(f), span(f.Delay)})
}

// UnmarshalJSON reads a fault whose delay is a text such as "1m30s", or a number of seconds.
func (f *Fault) UnmarshalJSON(b []byte) error {
	type fields Fault
	v := struct {
		*fields
		Delay span `json:"delay"`
	}{fields: (*fields)(f)}
	if err := strictly(b, &v); err != nil {
		return err
	}
	f.Delay = time.Duration(v.Delay)
	return nil
}

// UnmarshalJSON reads a step whose time may be written as "1m30s".
func (s *Step) UnmarshalJSON(b []byte) error {
	type fields Step
	v := struct {
		*fields
		After span `json:"after"`
	}{fields: (*fields)(s)}
	if err := strictly(b, &v); err != nil {
		return err
	}
	s.After = time.Duration(v.After)
	return nil
}

// strictly reads JSON without unknown fields and without anything after it.
func strictly(b []byte, v any) error {
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("sandbox: something follows the JSON")
	}
	return nil
}

// request is the body of any POST of the control API.
type request struct {
	Advance   span            `json:"advance"`
	Session   string          `json:"session"`
	Reason    string          `json:"reason"`
	Recording string          `json:"recording"`
	URL       string          `json:"url"`
	Secret    string          `json:"secret"`
	Events    []string        `json:"events"`
	Type      string          `json:"type"`
	Payload   json.RawMessage `json:"payload"`

	// For and BytesPerSecond are the length of a past recording and the rate of its file.
	For            span  `json:"for"`
	BytesPerSecond int64 `json:"bytes_per_second"`
}

var errNoCall = errors.New("sandbox: no such call")

// serveControl serves the control API in the package's documentation.
func (w *World) serveControl(rw http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Origin") != "" {
		write(rw, answer{status: 403, body: map[string]any{"error": "sandbox: not for browsers"}})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, bodyLimit))
	if err == nil {
		path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
		var result any
		if result, err = w.control(r, path, body); err == nil {
			write(rw, ok(result))
			return
		}
	}
	status := 400
	if errors.Is(err, errNoCall) || errors.Is(err, ErrNoRoom) || errors.Is(err, ErrNoSession) {
		status = 404
	}
	write(rw, answer{status: status, body: map[string]any{"error": err.Error()}})
}

func (w *World) control(r *http.Request, path []string, body []byte) (any, error) {
	done := map[string]any{"ok": true}
	what := r.Method + " " + path[0]
	if len(path) >= 3 && path[0] == "rooms" {
		return w.controlRoom(r.Method, path[1], path[2], strings.Join(path[3:], "/"), body)
	}
	if len(path) == 2 && (path[0] == "webhooks" || path[0] == "emit") {
		return w.controlHooks(r.Method, path, body)
	}
	if len(path) != 1 {
		return nil, errNoCall
	}
	ctx, cancel := context.WithTimeout(r.Context(), 30*time.Second)
	defer cancel()
	switch what {
	case "GET info":
		base := w.baseOf(r)
		return map[string]any{
			"daily": map[string]any{
				"url": base + "/daily/v1", "key": w.opt.DailyKey, "webhook_secret": w.opt.DailyWebhookSecret,
			},
			"whereby": map[string]any{
				"url": base + "/whereby/v1", "key": w.opt.WherebyKey, "webhook_secret": w.opt.WherebyWebhookSecret,
			},
			"livekit": map[string]any{
				"url": base + "/livekit", "key": w.opt.LiveKitKey, "secret": w.opt.LiveKitSecret,
			},
		}, nil
	case "GET clock":
		return map[string]any{"now": w.Now()}, nil
	case "POST clock":
		return w.advance(ctx, body)
	case "POST settle":
		return done, w.Settle(ctx)
	case "GET rooms":
		return w.Rooms(), nil
	case "GET webhooks":
		return w.Webhooks(), nil
	case "GET deliveries":
		return w.Attempts(), nil
	case "GET faults":
		return w.Faults(), nil
	case "DELETE faults":
		w.ClearFaults()
		return done, nil
	case "POST faults":
		var f Fault
		if err := strictly(body, &f); err != nil {
			return nil, err
		}
		id, err := w.Fault(f)
		return map[string]any{"id": id}, err
	}
	return nil, errNoCall
}

func (w *World) advance(ctx context.Context, body []byte) (any, error) {
	var q request
	if err := strictly(body, &q); err != nil {
		return nil, err
	}
	fake, can := w.clock.(interface{ Advance(time.Duration) })
	if !can {
		return nil, errors.New("sandbox: the clock is the real one and can't be advanced")
	}
	if q.Advance <= 0 {
		return nil, errors.New("sandbox: advance must be a duration above zero")
	}
	if err := w.Settle(ctx); err != nil {
		return nil, err
	}
	fake.Advance(time.Duration(q.Advance))
	if err := w.Settle(ctx); err != nil {
		return nil, err
	}
	return map[string]any{"now": w.Now()}, nil
}

func (w *World) controlHooks(method string, path []string, body []byte) (any, error) {
	p, err := platformOf(path[1])
	if err != nil {
		return nil, err
	}
	if method == http.MethodDelete && path[0] == "webhooks" {
		return map[string]any{"removed": w.RemoveWebhooks(p)}, nil
	}
	if method != http.MethodPost {
		return nil, errNoCall
	}
	var q request
	if err := strictly(body, &q); err != nil {
		return nil, err
	}
	if path[0] == "webhooks" {
		id, err := w.SetWebhook(p, q.URL, q.Secret, q.Events...)
		return map[string]any{"id": id}, err
	}
	if q.Type == "" {
		return nil, errors.New("sandbox: type is required")
	}
	payload := q.Payload
	if len(payload) == 0 {
		payload = json.RawMessage("{}")
	}
	return map[string]any{"ok": true}, w.Emit(p, q.Type, payload)
}

func (w *World) controlRoom(method, platform, room, what string, body []byte) (any, error) {
	p, err := platformOf(platform)
	if err != nil {
		return nil, err
	}
	if method == http.MethodGet && what == "" {
		return w.Room(p, room)
	}
	if method != http.MethodPost {
		return nil, errNoCall
	}
	if len(body) == 0 {
		body = []byte("{}")
	}
	session := func(id string, err error) (any, error) { return map[string]any{"session": id}, err }
	done := func(err error) (any, error) { return map[string]any{"ok": true}, err }
	switch what {
	case "join", "knock":
		var who Person
		if err := strictly(body, &who); err != nil {
			return nil, err
		}
		if what == "join" {
			return session(w.Join(p, room, who))
		}
		return session(w.Knock(p, room, who))
	case "play":
		var s Script
		if err := strictly(body, &s); err != nil {
			return nil, err
		}
		return done(w.Play(p, room, s))
	}
	var q request
	if err := strictly(body, &q); err != nil {
		return nil, err
	}
	var ids []string
	if q.Recording != "" {
		ids = []string{q.Recording}
	}
	switch what {
	case "admit":
		return session(q.Session, w.Admit(q.Session))
	case "deny":
		return done(w.Deny(q.Session))
	case "leave":
		return done(w.Leave(q.Session, q.Reason))
	case "drop":
		return done(w.Drop(q.Session))
	case "end":
		return done(w.EndAll(p, room))
	case "record/start":
		id, err := w.StartRecording(p, room)
		return map[string]any{"recording": id}, err
	case "record/finish":
		return done(w.FinishRecording(p, room, ids...))
	case "record/past":
		length := cmp.Or(max(time.Duration(q.For), 0), time.Minute)
		id, err := w.AddRecording(p, room, PastRecording{StartedAt: w.Now().Add(-length).Truncate(time.Second), For: length, BytesPerSecond: q.BytesPerSecond})
		return map[string]any{"recording": id}, err
	case "record/fail":
		return done(w.FailRecording(p, room, ids...))
	}
	return nil, errNoCall
}
