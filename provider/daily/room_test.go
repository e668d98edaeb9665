package daily_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"greenroom/provider"
	"greenroom/provider/providertest"
)

func TestEndEjectsThenDeletes(t *testing.T) {
	const presence, eject, del = "GET /rooms/demo/presence", "POST /rooms/demo/eject", "DELETE /rooms/demo"
	two := `{"total_count":2,"data":[{"id":"a"},{"id":"b"}]}`
	none := `{"total_count":0,"data":[]}`
	for _, tt := range []struct {
		name     string
		presence string
		status   int
		eject    []providertest.Answer
		del      providertest.Answer
		sessions []string
		calls    string
		kind     provider.Kind
	}{
		{"no one", none, 200, nil, providertest.JSON(`{"deleted":true,"name":"demo"}`), nil, presence + ", " + del, ""},
		{"two", two, 200, post(`{"ejectedIds":["a","b"]}`), providertest.JSON(`{}`), []string{"a", "", "b"}, presence + ", " + eject + ", " + del, ""},
		{"two and one unlisted", two, 200, post(`{}`), providertest.JSON(`{}`), []string{"a", "c", "c"}, presence + ", " + eject + ", " + eject + ", " + del, ""},
		{"the room is gone", missing, 404, nil, refusal(404, missing), nil, presence + ", " + del, ""},
		{"expired", none, 200, nil, refusal(400, `{"error":"invalid-request-error","deleted":true}`), nil, presence + ", " + del, ""},
		{"no one there any more", two, 200, []providertest.Answer{refusal(404, missing)}, providertest.JSON(`{}`), nil, presence + ", " + eject + ", " + del, ""},
		{"an unknown session", none, 200, []providertest.Answer{refusal(400, `{"error":"invalid-request-error"}`)}, providertest.JSON(`{}`), []string{"x"}, presence + ", " + eject + ", " + del, ""},
		{"presence can't be read", `{}`, 403, nil, providertest.Answer{}, []string{"x"}, presence, provider.Forbidden},
		{"presence is strange", `{}`, 200, nil, providertest.Answer{}, nil, presence, provider.Unavailable},
		{"no one can be ejected", two, 200, []providertest.Answer{refusal(403, `{}`)}, providertest.Answer{}, nil, presence + ", " + eject, provider.Forbidden},
		{"an unlisted one can't be ejected", none, 200, []providertest.Answer{refusal(403, `{}`)}, providertest.Answer{}, []string{"x"}, presence + ", " + eject, provider.Forbidden},
		{"the room can't be deleted", none, 200, nil, refusal(403, `{}`), nil, presence + ", " + del, provider.Forbidden},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, s, _ := on(t, account(), answers{
				presence: {refusal(tt.status, tt.presence)}, eject: tt.eject, del: {tt.del},
			})
			err := p.EndMeeting(t.Context(), provider.Meeting{Room: "demo", Sessions: tt.sessions})
			if provider.KindOf(err) != tt.kind {
				t.Error(err)
			}
			if got := s.Calls(); got != tt.calls {
				t.Errorf("calls %s, want %s", got, tt.calls)
			}
		})
	}
}

func post(body string) []providertest.Answer { return []providertest.Answer{providertest.JSON(body)} }

func TestEndEjectsAHundredACall(t *testing.T) {
	var list []string
	for i := range 205 {
		list = append(list, fmt.Sprintf(`{"id":"s-%d"}`, i))
	}
	p, s, _ := on(t, account(), answers{
		"GET /rooms/demo/presence": post(`{"total_count":205,"data":[` + strings.Join(list, ",") + `]}`),
		"POST /rooms/demo/eject":   {refusal(503, `{}`), providertest.JSON(`{}`)},
		"DELETE /rooms/demo":       post(`{}`),
	})
	if err := p.EndMeeting(t.Context(), provider.Meeting{Room: "demo"}); err != nil {
		t.Fatal(err)
	}
	// One more than three: an eject that failed is repeated.
	if n := strings.Count(s.Calls(), "eject"); n != 4 {
		t.Errorf("%d calls", n)
	}
	for _, a := range s.Asked() {
		if n := strings.Count(a.Body, `"s-`); n > 100 {
			t.Errorf("%d ids in a call", n)
		}
	}
}

