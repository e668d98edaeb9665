package whereby

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// doubtFor is how long after a call with a lost answer Whereby may still be about to create the meeting.
const doubtFor = time.Minute

// lastEnds returns the ends to try for a kept meeting, the latest first. Whereby documents no limit.
func lastEnds(now time.Time) []time.Time {
	now = now.UTC().Truncate(time.Second)
	return []time.Time{
		time.Date(2099, 12, 31, 23, 59, 59, 0, time.UTC), now.AddDate(10, 0, 0), now.AddDate(1, 0, 0), now.AddDate(0, 3, 0),
	}
}

// KeepRoom creates a meeting with the latest end that Whereby accepts. A creation is never repeated: if its answer was lost, the meeting
// is searched by the beginning of its name.
func (p *Provider) KeepRoom(ctx context.Context, r provider.KeptRoom) (provider.Meeting, error) {
	const op = "create meeting"
	if r.Name == "" {
		return provider.Meeting{}, p.client.Refuse(provider.Invalid, op, "", "the room has no name", "")
	}
	now := p.client.Now()
	if !r.Tried.IsZero() {
		if m, found, err := p.begins(ctx, r.Name); found || err != nil {
			return m, err
		}
		if now.Before(r.Tried.Add(doubtFor)) {
			return provider.Meeting{}, p.client.Refuse(provider.Unavailable, op, r.Name,
				"the response to an earlier call was lost, and Whereby doesn't list the meeting yet", "try again in a minute")
		}
	}
	var refused error
	for _, until := range lastEnds(now) {
		var o meetingObject
		err := p.client.Do(ctx, rest.Call{
			Op: op, Subject: r.Name, Method: http.MethodPost, Path: "/meetings", In: p.keptBody(r, until), Out: &o, Cost: costWrite,
		})
		if err == nil {
			var m provider.Meeting
			if m, err = p.meeting(op, o); err == nil {
				return m, nil
			}
		} else if errors.Is(err, provider.Invalid) && !errors.Is(err, rest.ErrMaybeDone) {
			if refused == nil {
				refused = err
			}
			continue // perhaps because of its end
		} else if !errors.Is(err, rest.ErrMaybeDone) {
			return provider.Meeting{}, err
		}
		if m, found, lookErr := p.begins(ctx, r.Name); lookErr == nil && found {
			return m, nil
		}
		return provider.Meeting{}, inDoubt(err, until)
	}
	return provider.Meeting{}, refused
}

func (p *Provider) keptBody(r provider.KeptRoom, until time.Time) createBody {
	return p.body(provider.MeetingSpec{
		Room: r.Name, Locked: r.Locked, Size: r.Size, Until: until, Recording: r.Recording, Trigger: r.Trigger,
	})
}

// begins finds the meeting whose name begins like a kept room's.
func (p *Provider) begins(ctx context.Context, name string) (found provider.Meeting, ok bool, err error) {
	const op = "list meetings"
	first := prefix(name)
	err = pages(ctx, p, op, "/meetings", url.Values{"roomName[startsWith]": {"/" + first}}, func(o meetingObject) (bool, error) {
		m, err := p.meeting(op, o)
		if err == nil && strings.HasPrefix(m.Room, first) {
			found, ok = m, true
		}
		return !ok, err
	})
	return found, ok, err
}

// OpenRoom looks the meeting up: people can join it at any time until its end.
func (p *Provider) OpenRoom(ctx context.Context, m provider.Meeting, _ provider.MeetingSpec) (provider.Meeting, error) {
	return p.Lookup(ctx, m)
}

// ChangeRoom changes nothing: Whereby has no call for it.
func (p *Provider) ChangeRoom(_ context.Context, m provider.Meeting, was, now provider.KeptRoom) error {
	a, b := p.keptBody(was, time.Time{}), p.keptBody(now, time.Time{})
	none := &recordingBody{}
	if a.IsLocked == b.IsLocked && a.RoomMode == b.RoomMode && *cmp.Or(a.Recording, none) == *cmp.Or(b.Recording, none) {
		return nil
	}
	return p.client.Refuse(provider.Unsupported, "change meeting", m.Room, "Whereby can't change a room after it was created",
		"its next room, with a new link, will have the new settings")
}
