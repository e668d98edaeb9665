package main

import (
	"context"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/assistant"
	"greenroom/internal/inlet"
)

func (p *program) mcpCommand() *cobra.Command {
	var allowChanges bool
	cmd := &cobra.Command{
		Use: "mcp", Short: "Offer rooms, meetings and webhooks as tools to an AI assistant", Args: exactly(),
		Long: "Offer rooms, meetings, recordings and webhooks as tools to an AI assistant, over the Model Context Protocol on standard input\n" +
			"and output. The assistant starts it. It is read-only unless --allow-changes is given. No tool returns a host link or gives consent.",
		Example: "claude mcp add greenroom -- greenroom mcp\ngreenroom mcp --allow-changes",
		RunE: p.do(func(ctx context.Context, _ []string) error {
			forwarder := inlet.NewForwarder(p.now)
			defer forwarder.Close()
			return ended(ctx, p.withAccess(ctx, access{stay: true}, func(b app.Backend) error {
				return assistant.Serve(ctx, assistant.Options{
					Backend: b, Version: p.version, AllowChanges: allowChanges, Send: forwarder.Send, Now: p.now,
				}, p.stdin, p.stdout)
			}))
		}),
	}
	cmd.Flags().BoolVar(&allowChanges, "allow-changes", false, "offer the tools that change something")
	return cmd
}
