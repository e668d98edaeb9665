package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/internal/plain"
	"greenroom/provider"
)

func (p *program) forwardCommand() *cobra.Command {
	return group("forward", "Forward events to other programs, with retries",
		p.forwardAdd(), p.forwardList(), p.forwardShow(), p.forwardEdit(), p.forwardPause(true), p.forwardPause(false), p.forwardRemove())
}

// forwardFlags are the settings of a forward.
type forwardFlags struct {
	url, filter, resign, ca string
	insecure                bool
	from                    uint64
	changed                 func(flag string) bool
}

func (f *forwardFlags) add(p *program, cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.filter, "filter", "", "send only these events, such as 'kind:recording.ready room:all-hands'")
	fl.StringVar(&f.resign, "resign", "", "sign again with this secret, as the event's platform does; also env:NAME, cmd:COMMAND, keyring:NAME")
	fl.StringVar(&f.ca, "ca", "", "file of CA certificates (PEM) for the target")
	fl.BoolVar(&f.insecure, "insecure", false, "accept any certificate of the target")
	fl.Uint64Var(&f.from, "from", 0, "number of the first event to send (default: events that arrive from now on)")
	p.jsonFlag(cmd, "print the forward as a JSON object")
	_ = cmd.MarkFlagFilename("ca", "pem", "crt")
	exclusive(cmd, "ca", "insecure")
	f.changed = fl.Changed
}

// read fetches the secret and the certificates that the flags name.
func (f *forwardFlags) read(ctx context.Context, p *program) (resign, ca string, err error) {
	if f.changed("from") && f.from == 0 {
		return "", "", usagef("--from can't be 0: the first event has number 1")
	}
	if f.ca != "" {
		if ca, err = config.Certificates(f.ca); err != nil {
			return "", "", usagef("--ca can't be read: %w", err)
		}
	}
	resign, err = p.secretOf(ctx, "resign", f.resign)
	return resign, ca, err
}

// secretOf returns the secret of a flag, which may be a reference.
func (p *program) secretOf(ctx context.Context, flag, reference string) (string, error) {
	if reference == "" {
		return "", nil
	}
	secret, err := config.Resolver{Getenv: p.getenv}.Resolve(ctx, reference)
	if err != nil {
		return "", &app.Error{Kind: app.NotConfigured, Text: "the secret of --" + flag + " can't be fetched: " + err.Error()}
	}
	return secret, nil
}

type forwardAddOptions struct {
	*program
	forwardFlags
}

func (p *program) forwardAdd() *cobra.Command {
	o := &forwardAddOptions{program: p}
	cmd := &cobra.Command{
		Use: "add NAME URL", Short: "Add a forward", Args: exactly("NAME", "URL"), RunE: p.do(o.run),
		Long: "Add a forward: events are posted to URL in order, exactly as they came, whenever the screen or `greenroom listen` is running.\n" +
			"An answer of 2xx, 3xx or 4xx settles an event. After 408, 425, 429, 5xx or no answer it is retried for a day; then the event is\n" +
			"parked and the next one is sent. Duplicates, replays, rejected and unverified events, and the platforms' test " +
			"requests are sent only if the filter asks for them: is:duplicate, is:replay, verdict:rejected, verdict:unverified, kind:test.",
		Example: "greenroom forward add dev http://localhost:3000/webhooks\n" +
			"greenroom forward add recordings https://ci.example.com/hook --filter kind:recording.ready --resign env:CI_SECRET",
	}
	o.add(p, cmd)
	return cmd
}

func (o *forwardAddOptions) run(ctx context.Context, args []string) error {
	if _, err := app.ForwardURL(args[1]); err != nil {
		return usagef("URL can't be %q: %v", plain.Text(args[1]), err)
	}
	resign, ca, err := o.read(ctx, o.program)
	if err != nil {
		return err
	}
	return o.with(ctx, func(b app.Backend) error {
		f, err := b.AddForward(ctx, app.ForwardSpec{
			Name: args[0], URL: args[1], Filter: o.filter, Resign: resign, CA: ca, Insecure: o.insecure, From: o.from,
		})
		if err != nil {
			return err
		}
		return o.printForward(ctx, b, f, "Added forward %s to %s.")
	})
}

