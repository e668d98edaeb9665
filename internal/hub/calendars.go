package hub

import (
	"context"
	"errors"
	"fmt"
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
	// fresh is for how long a list of what takes place doesn't read a calendar again.
	fresh        = 5 * time.Minute
	maxCalendars = 50
)

// CalendarReader reads the text of a calendar from an address or a file. had is what the previous reading returned. Its errors are
// for people and don't contain the address, which may be a key.
type CalendarReader func(ctx context.Context, source string, had calendar.Version) (calendar.Text, error)

// calendars are the subscriptions, as they were understood.
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

func (c *calendars) run() {
	h := c.h
	for {
		c.refresh(h.ctx, readEvery)
		timer := h.clock.NewTimer(time.Minute)
		select {
		case <-timer.Chan():
		case <-h.ctx.Done():
			timer.Stop()
			return
		}
	}
}

// refresh reads the calendars that weren't tried for a while.
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

// read reads a text, and whether it is a calendar.
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

type fetched struct {
	calendar.Text
	feed *calendar.Feed
}

// note writes down what a reading gave. After a failure everything stays as it was.
func (c *calendars) note(ctx context.Context, was store.Calendar, text fetched, err error) error {
	return c.h.store.Update(ctx, func(tx *store.Tx) error {
		now, gerr := tx.Calendar(was.Name)
		cal := storedCalendar{now}
		if errors.Is(gerr, store.ErrNotFound) || gerr == nil && cal.URL != was.URL {
			return nil // removed meanwhile
		}
		if gerr != nil {
			return gerr
		}
		cal.TriedAt, cal.Error = c.h.now(), ""
		if err != nil {
			cal.Error = app.AsError(err).Sentence()
			return tx.PutCalendar(cal.Calendar, nil)
		}
		cal.LastRead = cal.TriedAt
		if text.Unchanged {
			return tx.PutCalendar(cal.Calendar, nil)
		}
		cal.set(text)
		return tx.PutCalendar(cal.Calendar, text.Body)
	})
}

// subscription is a calendar as it was understood; feed is nil while that was not possible.
type subscription struct {
	store.Calendar
	feed *calendar.Feed
	err  error
}

// all returns the subscriptions by name. Texts are copied out of the store and read after that.
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

// calendarName matches the names that a subscription can have.
var calendarName = regexp.MustCompile(`^[\pL\pN][\pL\pN ._-]{0,63}$`)

// AddCalendar subscribes to a calendar; see [app.Backend].
func (h *Hub) AddCalendar(ctx context.Context, spec app.CalendarSpec) (app.Calendar, error) {
	name := strings.TrimSpace(spec.Name)
	switch {
	case !calendarName.MatchString(name):
		return app.Calendar{}, &app.Error{
			Kind: provider.Invalid, Text: fmt.Sprintf("a calendar can't be called %q", name), Hint: "use letters, digits, spaces, dots and hyphens",
		}
	case h.opt.ReadCalendar == nil:
		return app.Calendar{}, &app.Error{Kind: provider.Unsupported, Text: "the process that owns the store can't read calendars"}
	case !strings.Contains(spec.URL, "://") && !filepath.IsAbs(spec.URL):
		return app.Calendar{}, &app.Error{Kind: provider.Invalid, Text: "the calendar's file needs an absolute path"}
	}
	if err := h.store.View(ctx, func(tx *store.Tx) error { return freeCalendar(tx, name) }); err != nil {
		return app.Calendar{}, err
	}
	text, err := h.calendars.read(ctx, spec.URL, calendar.Version{})
	if err != nil {
		return app.Calendar{}, err
	}
	cal := storedCalendar{store.Calendar{Calendar: app.Calendar{Name: name, URL: spec.URL, LastRead: h.now()}, TriedAt: h.now()}}
	cal.set(text)
	err = h.store.Update(ctx, func(tx *store.Tx) error {
		if err := freeCalendar(tx, name); err != nil {
			return err
		}
		return tx.PutCalendar(cal.Calendar, text.Body)
	})
	return cal.Calendar.Calendar, writeError(err)
}

// storedCalendar is a subscription that is about to be written.
type storedCalendar struct{ store.Calendar }

// set takes over a text that was read.
func (c *storedCalendar) set(text fetched) {
	c.ETag, c.Modified, c.Version = text.Version.ETag, text.Version.Modified, c.Version+1
	c.Events, c.Notes = text.feed.Events, text.feed.Notes
}

// freeCalendar fails if the name is used, or there are enough.
func freeCalendar(tx *store.Tx, name string) error {
	all, err := tx.Calendars()
	if err != nil {
		return err
	}
	if len(all) >= maxCalendars {
		return &app.Error{Kind: provider.Conflict, Text: fmt.Sprintf("there are already %d calendars", len(all)), Hint: "remove " +
			"one: greenroom calendar remove NAME"}
	}
	if _, err = tx.Calendar(name); errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	return &app.Error{
		Kind: provider.Conflict, Text: fmt.Sprintf("a calendar named %q already exists", name), Hint: "use another name, or remove " +
			"it: greenroom calendar remove NAME",
	}
}

// RemoveCalendar ends a subscription; see [app.Backend].
func (h *Hub) RemoveCalendar(ctx context.Context, ref app.CalendarRef) (app.Calendar, error) {
	var out app.Calendar
	err := h.store.Update(ctx, func(tx *store.Tx) error {
		c, err := tx.Calendar(ref.Name)
		if errors.Is(err, store.ErrNotFound) {
			return &app.Error{
				Kind: provider.NotFound, Text: fmt.Sprintf("there is no calendar %q", ref.Name), Hint: "list them: greenroom calendar list",
			}
		}
		if err != nil {
			return err
		}
		out = c.Calendar
		text, err := tx.CalendarText(c.Name)
		if ignore(err, store.ErrNotFound) != nil {
			return err
		}
		return errors.Join(h.discard(tx, trashed{Kind: app.DeletedCalendar, Calendar: &c, Text: text}), tx.DeleteCalendar(c.Name))
	})
	return out, writeError(err)
}
