package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/export"
	"greenroom/internal/inlet"
	"greenroom/internal/jsonedit"
	"greenroom/internal/plain"
	"greenroom/provider"
)

type replayOptions struct {
	*program
	filter, to, resign string
	assignments        []jsonedit.Assignment
	fields             []headerField
	speed              float64 // 0 for no pauses
	here, apply, edit  bool

	secret string // of --resign, if it is one
}

// headerField is a header of --header; without a value it is removed.
type headerField struct {
	name  string
	value *string
}

func (p *program) eventReplay() *cobra.Command {
	o := &replayOptions{program: p}
	cmd := &cobra.Command{
		Use: "replay [SEQ…]", Short: "Send events again, to a URL or to Greenroom itself", Args: cobra.ArbitraryArgs, RunE: p.do(o.run),
		Long: "Send events again with their exact bytes: to a URL (--to), or to Greenroom itself (--here), which stores them as " +
			"replays and applies them only with --apply. Several events are sent in order of arrival. The exit status is 0 if " +
			"every answer is 2xx.\n\n" +
			"A changed request, or one whose signature has expired, is signed again the way its platform signs. --resign account " +
			"always signs with the account's secret, --resign SECRET with that secret, and --resign none keeps the original signature.",
		Example: "greenroom event replay 17 --to http://localhost:3000/webhooks\n" +
			"greenroom event replay 17 --to http://localhost:3000/webhooks --set payload.room=demo --header 'X-Test: 1'\n" +
			"greenroom event replay --filter 'meeting:01J8Z* -is:replay' --here --apply --pace 10x",
	}
	fl := cmd.Flags()
	fl.StringVarP(&o.filter, "filter", "f", "", "send the events that this filter selects (docs/filter.md)")
	parsed(fl, &o.to, "to", "", target, "send to this URL; the event's query is appended")
	fl.BoolVar(&o.here, "here", false, "receive the events here again, marked as replays")
	fl.BoolVar(&o.apply, "apply", false, "with --here: also apply them to meetings")
	parsed(fl, &o.speed, "pace", "none", parsePace, "pauses between events: original, a factor such as 10x, or none")
	fl.StringVar(&o.resign, "resign", "", "sign again: account, a SECRET (also env:NAME, cmd:COMMAND, keyring:NAME), or none")
	parsedList(fl, &o.assignments, "set", parseSet, "change a value of a JSON body: PATH=VALUE, such as payload.room=demo (repeatable)")
	parsedList(fl, &o.fields, "header", parseHeader, "set a header: 'NAME: VALUE'; 'NAME:' removes it (repeatable)")
	fl.BoolVar(&o.edit, "edit", false, "edit the request in $EDITOR first")
	exclusive(cmd, "to", "here")
	return p.jsonFlag(cmd, "print one JSON object per event")
}

// check checks the flags.
func (o *replayOptions) check(ctx context.Context, args []string) (seqs []uint64, err error) {
	if seqs, err = seqsOf(args); err != nil {
		return nil, err
	}
	switch {
	case len(seqs) > 0 && o.filter != "":
		return nil, usagef("use either SEQ… or --filter, not both")
	case len(seqs) == 0 && o.filter == "":
		return nil, usagef("name the events: use SEQ… or --filter")
	case o.to == "" && !o.here:
		return nil, usagef("name the target: use --to URL or --here")
	case o.apply && !o.here:
		return nil, usagef("use --apply only with --here")
	case o.edit && len(seqs) != 1:
		return nil, usagef("use --edit with a single event")
	case o.resign != "account" && o.resign != "none":
		o.secret, err = o.secretOf(ctx, "resign", o.resign)
	}
	return seqs, err
}

// parseHeader parses a header of --header.
func parseHeader(s string) (f headerField, err error) {
	name, value, ok := strings.Cut(s, ":")
	f.name = http.CanonicalHeaderKey(strings.TrimSpace(name))
	if !ok || f.name == "" || strings.ContainsAny(s, "\r\n\x00") || strings.ContainsAny(f.name, " \t") {
		return f, hint("write it like 'X-Test: 1'")
	}
	if value = strings.TrimSpace(value); value != "" {
		f.value = &value
	}
	return f, nil
}

