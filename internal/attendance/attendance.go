// Package attendance lists who was in a meeting, one row a person, and writes the list for spreadsheets and documents.
//
// It is pure: it reads what the roster found, and no clock, store or platform.
package attendance

import (
	"cmp"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/latin"
)

// Row is the attendance of one person. Rejoins are merged: stays of one user id are one person's, and stays without a
// user id are one person's if the names are equal.
type Row struct {
	Name   string `json:"name"`
	UserID string `json:"user_id"`
	// Owner reports whether they joined as a host.
	Owner bool `json:"owner"`
	// FirstIn is null if they never came or only their leaving is known, LastOut while they are in the meeting.
	FirstIn app.Time `json:"first_in"`
	LastOut app.Time `json:"last_out"`
	// Minutes is the time inside, rounded, and at least 1 for a stay of any length. Stays that overlap count once.
	Minutes int `json:"minutes"`
	// Joins is the number of stays.
	Joins int `json:"joins"`
	// Consent is the answer on the join page: "yes", "no", or empty if they weren't asked there.
	Consent   string   `json:"consent"`
	ConsentAt app.Time `json:"consent_at"`
	// Expected marks people whom a booking or a calendar lists, and Came those who were in the meeting.
	Expected bool `json:"expected"`
	Came     bool `json:"came"`
}

// Person identifies someone: by the user id, or by the name if there is none.
type Person struct{ Name, UserID string }

// Rows returns the people of a meeting by when they first came, then those who never came, because they declined to be recorded or
// although they were expected, by name. Bots and
// people who only knocked are left out. Stays that have not ended last until now.
func Rows(m app.MeetingDetail, expected []Person, now time.Time) []Row {
	stays := map[Person][]app.Stay{}
	for _, s := range m.Participants {
		if s.Bot || s.Waiting || s.JoinedAt.IsZero() && !s.WaitingSince.IsZero() {
			continue
		}
		p := PersonOf(s)
		stays[p] = append(stays[p], s)
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
		if i := slices.IndexFunc(rows, func(r Row) bool { return r.is(p) }); i >= 0 {
			rows[i].Expected = true
		} else {
			rows = append(rows, Row{Name: p.Name, UserID: p.UserID, Expected: true})
		}
	}
	slices.SortFunc(rows, func(a, b Row) int {
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

// Of returns the rows of a meeting, with the people whom a booking or a calendar expects; see [Rows].
func Of(m app.MeetingDetail, expected []app.Person, now time.Time) []Row {
	people := make([]Person, 0, len(expected))
	for _, x := range expected {
		people = append(people, Person{Name: cmp.Or(x.Name, x.Mail)})
	}
	return Rows(m, people, now)
}

// PersonOf returns the identity of a stay. Platforms without user ids give the session's id as one, which is new at each join.
func PersonOf(s app.Stay) Person {
	switch {
	case s.UserID != "" && s.UserID != s.Session:
		return Person{UserID: s.UserID}
	case s.Name != "":
		return Person{Name: s.Name}
	}
	return Person{Name: "(" + s.Session + ")"}
}

// is reports whether an expected person is the one of the row: by user id, else by name in any case, with or without its accents.
func (r Row) is(p Person) bool {
	if p.UserID != "" && p.UserID == r.UserID {
		return true
	}
	return p.Name != "" && latin.Same(p.Name, r.Name)
}

func row(p Person, stays []app.Stay, now time.Time) Row {
	slices.SortFunc(stays, func(a, b app.Stay) int { return a.JoinedAt.Compare(b.JoinedAt.Time) })
	r := Row{Name: p.Name, UserID: p.UserID, Joins: len(stays), Came: true}
	var inside time.Duration
	var until time.Time // what is counted
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
