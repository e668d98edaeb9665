package ipc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/internal/ipc/lock"
	"greenroom/internal/private"
	"greenroom/provider"
)

func TestWhatARequestCosts(t *testing.T) {
	in := app.Inbound{Body: make([]byte, 300), Target: "/x", Header: map[string][]string{"A": {"b", "cc"}}}
	if got, want := cost(in), 400+2+256+(1+1+8)+(1+2+8); got != want {
		t.Errorf("%d, not %d", got, want)
	}
}

// TestABatchGoesInParts: as many requests as fit go in one call, in their order. After one that was not stored none goes.
func TestABatchGoesInParts(t *testing.T) {
	of := func(bytes int) app.Inbound { return app.Inbound{Target: strings.Repeat("x", bytes-256)} }
	for _, c := range []struct {
		name  string
		costs []int
		// unstored is the request that the owner does not store, counted from 0, and -1 for none.
		unstored int
		calls    []int
		answered []int
	}{
		{"none", nil, -1, nil, nil},
		{"one", []int{300}, -1, []int{1}, []int{200}},
		{"just fitting", []int{batchBytes / 2, batchBytes / 2, 256}, -1, []int{2, 1}, []int{200, 200, 200}},
		{"not quite", []int{batchBytes / 2, batchBytes/2 + 1, 256}, -1, []int{1, 2}, []int{200, 200, 200}},
		{"larger than a part", []int{256, batchBytes + 1000, 256}, -1, []int{1, 1, 1}, []int{200, 200, 200}},
		{"busy", []int{batchBytes, batchBytes, batchBytes}, 1, []int{1, 1}, []int{200, 503, 503}},
		{"busy at last", []int{batchBytes, batchBytes}, 1, []int{1, 1}, []int{200, 503}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var calls []int
			seen := 0
			client := dialer(func(r *http.Request) (*http.Response, error) {
				var b app.Batch
				if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
					return nil, err
				}
				calls = append(calls, len(b.Requests))
				var answers []app.Answer
				for range b.Requests {
					a := app.Answer{Status: 200, Stored: true}
					if seen == c.unstored {
						a = app.Answer{Status: 503}
					}
					answers, seen = append(answers, a), seen+1
				}
				text, err := json.Marshal(answers)
				return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader(text))}, err
			})
			var b app.Batch
			for _, n := range c.costs {
				b.Requests = append(b.Requests, of(n))
			}
			answers, err := sendAnswers(t.Context(), client, "IngestBatch", b)
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, a := range answers {
				got = append(got, a.Status)
				if a.Status == 503 && a.RetryAfter == 0 && len(got)-1 > c.unstored {
					t.Errorf("request %d may not come again", len(got))
				}
			}
			if !slices.Equal(calls, c.calls) || !slices.Equal(got, c.answered) {
				t.Errorf("calls of %v, answered %v", calls, got)
			}
		})
	}
	client := dialer(func(*http.Request) (*http.Response, error) { return nil, errors.New("no line") })
	if answers, err := sendAnswers(t.Context(), client, "IngestBatch", app.Batch{Requests: []app.Inbound{of(300)}}); err == nil || answers != nil {
		t.Errorf("%v, %v", answers, err)
	}
}

func TestAnOwnerThatAnswersNothing(t *testing.T) {
	client := dialer(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("[]"))}, nil
	})
	if answers, err := sendAnswers(t.Context(), client, "IngestBatch", app.Batch{Requests: make([]app.Inbound, 1)}); err != nil || len(answers) != 0 {
		t.Errorf("%v, %v", answers, err)
	}
}

func TestWhatIsForbiddenHasAHint(t *testing.T) {
	for hint, want := range map[string]string{"": "", "do": "do, or set XDG_RUNTIME_DIR to your own folder"} {
		if e := app.AsError(forbidden(&private.Error{Text: "not yours", Hint: hint})); e.Kind != provider.Forbidden || e.Hint != want {
			t.Errorf("%+v", e)
		}
	}
	if err := errors.New("x"); forbidden(err) != err {
		t.Error("another error is changed")
	}
}

