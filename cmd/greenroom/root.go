package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// root returns the tree of commands.
func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "greenroom",
		Short: "Manage meetings on video platforms from the terminal",
		Long: "Greenroom manages rooms and meetings on " + enumerate(platformTitles()) + ", receives their webhooks on this machine, and shows\n" +
			"who is in which meeting right now. Without a command it opens the screen.",
		Example: "# look around without an account or a network\n" +
			"greenroom demo\n\n" +
			"# start a meeting from the shell\n" +
			"greenroom room create all-hands --locked\n" +
			"greenroom meeting start all-hands --for 1h",
		Args:              noSuchCommand,
		RunE:              p.do(func(ctx context.Context, _ []string) error { return p.screen(ctx) }),
		DisableAutoGenTag: true,
	}
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().StringVar(&p.configFile, "config", "", "configuration file")
	root.PersistentFlags().StringVar(&p.dataDir, "data-dir", "", "folder of the store and the log")
	p.themeFlag(root)
	root.AddGroup(
		&cobra.Group{ID: "work", Title: "Meetings"},
		&cobra.Group{ID: "hooks", Title: "Webhooks"},
		&cobra.Group{ID: "self", Title: "Greenroom itself"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("work", p.roomCommand(), p.meetingCommand(), p.upcomingCommand(), p.nextCommand(), p.calendarCommand(), p.recordingCommand(), p.undoCommand())
	add("hooks", p.eventCommand(), p.forwardCommand(), p.catchCommand(), p.listenCommand(), p.tunnelCommand(), p.triggerCommand(), p.mcpCommand())
	add("self", p.demoCommand(), p.initCommand(), p.relayCommand(), p.sandboxCommand(), p.doctorCommand(), p.storeCommand(), p.accountCommand(), p.configCommand(), p.versionCommand(), p.manCommand())
	root.SetCompletionCommandGroupID("self")
	root.SetHelpCommandGroupID("self")
	refuseUnknown(root)
	p.finish(root)
	return root
}

// refuseUnknown makes cobra's own commands, help and completion, refuse names that don't exist. Otherwise they print help and succeed.
func refuseUnknown(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("completion")
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			c.Args, c.RunE = noSuchCommand, func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			for _, shell := range c.Commands() {
				if shell.Name() == "bash" {
					shell.RunE = bashCompletion
				}
			}
		case "help":
			c.Args = func(_ *cobra.Command, args []string) error {
				found, rest, err := root.Find(args)
				if err != nil {
					return noSuchCommand(root, args)
				}
				return noSuchCommand(found, rest)
			}
		}
	}
}

// finish completes a command and those below it: paragraphs wrap at the terminal's width, flags are listed in their order in the source, text
// flags refuse empty values, and names are completed.
func (p *program) finish(c *cobra.Command) {
	c.Long = paragraphs(c.Long)
	c.Flags().SortFlags = false
	refuseEmpty(c.Flags())
	refuseEmpty(c.PersistentFlags())
	for name, complete := range map[string]cobra.CompletionFunc{
		"account": p.accounts, "room": p.rooms, "meeting": p.rooms,
	} {
		if _, done := c.GetFlagCompletionFunc(name); c.Flags().Lookup(name) != nil && !done {
			_ = c.RegisterFlagCompletionFunc(name, func(cmd *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
				return complete(cmd, nil, prefix)
			})
		}
	}
	for _, sub := range c.Commands() {
		p.finish(sub)
	}
}

// paragraphs joins the lines of each paragraph; indented lines stay as they are.
func paragraphs(s string) string {
	var b strings.Builder
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		b.WriteString(l)
		if i == len(lines)-1 {
			break
		}
		if next := lines[i+1]; l == "" || next == "" || strings.ContainsAny(l[:1]+next[:1], " \t") {
			b.WriteString("\n")
		} else {
			b.WriteString(" ")
		}
	}
	return b.String()
}

// group returns a command that only has subcommands.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(commands...)
	return c
}

func (p *program) versionCommand() *cobra.Command {
	return p.jsonFlag(&cobra.Command{
		Use: "version", Short: "Print the version", Args: exactly(),
		RunE: p.do(func(context.Context, []string) error {
			if p.json {
				return p.printJSON(struct {
					Version string `json:"version"`
					Go      string `json:"go"`
					OS      string `json:"os"`
					Arch    string `json:"arch"`
				}{p.version, runtime.Version(), runtime.GOOS, runtime.GOARCH})
			}
			_, err := fmt.Fprintln(p.stdout, "greenroom", p.version)
			return err
		}),
	}, "print a JSON object")
}

func (p *program) manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man", Short: "Print the manual page", Args: exactly(),
		Example: "greenroom man > greenroom.1",
		RunE: func(cmd *cobra.Command, _ []string) error {
			page, err := manPage(cmd.Root())
			if err != nil {
				return fmt.Errorf("make the manual page: %w", err)
			}
			_, err = io.WriteString(p.stdout, page)
			return err
		},
	}
}

// mayBeEmpty marks a flag whose empty value has a meaning, such as a room that is pinned to no account.
const mayBeEmpty = "greenroom_may_be_empty"

// allowEmpty marks flags with [mayBeEmpty].
func allowEmpty(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		_ = flags.SetAnnotation(name, mayBeEmpty, nil)
	}
}

// refuseEmpty makes the text flags of a set refuse empty values. In a script those are variables that aren't set, which must not silently select
// the default, or everything.
func refuseEmpty(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if _, allowed := f.Annotations[mayBeEmpty]; allowed {
			return
		}
		switch f.Value.Type() {
		case "string", "stringSlice", "stringArray":
			f.Value = filled{f.Value}
		}
	})
}

// filled is the value of a flag that can't be empty.
type filled struct{ pflag.Value }

// Set implements [pflag.Value].
func (f filled) Set(s string) error {
	if s == "" {
		return errEmpty
	}
	return f.Value.Set(s)
}

var errEmpty = errors.New("it is empty")
