package notify

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"greenroom/internal/app"
)

// How long temporary conditions must hold before a call.
const (
	failsFor = 10 * time.Second
	aloneFor = 30 * time.Second
)

// conditions lists the conditions that hold in a state. since is [Memory.Since].
func (s State) conditions(since time.Time) []condition {
	var out []condition
	meetings, failed := map[string]app.MeetingDetail{}, map[string]bool{}
	for _, r := range s.Recordings {
		failed[r.Meeting] = failed[r.Meeting] || r.Status == app.RecordingFailed
	}
	for _, m := range s.Meetings {
		meetings[m.ID] = m
		out = append(out, ofMeeting(m, failed[m.ID])...)
	}
	for _, r := range s.Recordings {
		out = append(out, s.ofRecording(r, meetings[r.Meeting].GuestURL, since)...)
	}
	for _, b := range s.Bookings {
		if until := b.Next.Sub(s.Now); b.Next.IsZero() || until <= 0 || until > ahead {
			continue
		}
		m := meetings[b.Meeting]
		out = append(out, condition{
			key: keyOf(Starting, b.ID, b.Next.UTC().Format(time.RFC3339)),
			call: app.Call{
				Event: Starting, At: b.Next, Room: b.Room, Meeting: b.Meeting, Account: m.Account, Platform: m.Platform, URL: cmp.Or(b.Link, m.GuestURL),
			},
		})
	}
	for _, a := range s.Accounts {
		if a.Health == "failing" {
			out = append(out, condition{
				key: keyOf(AccountFailed, a.Name), lasting: failsFor, again: true,
				call: app.Call{Event: AccountFailed, Account: a.Name, Platform: a.Platform, Reason: a.Detail},
			})
		}
	}
	if tunnelFails(s.Tunnel) {
		out = append(out, condition{
			key: keyOf(TunnelFailed), lasting: failsFor, again: true, call: app.Call{Event: TunnelFailed, Reason: s.Tunnel.Reason, URL: s.Tunnel.URL},
		})
	}
	return out
}

// tunnelFails reports whether no webhooks arrive through the configured tunnel.
func tunnelFails(t app.TunnelStatus) bool {
	if t.Driver == "none" {
		return false // none is configured
	}
	return t.State == "degraded" || (t.State == "connecting" || t.State == "closed") && t.Reason != ""
}

// unknown returns a function that reports whether it isn't known if a condition still holds. Such a condition is neither over nor new.
func (s State) unknown() func(key string) bool {
	unchecked := map[string]bool{}
	for _, a := range s.Accounts {
		if a.Health == "unchecked" {
			unchecked[keyOf(AccountFailed, a.Name)] = true
		}
	}
	connecting := s.Tunnel.State == "connecting" && s.Tunnel.Reason == ""
	return func(key string) bool { return unchecked[key] || connecting && key == keyOf(TunnelFailed) }
}

// ofMeeting lists the conditions of a meeting. failed reports whether one of its recordings has failed and causes the call.
func ofMeeting(m app.MeetingDetail, failed bool) (out []condition) {
	call := func(event string) app.Call {
		return app.Call{Event: event, Room: m.Room, Meeting: m.ID, Account: m.Account, Platform: m.Platform, URL: m.GuestURL}
	}
	byArrival := slices.SortedStableFunc(slices.Values(m.Participants), func(a, b app.Stay) int { return a.JoinedAt.Compare(b.JoinedAt.Time) })
	for _, p := range byArrival {
		if p.Bot || !p.LeftAt.IsZero() {
			continue
		}
		c := condition{key: keyOf(FirstGuest, m.ID), call: call(FirstGuest)}
		c.call.At, c.call.Person = p.JoinedAt, p.Name
		switch {
		case p.Waiting:
			c.key, c.call.Event, c.call.At = keyOf(Waiting, m.ID, p.Session), Waiting, p.WaitingSince
		case p.Owner:
			continue
		}
		out = append(out, c)
	}
	if m.RecordingError != "" && !failed {
		c := condition{key: keyOf(RecordingFailed, "meeting", m.ID), call: call(RecordingFailed)}
		c.call.Reason = m.RecordingError
		out = append(out, c)
	}
	if m.Status == app.Live && m.Recording == app.IsRecording && m.Here == 1 && m.Peak > 1 {
		out = append(out, condition{key: keyOf(AloneRecording, m.ID), call: call(AloneRecording), lasting: aloneFor, again: true})
	}
	return out
}

// ofRecording lists the conditions of a recording. link is its meeting's link.
func (s State) ofRecording(r app.Recording, link string, since time.Time) (out []condition) {
	call := app.Call{Room: r.Room, Meeting: r.Meeting, Account: r.Account, Platform: r.Platform, URL: link}
	news := func(at time.Time) bool { return at.After(since) && s.Now.Sub(at) < Fresh }
	if r.DeletedAt.IsZero() && news(r.StartedAt.Add(r.Length())) {
		switch r.Status {
		case app.RecordingReady:
			call.Event = RecordingReady
		case app.RecordingFailed:
			call.Event, call.Reason = RecordingFailed, r.Error
		}
		if call.Event != "" {
			c := condition{key: keyOf(call.Event, r.Account, r.ID), call: call}
			for _, id := range r.Aliases {
				c.former = append(c.former, keyOf(call.Event, r.Account, id))
			}
			if call.Event == RecordingFailed && r.Meeting != "" { // it was reported before the recording was known
				c.former = append(c.former, keyOf(RecordingFailed, "meeting", r.Meeting))
			}
			out = append(out, c)
		}
	}
	if d := r.Download; d != nil && d.State == app.DownloadFailed && news(d.AskedAt.Time) {
		call.Event, call.Reason = DownloadFailed, d.Reason
		out = append(out, condition{key: keyOf(DownloadFailed, r.Account, r.ID, d.AskedAt.UTC().Format(time.RFC3339Nano)), call: call})
	}
	return out
}

// keyOf joins the parts of a key.
func keyOf(parts ...string) string { return strings.Join(parts, "\x00") }
