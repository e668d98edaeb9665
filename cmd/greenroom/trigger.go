package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/jsonedit"
	"greenroom/internal/nearest"
	"greenroom/internal/scenario"
	"greenroom/internal/when"
	"greenroom/provider"
)

type triggerOptions struct {
	*program
	account, room, name, session, data string
	triggerJob
	count, people int
	every         time.Duration
	bad           bool
	changed       func(flag string) bool
}

func (p *program) triggerCommand() *cobra.Command {
	o := &triggerOptions{program: p}
	cmd := &cobra.Command{
		Use: "trigger KIND|SCENARIO", Short: "Post synthetic webhooks, correctly signed", Args: exactly("KIND"), RunE: p.do(o.run),
		Long: "Post a synthetic webhook with the body and the signature of the account's platform, to --to or else to the local\n" +
			"listener. Greenroom treats it like a real one: it adopts an unknown room, and presence soon finds the room empty.\n" +
			"The exit status is 1 if an answer isn't 2xx; its body is printed.\n\n" +
			"KIND is one of\n" + columns(triggerKinds()) +
			"\n\nor the platform's own type:\n" + columns(triggerTypes()) +
			"\n\nSCENARIO is " + strings.Join(scenario.Names(), ", ") + ": the events of a whole meeting, with the same people, times and ids.",
		Example: "greenroom trigger participant.joined --room all-hands --name Ada\n" +
			"greenroom trigger recording.ready --account " + string(drivers()[0].Platform) + " --to http://localhost:3000/webhooks\n" +
			"greenroom trigger participant.joined --set payload.owner=true --count 10 --every 1s\n" +
			"greenroom trigger meeting --people 5 --speed 20x",
		ValidArgs: slices.Concat(triggerKinds(), triggerTypes(), scenario.Names()),
	}
	fl := cmd.Flags()
	parsed(fl, &o.to, "to", "", target, "post to this URL")
	fl.StringVar(&o.account, "account", "", "account whose platform sends it (default: the room's, or the only one)")
	fl.StringVar(&o.room, "room", "", "meeting, room or platform room of the event")
	fl.StringVar(&o.name, "name", "Synthetic guest", "name of the participant")
	allowEmpty(fl, "name") // people without a name exist
	fl.StringVar(&o.session, "session", "", "id of the participant or the recording (default: a new one)")
	fl.StringVar(&o.data, "data", "", "send this file as the whole body, - for standard input")
	parsedList(fl, &o.set, "set", parseSet, "set a value in the body: PATH=VALUE, such as payload.owner=true (repeatable)")
	number(fl, &o.count, "count", "1", 1, math.MaxInt, "number of webhooks, each with its own ids")
	fl.DurationVar(&o.every, "every", 0, "time between them, such as 500ms")
	fl.BoolVar(&o.bad, "bad-signature", false, "sign with a wrong secret")
	parsed(fl, &o.age, "age", "", like(when.Age, "write it like 10m or 2d"), "age of the signature, such as 10m or 2d")
	parsed(fl, &o.at, "at", "", like(func(s string) (time.Time, bool) { return when.Moment(s, p.now(), false) },
		"write it like 09:00 or 2026-01-31T09:00:00Z"), "time of the event in the body (default: now)")
	number(fl, &o.people, "people", "3", 1, scenario.MaxPeople, "number of people in a scenario")
	parsed(fl, &o.speed, "speed", "10x", parseSpeed, "speed of a scenario; at 1x an event takes place every 5 s")
	o.changed = fl.Changed
	return p.jsonFlag(cmd, "print a JSON object per webhook, with its answer")
}

func (o *triggerOptions) run(ctx context.Context, args []string) error {
	if err := o.read(args[0]); err != nil {
		return err
	}
	return o.with(ctx, func(b app.Backend) error {
		err := o.aim(ctx, b, &o.event)
		if err == nil {
			o.event.Account, err = o.pick(ctx, b, o.of)
		}
		if err == nil && o.to == "" {
			o.to, err = listenerOf(ctx, b, o.event.Account)
		}
		if err != nil {
			return err
		}
		steps := o.repeats(o.count, o.every)
		if o.scenario != "" {
			if steps, err = o.steps(ctx, b); err != nil {
				return err
			}
		}
		return o.send(ctx, b, steps)
	})
}

