package apptest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Harness is one Backend to test, empty and the test's own.
type Harness struct {
	Backend app.Backend
	// Account is a configured account whose webhooks the Backend accepts.
	Account string
	// Meetings reports that meetings can be started: the account has a platform.
	Meetings bool
}

// patience bounds waiting for what must come; a test that reaches it has failed.
const patience = 2 * time.Minute

// Run tests that a Backend keeps the contract. open makes a new one for each test and closes it in its cleanup.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	tests := []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"an empty backend", testEmpty},
		{"rooms", testRooms},
		{"errors keep kind and text", testErrors},
		{"meetings", testMeetings},
		{"bookings and calendars", testPlans},
		{"deletions are undone", testUndo},
		{"no recording", testNoRecording},
		{"a request is kept exactly", testIngest},
		{"pages of events", testPages},
		{"replays", testReplays},
		{"imports", testImports},
		{"forwards", testForwards},
		{"catches", testCatches},
		{"a large request", testLarge},
		{"a batch is stored once and in order", testBatch},
		{"what is refused leaves its position", testRefused},
		{"a large batch", testLargeBatch},
		{"the tunnel is what is reported", testTunnel},
		{"subscribers see changes", testSubscribe},
		{"a subscription ends with its context", testUnsubscribe},
		{"concurrent use", testConcurrent},
		{"a cancelled stream of calls", testCancelled},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, open(t)) })
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func testEmpty(t *testing.T, h Harness) {
	ctx, b := t.Context(), h.Backend
	if s := must[app.Status](t)(b.Status(ctx, app.StatusQuery{})); s.Version == "" || s.Store.Deliveries != 0 {
		t.Errorf("status: %+v", s)
	}
	if l := must[[]app.Recording](t)(b.Recordings(ctx, app.RecordingQuery{})); len(l) != 0 {
		t.Errorf("recordings: %v", l)
	}
	if l := must[[]app.Meeting](t)(b.Meetings(ctx, app.MeetingQuery{})); len(l) != 0 {
		t.Errorf("meetings: %v", l)
	}
	if p := must[app.EventPage](t)(b.Events(ctx, app.EventQuery{})); len(p.Events) != 0 || p.More {
		t.Errorf("events: %+v", p)
	}
}

func testRooms(t *testing.T, h Harness) {
	ctx, b := t.Context(), h.Backend
	if rooms := must[[]app.RoomView](t)(b.Rooms(ctx, app.RoomQuery{})); len(rooms) != 0 {
		t.Fatalf("rooms of an empty backend: %v", rooms)
	}
	spec := app.RoomSpec{
		Name: "stand-up", Locked: true, Size: 12, Recording: provider.RecordingCloud,
		Trigger: provider.TriggerAutomatic2nd, SkipConsent: true,
	}
	made := must[app.Room](t)(b.CreateRoom(ctx, spec))
	want := app.Room{ID: made.ID, RoomSettings: spec, CreatedAt: made.CreatedAt}
	want.Link = app.LinkNew
	if diff := cmp.Diff(want, made); diff != "" || made.ID == "" || made.CreatedAt.IsZero() {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	for _, ref := range []string{"stand-up", made.ID} {
		if got := must[app.RoomView](t)(b.Room(ctx, app.RoomRef{Ref: ref})); !cmp.Equal(made, got.Room) {
			t.Errorf("room %s: %s", ref, cmp.Diff(made, got.Room))
		}
	}
	no, size := false, 3
	edited := must[app.Room](t)(b.EditRoom(ctx, app.RoomPatch{Ref: made.ID, Locked: &no, Size: &size}))
	want.Locked, want.Size = false, 3
	if diff := cmp.Diff(want, edited); diff != "" {
		t.Errorf("edited (-want +got):\n%s", diff)
	}
	must[app.Room](t)(b.CreateRoom(ctx, app.RoomSpec{Name: "other", Group: "Sales", Favourite: true}))
	if rooms := must[[]app.RoomView](t)(b.Rooms(ctx, app.RoomQuery{Group: "sales"})); len(rooms) != 1 || rooms[0].Name != "other" || !rooms[0].Favourite {
		t.Errorf("rooms of the group: %v", rooms)
	}
	if rooms := must[[]app.RoomView](t)(b.Rooms(ctx, app.RoomQuery{})); len(rooms) != 2 {
		t.Errorf("rooms: %v", rooms)
	}
	must[app.Room](t)(b.DeleteRoom(ctx, app.RoomRef{Ref: "stand-up"}))
	if _, err := b.Room(ctx, app.RoomRef{Ref: "stand-up"}); !errors.Is(err, provider.NotFound) {
		t.Errorf("after deleting: %v", err)
	}
}

func testErrors(t *testing.T, h Harness) {
	ctx, b := t.Context(), h.Backend
	must[app.Room](t)(b.CreateRoom(ctx, app.RoomSpec{Name: "taken"}))
	tests := []struct {
		name string
		kind provider.Kind
		call func() error
	}{
		{"unknown room", provider.NotFound, func() error { _, err := b.Room(ctx, app.RoomRef{Ref: "nowhere"}); return err }},
		{"delete unknown", provider.NotFound, func() error { _, err := b.DeleteRoom(ctx, app.RoomRef{Ref: "nowhere"}); return err }},
		{"edit unknown", provider.NotFound, func() error { _, err := b.EditRoom(ctx, app.RoomPatch{Ref: "nowhere"}); return err }},
		{"name taken", provider.Conflict, func() error { _, err := b.CreateRoom(ctx, app.RoomSpec{Name: "taken"}); return err }},
		{"no name", provider.Invalid, func() error { _, err := b.CreateRoom(ctx, app.RoomSpec{}); return err }},
		{"unknown meeting", provider.NotFound, func() error { _, err := b.Meeting(ctx, app.MeetingRef{Ref: "nowhere"}); return err }},
		{"end unknown", provider.NotFound, func() error { _, err := b.EndMeeting(ctx, app.MeetingRef{Ref: "nowhere"}); return err }},
		{"link of unknown", provider.NotFound, func() error { _, err := b.MeetingLink(ctx, app.LinkRequest{Meeting: "nowhere"}); return err }},
		{"start in unknown", provider.NotFound, func() error { _, err := b.StartMeeting(ctx, app.StartMeeting{Room: "nowhere"}); return err }},
		{"unknown event", provider.NotFound, func() error { _, err := b.Event(ctx, app.EventRef{Seq: 1 << 40}); return err }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.call()
			if !errors.Is(err, tt.kind) {
				t.Errorf("error %v is not %q", err, tt.kind)
			}
			if e := app.AsError(err); e == nil || e.Text == "" {
				t.Errorf("error without text: %#v", e)
			}
		})
	}
}

