package apptest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/internal/app"
	"greenroom/provider"
)

// What was deleted last comes back first, with its id; a name that is in use gets a suffix.
func testUndo(t *testing.T, h Harness) {
	ctx, b := t.Context(), h.Backend
	undo := func() app.Undone { t.Helper(); return must[app.Undone](t)(b.Undo(ctx, app.UndoRequest{})) }
	if _, err := b.Undo(ctx, app.UndoRequest{}); !errors.Is(err, provider.NotFound) {
		t.Errorf("nothing was deleted: %v", err)
	}
	room := must[app.Room](t)(b.CreateRoom(ctx, app.RoomSpec{Name: "stand-up", Size: 7, Group: "Sales"}))
	booking := must[app.Booking](t)(b.Book(ctx, app.BookingSpec{Room: "stand-up", At: "2036-12-01T10:00:00", TimeZone: "UTC"}))
	must[app.Booking](t)(b.RemoveBooking(ctx, app.BookingRef{Ref: booking.ID}))
	must[app.Room](t)(b.DeleteRoom(ctx, app.RoomRef{Ref: room.ID}))
	other := must[app.Room](t)(b.CreateRoom(ctx, app.RoomSpec{Name: "stand-up"}))

	back := undo()
	if back.Kind != app.DeletedRoom || back.ID != room.ID || back.Room == nil || back.Name != "stand-up (2)" {
		t.Fatalf("came back %+v", back)
	}
	want := room
	want.Name = back.Name
	if got := must[app.RoomView](t)(b.Room(ctx, app.RoomRef{Ref: room.ID})); !cmp.Equal(got.Room, want) {
		t.Errorf("the room is another one: %s", cmp.Diff(want, got.Room))
	}
	if got := must[app.RoomView](t)(b.Room(ctx, app.RoomRef{Ref: "stand-up"})); got.ID != other.ID {
		t.Errorf("the room of now is %+v", got)
	}
	if back := undo(); back.Kind != app.DeletedBooking || back.ID != booking.ID || back.Booking == nil {
		t.Errorf("came back %+v", back)
	}
	list := must[[]app.Booking](t)(b.Bookings(ctx, app.BookingQuery{}))
	if len(list) != 1 || list[0].ID != booking.ID || list[0].RoomID != room.ID {
		t.Errorf("bookings %+v", list)
	}
	if _, err := b.Undo(ctx, app.UndoRequest{}); !errors.Is(err, provider.NotFound) {
		t.Errorf("undone twice: %v", err)
	}

	// Catches and forwards come back, too, in another name if theirs is in use.
	made := must[app.Catch](t)(b.CreateCatch(ctx, app.CatchSpec{Name: "ci", Scheme: "none"}))
	must[app.Catch](t)(b.RemoveCatch(ctx, app.CatchRef{Name: "ci"}))
	if back := undo(); back.Kind != app.DeletedCatch || back.Catch == nil || back.Name != "ci" || back.Catch.Path != made.Path {
		t.Errorf("came back %+v", back)
	}
	must[app.Catch](t)(b.RemoveCatch(ctx, app.CatchRef{Name: "ci"}))
	must[app.Catch](t)(b.CreateCatch(ctx, app.CatchSpec{Name: "ci", Scheme: "none"}))
	if back := undo(); back.Name != "ci-2" {
		t.Errorf("came back as %+v", back)
	}
	if list := must[[]app.Catch](t)(b.Catches(ctx, app.CatchQuery{})); len(list) != 2 {
		t.Errorf("catches %+v", list)
	}
	if _, err := b.AddForward(ctx, app.ForwardSpec{Name: "ours", URL: "http://127.0.0.1:9/x", Filter: "kind:test"}); err != nil {
		if errors.Is(err, provider.Unsupported) {
			return // it sends nothing
		}
		t.Fatal(err)
	}
	must[app.Forward](t)(b.RemoveForward(ctx, app.ForwardRef{Name: "ours"}))
	if back := undo(); back.Kind != app.DeletedForward || back.Forward == nil || back.Name != "ours" || back.Forward.Filter != "kind:test" {
		t.Errorf("came back %+v", back)
	}
	if list := must[[]app.Forward](t)(b.Forwards(ctx, app.ForwardQuery{})); len(list) != 1 || list[0].State != app.ForwardRunning {
		t.Errorf("forwards %+v", list)
	}
}
