package sandbox

import "greenroom/provider"

// Accounts returns the accounts of a world with default credentials, one per platform, below the world's base URL.
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
		{
			Name: string(provider.LiveKit), Platform: provider.LiveKit, APIURL: base + "/livekit",
			APIKey: LiveKitKey, APISecret: LiveKitSecret, WebhookSecret: LiveKitSecret,
			JoinURL:   base + "/join/livekit?url={url}&token={token}",
			Recording: provider.RecordingTarget{Bucket: "sandbox", Region: "us-east-1"},
		},
	}
}
