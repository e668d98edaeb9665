package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/export"
	"greenroom/internal/inlet"
	"greenroom/internal/jsonedit"
	"greenroom/internal/plain"
	"greenroom/provider"
)

type replayOptions struct {
	*program
	filter, to, pace, resign string
	set, headers             []string
	here, apply, edit        bool

	assignments []jsonedit.Assignment
	fields      []headerField
	speed       float64 // 0 for no pauses
	secret      string  // of --resign, if it is one
}

// headerField is a header of --header; a value that is nil removes the header.
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
	fl.StringVar(&o.to, "to", "", "send to this URL; the event's query is appended")
	fl.BoolVar(&o.here, "here", false, "receive the events here again, marked as replays")
	fl.BoolVar(&o.apply, "apply", false, "with --here: also apply them to meetings")
	fl.StringVar(&o.pace, "pace", "none", "pauses between events: original, faster like 10x, or none")
	fl.StringVar(&o.resign, "resign", "", "sign again: account, a SECRET (also env:NAME, cmd:COMMAND, keyring:NAME), or none")
	fl.StringArrayVar(&o.set, "set", nil, "change a value of a JSON body: PATH=VALUE, such as payload.room=demo (repeatable)")
	fl.StringArrayVar(&o.headers, "header", nil, "set a header: 'NAME: VALUE'; 'NAME:' removes it (repeatable)")
	fl.BoolVar(&o.edit, "edit", false, "edit the request in $EDITOR first")
	return p.jsonFlag(cmd, "print one JSON object per event")
}

// check reads the flags.
func (o *replayOptions) check(ctx context.Context, args []string) (seqs []uint64, err error) {
	for _, a := range args {
		n, err := seqOf(a)
		if err != nil {
			return nil, err
		}
		seqs = append(seqs, n)
	}
	switch {
	case len(seqs) > 0 && o.filter != "":
		return nil, usagef("use either SEQ… or --filter, not both")
	case len(seqs) == 0 && o.filter == "":
		return nil, usagef("name the events: use SEQ… or --filter")
	case o.to != "" && o.here:
		return nil, usagef("use either --to or --here, not both")
	case o.to == "" && !o.here:
		return nil, usagef("name the target: use --to URL or --here")
	case o.apply && !o.here:
		return nil, usagef("use --apply only with --here")
	case o.edit && len(seqs) != 1:
		return nil, usagef("use --edit with a single event")
	}
	if o.to != "" {
		if _, err := app.ForwardURL(o.to); err != nil {
			return nil, usagef("--to can't be %q: %v", o.to, err)
		}
	}
	for _, s := range o.set {
		a, err := jsonedit.Parse(s)
		if err != nil {
			return nil, usagef("--set can't be %q: %v", s, err)
		}
		o.assignments = append(o.assignments, a)
	}
	for _, s := range o.headers {
		name, value, ok := strings.Cut(s, ":")
		name = http.CanonicalHeaderKey(strings.TrimSpace(name))
		if value = strings.TrimSpace(value); !ok || name == "" || strings.ContainsAny(s, "\r\n\x00") || strings.ContainsAny(name, " \t") {
			return nil, usagef("--header can't be %q: write it like 'X-Test: 1'", s)
		}
		f := headerField{name: name}
		if value != "" {
			f.value = &value
		}
		o.fields = append(o.fields, f)
	}
	switch speed, ok := strings.CutSuffix(strings.ToLower(o.pace), "x"); {
	case o.pace == "none":
	case o.pace == "original":
		o.speed = 1
	default:
		if o.speed, err = strconv.ParseFloat(speed, 64); !ok || err != nil || !(o.speed > 0) || o.speed > 1e9 {
			return nil, usagef("--pace can't be %q: use original, none, or a factor like 10x", o.pace)
		}
	}
	if o.resign != "" && o.resign != "account" && o.resign != "none" {
		if o.secret, err = (config.Resolver{Getenv: o.getenv}).Resolve(ctx, o.resign); err != nil {
			return nil, &app.Error{Kind: app.NotConfigured, Text: "the secret of --resign can't be fetched: " + err.Error()}
		}
	}
	return seqs, nil
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

// selected lists the events of the filter. What arrives meanwhile, replays among it, is left out.
func (o *replayOptions) selected(ctx context.Context, b app.Backend) ([]uint64, error) {
	text, err := o.filterOf(o.filter)
	if err != nil {
		return nil, err
	}
	return allOf(ctx, b, text)
}

// canChange fails, before anything is sent, if an event is missing or has a body in which nothing can be set.
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

// pause waits as long as passed between two events, or a part of it.
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

// changed returns the request with what the flags change in it.
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

// signed returns the request with the signature that it is sent with.
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
	// New is the number of an event that was taken in again.
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
