package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/provider"
)

type tunnelRegisterOptions struct {
	*program
	replace bool
}

func (p *program) tunnelRegister() *cobra.Command {
	o := &tunnelRegisterOptions{program: p}
	cmd := &cobra.Command{
		Use: "register ACCOUNT", Short: "Register the tunnel's URL as the account's webhook", Args: exactly("ACCOUNT"), RunE: p.do(o.run),
		ValidArgsFunction: p.accounts,
		Long: "Register the tunnel's public URL as the account's webhook on its platform. While a tunnel is live, Greenroom does " +
			"this automatically and reactivates a webhook that the platform has disabled. It leaves other programs' webhooks " +
			"alone; --replace replaces one, and its receiver then gets no more webhooks. If the platform has no API for webhooks, the " +
			"command shows where to paste the URL and exits with status 4.",
	}
	cmd.Flags().BoolVar(&o.replace, "replace", false, "replace a webhook that was not registered from here")
	p.yesFlag(cmd)
	return p.jsonFlag(cmd, "print the webhook as a JSON object")
}

func (o *tunnelRegisterOptions) run(ctx context.Context, args []string) error {
	if o.replace {
		if err := o.canAsk("--yes", o.yes); err != nil {
			return err
		}
	}
	return o.with(ctx, func(b app.Backend) error {
		w, err := b.RegisterWebhook(ctx, app.WebhookRegistration{Account: args[0]})
		if o.replace && errors.Is(err, provider.Conflict) {
			if err := o.sure(ctx, fmt.Sprintf("Now %s. Replace it? Its receiver gets no more webhooks.", err)); err != nil {
				return err
			}
			w, err = b.RegisterWebhook(ctx, app.WebhookRegistration{Account: args[0], Replace: true})
		}
		if err != nil {
			return err
		}
		return o.result(w, "The platform of %s posts to %s.", w.Account, w.URL)
	})
}