func TestEject(t *testing.T) {
	p, s, _ := on(t, account(), answers{"POST /rooms/demo/eject": {providertest.JSON(`{}`), refusal(404, missing), refusal(403, `{}`)}})
	for i, want := range []provider.Kind{"", "", provider.Forbidden} {
		if banned, err := p.Eject(t.Context(), provider.Meeting{Room: "demo"}, provider.Participant{Session: "a", UserID: "u"}, false); provider.KindOf(err) != want || banned {
			t.Errorf("%d: %v, %v", i, banned, err)
		}
	}
	jsonEqual(t, s.Asked()[0].Body, `{"ids":["a"]}`)
}

// Daily bans user ids. With sessions alone it bans no one, so no ban is reported.
func TestABanIsOfAUserID(t *testing.T) {
	for _, tt := range []struct {
		name, user, body string
		answer           providertest.Answer
		banned           bool
		kind             provider.Kind
	}{
		{"known", "u-7", `{"ids":["a"],"user_ids":["u-7"],"ban":true}`, providertest.JSON(`{}`), true, ""},
		{"unknown", "", `{"ids":["a"]}`, providertest.JSON(`{}`), false, ""},
		{"no more than the session", "a", `{"ids":["a"]}`, providertest.JSON(`{}`), false, ""},
		{"gone", "u-7", `{"ids":["a"],"user_ids":["u-7"],"ban":true}`, refusal(404, missing), false, ""},
		{"refused", "u-7", `{"ids":["a"],"user_ids":["u-7"],"ban":true}`, refusal(403, `{}`), false, provider.Forbidden},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, s, _ := on(t, account(), answers{"POST /rooms/demo/eject": {tt.answer}})
			banned, err := p.Eject(t.Context(), provider.Meeting{Room: "demo"}, provider.Participant{Session: "a", UserID: tt.user}, true)
			if banned != tt.banned || provider.KindOf(err) != tt.kind {
				t.Errorf("banned %v, %v", banned, err)
			}
			jsonEqual(t, s.Asked()[0].Body, tt.body)
		})
	}
}

func TestExtendSendsTheEndAlone(t *testing.T) {
	until := time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name   string
		answer providertest.Answer
		kind   provider.Kind
	}{
		{"moved", providertest.JSON(fmt.Sprintf(`{"name":"demo","config":{"exp":%d}}`, until.Unix())), ""},
		{"another end", providertest.JSON(`{"name":"demo","config":{"exp":1}}`), provider.Unavailable},
		{"expired", refusal(404, missing), provider.NotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, s, _ := on(t, account(), answers{"POST /rooms/demo": {tt.answer}})
			if err := p.Extend(t.Context(), provider.Meeting{Room: "demo"}, until); provider.KindOf(err) != tt.kind {
				t.Error(err)
			}
			jsonEqual(t, s.Asked()[0].Body, fmt.Sprintf(`{"properties":{"exp":%d}}`, until.Unix()))
		})
	}
	p, _, _ := on(t, account(), answers{})
	if err := p.Extend(t.Context(), provider.Meeting{}, until); provider.KindOf(err) != provider.Invalid {
		t.Errorf("of no room: %v", err)
	}
}

// A room's exp is in seconds, however large; one beyond the year 9999 is no end.
func TestTheEndOfARoomIsInSeconds(t *testing.T) {
	for exp, want := range map[string]time.Time{
		"1795341600": time.Unix(1795341600, 0), "1795341600.0": time.Unix(1795341600, 0), "200000000000": time.Unix(200000000000, 0),
		"253402300799": time.Unix(253402300799, 0), "253402300800": {}, "1e300": {}, "0": {}, "-5": {}, "null": {},
	} {
		p, _, _ := on(t, account(), answers{"GET /rooms/demo": post(`{"name":"demo","url":"https://acme.daily.co/demo","config":{"exp":` + exp + `}}`)})
		m, err := p.Lookup(t.Context(), provider.Meeting{Room: "demo"})
		if err != nil || !m.Until.Equal(want) {
			t.Errorf("%s: %v, %v", exp, m.Until, err)
		}
	}
}

