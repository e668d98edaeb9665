package daily_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/provider"
	"greenroom/provider/providertest"
)

const ann = `{"room":"demo","id":"s-1","userId":"u-7","userName":"Ann","mtgSessionId":"m","joinTime":"2025-06-15T12:00:03.000Z","duration":42}`

func TestPresence(t *testing.T) {
	body := `{"total_count":3,"data":[` + ann + `,{"id":"s-2","userId":null,"userName":null,"joinTime":null},` + ann + `]}`
	p, _, _ := on(t, account(), answers{"GET /rooms/demo/presence": post(body), "GET /presence": post(`{"demo":[` + ann + `],"empty":[]}`)})
	want := []provider.Participant{
		{Session: "s-1", Name: "Ann", UserID: "u-7", JoinedAt: began.Add(3 * time.Second)}, {Session: "s-2"},
	}
	got, err := p.Presence(t.Context(), provider.Meeting{Room: "demo"})
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	all, err := p.AllPresence(t.Context())
	if diff := cmp.Diff(map[string][]provider.Participant{"demo": want[:1], "empty": {}}, all); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestPresenceOfMoreThanOneAnswer(t *testing.T) {
	const call = "GET /rooms/demo/presence"
	p, s, _ := on(t, account(), answers{call: {
		providertest.JSON(`{"total_count":2,"data":[` + ann + `]}`), providertest.JSON(`{"total_count":2,"data":[` + ann + `,{"id":"s-2"}]}`),
	}})
	got, err := p.Presence(t.Context(), provider.Meeting{Room: "demo"})
	if err != nil || len(got) != 2 || s.Asked()[1].Query != "limit=12" {
		t.Errorf("%+v, %v after %v", got, err, s.Asked())
	}
	p, _, _ = on(t, account(), answers{call: post(`{"total_count":2,"data":[` + ann + `]}`)})
	if got, err := p.Presence(t.Context(), provider.Meeting{Room: "demo"}); !errors.Is(err, provider.Unavailable) {
		t.Errorf("a part is taken for the whole: %+v, %v", got, err)
	}
}

func TestPresenceOfUnknownRoom(t *testing.T) {
	p, _, _ := on(t, account(), answers{"GET /rooms/demo/presence": {refusal(404, missing)}})
	if got, err := p.Presence(t.Context(), provider.Meeting{Room: "demo"}); !errors.Is(err, provider.NotFound) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestPresenceOfAnotherRoomIsNone(t *testing.T) {
	p, _, _ := on(t, account(), answers{"GET /rooms/other/presence": post(`{"total_count":1,"data":[` + ann + `]}`)})
	if got, err := p.Presence(t.Context(), provider.Meeting{Room: "other"}); !errors.Is(err, provider.Unavailable) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAllPresenceShape(t *testing.T) {
	for _, odd := range []string{`null`, `[]`, `{"demo":null}`, `{"demo":{}}`, `{"demo":[{}]}`, `{"demo":"x"}`, `{"error":"x"}`,
		`{"other":[` + ann + `]}`} {
		p, _, _ := on(t, account(), answers{"GET /presence": post(odd)})
		if got, err := p.AllPresence(t.Context()); err == nil {
			t.Errorf("%s is %+v", odd, got)
		}
	}
}

func TestNamesAreBounded(t *testing.T) {
	p, _, _ := on(t, account(), answers{
		"GET /rooms/demo/presence": post(`{"data":[{"id":"` + strings.Repeat("i", 9999) + `","userName":"` + strings.Repeat("ä", 9999) + `"}]}`),
	})
	got, err := p.Presence(t.Context(), provider.Meeting{Room: "demo"})
	if err != nil || len(got) != 1 || len(got[0].Name) != 1024 || len(got[0].Session) != 256 {
		t.Errorf("%v %v", len(got), err)
	}
}
