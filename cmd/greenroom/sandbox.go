package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"greenroom/internal/crash"
	"greenroom/provider"
	"greenroom/provider/sandbox"
)

type sandboxOptions struct {
	*program
	addr              string
	autoplay, hostile bool
	speed             float64
	webhooks          map[provider.Platform]*string
	noRateLimits      bool
	seed              uint64
	faults            []string
}

func (p *program) sandboxCommand() *cobra.Command {
	o := &sandboxOptions{program: p, webhooks: map[provider.Platform]*string{}}
	var served, posts []string
	for _, a := range sandbox.Accounts("") {
		served = append(served, a.Platform.Title())
		posts = append(posts, fmt.Sprintf("--%s http://127.0.0.1:7070/hooks/%s", webhookFlag(a), a.Name))
	}
	cmd := &cobra.Command{
		Use: "sandbox", Short: "Serve the platforms' protocols on this machine, for tests", Args: exactly(), RunE: p.do(o.run),
		Long: "Serve the wire protocols of " + enumerate(served) + " on this machine, with simulated people and signed webhooks. " +
			"It prints its addresses, keys and secrets as shell commands. Its control API is under /sandbox/.",
		Example: "# people join the meetings that you start, and their webhooks go to the screen's listener\n" +
			"greenroom sandbox --autoplay " + strings.Join(posts, " \\\n  ") + " > sandbox.env & sleep 1\n" +
			". ./sandbox.env && greenroom\n\n" +
			"# every tenth webhook is lost, and the first two rooms can't be created\n" +
			`greenroom sandbox --fault '{"kind":"lose-webhook","probability":0.1}' \` + "\n" +
			`  --fault '{"kind":"server-error","match":"POST /rooms","times":2}'`,
	}
	fl := cmd.Flags()
	fl.StringVar(&o.addr, "addr", "127.0.0.1:7080", "listen on this HOST:PORT")
	fl.BoolVar(&o.autoplay, "autoplay", false, "simulate people who join and leave every meeting")
	fl.Float64Var(&o.speed, "speed", 1, "with --autoplay: how much faster than real time people act")
	fl.BoolVar(&o.hostile, "hostile", false, "with --autoplay: one participant's name contains terminal control sequences")
	for _, a := range sandbox.Accounts("") {
		o.webhooks[a.Platform] = fl.String(webhookFlag(a), "", "post "+a.Platform.Title()+"'s webhooks to this URL")
	}
	fl.BoolVar(&o.noRateLimits, "no-rate-limits", false, "never answer 429")
	fl.StringArrayVar(&o.faults, "fault", nil, "fault to simulate: its kind, or a JSON object as under /sandbox/faults; may be repeated")
	fl.Uint64Var(&o.seed, "seed", 0, "make ids and names repeatable")
	return p.jsonFlag(cmd, "print a JSON object instead of shell commands")
}

// maxSpeed limits how much faster or slower people act.
const maxSpeed = 1_000_000

func (o *sandboxOptions) run(ctx context.Context, _ []string) (err error) {
	if !within(o.speed, 1.0/maxSpeed, maxSpeed) {
		return usagef("--speed can't be %g: use more than 0, at most %d", o.speed, maxSpeed)
	}
	l, err := listenOn("addr", o.addr)
	if err != nil {
		return err
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	log := newLog(o.stderr, slog.LevelWarn)
	defer catchLibraries(log)()
	group := crashGroup(log, func(r crash.Report) { fail(r) })
	w := sandbox.New(sandbox.Options{Seed: o.seed, NoRateLimits: o.noRateLimits, OnPanic: group.OnPanic})
	defer func() { err = joined(err, w.Close()) }()
	for _, a := range sandbox.Accounts("") {
		if url := *o.webhooks[a.Platform]; url != "" {
			if _, err := w.SetWebhook(a.Platform, url, ""); err != nil {
				return usagef("--%s: %v", webhookFlag(a), err)
			}
		}
	}
	for _, text := range o.faults {
		f, err := parseFault(text)
		if err == nil {
			_, err = w.Fault(f)
		}
		if err != nil {
			return usagef("--fault %s: %v", text, err)
		}
	}
	if o.autoplay {
		w.AutoPlay(sandbox.PlayOptions{Speed: o.speed, Hostile: o.hostile, Record: true})
	}
	served := make(chan error, 1)
	group.Go("sandbox", func() { served <- w.Serve(l) })
	if err := o.print("http://" + l.Addr().String()); err != nil {
		return err
	}
	return untilEnded(ctx, served)
}

// untilEnded waits until a server fails or ctx ends. A panic that ended ctx is the error.
func untilEnded(ctx context.Context, served <-chan error) error {
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		if r, crashed := context.Cause(ctx).(crash.Report); crashed {
			return r
		}
		return nil
	}
}

// parseFault parses a fault: the JSON of the control API, or the name of its kind.
func parseFault(text string) (sandbox.Fault, error) {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return sandbox.Fault{Kind: sandbox.FaultKind(text)}, nil
	}
	var f sandbox.Fault
	err := json.Unmarshal([]byte(text), &f)
	return f, err
}

// webhookFlag returns the flag for the webhooks of a platform.
func webhookFlag(a provider.Account) string { return string(a.Platform) + "-webhook" }

// sandboxEnvironment returns the variables with which a program uses a sandbox instead of the platforms.
func sandboxEnvironment(base string) [][2]string {
	var env [][2]string
	for _, a := range sandbox.Accounts(base) {
		for _, set := range [][2]string{{"api_url", a.APIURL}, {"api_key", a.APIKey}, {"api_secret", a.APISecret}, {"webhook_secret", a.WebhookSecret},
			{"join_url", a.JoinURL}, {"recording.bucket", a.Recording.Bucket}, {"recording.region", a.Recording.Region}} {
			if name := driverOf(a.Platform).Variable(set[0]); name != "" && set[1] != "" {
				env = append(env, [2]string{name, set[1]})
			}
		}
	}
	return env
}

func (o *sandboxOptions) print(base string) error {
	env := sandboxEnvironment(base)
	if o.json {
		facts := map[string]string{"sandbox": base}
		for _, kv := range env {
			facts[kv[0]] = kv[1]
		}
		return o.printJSON(facts)
	}
	var b strings.Builder
	for _, kv := range env {
		fmt.Fprintf(&b, "export %s='%s'\n", kv[0], kv[1])
	}
	if _, err := fmt.Fprint(o.stdout, b.String()); err != nil {
		return err
	}
	o.words("The sandbox serves on ", base, ".")
	var flags []string
	for _, a := range sandbox.Accounts(base) {
		if *o.webhooks[a.Platform] != "" {
			return nil
		}
		flags = append(flags, "--"+webhookFlag(a))
	}
	o.words("It sends no webhooks until you configure them with ", enumerate(flags), " or under /sandbox/webhooks.")
	return nil
}
