package rest

import (
	"fmt"
	"net/http"
	"time"

	"greenroom/provider"
)

// CheckClock compares the machine's clock with the Date of an answer. why names what depends on it. It returns no check if the
// answer has no date.
func (c *Client) CheckClock(h http.Header, most time.Duration, why string) []provider.Check {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return nil
	}
	skew := c.Now().Sub(date).Abs()
	if skew <= most {
		return []provider.Check{{Name: "clock", OK: true, Detail: "agrees with the platform's"}}
	}
	return []provider.Check{{
		Name: "clock", Detail: fmt.Sprintf("differs from the platform's by %s", skew.Round(time.Second)),
		Hint: "synchronise the machine's clock, for example by NTP: " + why,
	}}
}
