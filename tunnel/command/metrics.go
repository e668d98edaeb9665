package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"greenroom/tunnel"
)

const (
	// pollSoon is the interval of polls until cloudflared is connected, pollLater the one after that.
	pollSoon  = 500 * time.Millisecond
	pollLater = 5 * time.Second
	pollTime  = 5 * time.Second // of one poll
	pollSize  = 64 << 10        // of an answer, in bytes
)

// pollMetrics gets the URL and the state of cloudflared from its metrics server, until ctx ends.
func (r *run) pollMetrics(ctx context.Context, addr string) {
	transport := &http.Transport{MaxIdleConns: 1, IdleConnTimeout: 2 * pollLater}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: pollTime}
	url := r.url
	for {
		wait := pollSoon
		if url == "" {
			url = quickURL(ctx, client, addr)
		}
		if url != "" {
			// 200 with at least one connection to the edge, else 503.
			status, _, err := get(ctx, client, "http://"+addr+"/ready")
			if ctx.Err() != nil {
				return
			}
			if status == http.StatusOK {
				wait = pollLater
				r.found(url)
			} else {
				r.notReady(url, err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-r.clock.After(wait):
		}
	}
}

// notReady shows why cloudflared isn't connected.
func (r *run) notReady(url string, err error) {
	r.Update(func(s *tunnel.Status) {
		s.URL = url
		switch {
		case s.State == tunnel.Connecting:
			s.Reason = r.name + " is connecting to its edge"
		case err != nil:
			s.State, s.Reason = tunnel.Degraded, r.name+" doesn't respond at its metrics address"
		default:
			s.State, s.Reason = tunnel.Degraded, r.name+" has lost its connections to the edge; it reconnects automatically"
		}
	})
}

// quickURL returns the quick tunnel's URL, or "" while there is none: {"hostname":"a-b-c.trycloudflare.com"}.
func quickURL(ctx context.Context, c *http.Client, addr string) string {
	status, body, err := get(ctx, c, "http://"+addr+"/quicktunnel")
	var answer struct {
		Hostname string `json:"hostname"`
	}
	if err != nil || status != http.StatusOK || json.Unmarshal(body, &answer) != nil || answer.Hostname == "" {
		return "" // it has just been started
	}
	url, _ := tunnel.PublicURL("https://" + answer.Hostname) // "" if it is invalid
	return url
}

func get(ctx context.Context, c *http.Client, url string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, pollSize))
	if err != nil {
		return 0, nil, fmt.Errorf("read %s: %w", url, err)
	}
	return resp.StatusCode, body, nil
}
