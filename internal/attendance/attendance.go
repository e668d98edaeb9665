// Package attendance lists the people of a meeting, one row per person, and writes the list for spreadsheets and documents. It is pure.
package attendance

import (
	"cmp"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/latin"
	"greenroom/internal/stable"
)

// Row is the attendance of one person. Rejoins are merged: stays with the same user id, or without one but with the same name, are one
// person's.
type Row struct {
	Name   string `json:"name"`
	UserID string `json:"user_id"`
	// Owner reports whether they joined as a host.
	Owner bool `json:"owner"`
	// FirstIn is null if they never came, or if only the time of leaving is known; LastOut is null while they are in the meeting.
	FirstIn app.Time `json:"first_in"`
	LastOut app.Time `json:"last_out"`
	// Minutes is the rounded time in the meeting, at least 1 if there is any. Overlapping stays count once.
	Minutes int `json:"minutes"`
	// Joins is the number of stays.
	Joins int `json:"joins"`
	// Consent is the answer on the room's page: "yes", "no", or empty if they weren't asked there.
	Consent   string   `json:"consent"`
	ConsentAt app.Time `json:"consent_at"`
	// Expected marks people on the list of a booking or a calendar event, Came those who were in the meeting.
	Expected bool `json:"expected"`
	Came     bool `json:"came"`
}

// Person identifies a participant: by the user id, or by the name if there is none.
type Person struct{ Name, UserID string }

// Of returns the rows of a meeting: those who came, by their first time, then by name those who declined to be recorded or were expected but
// never came. Bots and people who only knocked are left out. Stays that have not ended last until now.
func Of(m app.MeetingDetail, expected []app.Person, now time.Time) []Row {
	stays := map[Person][]app.Stay{}
	for _, s := range m.Participants {
		if s.Bot || s.Waiting || s.JoinedAt.IsZero() && !s.WaitingSince.IsZero() {
			continue
		}
		stays[PersonOf(s)] = append(stays[PersonOf(s)], s)
	}
	rows := []Row{}
	for p, own := range stays {
		rows = append(rows, row(p, own, now))
	}
	for _, g := range m.Guests {
		if g.Session == "" && g.Consent == app.ConsentNo {
			rows = append(rows, Row{Name: g.Name, UserID: g.ID, Consent: g.Consent, ConsentAt: g.ConsentAt})
		}
	}
	for _, p := range expected {
		name := cmp.Or(p.Name, p.Mail)
		if i := slices.IndexFunc(rows, func(r Row) bool { return latin.Same(name, r.Name) }); i >= 0 {
			rows[i].Expected = true
		} else {
			rows = append(rows, Row{Name: name, Expected: true})
		}
	}
	stable.Sort(rows, func(a, b Row) int {
		switch {
		case a.Came && !b.Came:
			return -1
		case b.Came && !a.Came:
			return 1
		}
		return cmp.Or(a.FirstIn.Compare(b.FirstIn.Time), cmp.Compare(a.Name, b.Name), cmp.Compare(a.UserID, b.UserID))
	})
	return rows
}

// PersonOf returns the person of a stay. Platforms without user ids send the session's id as one, which changes with each join.
func PersonOf(s app.Stay) Person {
	switch {
	case s.UserID != "" && s.UserID != s.Session:
		return Person{UserID: s.UserID}
	case s.Name != "":
		return Person{Name: s.Name}
	}
	return Person{Name: "(" + s.Session + ")"}
}

func row(p Person, stays []app.Stay, now time.Time) Row {
	stable.Sort(stays, func(a, b app.Stay) int { return a.JoinedAt.Compare(b.JoinedAt.Time) })
	r := Row{Name: p.Name, UserID: p.UserID, Joins: len(stays), Came: true}
	var inside time.Duration
	var until time.Time // the end of the counted time
	present := false
	for _, s := range stays {
		if s.Name != "" {
			r.Name = s.Name // the latest
		}
		r.Owner = r.Owner || s.Owner
		if s.Consent != "" && !s.ConsentAt.Before(r.ConsentAt.Time) {
			r.Consent, r.ConsentAt = s.Consent, s.ConsentAt // the latest
		}
		if r.FirstIn.IsZero() {
			r.FirstIn = s.JoinedAt
		}
		left := s.LeftAt
		if left.IsZero() {
			present = true
			left = app.At(now)
		}
		if left.After(r.LastOut.Time) {
			r.LastOut = left
		}
		if s.JoinedAt.IsZero() {
			continue
		}
		from := s.JoinedAt.Time
		if until.After(from) {
			from = until
		}
		if left.After(from) {
			inside += left.Sub(from)
			until = left.Time
		}
	}
	if present {
		r.LastOut = app.Time{}
	}
	if r.Minutes = int(inside.Round(time.Minute) / time.Minute); inside > 0 {
		r.Minutes = max(r.Minutes, 1)
	}
	return r
}
