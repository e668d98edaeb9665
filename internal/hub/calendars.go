package hub

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/calendar"
	"greenroom/provider"
	"greenroom/store"
)

const (
	// readEvery is how often subscribed calendars are read, readTime bounds reading one.
	readEvery = 15 * time.Minute
	readTime  = 30 * time.Second
	// fresh is the age up to which a calendar isn't read again for a list.
	fresh        = 5 * time.Minute
	maxCalendars = 50
)

// CalendarReader reads the text of a calendar from an address or a file. had is the version of the previous reading. Its errors are
// for people and don't contain the address, which may be secret.
type CalendarReader func(ctx context.Context, source string, had calendar.Version) (calendar.Text, error)

// calendars are the subscriptions, parsed.
type calendars struct {
	h       *Hub
	reading sync.Mutex // one refresh at a time

	mu    sync.Mutex
	feeds map[string]parsed // by name
}

type parsed struct {
	version int
	url     string
	feed    *calendar.Feed
}

// refresh reads the calendars that weren't tried for the given time.
func (c *calendars) refresh(ctx context.Context, age time.Duration) {
	h := c.h
	if h.opt.ReadCalendar == nil {
		return
	}
	c.reading.Lock()
	defer c.reading.Unlock()
	all, err := store.Read(ctx, h.store, (*store.Tx).Calendars)
	if err != nil {
		if ctx.Err() == nil {
			h.log.Error("the calendars could not be read", "err", err)
		}
		return
	}
	for _, cal := range all {
		if h.clock.Now().Sub(cal.TriedAt.Time) < age && !cal.TriedAt.After(h.clock.Now()) {
			continue
		}
		text, err := c.read(ctx, cal.URL, calendar.Version{ETag: cal.ETag, Modified: cal.Modified})
		if ctx.Err() != nil {
			return
		}
		if werr := c.note(ctx, cal, text, err); werr != nil && ctx.Err() == nil && !errors.Is(werr, store.ErrReadOnly) {
			h.log.Error("a calendar could not be stored", "calendar", cal.Name, "err", werr)
		}
	}
}

// read reads and parses a calendar.
func (c *calendars) read(ctx context.Context, source string, had calendar.Version) (fetched, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	text, err := c.h.opt.ReadCalendar(ctx, source, had)
	if err != nil || text.Unchanged {
		return fetched{Text: text}, err
	}
	feed, err := calendar.Read(text.Body)
	return fetched{text, feed}, err
}

// fetched is the text of a calendar, parsed unless it is unchanged.
type fetched struct {
	calendar.Text
	feed *calendar.Feed
}

// describe sets what a subscription records of its text.
func (f fetched) describe(c *store.Calendar) {
	c.ETag, c.Modified, c.Version = f.Version.ETag, f.Version.Modified, c.Version+1
	c.Events, c.Notes = f.feed.Events, f.feed.Notes
}

// note stores the result of a reading. After a failure the earlier text stays.
func (c *calendars) note(ctx context.Context, was store.Calendar, text fetched, err error) error {
	return c.h.store.Update(ctx, func(tx *store.Tx) error {
		cal, known, readErr := store.Found(tx.Calendar(was.Name))
		if !known || cal.URL != was.URL {
			return readErr // removed meanwhile
		}
		cal.TriedAt, cal.Error = c.h.now(), ""
		switch {
		case err != nil:
			cal.Error = app.AsError(err).Sentence()
			return tx.PutCalendar(cal, nil)
		case text.Unchanged:
			cal.LastRead = cal.TriedAt
			return tx.PutCalendar(cal, nil)
		}
		cal.LastRead = cal.TriedAt
		text.describe(&cal)
		return tx.PutCalendar(cal, text.Body)
	})
}

// subscription is a parsed calendar; feed is nil if it can't be parsed.
type subscription struct {
	store.Calendar
	feed *calendar.Feed
	err  error
}

