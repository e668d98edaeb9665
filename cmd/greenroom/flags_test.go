package main

import (
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Each default is a value that its flag accepts, and each flag describes its values.
func TestDefaultsAreValid(t *testing.T) {
	var check func(*cobra.Command)
	found := 0
	check = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.DefValue == "" || f.Value.Type() == "stringArray" || f.Value.Type() == "stringSlice" {
				return
			}
			found++
			if err := f.Value.Set(f.DefValue); err != nil {
				t.Errorf("%s --%s: the default %q is refused: %v", c.CommandPath(), f.Name, f.DefValue, err)
			}
		})
		for _, sub := range c.Commands() {
			check(sub)
		}
	}
	check(newBench(t, false, "").program.root())
	if found < 50 {
		t.Errorf("only %d defaults", found)
	}
}