func testMeetings(t *testing.T, h Harness) {
	if !h.Meetings {
		t.Skip("no platform behind this backend")
	}
	ctx, b := t.Context(), h.Backend
	room := must[app.Room](t)(b.CreateRoom(ctx, app.RoomSpec{Name: "design"}))
	started := must[app.StartedMeeting](t)(b.StartMeeting(ctx, app.StartMeeting{Room: "design", For: time.Hour}))
	if started.Reused || started.HostURL == "" || started.GuestURL == "" || started.RoomID != room.ID || started.Status != app.Open {
		t.Errorf("started: %+v", started)
	}
	second := must[app.StartedMeeting](t)(b.StartMeeting(ctx, app.StartMeeting{Room: "design"}))
	if !second.Reused || second.ID != started.ID {
		t.Errorf("started again: %+v", second)
	}
	for _, ref := range []string{started.ID, started.PlatformRoom, "design"} {
		if m := must[app.MeetingDetail](t)(b.Meeting(ctx, app.MeetingRef{Ref: ref})); m.ID != started.ID {
			t.Errorf("meeting %s: %+v", ref, m)
		}
	}
	if l := must[app.Link](t)(b.MeetingLink(ctx, app.LinkRequest{Meeting: "design", Host: true})); l.URL == "" || !l.Host {
		t.Errorf("link: %+v", l)
	}
	if list := must[[]app.Meeting](t)(b.Meetings(ctx, app.MeetingQuery{Unended: true})); len(list) != 1 {
		t.Errorf("unended meetings: %v", list)
	}
	if m := must[app.Meeting](t)(b.EndMeeting(ctx, app.MeetingRef{Ref: "design"})); m.Status != app.Ended || m.ID != started.ID {
		t.Errorf("ended: %+v", m)
	}
	if list := must[[]app.Meeting](t)(b.Meetings(ctx, app.MeetingQuery{Unended: true})); len(list) != 0 {
		t.Errorf("unended meetings after the end: %v", list)
	}
	testMeetingPages(t, b, started.ID)
}

