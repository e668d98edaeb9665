package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/provider"
)

func (p *program) tunnelRegister() *cobra.Command {
	var replace bool
	cmd := &cobra.Command{
		Use: "register ACCOUNT", Short: "Register the tunnel's URL as the account's webhook", Args: exactly("ACCOUNT"),
		ValidArgsFunction: p.accounts,
		Long: "Register the tunnel's public URL as the account's webhook on its platform. While a tunnel is live, Greenroom does " +
			"this automatically and reactivates a webhook that the platform has disabled. It leaves other programs' webhooks " +
			"alone; --replace replaces one, and its receiver then gets no more webhooks. If the platform has no API for webhooks, the " +
			"command shows where to paste the URL and exits with status 4.",
		RunE: p.do(func(ctx context.Context, args []string) error {
			if err := p.canAsk("--yes", p.yes || !replace); err != nil {
				return err
			}
			return p.with(ctx, func(b app.Backend) error {
				w, err := b.RegisterWebhook(ctx, app.WebhookRegistration{Account: args[0]})
				if replace && errors.Is(err, provider.Conflict) {
					if err := p.sure(ctx, fmt.Sprintf("Now %s. Replace it? Its receiver gets no more webhooks.", err)); err != nil {
						return err
					}
					w, err = b.RegisterWebhook(ctx, app.WebhookRegistration{Account: args[0], Replace: true})
				}
				if err != nil {
					return err
				}
				return p.result(w, "The platform of %s posts to %s.", w.Account, w.URL)
			})
		}),
	}
	cmd.Flags().BoolVar(&replace, "replace", false, "replace a webhook that was not registered from here")
	p.yesFlag(cmd)
	return p.jsonFlag(cmd, "print the webhook as a JSON object")
}
