package hub

import (
	"cmp"
	"time"

	"greenroom/internal/app"
)

// early is how long before their arrival at the page a platform may report that a guest joined, since clocks differ.
const early = time.Minute

// recogniseGuests assigns stays to guests: stays get the guests' answers, guests their sessions. A guest is recognised by the id that
// the platform got, else by the name. Of several guests with one name, a stay belongs to the latest one who came before it and has
// no stay yet.
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
			since := cmp.Or(s.JoinedAt, s.WaitingSince)
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