// all returns the subscriptions by name. Texts are copied out of the store and parsed afterwards.
func (c *calendars) all(ctx context.Context) ([]subscription, error) {
	var out []subscription
	packed := make(map[int][]byte)
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.h.store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.Calendars()
		for i, cal := range all {
			s := subscription{Calendar: cal}
			if had, ok := c.feeds[cal.Name]; ok && had.version == cal.Version && had.url == cal.URL {
				s.feed = had.feed
			} else if text, err := tx.CalendarText(cal.Name); err == nil {
				packed[i] = text
			} else if !errors.Is(err, store.ErrNotFound) {
				return err
			}
			out = append(out, s)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	known := make(map[string]parsed, len(out))
	for i := range out {
		s := &out[i]
		if raw := packed[i]; raw != nil {
			text, err := store.Unpack(raw, calendar.MaxBytes+1)
			if err == nil {
				s.feed, err = calendar.Read(text)
			}
			s.err = err
		}
		if s.feed != nil {
			known[s.Name] = parsed{s.Version, s.URL, s.feed}
		}
	}
	c.feeds = known
	return out, nil
}

// Calendars lists the subscriptions; see [app.Backend].
func (h *Hub) Calendars(ctx context.Context, _ app.CalendarQuery) ([]app.Calendar, error) {
	out := []app.Calendar{}
	err := h.store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.Calendars()
		for _, c := range all {
			out = append(out, c.Calendar)
		}
		return err
	})
	return out, err
}

// calendarName matches the names that a subscription can have. Compiling it takes two milliseconds, which every start would wait for.
var calendarName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\pL\pN][\pL\pN ._-]{0,63}$`) })

// AddCalendar subscribes to a calendar; see [app.Backend].
func (h *Hub) AddCalendar(ctx context.Context, spec app.CalendarSpec) (app.Calendar, error) {
	name := strings.TrimSpace(spec.Name)
	switch {
	case !calendarName().MatchString(name):
		return app.Calendar{}, invalid("use letters, digits, spaces, dots and hyphens", "a calendar can't be called %q", name)
	case h.opt.ReadCalendar == nil:
		return app.Calendar{}, app.Errorf(provider.Unsupported, "", "the process that owns the store can't read calendars")
	case !strings.Contains(spec.URL, "://") && !filepath.IsAbs(spec.URL):
		return app.Calendar{}, invalid("", "the calendar's file needs an absolute path")
	}
	if err := h.store.View(ctx, func(tx *store.Tx) error { return freeCalendar(tx, name) }); err != nil {
		return app.Calendar{}, err
	}
	text, err := h.calendars.read(ctx, spec.URL, calendar.Version{})
	if err != nil {
		return app.Calendar{}, err
	}
	cal := store.Calendar{Calendar: app.Calendar{Name: name, URL: spec.URL, LastRead: h.now()}, TriedAt: h.now()}
	text.describe(&cal)
	err = h.store.Update(ctx, func(tx *store.Tx) error {
		if err := freeCalendar(tx, name); err != nil {
			return err
		}
		return tx.PutCalendar(cal, text.Body)
	})
	return cal.Calendar, writeError(err)
}

// freeCalendar fails if the name is used, or there are enough.
func freeCalendar(tx *store.Tx, name string) error {
	all, err := tx.Calendars()
	if err != nil {
		return err
	}
	if len(all) >= maxCalendars {
		return app.Errorf(provider.Conflict, "remove one: greenroom calendar remove NAME", "there are already %d calendars", len(all))
	}
	if _, exists, err := store.Found(tx.Calendar(name)); !exists {
		return err
	}
	return app.Errorf(provider.Conflict, "use another name, or remove it: greenroom calendar remove NAME",
		"a calendar named %q already exists", name)
}

// RemoveCalendar ends a subscription; see [app.Backend].
func (h *Hub) RemoveCalendar(ctx context.Context, ref app.CalendarRef) (app.Calendar, error) {
	var out app.Calendar
	err := h.store.Update(ctx, func(tx *store.Tx) error {
		c, known, err := store.Found(tx.Calendar(ref.Name))
		if !known {
			return cmp.Or(err, app.Errorf(provider.NotFound, "list them: greenroom calendar list", "there is no calendar %q", ref.Name))
		}
		out = c.Calendar
		text, _, err := store.Found(tx.CalendarText(c.Name))
		if err != nil {
			return err
		}
		return errors.Join(h.discard(tx, trashed{Kind: app.DeletedCalendar, Calendar: &c, Text: text}), tx.DeleteCalendar(c.Name))
	})
	return out, writeError(err)
}