// testMeetingPages reads the meetings by time, one a page. The oldest one is known, ended, and its room is deleted.
func testMeetingPages(t *testing.T, b app.Backend, oldest string) {
	ctx := t.Context()
	must[app.Room](t)(b.DeleteRoom(ctx, app.RoomRef{Ref: "design"}))
	want := []string{oldest}
	for _, name := range []string{"board", "stand-up"} {
		must[app.Room](t)(b.CreateRoom(ctx, app.RoomSpec{Name: name}))
		want = append([]string{must[app.StartedMeeting](t)(b.StartMeeting(ctx, app.StartMeeting{Room: name, For: time.Hour})).ID}, want...)
	}
	read := func(q app.MeetingQuery) (ids []string) {
		for q.ByTime, q.Limit = true, 1; ; {
			page := must[[]app.Meeting](t)(b.Meetings(ctx, q))
			if len(page) == 0 {
				return ids
			}
			q.Before = page[0].ID
			ids = append(ids, q.Before)
		}
	}
	for filter, meetings := range map[string][]string{
		"": want, "is:ended": want[2:], "stand": want[:1], "room:board or design": want[1:], "-room:board": {want[0], want[2]}, "person:no-one-there": nil,
	} {
		q := app.MeetingQuery{Filter: filter, TimeZone: "Europe/Berlin"}
		if got := read(q); !slices.Equal(got, meetings) {
			t.Errorf("meetings by time, %q: %v, want %v", filter, got, meetings)
		}
		q.ByTime = true
		if n := must[app.Counts](t)(b.Counts(ctx, app.CountQuery{Meetings: &q})); n.Meetings != len(meetings) {
			t.Errorf("%q counts %d", filter, n.Meetings)
		}
	}
	for _, wrong := range []app.MeetingQuery{{Filter: "sate:live"}, {TimeZone: "Mars/Base"}} {
		if _, err := b.Meetings(ctx, wrong); !errors.Is(err, provider.Invalid) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}

func inbound(h Harness, body []byte) app.Inbound {
	return app.Inbound{
		Account: h.Account, Method: http.MethodPost, Target: "/hooks/" + h.Account + "?a=1&b=%20", Body: body,
		Header:     map[string][]string{"Content-Type": {"application/json"}, "X-Twice": {"one", "zwei ü <&>"}},
		ReceivedAt: time.Date(2026, 11, 22, 10, 0, 0, 123456789, time.UTC),
	}
}

func testIngest(t *testing.T, h Harness) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	bodies := [][]byte{
		[]byte(`{"a": 1.50, "b":"<&>\u2028"}`), []byte("text \u2028 \x00 \x7f é\n"), every, {0xff}, {},
		[]byte("\xed\xa0\x80"), []byte("\ufffd"), []byte("{\"x\":\"\xc3\x28\"}"),
	}
	for _, body := range bodies {
		t.Run(fmt.Sprintf("%.12q", body), func(t *testing.T) {
			ctx, in := t.Context(), inbound(h, body)
			answer := must[app.Answer](t)(h.Backend.Ingest(ctx, in))
			if answer.Status < 200 || answer.Status >= 500 {
				t.Fatalf("answer: %+v", answer)
			}
			got := must[app.Delivery](t)(h.Backend.Event(ctx, app.EventRef{Seq: answer.Seq}))
			if !bytes.Equal(got.Body, body) || got.Size != int64(len(body)) {
				t.Errorf("body %q of size %d", got.Body, got.Size)
			}
			if diff := cmp.Diff(in.Header, map[string][]string(got.Headers), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if got.Target != in.Target || got.Method != in.Method || got.Account != in.Account || !got.At.Equal(in.ReceivedAt) {
				t.Errorf("delivery: %+v", got)
			}
		})
	}
}

func testPages(t *testing.T, h Harness) {
	ctx := t.Context()
	var seqs []uint64
	for i := range 5 {
		answer := must[app.Answer](t)(h.Backend.Ingest(ctx, inbound(h, fmt.Appendf(nil, `{"n":%d}`, i))))
		seqs = append(seqs, answer.Seq)
	}
	first := must[app.EventPage](t)(h.Backend.Events(ctx, app.EventQuery{Limit: 3}))
	if len(first.Events) != 3 || !first.More || first.Events[0].Seq != seqs[4] || first.Events[2].Seq != seqs[2] {
		t.Fatalf("first page: %+v", first)
	}
	if d := first.Events[0]; d.Headers != nil || len(d.Body) != 0 {
		t.Errorf("a row with headers or body: %+v", d)
	}
	second := must[app.EventPage](t)(h.Backend.Events(ctx, app.EventQuery{Limit: 3, Before: first.Next}))
	if len(second.Events) != 2 || second.Events[0].Seq != seqs[1] {
		t.Errorf("second page: %+v", second)
	}
	if n := must[app.Counts](t)(h.Backend.Counts(ctx, app.CountQuery{Events: &app.EventQuery{Limit: 1}})); n.Events != 5 {
		t.Errorf("%d of 5 events are counted", n.Events)
	}
	two := must[app.EventPage](t)(h.Backend.Events(ctx, app.EventQuery{Filter: "body.n:>=1 -body.n:2,3"}))
	if len(two.Events) != 2 || two.Events[0].Seq != seqs[4] || two.Events[1].Seq != seqs[1] {
		t.Errorf("by a filter: %+v", two)
	}
	if _, err := h.Backend.Events(ctx, app.EventQuery{Filter: "knd:x"}); !errors.Is(err, provider.Invalid) {
		t.Errorf("a filter that can't be read: %v", err)
	}
}

func testLarge(t *testing.T, h Harness) {
	body := bytes.Repeat([]byte{0, 1, 0xfe, 'x'}, 256<<10)
	answer := must[app.Answer](t)(h.Backend.Ingest(t.Context(), inbound(h, body)))
	got := must[app.Delivery](t)(h.Backend.Event(t.Context(), app.EventRef{Seq: answer.Seq}))
	if !bytes.Equal(got.Body, body) {
		t.Errorf("body of %d bytes became %d", len(body), len(got.Body))
	}
}

// seen waits for a change that fits.
func seen(t *testing.T, ch <-chan app.Change, what string, fits func(app.Change) bool) app.Change {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case c, ok := <-ch:
			if !ok {
				t.Fatalf("the stream ended before %s", what)
			}
			if fits(c) {
				return c
			}
		case <-late.C:
			t.Fatalf("%s never came", what)
		}
	}
}

