package hub

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/store"
)

const (
	// endedFor is how long a page shows the end of the last meeting, unless another one begins within soonEnough.
	endedFor   = 2 * time.Hour
	soonEnough = 30 * time.Minute
	// maxInviters bounds the hosts named on a page.
	maxInviters = 3
)

// pageBase is where the pages are reachable now.
type pageBase struct {
	url, tunnel string
	reach       app.PageReach
}

// pageBase returns the public address of a tunnel that carries connections, else that of the listener on this machine.
func (h *Hub) pageBase() pageBase {
	if _, t := h.tunnelStatus(); t.State == "live" && !t.StoreAndForward && t.URL != "" {
		return pageBase{strings.TrimSuffix(t.URL, "/"), t.Driver, app.PagePublic}
	}
	h.mu.Lock()
	listener := h.listener
	h.mu.Unlock()
	own := ""
	if listener != nil {
		own = listener().URL
	}
	own = cmp.Or(own, h.listeners.reported(h.clock.Now()).URL, "http://"+cmp.Or(h.opt.Listen, "127.0.0.1:7070"))
	return pageBase{onThisMachine(own), "", app.PageLocal}
}

// onThisMachine replaces the host of a listener that is bound to all addresses by the loopback address.
func onThisMachine(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() == "" || ip != nil && ip.IsUnspecified() {
		u.Host = net.JoinHostPort("127.0.0.1", u.Port())
	}
	return strings.TrimSuffix(u.String(), "/")
}

// of returns the address of a room's page.
func (b pageBase) of(tx *store.Tx, r app.Room) (app.PageLink, error) {
	p, err := tx.Page(r.ID)
	if errors.Is(err, store.ErrNotFound) || err == nil && p.Off {
		return app.PageLink{PageReach: app.PageOff}, nil
	}
	return app.PageLink{PageURL: b.url + "/r/" + Slug(r.Name) + "-" + p.Token, PageReach: b.reach, PageTunnel: b.tunnel}, err
}

// EditPage changes the address of a room's page; see [app.Backend].
func (h *Hub) EditPage(ctx context.Context, c app.PageChange) (app.PageLink, error) {
	var link app.PageLink
	if c.Off && (c.On || c.Rotate) {
		return link, invalid("use only one of them", "a page can't be both off and on")
	}
	base := h.pageBase()
	change := func(tx *store.Tx) error {
		r, err := findRoom(tx, c.Room)
		if err != nil {
			return err
		}
		if c.Rotate || c.Off || c.On {
			p, _, err := store.Found(tx.Page(r.ID))
			if err != nil {
				return err
			}
			if c.Rotate || p.Token == "" {
				p.Token = store.NewPageToken()
			}
			p.Off = c.Off || p.Off && !c.On
			if err := tx.PutPage(r.ID, p); err != nil {
				return err
			}
			tx.Changed(app.Change{Kind: app.RoomChange, Room: &r})
		}
		link, err = base.of(tx, r)
		return err
	}
	if c.Rotate || c.Off || c.On {
		return link, writeError(h.store.Update(ctx, change))
	}
	return link, h.store.View(ctx, change)
}

// Page returns what a guest sees; see [app.Backend].
func (h *Hub) Page(ctx context.Context, ref app.PageRef) (app.PageView, error) {
	var v app.PageView
	err := h.store.View(ctx, func(tx *store.Tx) error {
		r, err := pageRoom(tx, ref.Token)
		if err == nil {
			v, _, err = h.pageView(tx, r)
		}
		return err
	})
	return v, err
}

// pageRoom finds the room of a page that is on.
func pageRoom(tx *store.Tx, token string) (app.Room, error) {
	r, err := tx.PageRoom(token)
	var p store.Page
	if err == nil {
		p, err = tx.Page(r.ID)
	}
	if errors.Is(err, store.ErrNotFound) || err == nil && p.Off {
		return r, notFound("no page has this address")
	}
	return r, err
}

// pageView returns what a guest sees, and the meeting that they can join, nil if there is none.
func (h *Hub) pageView(tx *store.Tx, r app.Room) (app.PageView, *app.Meeting, error) {
	v := app.PageView{Room: r.Name, State: app.PageWaiting, By: h.opt.HostName, Recorded: app.Recorded(r.Recording)}
	v.Frames, v.Connects = h.pageSources()
	now := h.clock.Now()
	bookings, err := roomBookings(tx, r.ID)
	if err != nil {
		return v, nil, err
	}
	for _, b := range bookings {
		if next := h.bookingView(tx, b).Next; !next.IsZero() && (v.StartsAt.IsZero() || next.Before(v.StartsAt.Time)) {
			v.StartsAt = next
		}
	}
	m, err := h.currentOf(tx, r.ID)
	if err != nil {
		return v, nil, err
	}
	var open *app.Meeting
	switch {
	case m == nil:
	case m.Status == app.Ended:
		booked := !v.StartsAt.IsZero() && v.StartsAt.Sub(now) < soonEnough
		if now.Sub(m.EndedAt.Time) < endedFor && !booked {
			v.State = app.PageEnded
		}
	case m.EndsAt.IsZero() || m.EndsAt.After(now) || m.Here > 0:
		open, v.State, v.Meeting = m, app.PageOpen, m.ID
		v.Recorded = app.Recorded(m.Record) || m.Recording == app.IsRecording || m.Recording == app.StartingRecording
		hosts, err := hostsIn(tx, m.ID)
		if err != nil {
			return v, nil, err
		}
		v.By = cmp.Or(v.By, strings.Join(hosts[:min(len(hosts), maxInviters)], ", "))
		if e := h.embedder(m.Account); e != nil && m.Locked && len(hosts) == 0 && !e.Embed().Lobby {
			v.State = app.PageLocked
		}
	}
	v.Ask = v.Recorded && !r.SkipConsent
	return v, open, nil
}

