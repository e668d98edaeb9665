package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/filter"
	"greenroom/internal/notify"
	"greenroom/provider"
	"greenroom/store"
)

// CallRule runs a program when a notification was sent.
type CallRule struct {
	// Words name the calls. Without any the program runs for the events that Filter selects as they arrive.
	Words  []string
	Filter *filter.Filter
	// Run must end soon when ctx does.
	Run func(ctx context.Context, c app.Call) error
}

const (
	// callsPause is the least time between two looks, which also take at most one part in callsShare of the time; callsSoon the time until a pending one is due, callsEvery the longest time
	// between looks while there are bookings.
	callsPause = 200 * time.Millisecond
	callsShare = 20
	callsSoon  = 5 * time.Second
	callsEvery = 20 * time.Second
	// callsAtOnce programs run at the same time, each for callTime at most; callsWaiting wait.
	callsAtOnce  = 4
	callTime     = time.Minute
	callsWaiting = 256
	// callsValue is the name of the memory in the store.
	callsValue = "calls"
)

// calls notifies the user. Only the store's owner does that. The memory of notifications is stored before one is sent:
// a crash can swallow a call, and repeats none.
type calls struct {
	h      *Hub
	memory notify.Memory
	// recordings are the recordings that changed since the last check; all means that every recent one is checked.
	recordings map[app.RecordingRef]app.Recording
	all        bool
	// meetings are the unended ones as they changed last.
	meetings map[string]app.Meeting
	programs chan callProgram
}

// callProgram is a program that waits to be run.
type callProgram struct {
	run  func(ctx context.Context, c app.Call) error
	call app.Call
}

func newCalls(h *Hub) *calls {
	return &calls{h: h, all: true, recordings: map[app.RecordingRef]app.Recording{}, meetings: map[string]app.Meeting{}, programs: make(chan callProgram, callsWaiting)}
}

// start calls from now on, also for what changes before its goroutine runs.
func (c *calls) start() {
	changes := c.h.bus.subscribe(c.h.ctx, nil)
	c.h.goes("calls", func() { c.run(changes) })
}

func (c *calls) run(changes <-chan app.Change) {
	h := c.h
	if err := c.recall(h.ctx); err != nil {
		h.log.Error("the earlier notifications could not be read, so none are sent", "err", err)
		return
	}
	for n := range callsAtOnce {
		h.goes(fmt.Sprintf("program %d that calls", n+1), c.serve)
	}
	var pause, due <-chan time.Time
	stop := func() bool { return false }
	defer func() { stop() }()
	for looks := true; ; {
		if looks && pause == nil {
			stop()
			began := time.Now()
			wait := c.look(h.ctx)
			looks, pause, due = false, time.After(max(callsPause, callsShare*time.Since(began))), nil
			if wait > 0 {
				timer := h.clock.NewTimer(wait)
				stop, due = timer.Stop, timer.Chan()
			}
		}
		select {
		case <-pause:
			pause = nil
		case <-due:
			looks, due = true, nil
		case change, open := <-changes:
			if !open {
				return
			}
			looks = c.note(change) || looks
		case <-h.ctx.Done():
			return
		}
	}
}

// recall reads the memory.
func (c *calls) recall(ctx context.Context) error {
	return c.h.store.View(ctx, func(tx *store.Tx) error {
		raw := tx.Value(callsValue)
		if raw == nil {
			return nil
		}
		return json.Unmarshal(raw, &c.memory)
	})
}

// note takes a change in, and reports whether the state is worth a look.
func (c *calls) note(change app.Change) bool {
	switch change.Kind {
	case app.DeliveryChange:
		if d := change.Delivery; d != nil {
			c.event(d)
		}
	case app.RecordingChange:
		r := change.Recording
		if r == nil || change.Deleted {
			return false
		}
		running := r.Download != nil && (r.Download.State == app.DownloadRunning || r.Download.State == app.DownloadVerifying)
		c.recordings[r.Ref()] = *r
		return !running
	case app.Missed:
		c.all = true
		return true
	case app.MeetingChange:
		m := change.Meeting
		if m == nil {
			return true
		}
		had, known := c.meetings[m.ID]
		if c.meetings[m.ID] = *m; m.Status == app.Ended {
			delete(c.meetings, m.ID)
		}
		return !known || !m.Confirms(had) // each reading of presence is a change
	case app.ActivityChange, app.BookingChange, app.StatusChange:
		return true
	}
	return false
}

