package whereby_test

import (
	"errors"
	"testing"
	"time"

	"greenroom/provider"
	"greenroom/provider/providertest"
)

func TestHistoryTakesTheSessionsSince(t *testing.T) {
	p, s, _ := on(t, account(), map[string][]providertest.Answer{
		"GET /insights/room-sessions": one(`{"results":[
			{"roomSessionId":"new","startedAt":"2025-06-15T12:00:00.000Z","endedAt":"2025-06-15T13:00:00.000Z"},
			{"roomSessionId":"old","startedAt":"2025-06-14T12:00:00.000Z","endedAt":"2025-06-14T13:00:00.000Z"}],"cursor":null}`),
		"GET /insights/participants": one(`{"results":[{"participantId":"a","displayName":"Ann","roleName":"visitor",
			"joinedAt":"2025-06-15T12:00:00.250Z","leftAt":"2025-06-15T12:59:59.750Z"}],"cursor":null}`),
	})
	got, err := p.History(t.Context(), provider.Meeting{Room: "demo"}, time.Date(2025, 6, 15, 0, 0, 0, 0, time.UTC))
	if err != nil || len(got) != 1 || got[0].Name != "Ann" || got[0].LeftAt.Sub(got[0].JoinedAt) != 59*time.Minute+59*time.Second+500*time.Millisecond {
		t.Errorf("%+v, %v", got, err)
	}
	asked := s.Asked()
	if len(asked) != 2 || asked[1].Query != "limit=100&roomSessionId=new" {
		t.Errorf("%+v", asked)
	}
	for _, odd := range []string{`null`, `{}`, `{"results":[{}]}`} {
		p, _, _ = on(t, account(), map[string][]providertest.Answer{"GET /insights/room-sessions": one(odd)})
		if got, err := p.History(t.Context(), provider.Meeting{Room: "demo"}, time.Time{}); !errors.Is(err, provider.Unavailable) {
			t.Errorf("%s is %+v, %v", odd, got, err)
		}
	}
}