// hostsIn returns the names of the hosts who are in a meeting.
func hostsIn(tx *store.Tx, meeting string) ([]string, error) {
	stays, err := tx.Stays(meeting)
	var names []string
	for _, s := range stays {
		if s.Owner && s.Present() && !s.Bot {
			names = append(names, cmp.Or(s.Name, "the host"))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

// pageSources returns the content sources of the components of all platforms, since the next meeting may be on any.
func (h *Hub) pageSources() (frames, connects []string) {
	for _, a := range h.order {
		if e := h.embedder(a.Name); e != nil {
			frames, connects = append(frames, e.Embed().Frames...), append(connects, e.Embed().Connects...)
		}
	}
	slices.Sort(frames)
	slices.Sort(connects)
	return slices.Compact(frames), slices.Compact(connects)
}

// embedder returns the account's provider if people can join in our page, else nil.
func (h *Hub) embedder(account string) provider.Embedder {
	a := h.accounts[account]
	if a == nil || a.Unusable != nil {
		return nil
	}
	e, ok := a.Provider.(provider.Embedder)
	if !ok {
		return nil
	}
	return e
}

// needsPage reports whether err means that the platform has no page for joining, while ours can show its meetings.
func (a *account) needsPage(err error) bool {
	_, ok := a.Provider.(provider.Embedder)
	return ok && errors.Is(err, provider.Unsupported)
}

// pageURL returns the address of the page of a meeting's room.
func (h *Hub) pageURL(ctx context.Context, m app.Meeting) (string, error) {
	link, err := h.EditPage(ctx, app.PageChange{Room: m.RoomID})
	if err == nil && link.PageURL == "" {
		err = app.Errorf(provider.Unsupported, "enable it: greenroom room page "+m.Room+" --on",
			"the page of %s is off, and %s has no page of its own", m.Room, m.Platform.Title())
	}
	return link.PageURL, err
}

// guestsUsePage reports whether guests of an account's meetings join in the room's page, since the platform has no links. Links to
// the user's own page carry tokens: only [Hub.StartMeeting] and [Hub.MeetingLink] create them.
func (h *Hub) guestsUsePage(account string) bool {
	return h.embedder(account) != nil && h.accounts[account].JoinURL == ""
}

// giveGuestURL sets the guest link of a meeting to the room's page if the platform has no links.
func (h *Hub) giveGuestURL(m *app.Meeting, page app.PageLink) {
	if m.GuestURL == "" && h.guestsUsePage(m.Account) {
		m.GuestURL = page.PageURL
	}
}

// complete adds the guest link to a new change of a meeting if it is cached and its base was checked. The store calls it, so it must
// not read.
func (h *Hub) complete(c app.Change) {
	if c.Meeting != nil && c.Meeting.GuestURL == "" && h.guestsUsePage(c.Meeting.Account) && !h.links.due() {
		c.Meeting.GuestURL, _, _ = h.links.recall(c.Meeting.ID)
	}
}

// completed adds the guest link to a change of a meeting, as in the lists of meetings.
func (h *Hub) completed(ctx context.Context, c app.Change) app.Change {
	if c.Meeting == nil || !h.guestsUsePage(c.Meeting.Account) {
		return c
	}
	h.links.check(h.pageBase)
	link, known, state := h.links.recall(c.Meeting.ID)
	if c.Meeting.GuestURL != "" || known && link == "" {
		return c
	}
	one := []app.Meeting{*c.Meeting} // a copy: the change is shared
	if one[0].GuestURL = link; !known {
		if err := h.store.View(ctx, func(tx *store.Tx) error { return h.giveGuestURLs(tx, one) }); err != nil {
			return c
		}
		h.links.keep(state, one[0].ID, one[0].GuestURL)
	}
	c.Meeting = &one[0]
	return c
}

const (
	// baseFor is how long the base of the guest links is cached.
	baseFor = time.Second
	// maxLinks limits the links that are cached.
	maxLinks = 1000
)

// links caches the guest links of meetings, which change many times a second under load, until a room or the links' base changes.
type links struct {
	mu    sync.Mutex
	state int // counts how often everything was forgotten
	since time.Time
	base  pageBase
	of    map[string]string
}

// due reports whether the links' base must be checked.
func (l *links) due() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.since) > baseFor
}

// check forgets everything if the links' base has changed.
func (l *links) check(base func() pageBase) {
	if !l.due() {
		return
	}
	now := base()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.since = time.Now(); now != l.base {
		l.base, l.of = now, nil
		l.state++
	}
}

func (l *links) recall(meeting string) (link string, known bool, state int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	link, known = l.of[meeting]
	return link, known, l.state
}

// keep remembers a link that was read since recall returned the state, unless everything was forgotten in between.
func (l *links) keep(state int, meeting, link string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case state != l.state:
		return
	case l.of == nil, len(l.of) >= maxLinks:
		l.of = make(map[string]string)
	}
	l.of[meeting] = link
}

func (l *links) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.of = nil
	l.state++
}

func (h *Hub) giveGuestURLs(tx *store.Tx, meetings []app.Meeting) error {
	for i := range meetings {
		m := &meetings[i]
		if m.GuestURL != "" || !h.guestsUsePage(m.Account) {
			continue
		}
		r, known, err := store.Found(tx.Room(m.RoomID))
		if err != nil {
			return err
		}
		if known {
			link, err := h.pageBase().of(tx, r)
			if err != nil {
				return err
			}
			h.giveGuestURL(m, link)
		}
	}
	return nil
}