// printForward prints a changed forward: as JSON, or in a sentence with its name and its URL.
func (p *program) printForward(ctx context.Context, b app.Backend, f app.Forward, sentence string) error {
	if p.json {
		return p.printJSON(f)
	}
	p.words(plain.Text(fmt.Sprintf(sentence, f.Name, f.URL)))
	if f.Queue > 0 {
		p.words(english.Plural(f.Queue, "event waits", "events wait"), ".")
	}
	if s, err := b.Status(ctx, app.StatusQuery{}); err == nil && s.Listener.URL == "" && f.State != app.ForwardPaused {
		p.words("It sends while the screen or `greenroom listen` is running.")
	}
	return nil
}

func (p *program) forwardList() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "list", Short: "List forwards with their queues and last answers", Aliases: []string{"ls"}, Args: exactly(), RunE: p.reads(p.listForwards),
	}, "print a JSON array")
}

func (p *program) listForwards(ctx context.Context, b app.Backend, _ []string) error {
	all, err := b.Forwards(ctx, app.ForwardQuery{})
	if err != nil {
		return err
	}
	t := newTable("NAME", "STATE", "QUEUE", "PARKED", "URL", "FILTER", "LAST").keep("NAME", "STATE", "QUEUE").narrow("FILTER", "PARKED")
	return printList(p, all, "No forwards. Add one: greenroom forward add NAME URL", t, func(f app.Forward) []string {
		return []string{f.Name, string(f.State), strconv.Itoa(f.Queue), strconv.Itoa(len(f.Parked)), f.URL, f.Filter, p.lastAttempt(f)}
	})
}

// lastAttempt describes a forward's latest attempt.
func (p *program) lastAttempt(f app.Forward) string {
	if f.Last == nil {
		return ""
	}
	return fmt.Sprintf("%s %s", p.clock(f.Last.At), attemptWords(*f.Last))
}

// attemptWords describes the outcome of an attempt.
func attemptWords(a app.Attempt) string {
	switch {
	case a.Status == 0:
		return a.Error
	case a.Error != "":
		return fmt.Sprintf("%d in %d ms, %s", a.Status, a.Ms, a.Error)
	}
	return fmt.Sprintf("%d in %d ms", a.Status, a.Ms)
}

// findForward finds a forward by its name.
func findForward(ctx context.Context, b app.Backend, name string) (app.Forward, error) {
	all, err := b.Forwards(ctx, app.ForwardQuery{})
	if err != nil {
		return app.Forward{}, err
	}
	if i := slices.IndexFunc(all, func(f app.Forward) bool { return f.Name == name }); i >= 0 {
		return all[i], nil
	}
	e := &app.Error{Kind: provider.NotFound, Text: fmt.Sprintf("there is no forward %q", name), Hint: "see `greenroom forward list`"}
	return app.Forward{}, e
}

func (p *program) forwardShow() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "show NAME", Short: "Show a forward", Args: exactly("NAME"), RunE: p.reads(p.showForward), ValidArgsFunction: p.forwards,
	}, "print a JSON object")
}

func (p *program) showForward(ctx context.Context, b app.Backend, args []string) error {
	f, err := findForward(ctx, b, args[0])
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(f)
	}
	facts := []string{
		"name", f.Name, "url", f.URL, "filter", f.Filter, "state", string(f.State), "queue", strconv.Itoa(f.Queue),
		"position", strconv.FormatUint(f.Position, 10), "source", string(f.Source),
	}
	if f.Resign {
		facts = append(facts, "signs", "again, with its own secret")
	}
	if f.Insecure {
		facts = append(facts, "certificates", "any certificate is accepted")
	} else if f.CA {
		facts = append(facts, "certificates", "checked with its own CA")
	}
	if f.Dropped > 0 {
		facts = append(facts, "dropped", fmt.Sprintf("%d dropped by retention while they waited", f.Dropped))
	}
	if f.Last != nil {
		facts = append(facts, "last", fmt.Sprintf("event %d, attempt %d, %s: %s", f.Last.Seq, f.Last.Attempt, local(f.Last.At), attemptWords(*f.Last)))
		if answer := strings.TrimSpace(f.Last.Answer); answer != "" {
			facts = append(facts, "answer", plain.Cut(plain.Text(answer), 200))
		}
	}
	if n := len(f.Parked); n > 0 {
		var parked []string
		for _, seq := range f.Parked[max(n-20, 0):] {
			parked = append(parked, strconv.FormatUint(seq, 10))
		}
		facts = append(facts, "parked", fmt.Sprintf("%s: %s; send them with `greenroom event replay`", humanize.Comma(int64(n)), strings.Join(parked, ", ")))
	}
	return p.facts(facts...)
}

