package hub

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"greenroom/internal/app"
	"greenroom/internal/catch"
	"greenroom/internal/mismatch"
	"greenroom/provider"
	"greenroom/store"
)

const (
	maxCatches = 100
	// maxRespond bounds the answer of a catch, in bytes.
	maxRespond = 4 << 10
)

var catchName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)

// Catches lists the catches; see [app.Backend].
func (h *Hub) Catches(ctx context.Context, _ app.CatchQuery) ([]app.Catch, error) {
	out := []app.Catch{}
	err := h.store.View(ctx, func(tx *store.Tx) error {
		all, damaged := tx.Catches()
		for _, c := range all {
			out = append(out, h.viewCatch(tx, c))
		}
		if len(damaged) > 0 {
			h.log.Error("the catches could not be read, so they receive nothing", "catches", strings.Join(damaged, ", "))
		}
		return nil
	})
	return out, err
}

func (h *Hub) viewCatch(tx *store.Tx, c store.CatchJob) app.Catch {
	v := app.Catch{
		Name: c.Name, Scheme: c.Scheme, Path: catchPath(c), Respond: strings.TrimSpace(strconv.Itoa(c.Status) + " " + c.Answer),
		CreatedAt: c.CreatedAt,
	}
	v.Events, v.Rejected = tx.CaughtEvents(c.Name)
	if _, s := h.tunnelStatus(); s.State == "live" && s.URL != "" {
		v.URL = strings.TrimSuffix(s.URL, "/") + v.Path
	}
	return v
}

func catchPath(c store.CatchJob) string { return app.CatchPath + c.Name + "-" + c.Token }

// CreateCatch creates a catch; see [app.Backend].
func (h *Hub) CreateCatch(ctx context.Context, spec app.CatchSpec) (app.Catch, error) {
	var out app.Catch
	scheme, err := catch.Parse(spec.Scheme)
	switch {
	case !catchName.MatchString(spec.Name):
		return out, invalid("use letters, digits, dots, hyphens and underscores, at most 40", "a catch can't be named %q", spec.Name)
	case err != nil:
		return out, invalid("", "%v", err)
	case spec.Status != 0 && (spec.Status < 200 || spec.Status > 599):
		return out, invalid("use a status from 200 to 599", "a catch can't respond %d", spec.Status)
	case len(spec.Answer) > maxRespond:
		return out, invalid("", "a catch's answer can have at most %d bytes", maxRespond)
	case scheme.String() == "none" && spec.Secret != "":
		return out, invalid("set how the service signs, with --scheme", "a catch without a scheme needs no secret")
	}
	if err := scheme.Secret(spec.Secret); err != nil {
		return out, invalid("give it with --secret", "the secret can't be used with %s: %v", scheme, err)
	}
	job := store.CatchJob{
		Name: spec.Name, Token: strings.ToLower(rand.Text()), Scheme: scheme.String(), Secret: strings.TrimSpace(spec.Secret),
		Status: spec.Status, Answer: spec.Answer, CreatedAt: h.now(),
	}
	if job.Status == 0 {
		job.Status, job.Answer = http.StatusOK, "ok"
	}
	err = h.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.Catch(job.Name); !errors.Is(err, store.ErrNotFound) {
			return app.Errorf(provider.Conflict, "remove it: greenroom catch remove "+job.Name, "catch %q already exists", job.Name)
		}
		if all, _ := tx.Catches(); len(all) >= maxCatches {
			return app.Errorf(provider.Conflict, "", "there are already %d catches, which is the maximum", maxCatches)
		}
		if err := tx.DeleteCatch(job.Name); err != nil { // the events of a removed one that could be restored
			return err
		}
		out = h.viewCatch(tx, job)
		return tx.PutCatch(job)
	})
	return out, err
}

// RemoveCatch removes a catch with its events; see [app.Backend].
func (h *Hub) RemoveCatch(ctx context.Context, ref app.CatchRef) (app.Catch, error) {
	var out app.Catch
	err := h.store.Update(ctx, func(tx *store.Tx) error {
		job, err := tx.Catch(ref.Name)
		if errors.Is(err, store.ErrNotFound) {
			return notFound("there is no catch %q", ref.Name)
		}
		if err != nil { // its record is damaged
			return tx.DeleteCatch(ref.Name)
		}
		out = h.viewCatch(tx, job)
		return errors.Join(tx.HideCatch(ref.Name), h.discard(tx, trashed{Kind: app.DeletedCatch, Catch: &job}))
	})
	if err == nil {
		h.emptyTrashLater()
	}
	return out, err
}

