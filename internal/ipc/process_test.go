package ipc_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/ipc"
)

func (p place) stay() ipc.Options {
	o := p.options(nil)
	o.Own = own(p.data, p.real)
	return o
}

func TestAKilledOwnerIsSucceeded(t *testing.T) {
	p := newPlace(t)
	owner := p.start(t, "stay", "")
	owner.expect(t, "owner=true stale=false")

	s := p.open(t, p.stay())
	if st := s.State(); st.Owner || st.Stale || st.PID != owner.cmd.Process.Pid || st.Version != "1.0" {
		t.Fatalf("attached: %+v", st)
	}
	changes, err := s.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateRoom(t.Context(), app.RoomSpec{Name: "before"}); err != nil {
		t.Fatal(err)
	}
	expectKinds(t, changes, app.RoomChange)

	owner.kill()
	until(t, s, "owner", func(st ipc.State) bool { return st.Owner })
	expectKinds(t, changes, app.StatusChange, app.Missed, app.StatusChange)
	if _, err := s.Room(t.Context(), app.RoomRef{Ref: "before"}); err != nil {
		t.Errorf("a room that was acknowledged: %v", err)
	}
	if _, err := s.CreateRoom(t.Context(), app.RoomSpec{Name: "after"}); err != nil {
		t.Fatal(err)
	}
	expectKinds(t, changes, app.RoomChange)

	// The new owner serves in place of the killed one's socket.
	third := p.open(t, p.stay())
	if third.Owner() {
		t.Error("two owners")
	}
	if _, err := third.Room(t.Context(), app.RoomRef{Ref: "after"}); err != nil {
		t.Error(err)
	}
}

func expectKinds(t *testing.T, ch <-chan app.Change, kinds ...app.ChangeKind) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for _, want := range kinds {
		select {
		case c := <-ch:
			if c.Kind != want {
				t.Fatalf("a change of kind %q instead of %q", c.Kind, want)
			}
		case <-late.C:
			t.Fatalf("no change of kind %q", want)
		}
	}
}

func TestAnOwnerThatQuitsIsSucceeded(t *testing.T) {
	p := newPlace(t)
	owner := p.start(t, "stay", "")
	owner.expect(t, "owner=true stale=false")
	a, b := p.open(t, p.stay()), p.open(t, p.stay())
	owner.quit(t)
	// One takes over, the other attaches to it.
	pid := os.Getpid()
	for _, s := range []*ipc.Session{a, b} {
		until(t, s, "with the new owner", func(st ipc.State) bool { return !st.Stale && st.PID == pid })
	}
	if a.Owner() == b.Owner() {
		t.Errorf("owners: %v and %v", a.Owner(), b.Owner())
	}
	for i, s := range []*ipc.Session{a, b} {
		if _, err := s.CreateRoom(t.Context(), app.RoomSpec{Name: fmt.Sprint("room", i)}); err != nil {
			t.Error(err)
		}
	}
}

func TestManyStartsInOneInstant(t *testing.T) {
	p := newPlace(t)
	const n = 6
	var programs []*program
	for range n {
		programs = append(programs, p.start(t, "stay", ""))
	}
	var owners int
	for _, pr := range programs {
		line, err := pr.out.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "owner=true") {
			owners++
		}
	}
	if owners != 1 {
		t.Errorf("%d owners of one store", owners)
	}
	for _, pr := range programs {
		pr.quit(t)
	}
}

// TestFiftyCommands starts fifty commands at once, first without an owner, then beside one.
func TestFiftyCommands(t *testing.T) {
	tests := []struct{ beside, real bool }{{false, false}, {true, false}, {false, true}, {true, true}}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("owner %v, real store %v", tt.beside, tt.real), func(t *testing.T) {
			p := newPlace(t)
			p.real = tt.real
			if tt.beside {
				p.start(t, "stay", "").expect(t, "owner=true stale=false")
			}
			const n = 50
			var wg sync.WaitGroup
			for i := range n {
				pr := p.start(t, "command", fmt.Sprint("room-", i))
				wg.Go(func() { pr.quit(t) })
			}
			wg.Wait()
			if rooms := p.rooms(t); len(rooms) != n {
				t.Errorf("%d rooms of %d", len(rooms), n)
			}
		})
	}
}

// rooms lists what is there, as a command would.
func (p place) rooms(t *testing.T) map[string]bool {
	t.Helper()
	o := p.stay()
	o.Stay = false
	s, err := ipc.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	list, err := s.Rooms(t.Context(), app.RoomQuery{})
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]bool)
	for _, r := range list {
		out[r.Name] = true
	}
	return out
}

// TestRandomKills kills one of three programs that make rooms, again and again, and starts another in its place. Nothing
// that was acknowledged may be missing in the end. GREENROOM_KILL_ROUNDS sets how often.
func TestRandomKills(t *testing.T) {
	for _, real := range []bool{false, true} {
		t.Run(fmt.Sprintf("real store %v", real), func(t *testing.T) { testRandomKills(t, real) })
	}
}

func testRandomKills(t *testing.T, real bool) {
	rounds := 10
	if v, err := strconv.Atoi(os.Getenv("GREENROOM_KILL_ROUNDS")); err == nil {
		rounds = v
	}
	p := newPlace(t)
	p.real = real
	var (
		mu    sync.Mutex
		acked []string
		wg    sync.WaitGroup
		count int
	)
	work := func() (*program, chan struct{}) {
		count++
		pr, some := p.start(t, "work", fmt.Sprint("w", count)), make(chan struct{})
		wg.Go(func() {
			for first := true; ; first = false {
				line, err := pr.out.ReadString('\n')
				if err != nil {
					_ = pr.cmd.Wait()
					return
				}
				if first {
					close(some)
				}
				mu.Lock()
				acked = append(acked, strings.TrimSpace(line))
				mu.Unlock()
			}
		})
		return pr, some
	}
	programs := make([]*program, 3)
	var some chan struct{}
	for i := range programs {
		programs[i], some = work()
	}
	for range rounds {
		// Each newcomer gets something done before the next kill: all of them continue.
		select {
		case <-some:
		case <-time.After(patience):
			t.Fatal("the survivors don't continue")
		}
		i := rand.N(len(programs))
		_ = programs[i].cmd.Process.Kill()
		programs[i], some = work()
	}
	for _, pr := range programs {
		_ = pr.cmd.Process.Kill()
	}
	wg.Wait()
	rooms := p.rooms(t)
	for _, name := range acked {
		if !rooms[name] {
			t.Errorf("room %s was acknowledged and is lost", name)
		}
	}
	t.Logf("%d rooms acknowledged over %d kills", len(acked), rounds)
}
