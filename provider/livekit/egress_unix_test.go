//go:build unix

package livekit_test

import (
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greenroom/internal/peers"
	"greenroom/internal/peers/livekittest"
	"greenroom/provider"
	"greenroom/provider/livekit"
)

// studio is a real server with redis, a bucket, and perhaps an egress service.
type studio struct {
	server *livekittest.Server
	redis  string
	s3     *peers.S3Server
	box    *inbox
	p      *livekit.Provider
	// hook is where a second listener is, which only the requests name.
	hook    string
	hookBox *inbox
}

func newStudio(t *testing.T, mode string) *studio {
	t.Helper()
	s := &studio{box: &inbox{}, hookBox: &inbox{}, redis: livekittest.StartRedis(t), s3: bucketServer(t)}
	for _, b := range []*inbox{s.box, s.hookBox} {
		srv := httptest.NewServer(b)
		t.Cleanup(srv.Close)
		if b == s.hookBox {
			s.hook = srv.URL
			continue
		}
		s.server = livekittest.Start(t, livekittest.Options{Webhook: srv.URL, Redis: s.redis})
	}
	a := peerAccount(s.server.URL)
	a.Recording = targetOf(s.s3)
	a.Recording.Mode = mode
	var err error
	if s.p, err = livekit.New(a, livekit.Options{}); err != nil {
		t.Fatal(err)
	}
	return s
}

// bucketServer starts a server that speaks S3, with a bucket.
func bucketServer(t *testing.T) *peers.S3Server {
	t.Helper()
	s := peers.S3(t, "")
	if err := os.Mkdir(filepath.Join(s.Dir, "recordings"), 0o700); err != nil {
		t.Fatal(err)
	}
	return s
}

// targetOf is the bucket that egress writes to.
func targetOf(s *peers.S3Server) provider.RecordingTarget {
	return provider.RecordingTarget{
		Bucket: "recordings", Region: s.Region, AccessKeyID: s.AccessKey, AccessKeySecret: s.SecretKey, Endpoint: s.Endpoint, PathStyle: true,
	}
}

