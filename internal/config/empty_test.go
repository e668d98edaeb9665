package config

import (
	"strings"
	"testing"

	"greenroom/provider"
)

// TestAnEmptyAccountIsAMistake that leaves the other accounts alone. Variables of the environment fill a platform's own table.
func TestAnEmptyAccountIsAMistake(t *testing.T) {
	const file = "[accounts.acme]\n\n[accounts.daily]\n\n[accounts.other]\nplatform = \"daily\"\napi_key = \"env:KEY\"\n"
	c, err := load(t, file, map[string]string{"DAILY_API_KEY": "k", "KEY": "k"})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Accounts) != 2 || len(c.Unusable) != 1 || c.Unusable[0].Name != "acme" {
		t.Fatalf("%+v, unusable %+v", c.Accounts, c.Unusable)
	}
	if err := c.Problems(); err == nil || !strings.Contains(err.Error(), ":1: accounts.acme is an empty table: set platform") {
		t.Errorf("%v", err)
	}
	if c.Policy.DefaultAccounts[provider.Daily] != "daily" {
		t.Errorf("%+v", c.Policy)
	}
}
