package providertest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"greenroom/provider"
	"greenroom/provider/daily"
	"greenroom/provider/providertest"
)

type down struct{ calls int }

func (d *down) RoundTrip(*http.Request) (*http.Response, error) {
	d.calls++
	return nil, errors.New("connection refused")
}

// A provider's back-off waits on the clock, which moves without waiting.
func ExampleClock() {
	clock := providertest.NewClock(time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC))
	network := &down{}
	p, err := daily.New(provider.Account{Name: "daily", APIKey: "key", APIURL: daily.DefaultURL},
		daily.Options{Transport: network, Clock: clock})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = p.Presence(context.Background(), provider.Meeting{Room: "standup"})
	fmt.Println(provider.KindOf(err))
	fmt.Println(network.calls-1 == len(clock.Waits()))
	// Output:
	// unavailable
	// true
}
