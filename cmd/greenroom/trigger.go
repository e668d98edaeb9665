package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/nearest"
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
	cmd := &cobra.Command{
		Use: "trigger KIND", Short: "Post a synthetic webhook, correctly signed", Args: exactly("KIND"), RunE: p.do(o.run),
		Long: "Post a synthetic webhook with the bytes and the signature of the account's platform, to --to or else to the listener\n" +
			"that runs here. Greenroom treats it like a real one: it adopts an unknown room, and presence soon finds it empty.\n\n" +
			"KIND is one of\n" + columns(triggerKinds()) +
			"\n\nor the platform's own type:\n" + columns(triggerTypes()),
		Example: "greenroom trigger participant.joined --room all-hands --name Ada\n" +
			"greenroom trigger recording.ready --account " + string(drivers()[0].Platform) + " --to http://localhost:3000/webhooks",
		ValidArgs: append(triggerKinds(), triggerTypes()...),
	}
	fl := cmd.Flags()
	fl.StringVar(&o.to, "to", "", "post to this URL")
	fl.StringVar(&o.account, "account", "", "account whose platform sends it (default: the room's, or the only one)")
	fl.StringVar(&o.room, "room", "", "meeting, room, or platform room that it is about")
	fl.StringVar(&o.name, "name", "Synthetic guest", "name of the participant")
	allowEmpty(fl, "name") // people without a name exist
	fl.StringVar(&o.session, "session", "", "id of the participant or the recording (default: a new one)")
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
	kind, of, err := kindOf(args[0])
	if err != nil {
		return err
	}
	if u, err := url.Parse(o.to); o.to != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return usagef("--to can't be %q: write it like http://localhost:3000/webhooks", o.to)
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
			e.Account, err = o.pick(ctx, b, of)
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

// kindOf reads a kind, in Greenroom's words or a platform's. of is the platform whose word it is, empty for Greenroom's.
func kindOf(word string) (kind provider.EventKind, of provider.Platform, err error) {
	if slices.Contains(triggerKinds(), word) {
		return provider.EventKind(word), "", nil
	}
	for _, d := range drivers() {
		if kind, ok := d.Types[word]; ok {
			return kind, d.Platform, nil
		}
	}
	if near := nearest.Question(word, append(triggerKinds(), triggerTypes()...)); near != "" {
		return "", "", usagef("KIND can't be %q: %s", word, near)
	}
	return "", "", usagef("KIND can't be %q: use %s, or the platform's own type", word, strings.Join(triggerKinds(), ", "))
}

// triggerKinds are the kinds that some platform of this build sends.
func triggerKinds() []string {
	sent := map[provider.EventKind]bool{provider.KindTest: true}
	for _, d := range drivers() {
		for _, k := range d.Types {
			sent[k] = true
		}
	}
	var out []string
	for _, k := range provider.EventKinds() {
		if sent[k] {
			out = append(out, string(k))
		}
	}
	return out
}

// triggerTypes are the platforms' own words that aren't Greenroom's too.
func triggerTypes() []string {
	var out []string
	for _, d := range drivers() {
		for _, word := range slices.Sorted(maps.Keys(d.Types)) {
			if !slices.Contains(triggerKinds(), word) {
				out = append(out, word)
			}
		}
	}
	return out
}

// columns lists words for a help text.
func columns(words []string) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i%2 == 0 && i > 0:
			b.WriteString("\n")
		case i > 0:
			b.WriteString(strings.Repeat(" ", max(34-len(words[i-1]), 1)))
		}
		if i%2 == 0 {
			b.WriteString("  ")
		}
		b.WriteString(w)
	}
	return b.String()
}

// pick finds the account: the one that was named, else the only one, on the given platform if any.
func (o *triggerOptions) pick(ctx context.Context, b app.Backend, of provider.Platform) (string, error) {
	s, err := b.Status(ctx, app.StatusQuery{})
	if err != nil {
		return "", err
	}
	accounts := slices.DeleteFunc(s.Accounts, func(a app.AccountStatus) bool {
		return of != "" && a.Platform != of && a.Name != o.account
	})
	var names []string
	for _, a := range accounts {
		if a.Name == o.account && of != "" && a.Platform != of {
			return "", usagef("that type is %s's, and account %s is on %s", of.Title(), a.Name, a.Platform.Title())
		}
		if a.Name == o.account || o.account == "" && len(accounts) == 1 {
			return a.Name, nil
		}
		names = append(names, a.Name)
	}
	switch {
	case len(names) == 0:
		return "", &app.Error{Kind: app.NotConfigured, Text: "no account is configured", Hint: howToConfigure()}
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
