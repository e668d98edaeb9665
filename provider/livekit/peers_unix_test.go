//go:build unix

package livekit_test

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/internal/peers/livekittest"
	"greenroom/provider"
	"greenroom/provider/livekit"
	"greenroom/provider/providertest"
	"greenroom/provider/rest"
)

// peerAccount is the account of a server that a test started.
func peerAccount(url string) provider.Account {
	return provider.Account{
		Name: "livekit", Platform: provider.LiveKit, APIURL: url, APIKey: livekittest.Key, APISecret: livekittest.Secret,
		WebhookSecret: livekittest.Secret, JoinURL: "https://meet.example/?url={url}&token={token}",
		Recording: provider.RecordingTarget{Bucket: "b"},
	}
}

// inbox keeps the webhooks that a server posts.
type inbox struct {
	mu   sync.Mutex
	got  []provider.WebhookRequest
	last time.Time
}

func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = time.Now()
	b.got = append(b.got, provider.WebhookRequest{
		Method: r.Method, Target: r.URL.RequestURI(), Header: r.Header.Clone(), Body: body, ReceivedAt: time.Now(),
	})
}

// quiet reports whether nothing arrived for a while.
func (b *inbox) quiet() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Since(b.last) > 1500*time.Millisecond
}

func (b *inbox) all() []provider.WebhookRequest {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got)
}

// realHarness is the suite's harness on a real server, with real participants.
func realHarness(t *testing.T) (providertest.Harness, *livekittest.Server) {
	t.Helper()
	box := &inbox{}
	srv := httptest.NewServer(box)
	t.Cleanup(srv.Close)
	redis := livekittest.StartRedis(t)
	s := livekittest.Start(t, livekittest.Options{Webhook: srv.URL, Unmute: true, Redis: redis})
	livekittest.StartEgress(t, s, redis)
	account := peerAccount(s.URL)
	account.Recording = targetOf(bucketServer(t))
	var mu sync.Mutex
	people := map[string]*livekittest.Joined{}
	n := 0
	return providertest.Harness{
		Open: open, Account: account, Clock: rest.RealClock{},
		Lacks: map[string]string{"Files": "LiveKit stores no files"},
		Join: func(t testing.TB, m provider.Meeting, who providertest.Person) string {
			t.Helper()
			mu.Lock()
			n++
			id := "person-" + string(rune('a'+n%26)) + time.Now().Format("150405.000")
			mu.Unlock()
			j := s.Join(t, livekittest.Person{Room: m.Room, Identity: id, Name: who.Name, Host: who.Host, Publish: who.Sends})
			mu.Lock()
			people[j.Session] = j
			mu.Unlock()
			livekittest.Wait(t, "presence of "+who.Name, func() bool {
				all, _ := s.Tracks(t, m.Room, j.Session)
				_, there := s.People(t, m.Room)[j.Session]
				return there && (!who.Sends || all == 2)
			})
			return j.Session
		},
		Leave: func(t testing.TB, m provider.Meeting, session string) {
			t.Helper()
			mu.Lock()
			j, all := people[session], maps.Clone(people)
			mu.Unlock()
			if j != nil {
				j.Leave(t)
			}
			livekittest.Wait(t, "the room without those who left", func() bool {
				for sid := range s.People(t, m.Room) {
					if one := all[sid]; one == nil || one.Gone() {
						return false
					}
				}
				return true
			})
		},
		Deliveries: func(t testing.TB) []provider.WebhookRequest {
			t.Helper()
			livekittest.Wait(t, "the last webhook", box.quiet)
			return box.all()
		},
	}, s
}

func TestConformanceRealServer(t *testing.T) {
	h, _ := realHarness(t)
	providertest.Run(t, h)
}

// The sandbox answers the calls that Greenroom makes as the real server does: the same status, and the same fields of the same
// types.
func TestSandboxAnswersLikeTheRealServer(t *testing.T) {
	real := livekittest.Start(t, livekittest.Options{Unmute: true})
	fake := sandboxWorld(t)
	grants := livekittest.Grants{"roomCreate": true, "roomList": true, "roomRecord": true, "roomAdmin": true, "room": "shape"}
	j := func() *livekittest.Joined {
		real.Call(t, "RoomService/CreateRoom", map[string]any{"name": "shape"}, grants)
		return real.Join(t, livekittest.Person{Room: "shape", Identity: "ada-1", Name: "Ada", Host: true, Publish: true})
	}()
	livekittest.Wait(t, "tracks", func() bool { n, _ := real.Tracks(t, "shape", j.Session); return n == 2 })
	fake.join(t, "shape")
	track := func(call caller) string {
		_, a := call("RoomService/ListParticipants", map[string]any{"room": "shape"}, grants)
		return a["participants"].([]any)[0].(map[string]any)["tracks"].([]any)[0].(map[string]any)["sid"].(string)
	}
	theirs := func(method string, in any, g livekittest.Grants) (int, map[string]any) {
		return real.Call(t, method, in, g)
	}
	none := livekittest.Grants{"roomAdmin": true, "room": "none"}
	for _, step := range []struct {
		name, method string
		in           func(caller) any
		grants       livekittest.Grants
	}{
		{"list", "RoomService/ListRooms", body(map[string]any{"names": []string{"shape"}}), grants},
		{"list nothing", "RoomService/ListRooms", body(map[string]any{"names": []string{"none"}}), grants},
		{"create again", "RoomService/CreateRoom", body(map[string]any{"name": "shape", "metadata": "{}", "empty_timeout": 60}), grants},
		{"people", "RoomService/ListParticipants", body(map[string]any{"room": "shape"}), grants},
		{"people of nothing", "RoomService/ListParticipants", body(map[string]any{"room": "none"}), none},
		{"mute", "RoomService/MutePublishedTrack", func(c caller) any {
			return map[string]any{"room": "shape", "identity": "ada-1", "track_sid": track(c), "muted": true}
		}, grants},
		{"mute no one", "RoomService/MutePublishedTrack", body(map[string]any{"room": "shape", "identity": "x", "track_sid": "TR_x", "muted": true}), grants},
		{"metadata", "RoomService/UpdateRoomMetadata", body(map[string]any{"room": "shape", "metadata": "x"}), grants},
		{"metadata of nothing", "RoomService/UpdateRoomMetadata", body(map[string]any{"room": "none", "metadata": "x"}), none},
		{"another room's token", "RoomService/ListParticipants", body(map[string]any{"room": "shape"}), none},
		{"no grant", "RoomService/ListRooms", body(map[string]any{}), none},
		{"remove no one", "RoomService/RemoveParticipant", body(map[string]any{"room": "shape", "identity": "x"}), grants},
		{"remove", "RoomService/RemoveParticipant", body(map[string]any{"room": "shape", "identity": "ada-1"}), grants},
		{"delete", "RoomService/DeleteRoom", body(map[string]any{"room": "shape"}), grants},
		{"delete again", "RoomService/DeleteRoom", body(map[string]any{"room": "shape"}), grants},
		{"composite of nothing", "Egress/StartRoomCompositeEgress", body(map[string]any{"room_name": "none"}), grants},
		{"unknown method", "RoomService/Nothing", body(map[string]any{}), grants},
	} {
		status, answer := real.Call(t, step.method, step.in(theirs), step.grants)
		gotStatus, got := fake.call(t, step.method, step.in(fake.caller(t)), step.grants)
		if status != gotStatus {
			t.Errorf("%s: %d, not %d: %v", step.name, gotStatus, status, got)
		}
		if want, have := shape(answer), shape(got); want != have {
			t.Errorf("%s: the sandbox answers\n%s\nthe real server\n%s", step.name, have, want)
		}
	}
}