func TestHostLink(t *testing.T) {
	m := provider.Meeting{Room: "demo", GuestURL: "https://acme.daily.co/demo", Until: began.Add(time.Hour)}
	token := func(body string) answers { return answers{"POST /meeting-tokens": post(body)} }
	for _, tt := range []struct {
		name string
		ask  provider.LinkRequest
		mode string
		want string
	}{
		{"plain", provider.LinkRequest{Meeting: m, Host: true}, "",
			`{"properties":{"room_name":"demo","is_owner":true,"exp":1749992400}}`},
		{"with a name", provider.LinkRequest{Meeting: m, Host: true, Name: "Zoë"}, "",
			`{"properties":{"room_name":"demo","is_owner":true,"exp":1749992400,"user_name":"Zoë"}}`},
		{"starting the recording", provider.LinkRequest{Meeting: m, Host: true, StartRecording: true}, "",
			`{"properties":{"room_name":"demo","is_owner":true,"exp":1749992400,"start_cloud_recording":true,"enable_recording":"cloud"}}`},
		{"not of raw tracks", provider.LinkRequest{Meeting: m, Host: true, StartRecording: true}, "raw-tracks",
			`{"properties":{"room_name":"demo","is_owner":true,"exp":1749992400}}`},
		{"without an end", provider.LinkRequest{Meeting: provider.Meeting{Room: "demo", GuestURL: m.GuestURL}, Host: true}, "",
			`{"properties":{"room_name":"demo","is_owner":true,"exp":1750075200}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := account()
			a.Recording.Mode = tt.mode
			p, s, _ := on(t, a, token(`{"token":"eyJ.a.b"}`))
			links, err := p.Links(t.Context(), tt.ask)
			if err != nil || links.Guest != m.GuestURL || links.Host != m.GuestURL+"?t=eyJ.a.b" {
				t.Fatalf("%+v, %v", links, err)
			}
			jsonEqual(t, s.Asked()[0].Body, tt.want)
		})
	}
	p, _, _ := on(t, account(), token(`{"token":"!a~"}`)) // all visible ASCII
	if links, err := p.Links(t.Context(), provider.LinkRequest{Meeting: m, Host: true}); err != nil || links.Host != m.GuestURL+"?t=%21a~" {
		t.Errorf("%+v, %v", links, err)
	}
	for _, odd := range []string{`{}`, `{"token":""}`, `{"token":"a b"}`, `{"token":"\u001b"}`, `{"token":"\u007f"}`, `{"token":"ä"}`} {
		p, _, _ := on(t, account(), token(odd))
		if links, err := p.Links(t.Context(), provider.LinkRequest{Meeting: m, Host: true}); !errors.Is(err, provider.Unavailable) {
			t.Errorf("%s gave %+v, %v", odd, links, err)
		}
	}
}

func TestRoomsPages(t *testing.T) {
	page := func(from, n int) providertest.Answer {
		var list []string
		for i := from; i < from+n; i++ {
			list = append(list, fmt.Sprintf(`{"id":"id-%d","name":"r-%d","url":"https://x/r-%d","config":{}}`, i, i, i))
		}
		return providertest.JSON(`{"total_count":105,"data":[` + strings.Join(list, ",") + `]}`)
	}
	p, s, _ := on(t, account(), answers{"GET /rooms": {page(0, 100), page(100, 5)}})
	n := 0
	if err := p.Rooms(t.Context(), func(provider.Meeting) bool { n++; return true }); err != nil || n != 105 {
		t.Fatal(n, err)
	}
	if q := s.Asked()[1].Query; q != "limit=100&starting_after=id-99" {
		t.Errorf("asked for %s", q)
	}
	for name, list := range map[string][]providertest.Answer{
		"no list": post(`{}`), "a room without a name": post(`{"data":[{}]}`), "no end": {page(0, 100)}, "refused": {refusal(403, `{}`)},
	} {
		p, _, _ := on(t, account(), answers{"GET /rooms": list})
		if err := p.Rooms(t.Context(), func(provider.Meeting) bool { return true }); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func TestEndLeavesARoomThatIsToBeKept(t *testing.T) {
	const presence, eject = "GET /rooms/demo/presence", "POST /rooms/demo/eject"
	p, s, _ := on(t, account(), answers{
		presence: {providertest.JSON(`{"total_count":1,"data":[{"id":"a"}]}`)}, eject: post(`{"ejectedIds":["a"]}`),
	})
	if err := p.EndMeeting(t.Context(), provider.Meeting{Room: "demo", Keep: true}); err != nil {
		t.Error(err)
	}
	if got := s.Calls(); got != presence+", "+eject {
		t.Errorf("calls %s", got)
	}
}
