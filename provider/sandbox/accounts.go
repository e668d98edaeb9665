package sandbox

import "greenroom/provider"

// Accounts are the accounts of a world that was given no other credentials, one for each platform that it serves, below the
// world's base URL.
func Accounts(base string) []provider.Account {
	return []provider.Account{
		{
			Name: string(provider.Daily), Platform: provider.Daily, APIURL: base + "/daily/v1",
			APIKey: DailyKey, WebhookSecret: DailyWebhookSecret,
		},
		{
			Name: string(provider.Whereby), Platform: provider.Whereby, APIURL: base + "/whereby/v1",
			APIKey: WherebyKey, WebhookSecret: WherebyWebhookSecret,
		},
	}
}
