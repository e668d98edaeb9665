package daily_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/provider"
)

const (
	startCall = "POST /rooms/demo/recordings/start"
	stopCall  = "POST /rooms/demo/recordings/stop"
	instance  = "5f0c7c1e-9b3a-5d44-8e21-0a1b2c3d4e5f"
)

func TestRecordingKinds(t *testing.T) {
	for _, c := range []struct {
		target provider.RecordingTarget
		want   string
	}{
		{provider.RecordingTarget{}, "cloud"},
		{provider.RecordingTarget{Bucket: "b", RoleARN: "r"}, "raw-tracks"},
		{provider.RecordingTarget{Bucket: "b", RoleARN: "r", Mode: "both"}, "cloud raw-tracks"},
		{provider.RecordingTarget{Bucket: "b", RoleARN: "r", Mode: "cloud"}, "cloud"},
	} {
		a := account()
		a.Recording = c.target
		p, _, _ := on(t, a, answers{})
		if got := strings.Join(p.RecordingKinds(), " "); got != c.want {
			t.Errorf("%+v: %s", c.target, got)
		}
	}
}

func TestStartRecording(t *testing.T) {
	const body = `{"error":"%e","info":"%i"}`
	refused := func(status int, code, info string) answers {
		return answers{startCall: {refusal(status, strings.NewReplacer("%e", code, "%i", info).Replace(body))}}
	}
	for _, c := range []struct {
		name    string
		answers answers
		want    provider.Kind
	}{
		{"sent", answers{startCall: post(`{}`)}, ""},
		{"any body", answers{startCall: post(`true`)}, ""},
		{"runs already", refused(400, "invalid-request-error", "recording x Has An Active Stream"), ""},
		{"no one there", refused(404, "not-found", "room demo does not seem to be hosting a call currently"), provider.NotReady},
		{"no room", refused(404, "not-found", "room demo not found"), provider.NotFound},
		{"plan", refused(400, "invalid-plan-type", ""), provider.Forbidden},
		{"nonsense", refused(400, "invalid-request-error", "no"), provider.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, s, _ := on(t, account(), c.answers)
			err := p.StartRecording(t.Context(), provider.Meeting{Room: "demo"}, provider.RecordingStart{Kind: "cloud", Instance: instance})
			if provider.KindOf(err) != c.want {
				t.Errorf("%v", err)
			}
			if got := s.Asked()[0].Body; got != `{"type":"cloud","instanceId":"`+instance+`"}` {
				t.Error(got)
			}
		})
	}
	p, s, _ := on(t, account(), answers{})
	err := p.StartRecording(t.Context(), provider.Meeting{Room: "demo"}, provider.RecordingStart{Kind: "raw-tracks", Instance: instance})
	if !errors.Is(err, provider.Invalid) || provider.HintOf(err) == "" || len(s.Asked()) != 0 {
		t.Errorf("raw tracks without a bucket: %v", err)
	}
}

func TestStopRecording(t *testing.T) {
	for status, want := range map[int]provider.Kind{400: "", 404: "", 403: provider.Forbidden} {
		code := map[int]string{400: "invalid-request-error", 404: "not-found", 403: "forbidden-error"}[status]
		p, s, _ := on(t, account(), answers{stopCall: {refusal(status, `{"error":"`+code+`"}`)}})
		err := p.StopRecording(t.Context(), provider.Meeting{Room: "demo"}, provider.RecordingStart{Kind: "raw-tracks"})
		if provider.KindOf(err) != want || s.Asked()[0].Body != `{"type":"raw-tracks"}` {
			t.Errorf("%d: %v after %s", status, err, s.Asked()[0].Body)
		}
	}
}

func TestHistory(t *testing.T) {
	_, _, clock := on(t, account(), answers{})
	now := clock.Now().Unix()
	at := func(ago int64) string { return time.Unix(now-ago, 0).UTC().Format(time.RFC3339) }
	list := func(ongoing string) string {
		return strings.NewReplacer("ONGOING", ongoing, "J1", strconv.FormatInt(now-900, 10), "J2", strconv.FormatInt(now-600, 10)).Replace(
			`{"total_count":1,"data":[{"id":"g","room":"demo","ongoing":ONGOING,"participants":[
			{"user_id":null,"participant_id":"a","user_name":"Ann","join_time":J1,"duration":60},
			{"user_id":"u","participant_id":"b","user_name":null,"join_time":J2,"duration":600},
			{"participant_id":"","join_time":1},{"participant_id":"c"}]}]}`)
	}
	for ongoing, bLeft := range map[string]string{"true": "", "false": at(0)} {
		p, s, _ := on(t, account(), answers{"GET /meetings": post(list(ongoing))})
		got, err := p.History(t.Context(), provider.Meeting{Room: "demo"}, time.Unix(1750000000, 0))
		var shown []string
		for _, one := range got {
			left := ""
			if !one.LeftAt.IsZero() {
				left = one.LeftAt.UTC().Format(time.RFC3339)
			}
			shown = append(shown, one.Session+" "+one.Name+" "+one.UserID+" "+one.JoinedAt.UTC().Format(time.RFC3339)+" "+left)
		}
		want := []string{"a Ann  " + at(900) + " " + at(840), "b  u " + at(600) + " " + bLeft}
		if diff := cmp.Diff(want, shown); err != nil || diff != "" {
			t.Error(err, diff)
		}
		if q := s.Asked()[0].Query; q != "limit=100&room=demo&timeframe_start=1750000000" {
			t.Error(q)
		}
	}
	for _, odd := range []string{`null`, `{}`, `{"data":null}`, `{"data":{}}`, `[]`} {
		p, _, _ := on(t, account(), answers{"GET /meetings": post(odd)})
		if got, err := p.History(t.Context(), provider.Meeting{Room: "demo"}, time.Time{}); err == nil {
			t.Errorf("%s is %+v", odd, got)
		}
	}
	// In a session that is still open, a participant who seems to have left within the last minute may be there.
	for ago, gone := range map[int64]bool{59: false, 60: false, 61: true} {
		p, _, _ := on(t, account(), answers{"GET /meetings": post(fmt.Sprintf(
			`{"data":[{"id":"g","ongoing":true,"participants":[{"participant_id":"a","join_time":%d,"duration":%d}]}]}`, now-900, 900-ago))})
		got, err := p.History(t.Context(), provider.Meeting{Room: "demo"}, time.Time{})
		if err != nil || len(got) != 1 || got[0].LeftAt.IsZero() == gone {
			t.Errorf("left %d s ago: %+v, %v", ago, got, err)
		}
	}
	// A list that does not advance is an error, not an endless loop.
	full := `{"data":[` + strings.Repeat(`{"id":"g"},`, 99) + `{"id":"g"}]}`
	p, s, _ := on(t, account(), answers{"GET /meetings": post(full)})
	if _, err := p.History(t.Context(), provider.Meeting{Room: "demo"}, time.Time{}); !errors.Is(err, provider.Unavailable) || len(s.Asked()) != 2 {
		t.Errorf("%v after %d calls", err, len(s.Asked()))
	}
}
