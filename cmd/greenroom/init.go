package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"greenroom/internal/config"
	"greenroom/internal/plain"
	"greenroom/provider"
)

func (p *program) initCommand() *cobra.Command {
	return &cobra.Command{
		Use: "init", Short: "Set up Greenroom: account, key, webhooks", Args: exactly(),
		Long: "Set up Greenroom step by step: a platform, its key (checked immediately), the webhook secret, and a tunnel for\n" +
			"the webhooks. Every step but the first can be skipped and done later. This needs a terminal; without one, use `account add`.",
		RunE: p.do(func(ctx context.Context, _ []string) error {
			err := p.setUp(ctx)
			if errors.Is(err, errDeclined) {
				return errors.New("setup was interrupted: to continue, run `greenroom init`")
			}
			return err
		}),
	}
}

// setUp guides the user through the set-up.
func (p *program) setUp(ctx context.Context) error {
	if !p.inTTY || !p.outTTY {
		return usagef("guided setup needs a terminal. Without one, run `greenroom account add NAME --platform PLATFORM --key-stdin`")
	}
	options := p.editing()
	options.Resolve = config.NoSecrets
	c, err := config.Load(ctx, options)
	if err != nil {
		return err
	}
	added := newAccount{program: p}
	another := true
	if names := accountNames(c); len(names) > 0 {
		p.words("These accounts are configured: ", enumerate(names), ".")
		if another, err = p.wants(ctx, "Add another?", false); err != nil {
			return err
		}
	} else {
		p.words("Greenroom needs an account on a video platform. Its key is checked and stored where only you can read it.")
	}
	if another {
		if err := added.guided(ctx, accountNames(c)); err != nil {
			return err
		}
	}
	if err := p.setUpTunnel(ctx, c); err != nil {
		return err
	}
	p.words("Done. `greenroom` opens the screen, and `greenroom doctor` checks everything.")
	return nil
}

// guided asks for an account until the platform accepts it, and then for optional values.
func (o *newAccount) guided(ctx context.Context, used []string) error {
	n, err := o.choose(ctx, "Platform", platformTitles())
	if err != nil {
		return err
	}
	o.platform = platformNames()[n]
	if err := o.nameIt(ctx, used); err != nil {
		return err
	}
	for {
		if err := o.chosen(); err != nil {
			return err
		}
		if err := o.enter(ctx, o.askInput); err != nil {
			return err
		}
		_, err := o.add(ctx)
		var usage *usageError
		switch {
		case err == nil:
			return o.later(ctx)
		case ctx.Err() != nil:
			return err
		case errors.Is(err, provider.Unauthenticated), errors.Is(err, provider.Unavailable), errors.As(err, &usage):
			o.report(err)
		default:
			return err
		}
		switch again, err := o.wants(ctx, "Try again?", true); {
		case err != nil:
			return err
		case !again:
			return errDeclined
		}
	}
}

// nameIt asks for a free name.
func (o *newAccount) nameIt(ctx context.Context, used []string) error {
	free := o.platform
	for n := 2; slices.Contains(used, free); n++ {
		free = fmt.Sprintf("%s-%d", o.platform, n)
	}
	for {
		name, err := o.ask(ctx, fmt.Sprintf("Name of the account [%s] ", free))
		if err != nil {
			return err
		}
		o.name = cmp.Or(name, free)
		switch err := config.CheckAccountName(o.name); {
		case err != nil:
			o.words(err.Error())
		case slices.Contains(used, o.name):
			o.words("There is an account ", o.name, " already.")
		default:
			return nil
		}
	}
}

// later asks for the optional values, and stores them.
func (o *newAccount) later(ctx context.Context) error {
	kept := keptSecrets{o.program, o.keeping, o.name, nil}
	var changes []config.Change
	for _, in := range o.driver.Inputs {
		if !in.Later {
			continue
		}
		value, err := kept.askFor(ctx, in)
		if err != nil {
			return joined(err, kept.forget())
		}
		if value != "" {
			changes = append(changes, o.change(in.Key, value))
		}
	}
	if len(changes) == 0 {
		return nil
	}
	if err := config.Edit(ctx, o.editing(), changes...); err != nil {
		return joined(err, kept.forget())
	}
	return nil
}

// askFor asks for a value, and returns it as the configuration has it: a secret is stored, and replaced by its reference.
func (k *keptSecrets) askFor(ctx context.Context, in provider.Input) (string, error) {
	value, err := k.askInput(ctx, in)
	if err != nil || value == "" || !in.Secret {
		return value, err
	}
	return k.keep(ctx, in.Key, value)
}

// tunnels are the drivers that the set-up offers. The others need more values: see docs/tunnels.md.
var tunnels = []struct{ driver, words string }{
	{config.NoTunnel, "Later: without webhooks, presence is polled every few seconds"},
	{"relay", "Your own relay; it keeps webhooks while this machine is off"},
	{"cloudflared", "cloudflared; needs no account"},
	{"tailscale", "Tailscale Funnel"},
	{"ngrok", "ngrok"},
}

// setUpTunnel asks for a tunnel unless one is configured.
func (p *program) setUpTunnel(ctx context.Context, c *config.Config) error {
	if c.Tunnel.Driver != config.NoTunnel {
		return nil
	}
	p.words("Platforms post webhooks to public addresses. How should webhooks reach this machine?")
	var offered []string
	for _, t := range tunnels {
		offered = append(offered, t.words)
	}
	n, err := p.choose(ctx, "Tunnel", offered)
	if err != nil || n == 0 {
		return err
	}
	driver := tunnels[n].driver
	kept := keptSecrets{p, keeping{}, "tunnel", nil}
	changes := []config.Change{{Path: []string{"tunnel", "driver"}, Value: driver}}
	for _, need := range config.TunnelNeeds(driver) {
		need.Label, need.Later = need.Key, true
		value, err := kept.askFor(ctx, need)
		if err != nil {
			return joined(err, kept.forget())
		}
		if value == "" {
			p.words("The tunnel is skipped.")
			return kept.forget()
		}
		changes = append(changes, config.Change{Path: []string{"tunnel", need.Key}, Value: value})
	}
	if err := config.Edit(ctx, p.editing(), changes...); err != nil {
		p.report(joined(err, kept.forget()))
		return nil
	}
	p.words(plain.Text("The tunnel is " + strings.TrimSpace(driver) + "."))
	return nil
}
