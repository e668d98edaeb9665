package daily_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"greenroom/provider"
	"greenroom/provider/daily"
	"greenroom/provider/providertest"
)

// BenchmarkOverhead compares looking a room up through the provider with the barest equivalent call of the same server: build the
// request, send it with an http.Client, check the status, decode the room. The two alternate call by call, so that disturbances
// of the machine affect both, and medians are compared.
//
// The budget is 2 % over a bare call with a timeout, like the provider's. The comparison with a client without a timeout shows
// the timeout's cost.
//
//	go test -run=- -bench=Overhead -benchtime=20000x ./provider/daily
func BenchmarkOverhead(b *testing.B) {
	b.Run("over=a-call-that-ends", func(b *testing.B) { overhead(b, 10*time.Second) })
	b.Run("over=a-call-that-may-hang", func(b *testing.B) { overhead(b, 0) })
}

func overhead(b *testing.B, timeout time.Duration) {
	body := []byte(fixture(b, "room.json"))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	}))
	defer srv.Close()
	a := account()
	a.APIURL = srv.URL
	p, err := daily.New(a, daily.Options{Clock: &ahead{}})
	if err != nil {
		b.Fatal(err)
	}
	client := &http.Client{Timeout: timeout}
	bare := func() error {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, srv.URL+"/rooms/demo", nil)
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+apiKey)
		r.Header.Set("Accept", "application/json")
		r.Header.Set("User-Agent", "bare")
		resp, err := client.Do(r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", resp.StatusCode)
		}
		var room struct {
			ID        string    `json:"id"`
			Name      string    `json:"name"`
			Privacy   string    `json:"privacy"`
			URL       string    `json:"url"`
			CreatedAt time.Time `json:"created_at"`
			Config    struct {
				Exp             float64 `json:"exp"`
				MaxParticipants float64 `json:"max_participants"`
				EnableKnocking  bool    `json:"enable_knocking"`
			} `json:"config"`
		}
		return json.NewDecoder(resp.Body).Decode(&room)
	}
	through := func() error {
		_, err := p.Lookup(b.Context(), provider.Meeting{Room: "demo"})
		return err
	}
	providertest.Overhead(b, bare, through)
}

// ahead is a clock that advances by a second each time it is read, so that the account's limits cause no waits.
type ahead struct{ looks atomic.Int64 }

func (a *ahead) Now() time.Time { return began.Add(time.Duration(a.looks.Add(1)) * time.Second) }

func (a *ahead) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }
