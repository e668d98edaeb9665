package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/jsonedit"
	"greenroom/internal/plain"
	"greenroom/internal/scenario"
	"greenroom/provider"
)

const (
	// triggerTime bounds one post.
	triggerTime = 10 * time.Second
	// maxTriggerAnswer is how much of an answer is printed.
	maxTriggerAnswer = 64 << 10
)

// triggerStep is one webhook to send.
type triggerStep struct {
	// after is the time after the beginning at which it is sent.
	after time.Duration
	event app.SyntheticWebhook
	// since is the time after the beginning at which the stay or meeting that it ends began; negative if unknown.
	since time.Duration
}

// repeats returns the webhooks of a single kind.
func (job *triggerJob) repeats(count int, every time.Duration) []triggerStep {
	steps := make([]triggerStep, count)
	for i := range steps {
		steps[i] = triggerStep{after: time.Duration(i) * every, event: job.event, since: -1}
	}
	return steps
}

// steps returns the webhooks of a scenario that the account's platform sends.
func (o *triggerOptions) steps(ctx context.Context, b app.Backend) ([]triggerStep, error) {
	sends, err := sentBy(ctx, b, o.event.Account)
	if err != nil {
		return nil, err
	}
	conference, recording := newUUID(), newUUID()
	sessions := make([]string, o.people+1)
	for i := range sessions {
		sessions[i] = newUUID()
	}
	var out []triggerStep
	for _, s := range scenario.Plan(o.scenario, o.people, sends) {
		e := o.event
		e.Kind, e.Conference, e.Session, e.Here = s.Kind, conference, recording, &s.Here
		if s.Person > 0 {
			e.Session = sessions[s.Person]
			if e.Name != "" && o.people > 1 {
				e.Name += " " + strconv.Itoa(s.Person)
			}
		}
		at := func(d time.Duration) time.Duration { return time.Duration(float64(d) / o.speed) }
		out = append(out, triggerStep{after: at(s.At), since: at(s.Since), event: e})
	}
	return out, nil
}

// sentBy lists the kinds that the platform of an account sends.
func sentBy(ctx context.Context, b app.Backend, account string) ([]provider.EventKind, error) {
	a, err := accountStatus(ctx, b, account)
	return slices.Collect(maps.Values(driverOf(a.Platform).Types)), err
}

// parseSpeed parses 10x or 10.
func parseSpeed(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSuffix(strings.ToLower(s), "x"), 64)
	if err != nil || !within(v, math.SmallestNonzeroFloat64, 1e6) {
		return 0, hint("write it like 10x")
	}
	return v, nil
}

// send posts the webhooks in order, each at its time. Answers that aren't 2xx don't end it.
func (o *triggerOptions) send(ctx context.Context, b app.Backend, steps []triggerStep) error {
	client := &http.Client{
		Timeout: triggerTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	began := o.now()
	first := began
	if !o.at.IsZero() {
		first = o.at
	}
	var refused error
	for _, s := range steps {
		if wait := s.after - o.now().Sub(began); wait > 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(wait):
			}
		}
		e := s.event
		e.ID = "synthetic-" + strings.ToLower(rand.Text())
		e.At, e.SignedAt = app.At(first.Add(s.after)), app.At(o.now().Add(-o.age))
		if s.since >= 0 {
			e.Since = app.At(first.Add(s.since))
		}
		e.Session = cmp.Or(e.Session, o.session, newUUID())
		made, err := o.sign(ctx, b, e)
		if err != nil {
			return err
		}
		err = o.post(ctx, client, made, e)
		if errors.Is(err, errAnswered) {
			refused = err
		} else if err != nil {
			return err
		}
	}
	return refused
}

// sign returns a signed webhook, with the values of --set.
func (job *triggerJob) sign(ctx context.Context, b app.Backend, e app.SyntheticWebhook) (app.SignedWebhook, error) {
	made, err := b.SignWebhook(ctx, e)
	if err != nil || len(job.set) == 0 {
		return made, err
	}
	if e.Body, err = jsonedit.Set(made.Body, job.set...); err != nil {
		return app.SignedWebhook{}, &app.Error{Kind: provider.Invalid, Text: err.Error()}
	}
	return b.SignWebhook(ctx, e)
}

// triggered is the result of a synthetic webhook.
type triggered struct {
	Kind    provider.EventKind `json:"kind"`
	Account string             `json:"account"`
	URL     string             `json:"url"`
	ID      string             `json:"id"`
	Session string             `json:"session"`
	Status  int                `json:"status"`
	Ms      int64              `json:"ms"`
	Answer  string             `json:"answer"`
}

// errAnswered marks an answer that isn't 2xx.
var errAnswered = errors.New("the webhook was not accepted")

func (o *triggerOptions) post(ctx context.Context, client *http.Client, made app.SignedWebhook, e app.SyntheticWebhook) error {
	req, err := http.NewRequestWithContext(ctx, made.Method, o.to, bytes.NewReader(made.Body))
	if err != nil {
		return usagef("the webhook can't be posted to this URL")
	}
	req.Header = http.Header(made.Header)
	begun := o.now()
	res, err := client.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the URL, which may hold a password
		}
		return &app.Error{Kind: provider.Unavailable, Text: fmt.Sprintf("the webhook could not be posted: %v", err), Err: err}
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxTriggerAnswer))
	res.Body.Close()
	answer := strings.ToValidUTF8(string(body), "\uFFFD")
	if err != nil {
		answer += " (the answer ended early)"
	}
	shown := req.URL.Redacted()
	failed := res.StatusCode/100 != 2
	if o.json {
		if err := o.printJSON(triggered{
			e.Kind, e.Account, shown, e.ID, e.Session, res.StatusCode, o.now().Sub(begun).Milliseconds(), answer,
		}); err != nil {
			return err
		}
	} else {
		o.words(plain.Text(fmt.Sprintf("Posted %s as %s to %s: %d.", e.Kind, e.Account, shown, res.StatusCode)))
		if text := strings.TrimRight(answer, "\n"); failed && text != "" {
			if _, err := io.WriteString(o.stdout, plain.Lines(text)+"\n"); err != nil {
				return err
			}
		}
	}
	if failed {
		return fmt.Errorf("%w: the answer was %d", errAnswered, res.StatusCode)
	}
	return nil
}

// newUUID returns a random UUID, such as platforms use for sessions.
func newUUID() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // never fails
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
