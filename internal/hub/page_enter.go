package hub

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/provider"
	"greenroom/store"
)

const (
	// maxGuestName bounds a guest's name, in characters.
	maxGuestName = 64
	// minVisit and maxVisit are the lengths of a browser's secret.
	minVisit, maxVisit = 20, 128
	// maxOutside bounds the stored guests of one meeting who were never let in.
	maxOutside = 2000
	// ejectedFor is how long a removed guest can't enter with the same visit.
	ejectedFor = 10 * time.Minute
	// hostTokenFor is how long a host's one-time token is valid.
	hostTokenFor = time.Hour
)

// hostPageURL returns the page's address with a new one-time token for a host. It is in the fragment, which browsers don't send.
func (h *Hub) hostPageURL(ctx context.Context, m app.Meeting) (string, error) {
	page, err := h.pageURL(ctx, m)
	if err != nil {
		return "", err
	}
	secret := strings.ToLower(rand.Text())
	err = h.store.Update(ctx, func(tx *store.Tx) error {
		return tx.PutHostToken(secret, store.HostToken{Meeting: m.ID, Until: h.clock.Now().Add(hostTokenFor)}, h.clock.Now())
	})
	return page + "#host=" + secret, writeError(err)
}

// guestName returns a name as it is stored and shown: on one line, without control characters, and not too long.
func guestName(name string) string {
	name = strings.Join(strings.FieldsFunc(norm.NFC.String(strings.ToValidUTF8(name, "\uFFFD")), unicode.IsSpace), " ")
	name = plain.Text(name)
	if utf8.RuneCountInString(name) > maxGuestName {
		name = strings.TrimSpace(string([]rune(name)[:maxGuestName]))
	}
	return name
}

// visible reports whether a name has a visible character.
func visible(name string) bool {
	return strings.ContainsFunc(name, func(r rune) bool {
		switch r {
		case 0x115f, 0x1160, 0x3164, 0xffa0, 0x2800: // fillers and the empty pattern of Braille
			return false
		}
		return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S)
	})
}

// guestID returns a guest's id for the platform and the store. It doesn't reveal the visit.
func guestID(visit string) string {
	sum := sha256.Sum256([]byte(visit))
	return "g-" + hex.EncodeToString(sum[:12])
}

// EnterPage stores a guest's answer and returns the way into the meeting; see [app.Backend].
func (h *Hub) EnterPage(ctx context.Context, e app.PageEntry) (app.PageEntered, error) {
	name := guestName(e.Name)
	switch {
	case !visible(name):
		return app.PageEntered{}, invalid("enter your name", "a name is needed")
	case len(e.Visit) < minVisit || len(e.Visit) > maxVisit:
		return app.PageEntered{}, invalid("open the page again", "the visit can't be read")
	case e.Consent != "" && e.Consent != app.ConsentYes && e.Consent != app.ConsentNo:
		return app.PageEntered{}, invalid("answer yes or no", "%q is not an answer", e.Consent)
	}
	g := app.Guest{ID: guestID(e.Visit), Name: name, Consent: e.Consent}
	out := app.PageEntered{Guest: g.ID, Name: name}
	var open *app.Meeting
	err := h.store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		r, err := pageRoom(tx, e.Token)
		if err != nil {
			return err
		}
		if out.PageView, open, err = h.pageView(tx, r); err != nil {
			return err
		}
		of := r.ID
		if open != nil {
			of = open.ID
			if err := notEjected(tx, of, g, h.clock.Now()); err != nil {
				return err
			}
			if e.Host != "" && !app.NeedsConsent(*open, r) {
				out.Ask = false
			}
		}
		g, out.Stored, err = h.keepGuest(tx, of, g, out.Ask, e.Unchanged)
		if err == nil && out.Stored && open != nil {
			tx.Changed(app.Change{Kind: app.MeetingChange, Meeting: open})
		}
		return err
	})
	switch {
	case err != nil:
		return app.PageEntered{}, writeError(err)
	case open == nil, g.Consent == app.ConsentNo, out.Ask && g.Consent != app.ConsentYes:
		return out, nil
	case out.State == app.PageLocked && e.Host == "":
		return out, nil
	case e.Full:
		return app.PageEntered{Stored: out.Stored}, app.Errorf(provider.RateLimited, "try again in a few minutes", "too many guests have joined")
	}
	return h.letIn(ctx, *open, g, e.Host, out)
}