// parsePace parses the speed of --pace; 0 is without pauses.
func parsePace(s string) (float64, error) {
	switch s {
	case "none":
		return 0, nil
	case "original":
		return 1, nil
	}
	factor, ok := strings.CutSuffix(strings.ToLower(s), "x")
	if speed, err := strconv.ParseFloat(factor, 64); ok && err == nil && within(speed, math.SmallestNonzeroFloat64, 1e9) {
		return speed, nil
	}
	return 0, hint("use original, none, or a factor like 10x")
}

// parseSet parses an assignment of --set.
func parseSet(s string) (jsonedit.Assignment, error) {
	a, err := jsonedit.Parse(s)
	if err != nil {
		return a, hint(err.Error())
	}
	return a, nil
}

// errReplayed marks answers that aren't 2xx.
var errReplayed = errors.New("not every event was accepted")

func (o *replayOptions) run(ctx context.Context, args []string) error {
	seqs, err := o.check(ctx, args)
	if err != nil {
		return err
	}
	return o.with(ctx, func(b app.Backend) error {
		if o.filter != "" {
			if seqs, err = o.selected(ctx, b); err != nil {
				return err
			}
			if len(seqs) == 0 {
				o.words("No event matches.")
				return nil
			}
		}
		if err := o.canChange(ctx, b, seqs); err != nil {
			return err
		}
		forwarder := inlet.NewForwarder(o.now)
		defer forwarder.Close()
		var before app.Time
		var refused error
		for _, seq := range seqs {
			d, err := wholeEvent(ctx, b, seq)
			if err != nil {
				return err
			}
			if err := o.pause(ctx, before, d.At); err != nil {
				return err
			}
			before = d.At
			switch err := o.replay(ctx, b, forwarder, d); {
			case errors.Is(err, errReplayed):
				refused = err
			case err != nil:
				return err
			}
		}
		return refused
	})
}

// selected lists the events of the filter, without those that arrive later, such as replays.
func (o *replayOptions) selected(ctx context.Context, b app.Backend) ([]uint64, error) {
	text, err := o.filterOf(o.filter)
	if err != nil {
		return nil, err
	}
	return allOf(ctx, b, text)
}

// canChange returns an error, before anything is sent, if an event is missing or --set can't change its body.
func (o *replayOptions) canChange(ctx context.Context, b app.Backend, seqs []uint64) error {
	if len(o.assignments) == 0 && (len(seqs) == 1 || o.filter != "") {
		return nil
	}
	for _, seq := range seqs {
		d, err := b.Event(ctx, app.EventRef{Seq: seq})
		if err != nil {
			return err
		}
		if _, err := jsonedit.Set(d.Body, o.assignments...); err != nil {
			return &app.Error{Kind: provider.Invalid, Text: fmt.Sprintf("event %d: %v", seq, err)}
		}
	}
	return nil
}

// pause waits for the time between two events, divided by the speed.
func (o *replayOptions) pause(ctx context.Context, before, at app.Time) error {
	if before.IsZero() || o.speed == 0 {
		return ctx.Err()
	}
	wait := at.Sub(before.Time)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(float64(max(wait, 0)) / o.speed)):
		return nil
	}
}

// changed returns the request with the changes of the flags.
func (o *replayOptions) changed(ctx context.Context, d app.Delivery) (_ app.Delivery, changed bool, err error) {
	if len(o.assignments) > 0 {
		if d.Body, err = jsonedit.Set(d.Body, o.assignments...); err != nil {
			return d, false, &app.Error{Kind: provider.Invalid, Text: err.Error()}
		}
	}
	if o.edit {
		r := export.Request{Method: d.Method, Target: d.Target, Header: d.Headers, Body: d.Body}
		edited, err := o.editRequest(ctx, d.Seq, r)
		if err != nil {
			return d, false, err
		}
		changed = string(edited.Text()) != string(r.Text())
		d.Method, d.Target, d.Headers, d.Body = edited.Method, edited.Target, edited.Header, edited.Body
	}
	return d, changed || len(o.assignments) > 0 || len(o.fields) > 0, nil
}