// look makes the calls that are due, and returns how long to wait for the next look, 0 for the next change.
func (c *calls) look(ctx context.Context) time.Duration {
	state, err := c.state(ctx)
	if err != nil {
		if ctx.Err() == nil {
			c.h.log.Error("the state for notifications could not be read", "err", err)
		}
		return callsSoon
	}
	due, changed, soon := c.memory.Next(state)
	if changed {
		raw, err := json.Marshal(c.memory)
		if err == nil {
			err = c.h.store.Update(ctx, func(tx *store.Tx) error { return tx.PutValue(callsValue, raw) })
		}
		if err != nil {
			if ctx.Err() == nil {
				c.h.log.Error("a notification could not be stored, so it is not sent", "err", err)
			}
			c.memory, c.all = notify.Memory{}, true
			if err := c.recall(ctx); err != nil && ctx.Err() == nil {
				c.h.log.Error("the earlier notifications could not be read", "err", err)
			}
			return callsSoon
		}
	}
	for _, call := range due {
		c.call(call)
	}
	switch {
	case soon:
		return callsSoon
	case len(state.Bookings) > 0:
		return callsEvery
	}
	return 0
}

// call publishes a call and has the programs run that are for its word.
func (c *calls) call(call app.Call) {
	c.h.log.Info("a notification was sent", "event", call.Event, "room", call.Room, "account", call.Account)
	c.h.bus.publish([]app.Change{{Kind: app.CallChange, Call: &call}})
	for _, rule := range c.rules() {
		if slices.Contains(rule.Words, call.Event) {
			c.queue(rule, call)
		}
	}
}

// event has the programs run whose filters select an event.
func (c *calls) event(d *app.Delivery) {
	if d.Verdict != provider.Verified || d.DuplicateOf != 0 || d.ReplayOf != 0 || d.Imported {
		return
	}
	whole := false
	for _, rule := range c.rules() {
		if rule.Filter == nil {
			continue
		}
		if !whole {
			read, err := c.h.Event(c.h.ctx, app.EventRef{Seq: d.Seq})
			if err != nil {
				c.h.log.Warn("an event could not be compared with the notifications' filters", "seq", d.Seq, "err", err)
				return
			}
			d, whole = &read, true
		}
		if rule.Filter.MatchDelivery(d) {
			call := app.Call{Event: string(d.Kind), At: d.At, Room: d.Room, Meeting: d.Meeting, Account: d.Account, Person: d.Participant, Reason: d.Reason}
			if a := c.h.accounts[d.Account]; a != nil {
				call.Platform = a.Platform
			}
			c.queue(rule, call)
		}
	}
}

// SetCalls replaces the rules of [Options]. It doesn't affect programs that are running or waiting.
func (h *Hub) SetCalls(rules []CallRule) { h.callRules.Store(&rules) }

func (c *calls) rules() []CallRule {
	if rules := c.h.callRules.Load(); rules != nil {
		return *rules
	}
	return c.h.opt.Calls
}

// queue has a program run soon. When too many wait it doesn't run, which is logged.
func (c *calls) queue(rule CallRule, call app.Call) {
	select {
	case c.programs <- callProgram{rule.Run, call}:
	default:
		c.h.log.Error("a program was not run, because too many are waiting", "event", call.Event, "room", call.Room)
	}
}

// serve runs programs, one after the other.
func (c *calls) serve() {
	for {
		select {
		case p := <-c.programs:
			ctx, cancel := context.WithTimeoutCause(c.h.ctx, callTime, fmt.Errorf("it did not end within %s", callTime))
			if err := p.run(ctx, p.call); err != nil && c.h.ctx.Err() == nil {
				c.h.log.Error("a [[notify]] program failed", "event", p.call.Event, "err", err)
			}
			cancel()
		case <-c.h.ctx.Done():
			return
		}
	}
}

// state reads what there is to call for.
func (c *calls) state(ctx context.Context) (notify.State, error) {
	h := c.h
	s := notify.State{Now: h.clock.Now()}
	_, s.Tunnel = h.tunnelStatus()
	for _, a := range h.order {
		s.Accounts = append(s.Accounts, h.accountStatus(a, "", ""))
	}
	err := h.store.ViewLater(ctx, func(tx *store.Tx) error {
		meetings, err := tx.Unended()
		if err != nil {
			return err
		}
		for _, m := range meetings {
			stays, err := tx.Present(m.ID)
			if err != nil {
				return err
			}
			d := app.MeetingDetail{Meeting: m.Meeting}
			for _, stay := range stays {
				d.Participants = append(d.Participants, stay.Stay)
			}
			s.Meetings = append(s.Meetings, d)
		}
		bookings, err := roomBookings(tx, "")
		for _, b := range bookings {
			s.Bookings = append(s.Bookings, h.bookingView(tx, b))
		}
		if err != nil || !c.all {
			return err
		}
		return tx.NewestRecordings(func(r app.Recording) bool {
			c.recordings[r.Ref()] = r
			return s.Now.Sub(r.StartedAt.Time) < notify.Fresh
		})
	})
	if err != nil {
		return s, err
	}
	for _, r := range c.recordings {
		s.Recordings = append(s.Recordings, r)
	}
	clear(c.recordings)
	c.all = false
	return s, nil
}
