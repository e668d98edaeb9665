package hub

import (
	"time"

	"greenroom/internal/app"
)

// early is how much earlier than their arrival at the page a platform may report that a guest joined: clocks differ.
const early = time.Minute

// recogniseGuests gives stays the answers of the guests whose they are, and guests their sessions. A guest is recognised by the id
// that the platform was given, else by the name: of several guests of one name each stay is that of the latest one who came before
// it and has none yet.
func recogniseGuests(stays []app.Stay, guests []app.Guest) {
	byID := map[string]int{}
	for i := range guests {
		byID[guests[i].ID] = i
	}
	give := func(s *app.Stay, g *app.Guest) {
		s.Consent, s.ConsentAt = g.Consent, g.ConsentAt
		g.Session = s.Session
	}
	var unknown []int
	for i := range stays {
		if g, ok := byID[stays[i].UserID]; ok {
			give(&stays[i], &guests[g])
		} else if !stays[i].Bot && (stays[i].UserID == "" || stays[i].UserID == stays[i].Session) {
			unknown = append(unknown, i)
		}
	}
	named := map[string]string{} // the guest of a session that was recognised by name
	for _, i := range unknown {
		s := &stays[i]
		best := -1
		for g := range guests {
			mine := guests[g].Session == s.Session && named[s.Session] == guests[g].ID
			free := guests[g].Session == "" && guests[g].Consent != app.ConsentNo
			since := s.JoinedAt
			if since.IsZero() {
				since = s.WaitingSince
			}
			if guestName(s.Name) == guests[g].Name && (mine || free) && (since.IsZero() || !guests[g].CameAt.After(since.Add(early))) {
				best = g
				if mine {
					break
				}
			}
		}
		if best >= 0 {
			give(s, &guests[best])
			named[s.Session] = guests[best].ID
		}
	}
}
