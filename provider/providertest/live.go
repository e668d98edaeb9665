package providertest

import (
	"os"
	"strings"
	"testing"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// Live returns a harness on a real account, whose key is in the environment as GREENROOM_LIVE_{PLATFORM}_API_KEY, and its other
// settings as _API_URL and _WEBHOOK_SECRET. Without the key the test is skipped. The suite creates rooms on the account and
// removes them again; on a platform that names rooms itself, those of lost answers expire after an hour.
func Live(t *testing.T, platform provider.Platform, url string, open Open) Harness {
	t.Helper()
	prefix := "GREENROOM_LIVE_" + strings.ToUpper(string(platform))
	key := os.Getenv(prefix + "_API_KEY")
	if key == "" {
		t.Skipf("not run against a live account of %s: %s_API_KEY is not set", platform, prefix)
	}
	if u := os.Getenv(prefix + "_API_URL"); u != "" {
		url = u
	}
	return Harness{Open: open, Clock: rest.RealClock{}, Account: provider.Account{
		Name: string(platform), Platform: platform, APIKey: key, APIURL: url,
		WebhookSecret: os.Getenv(prefix + "_WEBHOOK_SECRET"),
	}}
}