// meeting creates a meeting in which someone sends sound and pictures.
func (s *studio) meeting(t *testing.T, name string) provider.Meeting {
	t.Helper()
	m, err := s.p.CreateMeeting(t.Context(), provider.MeetingSpec{Name: name, Until: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	s.server.Join(t, livekittest.Person{Room: name, Identity: "ada-" + name, Name: "Ada", Publish: true})
	return m
}

func (s *studio) recordings(t *testing.T, room string) []provider.Recording {
	t.Helper()
	page, err := s.p.Recordings(t.Context(), room, "")
	if err != nil {
		t.Fatal(err)
	}
	return page.Recordings
}

// object returns the size of an object, -1 if there is none.
func (s *studio) object(key string) int64 {
	info, err := os.Stat(filepath.Join(s.s3.Dir, "recordings", filepath.FromSlash(key)))
	if err != nil {
		return -1
	}
	return info.Size()
}

const firstInstance = "5f0c7c1e-9b3a-5d44-8e21-0a1b2c3d4e5f"

// The ways in which a recording on a real server ends. The egress service is a stand-in that speaks the real protocol; server, redis,
// webhooks and bucket are real.
func TestEgressOnTheRealServer(t *testing.T) {
	s := newStudio(t, "composite")
	worker := livekittest.StartEgress(t, s.server, s.redis)
	start := provider.RecordingStart{Kind: "cloud", Instance: firstInstance, HookURL: s.hook}
	for n, c := range []struct {
		name, command, state, status, failure string
		file                                  bool
		kind                                  provider.EventKind
	}{
		{"stopped", "", "complete", "ready", "", true, provider.KindRecordingReady},
		{"left by everyone", "end", "complete", "ready", "", true, provider.KindRecordingReady},
		{"aborted", "abort", "aborted", "failed", "Start signal not received", false, provider.KindRecordingFailed},
		{"aborted with a file", "cut", "aborted", "ready", "", true, provider.KindRecordingReady},
		{"at its limit", "limit", "limited", "ready", "", true, provider.KindRecordingReady},
		{"failed", "fail", "failed", "failed", "page load error: ERR_CONNECTION_REFUSED", false, provider.KindRecordingFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			room := "egress-" + strings.ReplaceAll(c.name, " ", "-")
			m := s.meeting(t, room)
			for range 2 { // the second is the same recording
				if err := s.p.StartRecording(t.Context(), m, start); err != nil {
					t.Fatal(err)
				}
			}
			ids := worker.Until(t, "active", n+1)
			id := ids[n]
			if list := s.recordings(t, room); len(list) != 1 || list[0].ID != id || list[0].Status != "recording" {
				t.Errorf("while it runs: %+v", list)
			}
			if c.command == "" {
				for range 2 {
					if err := s.p.StopRecording(t.Context(), m, start); err != nil {
						t.Fatal(err)
					}
				}
			} else {
				worker.Do(t, c.command, id)
			}
			livekittest.Wait(t, "its end", func() bool { list := s.recordings(t, room); return len(list) == 1 && list[0].Status == c.status })
			got := s.recordings(t, room)[0]
			if got.ID != id || got.Room != room || got.StartedAt.IsZero() || (len(got.Files) == 1) != c.file {
				t.Errorf("%+v", got)
			}
			if c.file && (got.Files[0].Size <= 0 || s.object(got.Files[0].Key) != got.Files[0].Size || !strings.HasSuffix(got.Files[0].Name, firstInstance+".mp4")) {
				t.Errorf("the file is %+v, in the bucket it has %d bytes", got.Files[0], s.object(got.Files[0].Key))
			}
			one, err := s.p.Recording(t.Context(), id)
			if err != nil || one.Status != c.status {
				t.Errorf("looked up: %+v, %v", one, err)
			}
			for what, box := range map[string]*inbox{"configuration": s.box, "request": s.hookBox} {
				var last provider.Event
				livekittest.Wait(t, "webhooks to the URL of the "+what, func() bool {
					last = s.lastOf(t, box, id)
					return last.Kind == c.kind
				})
				if r := last.Recording; r.Error != c.failure || (len(r.Files) == 1) != c.file || r.Instance != firstInstance {
					t.Errorf("the webhook to the URL of the %s: %+v", what, r)
				}
			}
		})
	}
	if checks := s.p.Check(t.Context()); !checks[len(checks)-1].OK || !strings.Contains(checks[len(checks)-1].Detail, "an egress service runs") {
		t.Errorf("checks: %+v", checks)
	}
}

// lastOf returns the latest event of a recording, all of which must be signed.
func (s *studio) lastOf(t *testing.T, box *inbox, id string) (last provider.Event) {
	t.Helper()
	for _, r := range box.all() {
		hook, err := s.p.ReadWebhook(r)
		if err != nil || hook.Verdict != provider.Verified {
			t.Fatalf("a webhook of the real server is %s: %s, %v", hook.Verdict, hook.Reason, err)
		}
		if e := hook.Event; e.Recording != nil && e.Recording.ID == id {
			last = e
		}
	}
	return last
}

// Tracks are recorded one by one, and are one recording.
func TestTracksOnTheRealServer(t *testing.T) {
	s := newStudio(t, "tracks")
	worker := livekittest.StartEgress(t, s.server, s.redis)
	m := s.meeting(t, "tracks")
	start := provider.RecordingStart{Kind: "raw-tracks", Instance: firstInstance}
	if err := s.p.StartRecording(t.Context(), m, start); err != nil {
		t.Fatal(err)
	}
	worker.Until(t, "active", 2)
	s.server.Join(t, livekittest.Person{Room: "tracks", Identity: "zoe-1", Name: "Zoë", Publish: true})
	if err := s.p.StartRecording(t.Context(), m, start); err != nil {
		t.Fatal(err)
	}
	worker.Until(t, "active", 4)
	if list := s.recordings(t, "tracks"); len(list) != 1 || list[0].Status != "recording" {
		t.Errorf("while it runs: %+v", list)
	}
	if err := s.p.StopRecording(t.Context(), m, start); err != nil {
		t.Fatal(err)
	}
	worker.Until(t, "complete", 4)
	list := s.recordings(t, "tracks")
	if len(list) != 1 || list[0].Status != "ready" || len(list[0].Files) != 4 {
		t.Fatalf("%+v", list)
	}
	kinds := map[string]int{}
	for _, f := range list[0].Files {
		kinds[f.Kind]++
		if s.object(f.Key) != f.Size || f.Size <= 0 {
			t.Errorf("%+v has %d bytes in the bucket", f, s.object(f.Key))
		}
	}
	if kinds["cam-audio"] != 2 || kinds["cam-video"] != 2 {
		t.Errorf("%v", kinds)
	}
}

// A recording that is still starting is aborted by a stop.
func TestStopOfAStartingRecordingOnTheRealServer(t *testing.T) {
	s := newStudio(t, "composite")
	worker := livekittest.StartEgress(t, s.server, s.redis)
	worker.Do(t, "hold", "slow")
	m := s.meeting(t, "slow")
	start := provider.RecordingStart{Kind: "cloud", Instance: firstInstance}
	if err := s.p.StartRecording(t.Context(), m, start); err != nil {
		t.Fatal(err)
	}
	worker.Until(t, "starting", 1)
	if err := s.p.StopRecording(t.Context(), m, start); err != nil {
		t.Errorf("stop: %v", err)
	}
	worker.Until(t, "aborted", 1)
	if list := s.recordings(t, "slow"); len(list) != 1 || list[0].Status != "failed" {
		t.Errorf("%+v", list)
	}
}

// Without an egress service nothing is recorded, which is no outage: everything else works meanwhile.
func TestNoEgressServiceOnTheRealServer(t *testing.T) {
	s := newStudio(t, "composite")
	m := s.meeting(t, "unrecorded")
	start := provider.RecordingStart{Kind: "cloud", Instance: firstInstance}
	refused, checked := make(chan error, 1), make(chan []provider.Check, 1)
	go func() { refused <- s.p.StartRecording(t.Context(), m, start) }()
	go func() { checked <- s.p.Check(t.Context()) }()
	for n := 0; ; n++ {
		if people, err := s.p.Presence(t.Context(), m); err != nil || len(people) != 1 {
			t.Errorf("presence meanwhile: %+v, %v", people, err)
		}
		select {
		case err := <-refused:
			if !errors.Is(err, provider.Unsupported) || !strings.Contains(err.Error(), "no egress service runs") || provider.HintOf(err) == "" {
				t.Errorf("start: %v", err)
			}
			if n == 0 {
				t.Error("nothing happened meanwhile")
			}
		case <-time.After(200 * time.Millisecond):
			continue
		}
		break
	}
	checks := <-checked
	last := checks[len(checks)-1]
	if last.OK || !last.Optional || !strings.Contains(last.Detail, "no egress service runs") || last.Hint == "" {
		t.Errorf("doctor: %+v", last)
	}
	if list := s.recordings(t, "unrecorded"); len(list) != 0 {
		t.Errorf("recordings: %+v", list)
	}
	if err := s.p.StopRecording(t.Context(), m, start); err != nil {
		t.Errorf("stop of what doesn't run: %v", err)
	}
	// The service is started: the next start is a recording.
	worker := livekittest.StartEgress(t, s.server, s.redis)
	if err := s.p.StartRecording(t.Context(), m, start); err != nil {
		t.Fatalf("with a service: %v", err)
	}
	worker.Until(t, "active", 1)
	// It is killed under the recording: a stop can't reach it.
	worker.Kill(t)
	if err := s.p.StopRecording(t.Context(), m, start); !errors.Is(err, provider.Unavailable) || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("a stop that reaches no one: %v", err)
	}
}