func TestAQueueHoldsSoMany(t *testing.T) {
	q := newQueue(3)
	for n := range 4 {
		q.put(app.Change{Kind: app.StatusChange})
		if n == 2 {
			if batch, more := q.take(nil); len(batch) != 3 || !more {
				t.Errorf("%d of 3, %t", len(batch), more)
			}
		}
	}
	for range 3 {
		q.put(app.Change{Kind: app.StatusChange})
	}
	q.close()
	batch, more := q.take(nil)
	if len(batch) != 2 || batch[0].Kind != app.Missed || more {
		t.Errorf("%+v, %t", batch, more)
	}
}

func TestARequestOfTheLargestSize(t *testing.T) {
	h := NewServer(apptest.NewMemory(1), Hello{}, nil, nil, nil).Handler()
	for size, want := range map[int]int{limitCall: http.StatusOK, limitCall + 1: http.StatusBadRequest} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/v1/Rooms", strings.NewReader("{}"+strings.Repeat(" ", size-2))))
		if w.Code != want {
			t.Errorf("%d bytes: %d", size, w.Code)
		}
	}
}

func TestOptionsOfASession(t *testing.T) {
	own := func(context.Context) (Owned, error) { return Owned{}, nil }
	for _, o := range []Options{{}, {DataDir: "d"}, {Own: own}} {
		if o.fill() == nil {
			t.Errorf("%+v is enough", o)
		}
	}
	o := Options{DataDir: "d", Own: own}
	if err := o.fill(); err != nil || o.Wait != 5*time.Second || o.GiveUp != 5*time.Second || o.Grace != 700*time.Millisecond ||
		o.RuntimeDir != RuntimeDir() || o.Log == nil || o.Clock == nil || o.Crash == nil {
		t.Errorf("%+v, %v", o, err)
	}
	given := Options{DataDir: "d", Own: own, RuntimeDir: "r", Wait: 1, GiveUp: 2, Grace: 3, Log: o.Log, Clock: o.Clock, Crash: o.Crash}
	was := given
	if err := given.fill(); err != nil || given.Wait != was.Wait || given.GiveUp != was.GiveUp || given.Grace != was.Grace ||
		given.RuntimeDir != "r" || given.Log != was.Log || given.Clock != was.Clock || given.Crash != was.Crash {
		t.Errorf("%+v, %v", given, err)
	}
}

func TestSocketsHaveShortPaths(t *testing.T) {
	name := len("/0123456789abcdef.sock")
	for length, want := range map[int]bool{maxSocketPath: true, maxSocketPath + 1: false} {
		dir := "/" + strings.Repeat("r", length-name-1)
		paths, err := socketPaths(dir, "/nowhere")
		if err != nil {
			t.Fatal(err)
		}
		if got := filepath.Dir(paths[0]) == dir; got != want {
			t.Errorf("a path of %d bytes: %v", length, paths)
		}
	}
}

func TestWhatIsSaidWithoutAnOwner(t *testing.T) {
	for _, c := range []struct {
		problem    *app.Error
		text, hint string
	}{
		{nil, "the process that owned the store exited; reconnecting", "try again in a moment"},
		{&app.Error{Text: "no"}, "the process that owned the store exited; reconnecting: no", "try again in a moment"},
		{&app.Error{Text: "no", Hint: "do"}, "the process that owned the store exited; reconnecting: no", "do"},
	} {
		if e := app.AsError(errReconnecting(State{Problem: c.problem})); e.Text != c.text || e.Hint != c.hint || e.Kind != provider.Unavailable {
			t.Errorf("%+v", e)
		}
	}
	h := lock.Holder{PID: 7, Version: "1"}
	plain := app.AsError(holderError(h, errors.New("x")))
	if !strings.HasPrefix(plain.Text, "the store is in use (process 7") || !strings.HasSuffix(plain.Text, "doesn't answer") || plain.Hint == "" {
		t.Errorf("%+v", plain)
	}
	if e := app.AsError(holderError(h, &private.Error{Text: "not yours", Hint: "do"})); e.Text != plain.Text+": not yours" || e.Hint != "do" {
		t.Errorf("%+v", e)
	}
}

// sendAnswers sends a batch.
func sendAnswers(ctx context.Context, c *Client, method string, b app.Batch) (answers []app.Answer, err error) {
	err = c.send(ctx, method, b, &answers)
	return answers, err
}
