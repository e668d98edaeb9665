package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/plain"
	"greenroom/provider"
)

// triggerTime bounds one post.
const triggerTime = 10 * time.Second

type triggerOptions struct {
	*program
	to, account, room, name, session string
	json                             bool
}

func (p *program) triggerCommand() *cobra.Command {
	o := &triggerOptions{program: p}
	kinds := make([]string, 0, 16)
	for _, k := range provider.EventKinds() {
		kinds = append(kinds, string(k))
	}
	cmd := &cobra.Command{
		Use: "trigger KIND", Short: "Post a webhook that didn't happen, correctly signed", Args: exactly("KIND"), RunE: p.do(o.run),
		Long: "Post a synthetic webhook of a KIND (participant.joined, recording.ready, …) as the account's platform would send it,\n" +
			"signed with the secret that is in force for the account: to --to, else to the listener that runs here. Greenroom believes it like a real\n" +
			"one: a room that it doesn't know is adopted, and presence soon finds that nobody is there.",
		Example: "greenroom trigger participant.joined --room all-hands --name Ada\n" +
			"greenroom trigger recording.ready --account daily --to http://localhost:3000/webhooks",
		ValidArgs: kinds,
	}
	fl := cmd.Flags()
	fl.StringVar(&o.to, "to", "", "post to this URL")
	fl.StringVar(&o.account, "account", "", "as this account's platform (default: that of the room's meeting, or the only one)")
	fl.StringVar(&o.room, "room", "", "about this MEETING, or this room of the platform")
	fl.StringVar(&o.name, "name", "Synthetic guest", "what the participant is called")
	fl.StringVar(&o.session, "session", "", "the participant's or the recording's id (default: a new one)")
	fl.BoolVar(&o.json, "json", false, "print a JSON object with the answer's status")
	return cmd
}

// triggered is what became of a synthetic webhook.
type triggered struct {
	Kind    provider.EventKind `json:"kind"`
	Account string             `json:"account"`
	URL     string             `json:"url"`
	ID      string             `json:"id"`
	Session string             `json:"session"`
	Status  int                `json:"status"`
}

func (o *triggerOptions) run(ctx context.Context, args []string) error {
	kind := provider.EventKind(args[0])
	if known := provider.EventKinds(); !slices.Contains(known, kind) {
		words := make([]string, 0, len(known))
		for _, k := range known {
			words = append(words, string(k))
		}
		return usagef("KIND can't be %q: use %s", args[0], strings.Join(words, ", "))
	}
	if u, err := url.Parse(o.to); o.to != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return usagef("--to can't be %q: write it like http://localhost:3000/webhooks", o.to)
	}
	c, err := o.config(ctx, "")
	if err != nil {
		return err
	}
	e := app.SyntheticWebhook{
		Kind: kind, Room: o.room, Name: o.name, Session: o.session, ID: "synthetic-" + strings.ToLower(rand.Text()), At: app.At(o.now()),
	}
	if e.Room == "" {
		e.Room = "greenroom-trigger"
	}
	if e.Session == "" {
		e.Session = newUUID()
	}
	var made app.SignedWebhook
	to := o.to
	if err := o.with(ctx, func(b app.Backend) error {
		err := o.aim(ctx, b, &e)
		if err == nil {
			e.Account, err = o.pick(c.Accounts)
		}
		if err == nil && to == "" {
			to, err = listenerOf(ctx, b, e.Account)
		}
		if err == nil {
			made, err = b.SignWebhook(ctx, e)
		}
		return err
	}); err != nil {
		return err
	}
	return o.post(ctx, made, e, to)
}

// listenerOf is where webhooks of an account are posted to on this machine.
func listenerOf(ctx context.Context, b app.Backend, account string) (string, error) {
	s, err := b.Status(ctx, app.StatusQuery{})
	if err != nil {
		return "", err
	}
	if s.Listener.URL == "" {
		return "", &app.Error{Kind: provider.NotFound, Text: "nothing listens here", Hint: "run `greenroom listen`, or say where to post: --to URL"}
	}
	return strings.TrimSuffix(s.Listener.URL, "/") + "/hooks/" + account, nil
}

// aim names the meeting that is meant as its platform does, and takes its account where none was said.
func (o *triggerOptions) aim(ctx context.Context, b app.Backend, e *app.SyntheticWebhook) error {
	if o.room == "" {
		return nil
	}
	m, err := b.Meeting(ctx, app.MeetingRef{Ref: o.room})
	if errors.Is(err, provider.NotFound) {
		return nil
	}
	if err == nil && (o.account == "" || o.account == m.Account) {
		o.account, e.Room, e.MeetingID = m.Account, m.PlatformRoom, m.PlatformID
	}
	return err
}

// pick finds the account: the one that was named, else the only one.
func (o *triggerOptions) pick(accounts []provider.Account) (string, error) {
	var names []string
	for _, a := range accounts {
		if a.Name == o.account || o.account == "" && len(accounts) == 1 {
			return a.Name, nil
		}
		names = append(names, a.Name)
	}
	switch {
	case len(names) == 0:
		return "", &app.Error{Kind: app.NotConfigured, Text: "no account is configured", Hint: "set DAILY_API_KEY or WHEREBY_API_KEY"}
	case o.account == "":
		return "", usagef("say as which account: --account %s", strings.Join(names, " or "))
	}
	return "", &app.Error{
		Kind: app.NotConfigured, Text: fmt.Sprintf("account %q is not configured", o.account), Hint: "there is " + strings.Join(names, ", "),
	}
}

func (o *triggerOptions) post(ctx context.Context, made app.SignedWebhook, e app.SyntheticWebhook, to string) error {
	ctx, cancel := context.WithTimeout(ctx, triggerTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, made.Method, to, bytes.NewReader(made.Body))
	if err != nil {
		return usagef("the URL can't be posted to")
	}
	req.Header = http.Header(made.Header)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the URL, which may hold a password
		}
		return &app.Error{Kind: provider.Unavailable, Text: fmt.Sprintf("the webhook could not be posted: %v", err), Err: err}
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20)) // only the status tells
	res.Body.Close()
	shown := req.URL.Redacted()
	if o.json {
		err = o.printJSON(triggered{e.Kind, e.Account, shown, e.ID, e.Session, res.StatusCode})
	} else {
		o.words(plain.Text(fmt.Sprintf("Posted %s as %s to %s: %d.", e.Kind, e.Account, shown, res.StatusCode)))
	}
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("the webhook was answered %d", res.StatusCode)
	}
	return err
}

// newUUID makes a random UUID, as platforms use for sessions.
func newUUID() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // never fails
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