// signed returns the request, signed again if necessary.
func (o *replayOptions) signed(ctx context.Context, b app.Backend, d app.Delivery, changed bool) (app.Delivery, error) {
	if o.resign == "none" || o.resign == "" && !changed && o.here {
		return d, nil
	}
	r := app.ResignRequest{Secret: o.secret, IfStale: o.resign == "" && !changed, Request: app.Inbound{
		Account: d.Account, Method: d.Method, Target: d.Target, Header: d.Headers, Body: d.Body, ReceivedAt: d.At.Time,
	}}
	in, err := b.Resign(ctx, r)
	if err == nil {
		d.Headers = http.Header(in.Header)
		return d, nil
	}
	if o.resign != "" || !errors.Is(err, app.NotConfigured) && !errors.Is(err, provider.Unsupported) {
		return d, err
	}
	if changed {
		o.words(plain.Text(fmt.Sprintf("Event %d keeps its signature: %s.", d.Seq, app.AsError(err).Text)))
	}
	return d, nil
}

// replayed is the result of a replay.
type replayed struct {
	Seq    uint64 `json:"seq"`
	To     string `json:"to"`
	Status int    `json:"status"`
	Ms     int64  `json:"ms"`
	Answer string `json:"answer"`
	Error  string `json:"error"`
	// New is the number under which the event was stored again.
	New uint64 `json:"new_seq,omitempty"`
}

func (o *replayOptions) replay(ctx context.Context, b app.Backend, forwarder *inlet.Forwarder, first app.Delivery) error {
	d, changed, err := o.changed(ctx, first)
	if err != nil {
		return err
	}
	if d, err = o.signed(ctx, b, d, changed); err != nil {
		return err
	}
	if len(o.fields) > 0 {
		d.Headers = d.Headers.Clone()
		for _, f := range o.fields {
			d.Headers.Del(f.name)
		}
		for _, f := range o.fields {
			if f.value != nil {
				d.Headers[f.name] = append(d.Headers[f.name], *f.value)
			}
		}
	}
	out := replayed{Seq: d.Seq, To: "here"}
	if o.here {
		r := app.Replay{Seq: d.Seq, Apply: o.apply}
		if changed || o.resign != "" && o.resign != "none" {
			r.Request = &app.Inbound{Method: d.Method, Target: d.Target, Header: d.Headers, Body: d.Body}
		}
		begun := o.now()
		a, err := b.Replay(ctx, r)
		if err != nil {
			return err
		}
		out.Status, out.Answer, out.New, out.Ms = a.Status, a.Text, a.Seq, o.now().Sub(begun).Milliseconds()
	} else {
		u, err := app.ForwardURL(o.to)
		if err != nil {
			return err
		}
		a := forwarder.Send(ctx, app.ForwardTarget{URL: o.to}, d)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		out.To, out.Status, out.Ms, out.Answer, out.Error = u.Redacted(), a.Status, a.Ms, a.Answer, a.Error
	}
	if err := o.printReplayed(out); err != nil {
		return err
	}
	if out.Status/100 != 2 {
		return errReplayed
	}
	return nil
}

func (o *replayOptions) printReplayed(r replayed) error {
	if o.json {
		return o.printJSON(r)
	}
	text := fmt.Sprintf("%d  %d  %d ms  %s", r.Seq, r.Status, r.Ms, r.To)
	if r.Status == 0 {
		text = fmt.Sprintf("%d  no answer  %s", r.Seq, r.To)
	}
	if r.New != 0 {
		text += fmt.Sprintf("  stored as %d", r.New)
	}
	if r.Error != "" {
		text += "  " + r.Error
	}
	text = plain.Text(text) + "\n"
	if body := strings.TrimRight(r.Answer, "\n"); body != "" {
		text += plain.Lines(body) + "\n"
	}
	_, err := fmt.Fprint(o.stdout, text)
	return err
}
