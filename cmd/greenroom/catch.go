package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/catch"
	"greenroom/internal/plain"
)

func (p *program) catchCommand() *cobra.Command {
	return group("catch", "Catch webhooks from any service", p.catchCreate(), p.catchList(), p.catchRemove())
}

type catchCreateOptions struct {
	*program
	scheme, secret, respond string
}

func (p *program) catchCreate() *cobra.Command {
	o := &catchCreateOptions{program: p}
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Create an address that catches webhooks", Args: exactly("NAME"), RunE: p.do(o.run),
		Long: "Create an address that catches requests with any method, on the listener and through the tunnel. They are verified, stored,\n" +
			"listed under the account catch:NAME, forwarded and replayed like other events, but don't affect meetings. " +
			"Requests with a wrong or missing signature get 401. Slack's and Zoom's address checks are answered.\n\n" +
			"--scheme is how the service signs: " + strings.Join(catch.Names(), ", ") + ".\n" +
			"In hmac:HEADER:ALG:ENC, ALG is sha1, sha256, sha384 or sha512, and ENC is hex or base64.",
		Example: "greenroom catch create deploys\n" +
			"greenroom catch create github --scheme github --secret env:GITHUB_WEBHOOK_SECRET\n" +
			"greenroom catch create shop --scheme hmac:X-Shop-Signature:sha256:base64 --secret env:SHOP_SECRET --respond '202 queued'",
	}
	cmd.Flags().StringVar(&o.scheme, "scheme", "none", "how the service signs")
	cmd.Flags().StringVar(&o.secret, "secret", "", "secret that the service signs with; also env:NAME, cmd:COMMAND, keyring:NAME")
	cmd.Flags().StringVar(&o.respond, "respond", "200 ok", "answer to an accepted request: STATUS BODY")
	words(cmd, "scheme", catch.Names()...)
	return p.jsonFlag(cmd, "print the catch as a JSON object")
}

func (o *catchCreateOptions) run(ctx context.Context, args []string) error {
	spec := app.CatchSpec{Name: args[0], Scheme: o.scheme}
	scheme, err := catch.Parse(o.scheme)
	if err != nil {
		return usagef("--scheme: %w", err)
	}
	if scheme.String() != "none" && o.secret == "" {
		return usagef("the scheme %s needs a secret: use --secret", scheme)
	}
	var status string
	status, spec.Answer, _ = strings.Cut(strings.TrimLeft(o.respond, " "), " ")
	if spec.Status, err = strconv.Atoi(status); err != nil || spec.Status < 200 || spec.Status > 599 {
		return usagef("--respond can't be %q: write it like '200 ok'", o.respond)
	}
	if spec.Secret, err = o.secretOf(ctx, "secret", o.secret); err != nil {
		return err
	}
	return o.with(ctx, func(b app.Backend) error {
		c, err := b.CreateCatch(ctx, spec)
		if err != nil {
			return err
		}
		if o.json {
			return o.printJSON(c)
		}
		s, err := b.Status(ctx, app.StatusQuery{})
		if err != nil {
			return err
		}
		o.words(plain.Text(fmt.Sprintf("Created catch %s. Its events are listed under account %s. Its address is", c.Name, app.CatchAccount(c.Name))))
		listener := cmp.Or(s.Listener.URL, "the listener's address")
		if err := o.facts("here", strings.TrimSuffix(listener, "/")+c.Path, "public", c.URL); err != nil {
			return err
		}
		if s.Listener.URL == "" {
			o.words("It receives while the screen or `greenroom listen` is running.")
		}
		return nil
	})
}

func (p *program) catchList() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "list", Short: "List the catches with their addresses", Aliases: []string{"ls"}, Args: exactly(), RunE: p.reads(p.listCatches),
	}, "print a JSON array")
}

func (p *program) listCatches(ctx context.Context, b app.Backend, _ []string) error {
	all, err := b.Catches(ctx, app.CatchQuery{})
	if err != nil {
		return err
	}
	t := newTable("NAME", "SCHEME", "EVENTS", "REJECTED", "ADDRESS").keep("NAME", "EVENTS", "ADDRESS").narrow("REJECTED", "SCHEME")
	return printList(p, all, "No catches. Create one: greenroom catch create NAME", t, func(c app.Catch) []string {
		return []string{c.Name, c.Scheme, strconv.Itoa(c.Events), strconv.Itoa(c.Rejected), cmp.Or(c.URL, c.Path)}
	})
}

func (p *program) catchRemove() *cobra.Command {
	cmd := &cobra.Command{
		Use: "remove NAME", Short: "Remove a catch and its " +
			"events", Aliases: []string{"rm", "delete"}, Args: exactly("NAME"), RunE: p.changes(p.removeCatch),
		ValidArgsFunction: p.catches, Long: "Remove a catch and its events. If it has events, it asks first.",
	}
	p.yesFlag(cmd)
	return p.jsonFlag(cmd, "print the catch as a JSON object")
}

func (p *program) removeCatch(ctx context.Context, b app.Backend, args []string) error {
	all, err := b.Catches(ctx, app.CatchQuery{})
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.Name == args[0] && c.Events > 0 {
			if err := p.sure(ctx, fmt.Sprintf("Catch %s has %s. Remove both?", c.Name, english.Plural(c.Events, "event", ""))); err != nil {
				return err
			}
		}
	}
	c, err := b.RemoveCatch(ctx, app.CatchRef{Name: args[0]})
	if err != nil {
		return err
	}
	defer p.undoable()
	return p.result(c, "Removed catch %s.", args[0])
}

// catches completes the first argument with the names of catches.
func (p *program) catches(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return completeNames(p, cmd, args, prefix, app.Backend.Catches, func(c app.Catch) string { return c.Name })
}