func testSubscribe(t *testing.T, h Harness) {
	ctx, b := t.Context(), h.Backend
	var streams []<-chan app.Change
	for range 3 {
		streams = append(streams, must[<-chan app.Change](t)(b.Subscribe(ctx)))
	}
	room := must[app.Room](t)(b.CreateRoom(ctx, app.RoomSpec{Name: "seen"}))
	answer := must[app.Answer](t)(b.Ingest(ctx, inbound(h, []byte(`{}`))))
	must[app.Room](t)(b.DeleteRoom(ctx, app.RoomRef{Ref: room.ID}))
	for _, ch := range streams {
		seen(t, ch, "the room", func(c app.Change) bool {
			return c.Kind == app.RoomChange && c.Room != nil && c.Room.ID == room.ID && !c.Deleted
		})
		c := seen(t, ch, "the delivery", func(c app.Change) bool { return c.Kind == app.DeliveryChange })
		if c.Delivery == nil || c.Delivery.Seq != answer.Seq || c.Delivery.Headers != nil || len(c.Delivery.Body) != 0 {
			t.Errorf("delivery in the stream: %+v", c.Delivery)
		}
		seen(t, ch, "the room's end", func(c app.Change) bool { return c.Kind == app.RoomChange && c.Deleted })
	}
}

func testUnsubscribe(t *testing.T, h Harness) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := must[<-chan app.Change](t)(h.Backend.Subscribe(ctx))
	other := must[<-chan app.Change](t)(h.Backend.Subscribe(t.Context()))
	cancel()
	late := time.NewTimer(patience)
	defer late.Stop()
	for open := true; open; {
		select {
		case _, open = <-ended:
		case <-late.C:
			t.Fatal("the stream never ended")
		}
	}
	must[app.Room](t)(h.Backend.CreateRoom(t.Context(), app.RoomSpec{Name: "after"}))
	seen(t, other, "the room", func(c app.Change) bool { return c.Kind == app.RoomChange })
}

func testConcurrent(t *testing.T, h Harness) {
	ctx := t.Context()
	var wg sync.WaitGroup
	errs := make(chan error, 64)
	for i := range 16 {
		wg.Go(func() {
			name := fmt.Sprintf("room-%d", i)
			if _, err := h.Backend.CreateRoom(ctx, app.RoomSpec{Name: name}); err != nil {
				errs <- err
			}
			if _, err := h.Backend.Ingest(ctx, inbound(h, []byte(name))); err != nil {
				errs <- err
			}
			if _, err := h.Backend.Rooms(ctx, app.RoomQuery{}); err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	if rooms := must[[]app.RoomView](t)(h.Backend.Rooms(ctx, app.RoomQuery{})); len(rooms) != 16 {
		t.Errorf("%d rooms", len(rooms))
	}
}

// testCancelled checks that a call whose context ends returns its error or the result.
func testCancelled(t *testing.T, h Harness) {
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		if _, err := h.Backend.Rooms(ctx, app.RoomQuery{}); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("cancelled call: %v", err)
		}
		cancel()
	}
	must[[]app.RoomView](t)(h.Backend.Rooms(t.Context(), app.RoomQuery{}))
}
