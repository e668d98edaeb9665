package config

import (
	"slices"
	"strings"

	"greenroom/provider"
)

// row is one key of the configuration: all about it but how its value is read.
type row struct {
	// key is its path. A star stands for a name of the user's choice, or for the number of a table in an array.
	key string
	// secret values are shown nowhere, and their variables are not inherited by programs.
	secret bool
	// variable and flag set the key, too. The variables under tunnel count for the relay alone.
	variable, flag string
	// tunnels are the drivers that use a key under tunnel.
	tunnels []string
}

// rows are all keys. To them come those of platforms whose accounts have a recording mode: see [modeKey].
var rows = []row{
	{key: "listen", flag: "--addr"},
	{key: "body_limit"},
	{key: "data_dir", variable: "GREENROOM_DATA_DIR", flag: "--data-dir"},
	{key: "theme", flag: "--theme"},
	{key: "mouse"},
	{key: "bell"},
	{key: "desktop"},
	{key: "lead"},
	{key: "host_name"},
	{key: "default_platform", variable: "DEFAULT_VIDEO_PLATFORM"},
	{key: "retention.age"},
	{key: "retention.size"},
	// The move of rooms from Whereby to Daily has a name of its own; see the hub's migration.
	{key: "migration.enabled", variable: "DAILY_MIGRATION_ENABLED"},
	{key: "migration.rooms", variable: "DAILY_MIGRATION_ROOM_IDS"},
	{key: "keys.*"},

	// The variables of accounts are those of the platforms' drivers.
	{key: "accounts.*.platform"},
	{key: "accounts.*.api_key", secret: true},
	{key: "accounts.*.api_secret", secret: true},
	{key: "accounts.*.api_url"},
	{key: "accounts.*.url"},
	{key: "accounts.*.join_url"},
	{key: "accounts.*.webhook_secret", secret: true},
	{key: "accounts.*.signature"},
	{key: "accounts.*.subdomain"},
	{key: "accounts.*.default"},
	{key: "accounts.*.auto_download"},
	{key: "accounts.*.delete_after"},
	{key: "accounts.*.recording.bucket"},
	{key: "accounts.*.recording.region"},
	{key: "accounts.*.recording.access_key_id", secret: true},
	{key: "accounts.*.recording.access_key_secret", secret: true},
	{key: "accounts.*.recording.role_arn"},
	{key: "accounts.*.recording.mode"},
	{key: "accounts.*.recording.endpoint"},
	{key: "accounts.*.recording.path_style"},
	{key: "accounts.*.recording.read_role_arn"},
	{key: "accounts.*.recording.read_access_key_id", secret: true},
	{key: "accounts.*.recording.read_access_key_secret", secret: true},
	{key: "accounts.*.recording.queue"},
	{key: "accounts.*.recording.sweep"},

	{key: "download.folder"},
	{key: "download.template"},
	{key: "download.time_zone"},
	{key: "download.limit_rate"},
	{key: "download.files"},
	{key: "download.workers"},
	{key: "download.file_mode"},
	{key: "download.on_download"},
	{key: "download.on_failure"},
	{key: "download.parallel"},
	{key: "download.timeout"},

	{key: "tunnel.driver", flag: "--tunnel", tunnels: tunnelDrivers},
	{key: "tunnel.url", variable: "GREENROOM_RELAY_URL", tunnels: []string{"relay", "manual", "ssh", "exec", "sqs"}},
	{key: "tunnel.pattern", tunnels: []string{"ssh", "exec"}},
	{key: "tunnel.token", secret: true, variable: "GREENROOM_RELAY_TOKEN", tunnels: []string{"relay"}},
	{key: "tunnel.ca_file", tunnels: []string{"relay"}},
	{key: "tunnel.window", tunnels: []string{"relay", "sqs"}},
	{key: "tunnel.ssh_host", tunnels: []string{"ssh"}},
	{key: "tunnel.ssh_user", tunnels: []string{"ssh"}},
	{key: "tunnel.ssh_key_file", tunnels: []string{"ssh"}},
	{key: "tunnel.ssh_known_hosts", tunnels: []string{"ssh"}},
	{key: "tunnel.ssh_bind", tunnels: []string{"ssh"}},
	{key: "tunnel.authtoken", secret: true, tunnels: []string{"ngrok"}},
	{key: "tunnel.domain", tunnels: []string{"ngrok"}},
	{key: "tunnel.command", tunnels: programs},
	{key: "tunnel.queue", tunnels: []string{"sqs"}},
	{key: "tunnel.region", tunnels: []string{"sqs"}},
	{key: "tunnel.endpoint", tunnels: []string{"sqs"}},

	{key: "forward.*.name"},
	{key: "forward.*.url"},
	{key: "forward.*.filter"},
	{key: "forward.*.resign", secret: true},
	{key: "forward.*.insecure"},
	{key: "forward.*.ca"},
	{key: "forward.*.from"},

	{key: "notify.*.on"},
	{key: "notify.*.run"},
}