// keepGuest stores a guest, and reports whether anything changed. An earlier answer is valid until they give another one.
func (h *Hub) keepGuest(tx *store.Tx, of string, g app.Guest, ask, unchanged bool) (app.Guest, bool, error) {
	had, known, err := store.Found(tx.Guest(of, g.ID))
	if err != nil {
		return g, false, err
	}
	g.CameAt = h.now()
	if known {
		g.CameAt, g.EnteredAt, g.ConsentAt, g.Consent = had.CameAt, had.EnteredAt, had.ConsentAt, cmp.Or(g.Consent, had.Consent)
	}
	if !ask && g.Consent == app.ConsentYes && had.Consent == "" {
		g.Consent = "" // no one asked
	}
	if g.Consent != had.Consent {
		g.ConsentAt = h.now()
	}
	switch {
	case g == had:
		return g, false, nil
	case unchanged:
		return g, false, app.Errorf(provider.RateLimited, "try again in a few minutes", "too many guests have used this page")
	case !known:
		if err := makeRoom(tx, of); err != nil {
			return g, false, err
		}
	}
	return g, true, tx.PutGuest(of, g)
}

// makeRoom removes a guest if too many were never let in: the first of those who did not decline, else of all. Guests who still wait
// send their answer again when they enter.
func makeRoom(tx *store.Tx, of string) error {
	all, err := tx.Guests(of)
	if err != nil {
		return err
	}
	outside := slices.DeleteFunc(all, func(g app.Guest) bool { return !g.EnteredAt.IsZero() })
	if len(outside) < maxOutside {
		return nil
	}
	first := max(0, slices.IndexFunc(outside, func(g app.Guest) bool { return g.Consent != app.ConsentNo }))
	return tx.DropGuest(of, outside[first].ID)
}

// notEjected fails for a guest who was recently removed from the meeting.
func notEjected(tx *store.Tx, meeting string, g app.Guest, now time.Time) error {
	stays, err := tx.Stays(meeting)
	if err != nil {
		return err
	}
	guests, err := tx.Guests(meeting)
	if err != nil {
		return err
	}
	list := make([]app.Stay, 0, len(stays))
	for _, s := range stays {
		list = append(list, s.Stay)
	}
	recogniseGuests(list, guests)
	for _, known := range guests {
		for _, s := range list {
			if known.ID == g.ID && s.Session == known.Session && !s.LeftAt.IsZero() && removed(s.Reason) && now.Sub(s.LeftAt.Time) < ejectedFor {
				return app.Errorf(provider.Forbidden, "ask the host if you can come back", "a host removed you from this meeting")
			}
		}
	}
	return nil
}

// removed reports whether a reason for leaving means that a host removed the person.
func removed(reason string) bool {
	return strings.Contains(reason, "removed") || strings.Contains(reason, "eject")
}

// letIn asks the platform for access. It uses up a host's token.
func (h *Hub) letIn(ctx context.Context, m app.Meeting, g app.Guest, host string, out app.PageEntered) (app.PageEntered, error) {
	a, err := h.accountOf(m.Account)
	if err != nil {
		return app.PageEntered{}, err
	}
	e, ok := a.Provider.(provider.Embedder)
	if !ok {
		return app.PageEntered{}, app.Errorf(provider.Unsupported, "ask the host for the meeting's link",
			"meetings on %s can't be shown in this page", a.Platform.Title())
	}
	var token store.HostToken
	if host != "" {
		if token, err = h.takeHostToken(ctx, host, m.ID); err != nil {
			return app.PageEntered{}, err
		}
	}
	entry, err := e.Entry(ctx, provider.EntryRequest{
		Meeting: platformMeeting(m, nil), Name: g.Name, UserID: g.ID, Host: host != "", Locked: m.Locked,
	})
	h.noteCall(a, err)
	if err != nil {
		if host != "" { // it may be used again
			err = errors.Join(err, h.store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
				return tx.PutHostToken(host, token, h.clock.Now())
			}))
		}
		return app.PageEntered{}, err
	}
	if in, err := h.noteEntered(ctx, m.ID, g); err != nil || !in {
		return app.PageEntered{PageView: out.PageView, Guest: out.Guest, Name: out.Name}, err
	}
	out.Component, out.URL, out.Access = e.Embed().Component, entry.URL, entry.Token
	return out, nil
}

// noteEntered stores that a guest is let in. It reports false for one who declined while the platform was asked.
func (h *Hub) noteEntered(ctx context.Context, meeting string, g app.Guest) (in bool, err error) {
	err = h.store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		now, known, err := store.Found(tx.Guest(meeting, g.ID))
		if err != nil {
			return err
		}
		if !known {
			now = g
		}
		if in = now.Consent != app.ConsentNo; !in || !now.EnteredAt.IsZero() {
			return nil
		}
		now.EnteredAt = h.now()
		return tx.PutGuest(meeting, now)
	})
	return in, writeError(err)
}

// takeHostToken uses up a host's token.
func (h *Hub) takeHostToken(ctx context.Context, secret, meeting string) (token store.HostToken, err error) {
	err = h.store.Update(ctx, func(tx *store.Tx) (err error) {
		if token, err = tx.TakeHostToken(secret); err == nil && (token.Meeting != meeting || !token.Until.After(h.clock.Now())) {
			err = store.ErrNotFound // and it isn't used up
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return token, app.Errorf(provider.Forbidden, "open another one with `greenroom meeting join --host`",
			"this host link was already used or has expired")
	}
	return token, writeError(err)
}