// caught finds the catch of a request by the token in its path.
func (h *Hub) caught(ctx context.Context, name string, in app.Inbound) (store.CatchJob, bool) {
	job, err := store.Read(ctx, h.store, func(tx *store.Tx) (store.CatchJob, error) { return tx.Catch(name) })
	u, perr := url.ParseRequestURI(in.Target)
	if err != nil || perr != nil {
		return job, false
	}
	own, _, _ := strings.Cut(strings.TrimPrefix(u.Path, app.CatchPath), "/")
	return job, subtle.ConstantTimeCompare([]byte(app.CatchPath+own), []byte(catchPath(job))) == 1
}

// readCaught verifies a request to a catch, and decides what is stored and answered.
func (h *Hub) readCaught(name string, in app.Inbound) reading {
	job, ok := h.caught(h.ctx, name, in)
	scheme, err := catch.Parse(job.Scheme)
	d := arrived(in)
	if !ok || err != nil {
		d.Account = ""
		d.Verdict, d.Status, d.Reason = provider.Rejected, http.StatusNotFound, "no catch has this address: see `greenroom catch list`"
		clip(&d)
		return reading{Entry: store.Entry{Keep: store.KeepStray, Delivery: d}}
	}
	request := catch.Request{Header: http.Header(in.Header), Body: in.Body, ReceivedAt: in.ReceivedAt}
	event := scheme.Event(request)
	d.Type, d.ProviderID = event.Type, event.ID
	if event.Challenge {
		d.Kind = provider.KindTest
	}
	v := scheme.Verify(request, job.Secret)
	switch {
	case v.OK:
		d.Verdict = provider.Verified
	case scheme.String() == "none":
		d.Verdict, d.Reason = provider.Unverified, v.Reason
	default:
		d.Verdict, d.Status, d.Reason = provider.Rejected, http.StatusUnauthorized, h.catchCause(scheme, job, in, v)
		clip(&d)
		return reading{Entry: store.Entry{Keep: store.KeepUncaught, Delivery: d}}
	}
	respond := app.Answer{Status: job.Status, Text: job.Answer, ContentType: contentType(job.Answer)}
	if a, ok := scheme.Answer(request, job.Secret); ok && v.OK {
		respond = app.Answer{Status: http.StatusOK, Text: a.Text, ContentType: a.ContentType}
	}
	d.Status = respond.Status
	return reading{Entry: store.Entry{Keep: store.KeepCaught, Delivery: d}, respond: &respond}
}

// signedCaught reports whether a request has the signature of a catch's secret, of any age.
func (h *Hub) signedCaught(name string, in app.Inbound) bool {
	job, ok := h.caught(h.ctx, name, in)
	scheme, err := catch.Parse(job.Scheme)
	if !ok || err != nil {
		return false
	}
	key, ok := scheme.Key(job.Secret)
	return ok && scheme.SignedWith(catch.Request{Header: http.Header(in.Header), Body: in.Body}, key)
}

// contentType returns the type of a catch's answer.
func contentType(text string) string {
	if t := strings.TrimSpace(text); (strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[")) && json.Valid([]byte(t)) {
		return "application/json"
	}
	return "text/plain; charset=utf-8"
}

// catchTester tests signatures of a scheme.
type catchTester struct{ catch.Scheme }

// SignatureKey implements [provider.SignatureTester].
func (t catchTester) SignatureKey(secret string) ([]byte, bool) { return t.Key(secret) }

// SignedWith implements [provider.SignatureTester].
func (t catchTester) SignedWith(r provider.WebhookRequest, key []byte) bool {
	return t.Scheme.SignedWith(catch.Request{Header: r.Header, Body: r.Body, ReceivedAt: r.ReceivedAt}, key)
}

// catchCause returns why a request to a catch is rejected, as specifically as the budget allows.
func (h *Hub) catchCause(s catch.Scheme, job store.CatchJob, in app.Inbound, v catch.Verdict) string {
	if !v.Wrong {
		return v.Reason
	}
	c := mismatch.Case{
		Tester: catchTester{s}, Secrets: []string{job.Secret},
		Request: provider.WebhookRequest{Header: http.Header(in.Header), Body: in.Body, ReceivedAt: in.ReceivedAt},
	}
	if h.causes.AllowN(h.clock.Now(), c.Cost()) {
		if found := c.Cause(); found != "" {
			return "the signature is wrong: " + found
		}
	}
	return v.Reason
}

// catch stores a request to a catch, and returns the answer.
func (h *Hub) catch(ctx context.Context, r reading) app.Answer {
	if r.Keep != store.KeepCaught {
		return h.reject(ctx, r)
	}
	d, err := h.store.Append(ctx, r.Entry)
	if err != nil {
		h.log.Error("a webhook could not be stored", "account", r.Delivery.Account, "err", err)
		return busy(err)
	}
	return r.answer(d.Seq, true)
}