// Keys lists all keys, with a star for a name of the user's choice and for the number of a table in an array.
func Keys() []string { return under("") }

// under lists the keys that begin with a prefix, without it.
func under(prefix string) (keys []string) {
	for _, r := range rows {
		if k, ok := strings.CutPrefix(r.key, prefix); ok {
			keys = append(keys, k)
		}
	}
	return keys
}

// rowOf finds the row of a path.
func rowOf(path []string) (row, bool) {
	for _, r := range rows {
		parts := strings.Split(r.key, ".")
		if slices.EqualFunc(parts, path, func(part, p string) bool { return part == p || part == "*" }) {
			return r, true
		}
	}
	return row{}, false
}

// listed reports whether a key is an array of tables.
func listed(key string) bool { return key != accountsTable && len(under(key+".*.")) > 0 }

const accountsTable = "accounts"

// known reports whether a path names a setting.
func (r *reader) known(path []string) bool {
	_, ok := rowOf(path)
	return ok || slices.Contains(r.modeKeys(), dotted(path))
}

// modeKeys are the keys that set the recording mode of all of a platform's accounts.
func (r *reader) modeKeys() (keys []string) {
	for _, d := range r.opts.Drivers {
		if has(d, "recording.mode") {
			keys = append(keys, modeKey(d))
		}
	}
	return keys
}

// suggestion finds the path that a misspelt one may have meant.
func (r *reader) suggestion(path []string) string {
	if keys := under(path[0] + ".*."); len(path) >= 3 && len(keys) > 0 {
		near := closest(dotted(path[2:]), keys)
		if near != "" && !listed(path[0]) {
			return dotted(path[:2]) + "." + near
		}
		return near
	}
	plain := slices.DeleteFunc(Keys(), func(k string) bool { return strings.Contains(k, "*") })
	return closest(dotted(path), slices.Concat(plain, r.modeKeys()))
}

// variable is one variable of the environment that sets one key.
type variable struct {
	name, key string
}

// secret reports whether the variable holds a secret.
func (v variable) secret() bool {
	r, _ := rowOf(strings.Split(v.key, "."))
	return r.secret
}

// variables lists the variables that set keys. A platform's variables set the account that is named like it.
func variables(drivers []provider.Driver) (all []variable) {
	for _, r := range rows {
		if r.variable != "" && r.tunnels == nil {
			all = append(all, variable{r.variable, r.key})
		}
	}
	for _, d := range drivers {
		for _, v := range d.Variables {
			all = append(all, variable{v.Name, "accounts." + string(d.Platform) + "." + v.Key})
		}
	}
	return all
}

// relayVariables set the relay's keys, and choose it when nothing else is chosen. Another driver has no use for them.
func relayVariables() (all []variable) {
	for _, r := range rows {
		if r.variable != "" && r.tunnels != nil {
			all = append(all, variable{r.variable, r.key})
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
	given := map[string]string{"--data-dir": r.opts.DataDir, "--addr": r.opts.Listen, "--theme": r.opts.Theme, "--tunnel": r.opts.Tunnel}
	for _, row := range rows {
		text := given[row.flag]
		if text == "" {
			continue
		}
		if was, set := r.values[row.key]; set {
			r.covered[row.key] = was
		}
		r.values[row.key] = value{raw: text, from: Origin{Kind: FromFlag, Name: row.flag}}
	}
}
