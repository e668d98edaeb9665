package main

import (
	"github.com/muesli/mango"
	mangocobra "github.com/muesli/mango-cobra"
	"github.com/muesli/roff"
	"github.com/spf13/cobra"
)

// manPage returns the manual page of a tree of commands.
func manPage(root *cobra.Command) (string, error) {
	page, err := mangocobra.NewManPage(1, root)
	if err != nil {
		return "", err
	}
	hyphenate(&page.Root)
	page = page.
		WithSection("EXIT STATUS", "0 done; 1 failed; 2 wrong usage or a crash; 3 not found; 4 not configured, not allowed, or "+
			"not supported by the platform. A command interrupted by a signal exits with 128 plus the signal's number.").
		WithSection("FILES", "The configuration file: greenroom config path prints its location. The data folder, with the store "+
			"and the log: greenroom config show lists it as data_dir.").
		WithSection("ENVIRONMENT", "Variables override the configuration file, and flags override variables: greenroom config show lists every value "+
			"and its origin.")
	return page.Build(roff.NewDocument()), nil
}

// hyphenate corrects one-letter flags: mango writes two hyphens before both forms.
func hyphenate(c *mango.Command) {
	for key, f := range c.Flags {
		if f.Short != "" {
			f.Name, f.Short, f.PFlag = f.Short+", --"+f.Name, "", false
			c.Flags[key] = f
		}
	}
	for _, sub := range c.Commands {
		hyphenate(sub)
	}
}