// LiveKit's own mock judges our tokens and grants with the real server's code.
func TestTheMockAcceptsOurTokens(t *testing.T) {
	s := livekittest.StartMock(t)
	p, err := livekit.New(peerAccount(s.URL), livekit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := provider.Meeting{ID: "RM_1", Room: "demo"}
	// It is stateless: lists have one element, in camelCase. Calls that pass its judgement of tokens are right here, whatever it answers.
	for name, err := range map[string]error{
		"rooms":     p.Rooms(t.Context(), func(provider.Meeting) bool { return true }),
		"look up":   second(p.Lookup(t.Context(), m)),
		"extend":    p.Extend(t.Context(), m, time.Now().Add(time.Hour)),
		"mute":      second(p.Mute(t.Context(), m, provider.Participant{Session: "PA_1"}, provider.Muting{Audio: true})),
		"start":     p.StartRecording(t.Context(), m, provider.RecordingStart{Kind: "cloud", Instance: "5f0c7c1e-9b3a-5d44-8e21-0a1b2c3d4e5f"}),
		"end":       p.EndMeeting(t.Context(), m),
		"eject":     second(p.Eject(t.Context(), m, provider.Participant{Session: "PA_1"}, false)),
		"presence":  second(p.Presence(t.Context(), m)),
		"stop":      p.StopRecording(t.Context(), m, provider.RecordingStart{Kind: "cloud"}),
		"recording": second(p.Recordings(t.Context(), "", "")),
	} {
		if k := provider.KindOf(err); k == provider.Unauthenticated || k == provider.Forbidden {
			t.Errorf("%s: %v", name, err)
		}
	}
	named, err := livekit.New(peerAccount(s.URL), livekit.Options{
		Transport: controlled(`{"response":{"rooms":[{"sid":"RM_1","name":"demo","creationTimeMs":"1750000000123","turnPassword":"hush"}]}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := named.Lookup(t.Context(), m); err != nil || found.CreatedAt.UnixMilli() != 1750000000123 {
		t.Errorf("a room in camelCase: %+v, %v", found, err)
	}
	a := peerAccount(s.URL)
	a.APISecret = strings.Repeat("wrong", 8)
	other, err := livekit.New(a, livekit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.EndMeeting(t.Context(), m); !errors.Is(err, provider.Unauthenticated) {
		t.Errorf("another secret: %v", err)
	}
	for control, want := range map[string]provider.Kind{
		`{"failRegions":[0],"failStatus":404}`:                                           provider.NotFound,
		`{"failRegions":[0],"failStatus":403}`:                                           provider.Forbidden,
		`{"failRegions":[0],"failStatus":400}`:                                           provider.Invalid,
		`{"failRegions":[0],"failStatus":503}`:                                           provider.Unavailable,
		`{"failRegions":[0],"failMode":"drop"}`:                                          provider.Unavailable,
		`{"failRegions":[0],"failStatus":412,"failTwirpCode":"failed_precondition"}`:     provider.Invalid,
		`{"pinnedRegions":["elsewhere"]}`:                                                provider.Invalid,
		`{"response":{"participants":[{"sid":"PA_1","identity":"i","state":"ACTIVE"}]}}`: "",
	} {
		p, err := livekit.New(peerAccount(s.URL), livekit.Options{Transport: controlled(control), Clock: providertest.NewClock(time.Now())})
		if err != nil {
			t.Fatal(err)
		}
		here, err := p.Presence(t.Context(), m)
		if provider.KindOf(err) != want || want == "" && (len(here) != 1 || here[0].Session != "PA_1") {
			t.Errorf("%s: %+v, %v", control, here, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// controlled adds the mock's control header to each call.
type controlled string

func (c controlled) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("X-Lk-Mock", string(c))
	return http.DefaultTransport.RoundTrip(r)
}
