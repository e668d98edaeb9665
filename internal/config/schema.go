package config

import (
	"slices"

	"greenroom/provider"
)

// The keys of the file. A star stands for a name of the user's choice.
var (
	generalKeys = []string{
		"listen", "body_limit", "data_dir", "theme", "mouse", "default_platform", "retention.age", "retention.size",
		"migration.enabled", "migration.rooms", "daily.recording",
	}
	accountKeys = []string{
		"platform", "api_key", "api_secret", "api_url", "webhook_secret", "signature", "subdomain", "default",
		"recording.bucket", "recording.region", "recording.access_key_id", "recording.access_key_secret",
		"recording.role_arn", "recording.mode",
	}
)

// schema says whether a path names a setting, and gives its generic form.
func schema(path []string) (string, bool) {
	switch {
	case len(path) >= 3 && path[0] == "accounts":
		rest := dotted(path[2:])
		return "accounts.*." + rest, slices.Contains(accountKeys, rest) || slices.Contains(fetchKeys, rest)
	case len(path) == 2 && path[0] == "keys":
		return "keys.*", true
	}
	key := dotted(path)
	return key, slices.Contains(generalKeys, key) || slices.Contains(allTunnelKeys(), key) ||
		slices.Contains(downloadKeys, key)
}

// allTunnelKeys are the keys of the table [tunnel].
func allTunnelKeys() []string {
	keys := []string{"tunnel.driver"}
	for _, k := range tunnelKeys {
		keys = append(keys, "tunnel."+k.key)
	}
	return keys
}

// suggestion finds what a misspelt path may have meant.
func suggestion(path []string) string {
	if path[0] == "accounts" && len(path) >= 3 {
		if near := closest(dotted(path[2:]), slices.Concat(accountKeys, fetchKeys)); near != "" {
			return dotted(path[:2]) + "." + near
		}
		return ""
	}
	return closest(dotted(path), slices.Concat(allTunnelKeys(), generalKeys, downloadKeys))
}

// variable is one variable of the environment that sets one key.
type variable struct {
	name, key string
}

// variables lists what the environment can set. A platform's variables set the account that is named like it.
func variables() []variable {
	return []variable{
		{"WHEREBY_API_KEY", "accounts.whereby.api_key"},
		{"WHEREBY_API_URL", "accounts.whereby.api_url"},
		{"WHEREBY_WEBHOOK_SECRET", "accounts.whereby.webhook_secret"},
		{"AWS_WHEREBY_S3_BUCKET", "accounts.whereby.recording.bucket"},
		{"AWS_WHEREBY_ACCESS_KEY_ID", "accounts.whereby.recording.access_key_id"},
		{"AWS_WHEREBY_ACCESS_KEY_SECRET", "accounts.whereby.recording.access_key_secret"},
		{"AWS_S3_REGION", "accounts.whereby.recording.region"},
		{"DAILY_API_KEY", "accounts.daily.api_key"},
		{"DAILY_API_URL", "accounts.daily.api_url"},
		{"DAILY_WEBHOOK_SECRET", "accounts.daily.webhook_secret"},
		{"DAILY_WEBHOOK_SIGNATURE", "accounts.daily.signature"},
		{"DAILY_SUBDOMAIN", "accounts.daily.subdomain"},
		{"AWS_DAILY_S3_BUCKET", "accounts.daily.recording.bucket"},
		{"AWS_DAILY_S3_REGION", "accounts.daily.recording.region"},
		{"AWS_DAILY_ROLE_ARN", "accounts.daily.recording.role_arn"},
		{"DAILY_MIGRATION_ENABLED", "migration.enabled"},
		{"DAILY_MIGRATION_ROOM_IDS", "migration.rooms"},
		{"DEFAULT_VIDEO_PLATFORM", "default_platform"},
		{"LIVEKIT_URL", "accounts.livekit.api_url"},
		{"LIVEKIT_API_KEY", "accounts.livekit.api_key"},
		{"LIVEKIT_API_SECRET", "accounts.livekit.api_secret"},
		{"GREENROOM_DATA_DIR", "data_dir"},
	}
}

// keyVariable is the variable that holds the API key of a platform's own account, for messages.
func keyVariable(p provider.Platform) string {
	switch p {
	case provider.Daily:
		return "DAILY_API_KEY"
	case provider.Whereby:
		return "WHEREBY_API_KEY"
	case provider.LiveKit:
		return "LIVEKIT_API_KEY"
	}
	return ""
}

// environment lays the variables over the file. An empty variable counts as not set.
func (r *reader) environment() {
	for _, v := range variables() {
		text := r.opts.Getenv(v.name)
		if text == "" {
			continue
		}
		r.values[v.key] = value{raw: text, from: Origin{Kind: FromEnv, Name: v.name}}
	}
	for _, p := range []provider.Platform{provider.Daily, provider.Whereby, provider.LiveKit} {
		prefix := "accounts." + string(p) + "."
		_, key := r.values[prefix+"api_key"]
		_, secret := r.values[prefix+"webhook_secret"]
		if (key || secret) && !slices.Contains(r.order, string(p)) {
			r.order = append(r.order, string(p))
		}
	}
}

func (r *reader) flags() {
	for key, flag := range map[string]struct{ name, text string }{
		"data_dir": {"--data-dir", r.opts.DataDir},
		"listen":   {"--addr", r.opts.Listen},

		"tunnel.driver": {"--tunnel", r.opts.Tunnel},
	} {
		if flag.text != "" {
			if was, set := r.values[key]; set {
				r.covered[key] = was
			}
			r.values[key] = value{raw: flag.text, from: Origin{Kind: FromFlag, Name: flag.name}}
		}
	}
}
