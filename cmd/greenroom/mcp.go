package main

import (
	"context"

	"github.com/spf13/cobra"

	"greenroom/internal/app"
	"greenroom/internal/assistant"
	"greenroom/internal/inlet"
)

type mcpOptions struct {
	*program
	allowChanges bool
}

func (p *program) mcpCommand() *cobra.Command {
	o := &mcpOptions{program: p}
	cmd := &cobra.Command{
		Use: "mcp", Short: "Offer rooms, meetings and webhooks as tools to an AI assistant", Args: exactly(), RunE: p.do(o.run),
		Long: "Offer rooms, meetings, recordings and webhooks as tools to an AI assistant, over the Model Context Protocol on standard input\n" +
			"and output. The assistant starts it. It is read-only unless --allow-changes is given. No tool returns a host link or gives consent.",
		Example: "claude mcp add greenroom -- greenroom mcp\ngreenroom mcp --allow-changes",
	}
	cmd.Flags().BoolVar(&o.allowChanges, "allow-changes", false, "offer the tools that change something")
	return cmd
}

func (o *mcpOptions) run(ctx context.Context, _ []string) error {
	forwarder := inlet.NewForwarder(o.now)
	defer forwarder.Close()
	err := o.withAccess(ctx, access{stay: true}, func(b app.Backend) error {
		return assistant.Serve(ctx, assistant.Options{
			Backend: b, Version: o.version, AllowChanges: o.allowChanges, Send: forwarder.Send, Now: o.now,
		}, o.stdin, o.stdout)
	})
	return ended(ctx, err)
}
