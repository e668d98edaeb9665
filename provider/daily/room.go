package daily

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// roomObject is a room as returned by Daily. Config holds only what differs from the defaults.
type roomObject struct {
	ID        rest.Text  `json:"id"`
	Name      rest.Text  `json:"name"`
	Privacy   rest.Text  `json:"privacy"`
	URL       string     `json:"url"`
	CreatedAt rest.Time  `json:"created_at"`
	Config    roomConfig `json:"config"`
}

// roomConfig is the part of a room's settings that we read.
type roomConfig struct {
	Exp             rest.Number `json:"exp"`
	MaxParticipants rest.Number `json:"max_participants"`
	EnableKnocking  rest.Flag   `json:"enable_knocking"`
}

// meeting converts a room to a meeting, or reports what it lacks.
func (p *Provider) meeting(op string, r roomObject) (provider.Meeting, error) {
	if r.Name == "" {
		return provider.Meeting{}, p.client.Malformed(op, "", "the response is not a room: it has no name")
	}
	link, err := rest.Link(r.URL)
	if err != nil {
		return provider.Meeting{}, p.client.Malformed(op, string(r.Name), err.Error())
	}
	m := provider.Meeting{ID: string(r.ID), Room: string(r.Name), GuestURL: link, CreatedAt: r.CreatedAt.Time}
	if r.Config.Exp.Given {
		m.Until = seconds(r.Config.Exp)
	}
	return m, nil
}

// endless is the first second beyond RFC 3339: the year 10000.
const endless = 253402300800

// seconds returns the time of seconds since 1970; unlike times in events, an exp is never in milliseconds. One beyond the year
// 9999 is no end.
func seconds(exp rest.Number) time.Time {
	if v := exp.Int(); v > 0 && v < endless {
		return time.Unix(v, 0).UTC()
	}
	return time.Time{}
}

// Lookup finds a room by its name. Expired rooms count as gone, as on Daily.
func (p *Provider) Lookup(ctx context.Context, m provider.Meeting) (provider.Meeting, error) {
	r, err := p.room(ctx, m.Room)
	if err != nil {
		return provider.Meeting{}, err
	}
	return p.meeting("look up room", r)
}

// room reads a room.
func (p *Provider) room(ctx context.Context, name string) (roomObject, error) {
	var r roomObject
	err := p.client.Do(ctx, rest.Call{
		Op: "look up room", Subject: name, Missing: rest.NoRoom, Method: http.MethodGet, Path: roomPath(name, ""), Out: &r,
	})
	return r, err
}

// Rooms lists the domain's rooms, newest first, a hundred a call.
func (p *Provider) Rooms(ctx context.Context, yield func(provider.Meeting) bool) error {
	const op = "list rooms"
	return pages(ctx, p, rest.Call{Op: op, Path: "/rooms", Query: url.Values{}}, func(r roomObject) (bool, error) {
		m, err := p.meeting(op, r)
		return err == nil && yield(m), err
	})
}

// listed is an item of a list.
type listed interface{ id() rest.Text }

func (r roomObject) id() rest.Text      { return r.ID }
func (g gatheringObject) id() rest.Text { return g.ID }
func (r recordingObject) id() rest.Text { return r.ID }

// pages reads a list until each returns false.
func pages[T listed](ctx context.Context, p *Provider, call rest.Call, each func(T) (bool, error)) error {
	return rest.Pages(func(cursor string) (string, error) {
		list, next, err := page[T](ctx, p, call, cursor)
		for _, one := range list {
			if more, err := each(one); err != nil || !more {
				return "", err
			}
		}
		return next, err
	})
}

// page reads one page of a list, newest first, and returns the cursor of the next one: the id of the last item, "" at the end.
func page[T listed](ctx context.Context, p *Provider, call rest.Call, cursor string) (list []T, next string, err error) {
	const limit = 100
	var answer struct {
		Total rest.Number `json:"total_count"`
		Data  *[]T        `json:"data"`
	}
	call.Method, call.Out = http.MethodGet, &answer
	call.Query.Set("limit", strconv.Itoa(limit))
	if cursor != "" {
		call.Query.Set("starting_after", cursor)
	}
	if err := p.client.Do(ctx, call); err != nil {
		return nil, "", err
	}
	if answer.Data == nil {
		return nil, "", p.client.Malformed(call.Op, call.Subject, "the response has no list")
	}
	list = *answer.Data
	if len(list) < limit || cursor == "" && answer.Total.Given && answer.Total.Int() <= int64(len(list)) {
		return list, "", nil
	}
	if next = string(list[len(list)-1].id()); next == "" || next == cursor {
		return nil, "", p.client.Malformed(call.Op, call.Subject, "the list never ends")
	}
	return list, next, nil
}

// ejectBatch is the most sessions in one eject call.
const ejectBatch = 100