// triggerJob is the work that the arguments describe.
type triggerJob struct {
	// event holds the values that all webhooks have in common.
	event    app.SyntheticWebhook
	of       provider.Platform
	scenario string
	speed    float64
	to       string
	set      []jsonedit.Assignment
	// at is the time of the first event, zero for the time at which it is sent.
	at  time.Time
	age time.Duration
}

// read checks the arguments.
func (o *triggerOptions) read(word string) (err error) {
	o.event = app.SyntheticWebhook{Room: cmp.Or(o.room, "greenroom-trigger"), Name: o.name, Forged: o.bad}
	if slices.Contains(scenario.Names(), word) {
		o.scenario = word
	} else if o.event.Kind, o.event.Type, o.of, err = kindOf(word); err != nil {
		return err
	}
	switch {
	case o.every < 0:
		return usagef("--every can't be %s", o.every)
	case o.scenario != "" && (o.count != 1 || o.every != 0 || o.data != "" || o.session != ""):
		return usagef("--count, --every, --data and --session can't be used with the scenario %s", word)
	case o.scenario == "" && (o.changed("people") || o.changed("speed")):
		return usagef("--people and --speed are for scenarios (%s), not for a single webhook", strings.Join(scenario.Names(), ", "))
	}
	for _, flag := range []string{"room", "name", "session", "at"} {
		if o.data != "" && o.changed(flag) {
			return usagef("--data is the whole body, so --%s can't be used: change the file, or set a value with --set", flag)
		}
	}
	if o.data != "" {
		o.event.Body, err = o.readData()
	}
	return err
}

// maxData is the largest body that is read from a file.
const maxData = 64 << 20

// readData reads the file of --data.
func (o *triggerOptions) readData() ([]byte, error) {
	from := o.stdin
	if o.data != "-" {
		f, err := os.Open(o.data)
		if err != nil {
			return nil, usagef("--data can't be read: %w", err)
		}
		defer f.Close()
		from = f
	}
	body, err := io.ReadAll(io.LimitReader(from, maxData+1))
	switch {
	case err != nil:
		return nil, usagef("--data can't be read: %w", err)
	case len(body) > maxData:
		return nil, usagef("--data is larger than 64 MiB")
	case len(body) == 0:
		return nil, usagef("--data is empty")
	}
	return body, nil
}

// listenerOf returns the URL on this machine that webhooks of an account are posted to.
func listenerOf(ctx context.Context, b app.Backend, account string) (string, error) {
	s, err := b.Status(ctx, app.StatusQuery{})
	if err != nil {
		return "", err
	}
	if s.Listener.URL == "" {
		return "", &app.Error{Kind: provider.NotFound, Text: "no listener is running here", Hint: "run `greenroom listen`, or use --to URL"}
	}
	return strings.TrimSuffix(s.Listener.URL, "/") + "/hooks/" + account, nil
}

// aim sets the platform's names of the meeting, and its account if none was given.
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

// kindOf parses a kind: Greenroom's, or a platform's own type. of is the platform of the type, empty for Greenroom's kinds.
func kindOf(word string) (kind provider.EventKind, own string, of provider.Platform, err error) {
	if slices.Contains(triggerKinds(), word) {
		return provider.EventKind(word), "", "", nil
	}
	for _, d := range drivers() {
		if kind, ok := d.Types[word]; ok {
			return kind, word, d.Platform, nil
		}
	}
	if near := nearest.Question(word, slices.Concat(triggerKinds(), triggerTypes(), scenario.Names())); near != "" {
		return "", "", "", usagef("KIND can't be %q: %s", word, near)
	}
	return "", "", "", usagef("KIND can't be %q: use %s, the platform's own type, or a scenario: %s", word,
		strings.Join(triggerKinds(), ", "), strings.Join(scenario.Names(), ", "))
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

// triggerTypes are the platforms' own types that aren't also Greenroom's kinds.
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

// pick finds the account: that of --account, else the only one, or the only one on the given platform.
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
			return "", usagef("that type belongs to %s, but account %s is on %s", of.Title(), a.Name, a.Platform.Title())
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
		return "", usagef("choose one with --account %s", strings.Join(names, " or "))
	}
	return "", &app.Error{
		Kind: app.NotConfigured, Text: fmt.Sprintf("account %q is not configured", o.account), Hint: "there is " + strings.Join(names, ", "),
	}
}
