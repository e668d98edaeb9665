package config

import (
	"slices"

	"greenroom/provider"
)

// The keys of the file. A star stands for a name of the user's choice.
var (
	generalKeys = []string{
		"listen", "body_limit", "data_dir", "theme", "mouse", "default_platform", "retention.age", "retention.size",
		"migration.enabled", "migration.rooms", "lead", "host_name", "bell", "desktop",
	}
	accountKeys = []string{
		"platform", "api_key", "api_secret", "api_url", "url", "join_url", "webhook_secret", "signature", "subdomain", "default",
		"recording.bucket", "recording.region", "recording.access_key_id", "recording.access_key_secret",
		"recording.role_arn", "recording.mode",
	}
)

// schema reports whether a path names a setting, and returns its generic form.
func (r *reader) schema(path []string) (string, bool) {
	switch {
	case len(path) >= 3 && path[0] == "accounts":
		rest := dotted(path[2:])
		return "accounts.*." + rest, slices.Contains(accountKeys, rest) || slices.Contains(fetchKeys, rest)
	case len(path) == 3 && (path[0] == "forward" || path[0] == "notify"):
		return listedKey(path)
	case len(path) == 2 && path[0] == "keys":
		return "keys.*", true
	}
	key := dotted(path)
	return key, slices.Contains(r.generalKeys(), key) || slices.Contains(allTunnelKeys(), key) ||
		slices.Contains(downloadKeys, key)
}

// generalKeys are the keys that concern no single account.
func (r *reader) generalKeys() []string {
	keys := slices.Clone(generalKeys)
	for _, d := range r.opts.Drivers {
		if has(d, "recording.mode") {
			keys = append(keys, modeKey(d))
		}
	}
	return keys
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
func (r *reader) suggestion(path []string) string {
	if path[0] == "accounts" && len(path) >= 3 {
		if near := closest(dotted(path[2:]), slices.Concat(accountKeys, fetchKeys)); near != "" {
			return dotted(path[:2]) + "." + near
		}
		return ""
	}
	if keys, ok := listed(path[0]); ok && len(path) == 3 {
		return closest(path[2], keys)
	}
	return closest(dotted(path), slices.Concat(allTunnelKeys(), r.generalKeys(), downloadKeys))
}

// variable is one variable of the environment that sets one key.
type variable struct {
	name, key string
}

// variables lists what the environment can set. A platform's variables set the account that is named like it.
func variables(drivers []provider.Driver) []variable {
	all := []variable{
		// The move of rooms from Whereby to Daily has a name of its own; see the hub's migration.
		{"DAILY_MIGRATION_ENABLED", "migration.enabled"},
		{"DAILY_MIGRATION_ROOM_IDS", "migration.rooms"},
		{"DEFAULT_VIDEO_PLATFORM", "default_platform"},
		{"GREENROOM_DATA_DIR", "data_dir"},
	}
	for _, d := range drivers {
		for _, v := range d.Variables {
			all = append(all, variable{v.Name, "accounts." + string(d.Platform) + "." + v.Key})
		}
	}
	return all
}

// environment lays the variables over the file. An empty variable counts as not set.
func (r *reader) environment() {
	for _, v := range r.cfg.variables {
		text := r.opts.Getenv(v.name)
		if text == "" {
			continue
		}
		r.values[v.key] = value{raw: text, from: Origin{Kind: FromEnv, Name: v.name}}
	}
	for _, d := range r.opts.Drivers {
		p := d.Platform
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
		"theme":    {"--theme", r.opts.Theme},

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
