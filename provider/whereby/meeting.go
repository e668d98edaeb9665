package whereby

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// meetingObject is a meeting as returned by Whereby. Its roomName starts with a slash; the host's URL is present only on request.
type meetingObject struct {
	ID          rest.Text `json:"meetingId"`
	RoomName    rest.Text `json:"roomName"`
	RoomURL     string    `json:"roomUrl"`
	StartDate   rest.Time `json:"startDate"`
	EndDate     rest.Time `json:"endDate"`
	HostRoomURL string    `json:"hostRoomUrl"`
}

// meeting converts the platform's meeting, or reports what it lacks.
func (p *Provider) meeting(op string, o meetingObject) (provider.Meeting, error) {
	id, room := o.ID.ID(), o.RoomName.Room()
	if id == "" || room == "" {
		return provider.Meeting{}, p.client.Malformed(op, id, "the response is not a meeting: it has no id or no room name")
	}
	link, err := rest.Link(o.RoomURL)
	if err != nil {
		return provider.Meeting{}, p.client.Malformed(op, id, err.Error())
	}
	return provider.Meeting{
		ID: id, Room: room, GuestURL: link, Until: o.EndDate.Time, CreatedAt: o.StartDate.Time,
	}, nil
}

// noID is the refusal of a call for a meeting that Whereby can't find.
const noID = "the meeting's id on Whereby is unknown"

// get reads a meeting. Whereby finds meetings only by id.
func (p *Provider) get(ctx context.Context, op string, m provider.Meeting, fields string) (meetingObject, error) {
	var o meetingObject
	call := rest.Call{
		Op: op, Subject: m.ID, Missing: noID, Method: http.MethodGet, Path: "/meetings/" + url.PathEscape(m.ID), Out: &o, Cost: costRead,
	}
	if fields != "" {
		call.Query = url.Values{"fields": {fields}}
	}
	err := p.client.Do(ctx, call)
	return o, err
}

// Lookup finds a meeting by its id.
func (p *Provider) Lookup(ctx context.Context, m provider.Meeting) (provider.Meeting, error) {
	const op = "look up meeting"
	o, err := p.get(ctx, op, m, "")
	if err != nil {
		return provider.Meeting{}, err
	}
	return p.meeting(op, o)
}

// Links returns the room's URL, and for the host the URL with Whereby's room key, fetched by this call.
func (p *Provider) Links(ctx context.Context, r provider.LinkRequest) (provider.Links, error) {
	const op = "fetch links of meeting"
	if !r.Host && r.Meeting.GuestURL != "" {
		guest, err := rest.Link(r.Meeting.GuestURL)
		if err != nil {
			return provider.Links{}, p.client.Malformed(op, r.Meeting.ID, err.Error())
		}
		return provider.Links{Guest: guest}, nil
	}
	fields := ""
	if r.Host {
		fields = "hostRoomUrl"
	}
	o, err := p.get(ctx, op, r.Meeting, fields)
	if err != nil {
		return provider.Links{}, err
	}
	m, err := p.meeting(op, o)
	if err != nil || !r.Host {
		return provider.Links{Guest: m.GuestURL}, err
	}
	host, err := rest.Link(o.HostRoomURL)
	if err != nil {
		return provider.Links{}, p.client.Malformed(op, m.ID, "the response has no usable host link")
	}
	return provider.Links{Guest: m.GuestURL, Host: host}, nil
}

// EndMeeting deletes the meeting; Whereby removes the people in it. It also answers 204 for one that is gone. A room with Keep stays
// as it is, with the people: Whereby has no call to remove them.
func (p *Provider) EndMeeting(ctx context.Context, m provider.Meeting) error {
	if m.Keep {
		return nil
	}
	return p.client.Do(ctx, rest.Call{
		Op: "end meeting", Subject: m.ID, Missing: noID, Method: http.MethodDelete, Path: "/meetings/" + url.PathEscape(m.ID), Gone: true,
		Cost: costDelete,
	})
}

// Rooms lists the account's meetings in Whereby's order, a hundred a call.
func (p *Provider) Rooms(ctx context.Context, yield func(provider.Meeting) bool) error {
	const op = "list meetings"
	return pages(ctx, p, op, "/meetings", url.Values{}, func(o meetingObject) (bool, error) {
		m, err := p.meeting(op, o)
		return err == nil && yield(m), err
	})
}

// pages reads a list until each returns false.
func pages[T any](ctx context.Context, p *Provider, op, path string, q url.Values, each func(T) (bool, error)) error {
	return rest.Pages(func(cursor string) (string, error) {
		list, next, err := page[T](ctx, p, op, path, q, cursor)
		for _, one := range list {
			if more, err := each(one); err != nil || !more {
				return "", err
			}
		}
		return next, err
	})
}

// page reads the page of a list at a cursor, and returns the cursor of the next one, empty at the end.
func page[T any](ctx context.Context, p *Provider, op, path string, q url.Values, cursor string) (list []T, next string, err error) {
	q.Set("limit", "100")
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	var answer struct {
		Results *[]T      `json:"results"`
		Cursor  rest.Text `json:"cursor"`
	}
	err = p.client.Do(ctx, rest.Call{Op: op, Method: http.MethodGet, Path: path, Query: q, Out: &answer, Cost: costRead})
	switch {
	case err != nil:
		return nil, "", err
	case answer.Results == nil:
		return nil, "", p.client.Malformed(op, "", "the response has no list of results")
	case answer.Cursor != "" && string(answer.Cursor) == cursor:
		return nil, "", p.client.Malformed(op, "", "the list never ends")
	}
	return *answer.Results, string(answer.Cursor), nil
}

// iso formats times as Whereby does.
func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