// EndMeeting removes everyone in presence, then the sessions that only the caller knows, then deletes the room. Deleting alone
// would leave people inside. If presence can't be read, nothing is deleted and the call can be repeated.
func (p *Provider) EndMeeting(ctx context.Context, m provider.Meeting) error {
	here, err := p.Presence(ctx, m)
	if err != nil && !nothingThere(err) {
		return err
	}
	listed := make(map[string]bool, len(here))
	var sessions []string
	for _, one := range here {
		listed[one.Session] = true
		sessions = append(sessions, one.Session)
	}
	if err := p.eject(ctx, m.Room, sessions); err != nil && !nothingThere(err) {
		return err
	}
	sessions = sessions[:0]
	for _, s := range m.Sessions {
		if s != "" && !listed[s] {
			listed[s] = true
			sessions = append(sessions, s)
		}
	}
	// These may have left long ago. The room is deleted even if Daily no longer knows them.
	err = p.eject(ctx, m.Room, sessions)
	if err != nil && !nothingThere(err) && !errors.Is(err, provider.Invalid) {
		return err
	}
	if m.Keep {
		return nil
	}
	return p.client.Do(ctx, rest.Call{
		Op: "delete room", Subject: m.Room, Method: http.MethodDelete, Path: roomPath(m.Room, ""), Class: classSlow, Gone: true,
	})
}

// nothingThere reports whether an answer is any 404. Its cause doesn't matter when people are removed: the deletion of the room, which
// follows, accepts only Daily's own not-found.
func nothingThere(err error) bool {
	e, ok := errors.AsType[*provider.Error](err)
	return errors.Is(err, provider.NotFound) || ok && e.Status == http.StatusNotFound
}

// Eject removes one participant. Daily bans user ids, never sessions: a participant without a user id, or whose user id is only
// the session, can't be kept out.
func (p *Provider) Eject(ctx context.Context, m provider.Meeting, who provider.Participant, ban bool) (banned bool, err error) {
	if m.Room == "" || who.Session == "" {
		return false, p.client.Refuse(provider.Invalid, "eject", who.Session, "room or session is missing", "")
	}
	body := ejectBody{IDs: []string{who.Session}}
	if ban && who.UserID != "" && who.UserID != who.Session {
		body.UserIDs, body.Ban = []string{who.UserID}, true
	}
	err = p.ejectAll(ctx, m.Room, body)
	if errors.Is(err, provider.NotFound) {
		return false, nil
	}
	return body.Ban && err == nil, err
}

// ejectBody is the body of POST /rooms/:name/eject. Ban applies to the user ids.
type ejectBody struct {
	IDs     []string `json:"ids"`
	UserIDs []string `json:"user_ids,omitempty"`
	Ban     bool     `json:"ban,omitempty"`
}

// eject removes sessions, a hundred a call.
func (p *Provider) eject(ctx context.Context, room string, sessions []string) error {
	for batch := range slices.Chunk(sessions, ejectBatch) {
		if err := p.ejectAll(ctx, room, ejectBody{IDs: batch}); err != nil {
			return err
		}
	}
	return nil
}

// ejectAll makes one call. It may be repeated, since removing someone twice does no harm.
func (p *Provider) ejectAll(ctx context.Context, room string, body ejectBody) error {
	return p.client.Do(ctx, rest.Call{
		Op: "eject from room", Subject: room, Method: http.MethodPost, Path: roomPath(room, "/eject"), Idempotent: true, In: body,
	})
}

// Extend moves the room's end. It sends only that property, since others would be overwritten.
func (p *Provider) Extend(ctx context.Context, m provider.Meeting, until time.Time) error {
	const op = "move the end of room"
	type exp struct {
		Exp int64 `json:"exp"`
	}
	var r roomObject
	err := p.client.Do(ctx, rest.Call{
		Op: op, Subject: m.Room, Missing: rest.NoRoom, Method: http.MethodPost, Path: roomPath(m.Room, ""), Idempotent: true,
		In: map[string]exp{"properties": {until.Unix()}}, Out: &r,
	})
	if err == nil && r.Config.Exp.Int() != until.Unix() {
		err = p.client.Malformed(op, m.Room, "the response has a different end")
	}
	return err
}

// Links returns the room's URL, and for the host the same URL with a new owner's token, which is valid only for this room and until the
// meeting's end.
func (p *Provider) Links(ctx context.Context, r provider.LinkRequest) (provider.Links, error) {
	const op = "make host link"
	m := r.Meeting
	if m.GuestURL == "" || m.Room == "" {
		found, err := p.Lookup(ctx, m)
		if err != nil {
			return provider.Links{}, err
		}
		m.GuestURL = found.GuestURL
		if m.Until.IsZero() {
			m.Until = found.Until
		}
	}
	guest, err := rest.Link(m.GuestURL)
	if err != nil {
		return provider.Links{}, p.client.Malformed("make links", m.Room, err.Error())
	}
	if !r.Host {
		return provider.Links{Guest: guest}, nil
	}
	exp := m.Until
	if exp.IsZero() {
		exp = p.client.Now().Add(24 * time.Hour)
	}
	props := tokenProperties{RoomName: m.Room, IsOwner: true, Exp: exp.Unix(), UserName: r.Name}
	if r.StartRecording && p.recordsCloud() {
		props.StartCloudRecording, props.EnableRecording = true, "cloud"
	}
	token, err := p.token(ctx, op, props)
	if err != nil {
		return provider.Links{}, err
	}
	return provider.Links{Guest: guest, Host: rest.WithQuery(guest, "t", token)}, nil
}

// tokenProperties are the properties of our POST /meeting-tokens.
type tokenProperties struct {
	RoomName            string `json:"room_name"`
	IsOwner             bool   `json:"is_owner"`
	Exp                 int64  `json:"exp"`
	UserName            string `json:"user_name,omitempty"`
	UserID              string `json:"user_id,omitempty"`
	StartCloudRecording bool   `json:"start_cloud_recording,omitempty"`
	EnableRecording     string `json:"enable_recording,omitempty"`
}

// usableToken reports whether a token can be part of a URL.
func usableToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
