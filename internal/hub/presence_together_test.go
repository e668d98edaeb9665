package hub

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/provider/sandbox"
)

// Many live meetings are read with one call, which shows who came and who left as readings of their own do. Only empty rooms have those.
func TestManyMeetingsAreReadTogether(t *testing.T) {
	var together, alone atomic.Int64
	s := newSandboxed(t, func(a *provider.Account) {
		to, err := url.Parse(a.APIURL)
		if err != nil {
			t.Fatal(err)
		}
		proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			switch path := strings.TrimPrefix(r.In.URL.Path, "/"); {
			case path == "presence":
				together.Add(1)
			case strings.HasSuffix(path, "/presence"):
				alone.Add(1)
			}
			r.SetURL(to)
		}}
		server := httptest.NewServer(http.Handler(proxy))
		t.Cleanup(server.Close)
		a.APIURL = server.URL
	})
	delete(s.others, "sweep daily") // it asks for the same list, for other rooms
	const meetings, empty = togetherFrom + 4, 2
	var ids, first []string
	for i := range meetings {
		name := fmt.Sprintf("room %d", i)
		if _, err := s.CreateRoom(t.Context(), app.RoomSpec{Name: name, Account: "daily"}); err != nil {
			t.Fatal(err)
		}
		m, err := s.StartMeeting(t.Context(), app.StartMeeting{Room: name})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.ID)
		for k := range 2 {
			if i < empty {
				break
			}
			session, err := s.world.Join(provider.Daily, m.PlatformRoom, sandbox.Person{Name: fmt.Sprintf("Guest %d-%d", i, k)})
			if err != nil {
				t.Fatal(err)
			}
			if k == 0 {
				first = append(first, session)
			}
		}
	}
	for i, id := range ids {
		want := 2
		if i < empty {
			want = 0
		}
		s.until(id, time.Minute, here(want))
	}
	s.pass(togetherEvery)
	together.Store(0)
	alone.Store(0)
	s.pass(4 * togetherEvery)
	if n := together.Load(); n < 3 || n > 5 {
		t.Errorf("in a minute the list was read %d times, not every %v", n, togetherEvery)
	}
	if n := alone.Load(); n < 3*empty || n > 5*empty {
		t.Errorf("in a minute %d rooms were read alone: %d are empty", n, empty)
	}
	for _, session := range first {
		if err := s.world.Leave(session, ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range ids[empty:] {
		s.until(id, 2*time.Minute, here(1))
	}
	alone.Store(0)
	if _, err := s.world.Fault(sandbox.Fault{Kind: sandbox.ServerError, Match: "GET /presence"}); err != nil {
		t.Fatal(err)
	}
	s.pass(3 * togetherEvery)
	if n := alone.Load(); n < meetings {
		t.Errorf("while the list fails, only %d rooms were read alone", n)
	}
}