type forwardEditOptions struct {
	*program
	forwardFlags
}

func (p *program) forwardEdit() *cobra.Command {
	o := &forwardEditOptions{program: p}
	cmd := &cobra.Command{
		Use: "edit NAME", Short: "Change a forward; it keeps its position", Args: exactly("NAME"), ValidArgsFunction: p.forwards,
		Example: "greenroom forward edit dev --url http://localhost:4000/webhooks\ngreenroom forward edit dev --filter '' --from 100",
	}
	o.add(p, cmd)
	cmd.Flags().StringVar(&o.url, "url", "", "send to this URL")
	allowEmpty(cmd.Flags(), "filter", "resign", "ca") // to remove them
	cmd.RunE = p.do(o.run)
	return cmd
}

func (o *forwardEditOptions) run(ctx context.Context, args []string) error {
	resign, ca, err := o.read(ctx, o.program)
	if err != nil {
		return err
	}
	patch := app.ForwardPatch{Name: args[0]}
	changed := false
	for flag, set := range map[string]func(){
		"url": func() { patch.URL = &o.url }, "filter": func() { patch.Filter = &o.filter }, "resign": func() { patch.Resign = &resign },
		"ca": func() { patch.CA = &ca }, "insecure": func() { patch.Insecure = &o.insecure }, "from": func() { patch.From = &o.from },
	} {
		if o.changed(flag) {
			changed = true
			set()
		}
	}
	if !changed {
		return usagef("nothing to change: see `greenroom forward edit --help`")
	}
	return o.with(ctx, func(b app.Backend) error {
		f, err := b.EditForward(ctx, patch)
		if err != nil {
			return err
		}
		return o.printForward(ctx, b, f, "Changed forward %s to %s.")
	})
}

func (p *program) forwardPause(pause bool) *cobra.Command {
	use, short, sentence := "pause NAME", "Pause a forward; its events wait", "Paused forward %s to %s."
	if !pause {
		use, short, sentence = "resume NAME", "Resume a forward where it stopped", "Resumed forward %s to %s."
	}
	return p.jsonFlag(&cobra.Command{
		Use: use, Short: short, Args: exactly("NAME"), ValidArgsFunction: p.forwards,
		RunE: p.changes(func(ctx context.Context, b app.Backend, args []string) error {
			f, err := b.EditForward(ctx, app.ForwardPatch{Name: args[0], Paused: &pause})
			if err != nil {
				return err
			}
			return p.printForward(ctx, b, f, sentence)
		}),
	}, "print the forward as a JSON object")
}

func (p *program) forwardRemove() *cobra.Command {
	cmd := &cobra.Command{
		Use: "remove NAME", Short: "Remove a forward", Aliases: []string{"rm"}, Args: exactly("NAME"), RunE: p.changes(p.removeForward), ValidArgsFunction: p.forwards,
		Long: "Remove a forward. Its events and their answers stay in the store.",
	}
	p.yesFlag(cmd)
	return p.jsonFlag(cmd, "print the forward as a JSON object")
}

func (p *program) removeForward(ctx context.Context, b app.Backend, args []string) error {
	f, err := findForward(ctx, b, args[0])
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Remove forward %s?", f.Name)
	if f.Queue > 0 {
		question = fmt.Sprintf("%s for forward %s. Remove it?", english.Plural(f.Queue, "event waits", "events wait"), f.Name)
	}
	if err := p.sure(ctx, question); err != nil {
		return err
	}
	if f, err = b.RemoveForward(ctx, app.ForwardRef{Name: args[0]}); err != nil {
		return err
	}
	defer p.undoable()
	return p.result(f, "Removed forward %s to %s.", f.Name, f.URL)
}

// forwards completes the first argument with the names of forwards.
func (p *program) forwards(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return completeNames(p, cmd, args, prefix, app.Backend.Forwards, func(f app.Forward) string { return f.Name })
}
