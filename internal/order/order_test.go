package order

import (
	"slices"
	"testing"
	"time"

	"greenroom/internal/app"
)

func TestRoomsAreInTheOrderInWhichPeopleLookForThem(t *testing.T) {
	room := func(name string, change func(*app.RoomView)) app.RoomView {
		v := app.RoomView{Room: app.Room{ID: name, RoomSettings: app.RoomSettings{Name: name}}}
		if change != nil {
			change(&v)
		}
		return v
	}
	meeting := func(mt app.Meeting) func(*app.RoomView) { return func(v *app.RoomView) { v.Meeting = &mt } }
	now := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	booked := func(in time.Duration) func(*app.RoomView) {
		return func(v *app.RoomView) { v.Booking = &app.Booking{Next: app.At(now.Add(in))} }
	}
	rooms := []app.RoomView{
		room("recroom", nil), room("Room 103", nil), room("Room 13", nil), room("Room 3", nil), room("Zürich", nil), room("zebra", nil),
		room("Ärzte", nil), room("apple", nil),
		room("A adopted", func(v *app.RoomView) { v.Adopted, v.Meeting = true, &app.Meeting{Status: app.Open} }),
		room("open", meeting(app.Meeting{Status: app.Open})),
		room("live", meeting(app.Meeting{Status: app.Live})),
		room("broken", meeting(app.Meeting{Status: app.Live, RecordingError: "x"})),
		room("waiting", meeting(app.Meeting{Status: app.Open, Waiting: 1})),
		room("over", meeting(app.Meeting{Status: app.Ended, Waiting: 1})),
		room("refused", func(v *app.RoomView) { v.Would.Account = "acme" }),
		room("soon", booked(15*time.Minute)), room("later", booked(16*time.Minute)), room("should run", booked(-5*time.Minute)),
		room("planned and open", func(v *app.RoomView) { booked(time.Minute)(v); v.Meeting = &app.Meeting{Status: app.Open} }),
		room("planned and live", func(v *app.RoomView) { booked(time.Minute)(v); v.Meeting = &app.Meeting{Status: app.Live} }),
		room("no more", func(v *app.RoomView) { v.Booking = &app.Booking{} }),
	}
	grouped := func(group string, favourite bool) func(*app.RoomView) {
		return func(v *app.RoomView) { v.Group, v.Favourite = group, favourite }
	}
	rooms = append(rooms, room("b in one", grouped("Group 10", false)), room("c in one", grouped("Group 10", false)), room("a in two", grouped("Group 9", false)),
		room("zz favourite", grouped("Group 9", true)), room("live favourite", func(v *app.RoomView) { v.Favourite, v.Meeting = true, &app.Meeting{Status: app.Live} }))
	failing := FailingAccounts([]app.AccountStatus{{Name: "acme", Health: "failing"}, {Name: "", Health: "ok"}})
	lang := Language(func(name string) string { return map[string]string{"LANG": "de_DE.UTF-8"}[name] })
	By{Language: lang, Now: now, Failing: failing}.Rooms(rooms)
	var got []string
	for _, v := range rooms {
		got = append(got, v.Name)
	}
	want := []string{"waiting", "broken", "refused", "live favourite", "live", "planned and live", "planned and open", "should run", "soon", "open", "zz favourite", "A adopted", "apple", "Ärzte",
		"later", "no more", "over", "recroom", "Room 3", "Room 13", "Room 103",
		"zebra", "Zürich", "a in two", "b in one", "c in one"}
	if !slices.Equal(got, want) {
		t.Errorf("\n%q, not\n%q", got, want)
	}
	by := By{Language: lang, Now: now}
	for _, v := range rooms {
		if head := by.Heading(v); head != "" != slices.Contains([]string{"a in two", "b in one", "c in one"}, v.Name) {
			t.Errorf("%s is under %q", v.Name, head)
		}
	}
	for env, want := range map[string]string{"sv_SE.UTF-8": "sv-SE", "C": "und", "": "und", "POSIX": "und", "de_DE@euro": "de-DE"} {
		if got := Language(func(string) string { return env }); got.String() != want {
			t.Errorf("%q is %s, not %s", env, got, want)
		}
	}
}
