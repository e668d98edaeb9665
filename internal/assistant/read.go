package assistant

import (
	"context"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/attendance"
)

// Limits of lists.
const (
	usualRows = 50
	mostRows  = 1000
)

func rows(limit int) int {
	if limit <= 0 {
		return usualRows
	}
	return min(limit, mostRows)
}

type (
	roomInput struct {
		Room string `json:"room" jsonschema:"name or id of the room"`
	}
	meetingInput struct {
		Meeting string `json:"meeting" jsonschema:"id of the meeting, or its room's name"`
	}
	meetingsInput struct {
		Room  string `json:"room,omitempty" jsonschema:"only meetings of this room"`
		Open  bool   `json:"open,omitempty" jsonschema:"only open and live meetings"`
		Limit int    `json:"limit,omitempty" jsonschema:"largest number of meetings, 50 by default"`
	}
	recordingsInput struct {
		Meeting string `json:"meeting,omitempty" jsonschema:"only recordings of this meeting"`
		Limit   int    `json:"limit,omitempty" jsonschema:"largest number of recordings, 50 by default"`
	}
	eventsInput struct {
		Filter string `json:"filter,omitempty" jsonschema:"which events, such as 'kind:recording.ready room:standup since:2h'"`
		Before uint64 `json:"before,omitempty" jsonschema:"only events with a smaller number, for the next page"`
		Limit  int    `json:"limit,omitempty" jsonschema:"largest number of events, 50 by default"`
	}
	eventInput struct {
		Seq uint64 `json:"seq" jsonschema:"number of the event"`
	}
	waitInput struct {
		Filter         string `json:"filter,omitempty" jsonschema:"which events to wait for"`
		Count          int    `json:"count,omitempty" jsonschema:"number of events to wait for, 1 by default"`
		From           uint64 `json:"from,omitempty" jsonschema:"number of the first event to look at; by default those that come from now on"`
		TimeoutSeconds int    `json:"timeout_seconds,omitempty" jsonschema:"how long to wait, 60 by default and 600 at most"`
	}
	doctorInput struct {
		Account string `json:"account,omitempty" jsonschema:"check only this account"`
	}
)

func (t *server) addReading() {
	b := t.Backend
	add(t, "list_rooms", "List the rooms, each with its current meeting.", false, func(ctx context.Context, _ nothing) (any, error) {
		all, err := b.Rooms(ctx, app.RoomQuery{})
		return map[string]any{"rooms": list(all)}, err
	})
	add(t, "show_room", "Show a room with its settings and its current meeting.", false, func(ctx context.Context, in roomInput) (any, error) {
		return b.Room(ctx, app.RoomRef{Ref: in.Room})
	})
	add(t, "list_meetings", "List meetings: live ones first, then open ones, then ended ones.", false, func(ctx context.Context, in meetingsInput) (any, error) {
		all, err := b.Meetings(ctx, app.MeetingQuery{Room: in.Room, Unended: in.Open, Limit: rows(in.Limit)})
		return map[string]any{"meetings": list(all)}, err
	})
	add(t, "show_meeting", "Show a meeting with the people who are or were in it.", false, func(ctx context.Context, in meetingInput) (any, error) {
		return b.Meeting(ctx, app.MeetingRef{Ref: in.Meeting})
	})
	add(t, "attendance", "List who came to a meeting, when, and for how long; one row per "+
		"person.", false, func(ctx context.Context, in meetingInput) (any, error) {
		m, err := b.Meeting(ctx, app.MeetingRef{Ref: in.Meeting})
		if err != nil {
			return nil, err
		}
		expected, err := b.Expected(ctx, app.MeetingRef{Ref: m.ID})
		return map[string]any{"attendance": list(attendance.Of(m, expected, t.Now()))}, err
	})
	add(t, "list_recordings", "List recordings, newest first.", false, func(ctx context.Context, in recordingsInput) (any, error) {
		all, err := b.Recordings(ctx, app.RecordingQuery{Meeting: in.Meeting, Limit: rows(in.Limit), Refresh: true})
		return map[string]any{"recordings": list(all)}, err
	})
	add(t, "list_events", "List webhooks that arrived, newest first, without headers and bodies.", false, func(ctx context.Context, in eventsInput) (any, error) {
		page, err := b.Events(ctx, app.EventQuery{Filter: in.Filter, Before: in.Before, Limit: rows(in.Limit)})
		page.Events = list(page.Events)
		return page, err
	})
	add(t, "show_event", "Show a webhook with its headers and body. Signatures and secrets are "+
		"redacted.", false, func(ctx context.Context, in eventInput) (any, error) {
		d, err := b.Event(ctx, app.EventRef{Seq: in.Seq})
		return redacted(d), err
	})
	add(t, "wait_event", "Wait for new webhooks.", false, t.wait)
	add(t, "doctor", "Check the accounts on their platforms, the listener and the store, with fixes.", false, t.doctor)
}

// list returns an empty list for nil, which JSON writes as [].
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

func (t *server) doctor(ctx context.Context, in doctorInput) (any, error) {
	found, err := t.Backend.Diagnose(ctx, app.DiagnosisQuery{Account: in.Account})
	if err != nil {
		return nil, err
	}
	s, err := t.Backend.Status(ctx, app.StatusQuery{})
	if err != nil {
		return nil, err
	}
	return struct {
		app.Status
		Health    string          `json:"status"`
		Diagnosis []app.Diagnosis `json:"diagnosis"`
	}{s, app.Health(found), list(found)}, nil
}

const (
	usualWait = time.Minute
	mostWait  = 10 * time.Minute
	mostCount = 100
)

// wait returns the events once enough have arrived, or those that have arrived when the time is up.
func (t *server) wait(ctx context.Context, in waitInput) (any, error) {
	limit := usualWait
	if in.TimeoutSeconds > 0 {
		limit = min(time.Duration(in.TimeoutSeconds)*time.Second, mostWait)
	}
	count := min(max(in.Count, 1), mostCount)
	until, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	changes, err := t.Backend.Subscribe(until)
	if err != nil {
		return nil, err
	}
	after := in.From - min(in.From, 1)
	if in.From == 0 {
		newest, err := t.Backend.Events(ctx, app.EventQuery{Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(newest.Events) > 0 {
			after = newest.Events[0].Seq
		}
	}
	var out struct {
		Events   []app.Delivery `json:"events"`
		TimedOut bool           `json:"timed_out"`
	}
	out.Events = []app.Delivery{}
	for {
		// The store matches; the stream only shows when to ask it again.
		for more := true; more && len(out.Events) < count; {
			page, err := t.Backend.Events(ctx, app.EventQuery{Filter: in.Filter, After: after, Forward: true, Limit: count - len(out.Events)})
			if err != nil {
				return nil, err
			}
			slices.Reverse(page.Events) // newest first
			out.Events = append(out.Events, page.Events...)
			after, more = max(after, page.Next), page.More
		}
		if len(out.Events) >= count {
			return out, nil
		}
		for {
			c, ok := <-changes
			if !ok {
				out.TimedOut = true
				return out, ctx.Err()
			}
			if c.Kind == app.DeliveryChange || c.Kind == app.Missed {
				break
			}
		}
	}
}
