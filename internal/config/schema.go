package config

import (
	"slices"
	"strings"
	"time"

	"greenroom/provider"
)

// row describes one key of the configuration.
type row struct {
	// key is the path. A star is a name that the user chooses, or the number of a table in an array.
	key string
	// read reads the value, with its default and its check, into the Config. It is nil for keys that are read together with others.
	read reading
	// secret marks values that are never shown, and whose variables programs don't inherit.
	secret bool
	// variable and flag also set the key. The variables under tunnel are for the relay only.
	variable, flag string
	// tunnels are the drivers that use a key under tunnel.
	tunnels []string
	// some marks a key that only accounts of some platforms have, fetching one for reading an account's recordings.
	some, fetching bool
}

// rows are all keys, in the order in which they are read and shown. Platforms with recording modes add theirs: see [modeKey].
var rows = []row{
	{key: "data_dir", read: (*reader).dataDir, variable: "GREENROOM_DATA_DIR", flag: "--data-dir"},
	{key: "listen", read: text(func(r *reader) *string { return &r.cfg.Listen }, "127.0.0.1:7070", address), flag: "--addr"},
	{key: "body_limit", read: size(func(r *reader) *int64 { return &r.cfg.BodyLimit }, 1<<20, 1<<10, 25<<20)},
	{key: "retention.size", read: size(func(r *reader) *int64 { return &r.cfg.Retention.Bytes }, 2<<30, 1<<20, 1<<50)},
	{key: "retention.age", read: span(func(r *reader) *time.Duration { return &r.cfg.Retention.Age }, "30d", time.Hour, forever,
		"isn't an age of at least an hour", `write it like "30d" or "12h"`)},
	{key: "lead", read: span(func(r *reader) *time.Duration { return &r.cfg.Lead }, "10m", time.Minute, 24*time.Hour,
		"isn't a duration from a minute to a day", `write it like "10m"`)},
	{key: "host_name", read: text(func(r *reader) *string { return &r.cfg.HostName }, "", hostName)},
	{key: "theme", read: text(func(r *reader) *string { return &r.cfg.Theme }, "auto", oneOf(themes...)), flag: "--theme"},
	{key: "mouse", read: truth(func(r *reader) *bool { return &r.cfg.Mouse }, true)},
	{key: "keys.*", read: (*reader).boundKeys},

	{key: "download.folder", read: (*reader).downloadFolder},
	{key: "download.template", read: text(func(r *reader) *string { return &r.cfg.Download.Template }, "{room}/{date}-{time}-{room}-{id}.{ext}", nil)},
	{key: "download.time_zone", read: text(func(r *reader) *string { return &r.cfg.Download.TimeZone }, "", timeZone)},
	{key: "download.limit_rate", read: (*reader).limitRate},
	{key: "download.files", read: number(func(r *reader) *int { return &r.cfg.Download.Files }, 2, 1, 16)},
	{key: "download.workers", read: number(func(r *reader) *int { return &r.cfg.Download.Workers }, 4, 1, 16)},
	{key: "download.file_mode", read: (*reader).fileMode},
	{key: "download.on_download", read: program(func(r *reader) *[]string { return &r.cfg.Download.OnDownload }, `["whisper", "{path}"]`)},
	{key: "download.on_failure", read: program(func(r *reader) *[]string { return &r.cfg.Download.OnFailure },
		`["notify-send", "Greenroom", "A recording failed"]`)},
	{key: "download.parallel", read: number(func(r *reader) *int { return &r.cfg.Download.Parallel }, 2, 1, 64)},
	{key: "download.timeout", read: span(func(r *reader) *time.Duration { return &r.cfg.Download.Timeout }, "6h", time.Second, forever,
		"isn't a duration of at least a second", `write it like "6h", or "off"`)},

	// The platforms' drivers define the variables of accounts.
	{key: "accounts.*.platform"},
	{key: "accounts.*.api_key", read: secret(func(r *reader) *string { return &r.account.APIKey }), secret: true},
	{key: "accounts.*.api_secret", read: (*reader).apiSecret, secret: true},
	{key: "accounts.*.api_url", read: (*reader).apiURL},
	{key: "accounts.*.url"},
	{key: "accounts.*.webhook_secret", read: secret(func(r *reader) *string { return &r.account.WebhookSecret }), secret: true},
	{key: "accounts.*.join_url", read: text(func(r *reader) *string { return &r.account.JoinURL }, "", joinURL), some: true},
	{key: "accounts.*.subdomain", read: text(func(r *reader) *string { return &r.account.Subdomain }, "", nil)},
	{key: "accounts.*.signature", read: text(func(r *reader) *string { return &r.account.WebhookSignature }, "", oneOf("", "standard", "simple")), some: true},
	{key: "accounts.*.default", read: truth(func(r *reader) *bool { return &r.isDefault }, false)},
	{key: "accounts.*.recording.bucket", read: text(func(r *reader) *string { return &r.account.Recording.Bucket }, "", nil)},
	{key: "accounts.*.recording.role_arn", read: text(func(r *reader) *string { return &r.account.Recording.RoleARN }, "", roleARN), some: true},
	{key: "accounts.*.recording.mode", read: (*reader).recordingMode, some: true},
	{key: "accounts.*.recording.access_key_id", read: secret(func(r *reader) *string { return &r.account.Recording.AccessKeyID }), secret: true},
	{key: "accounts.*.recording.access_key_secret", read: secret(func(r *reader) *string { return &r.account.Recording.AccessKeySecret }), secret: true},
	{key: "accounts.*.recording.region", read: text(func(r *reader) *string { return &r.account.Recording.Region }, "us-west-2", nil)},
	{key: "accounts.*.auto_download", read: truth(func(r *reader) *bool { return &r.fetch.AutoDownload }, false), fetching: true},
	{key: "accounts.*.delete_after", read: truth(func(r *reader) *bool { return &r.fetch.DeleteAfter }, false), fetching: true},
	{key: "accounts.*.recording.endpoint", read: text(func(r *reader) *string { return &r.fetch.Endpoint }, "", endpointURL), fetching: true},
	{key: "accounts.*.recording.path_style", read: truth(func(r *reader) *bool { return &r.fetch.PathStyle }, false), fetching: true},
	{key: "accounts.*.recording.read_role_arn", read: text(func(r *reader) *string { return &r.fetch.ReadRole }, "", roleARN), fetching: true},
	{key: "accounts.*.recording.read_access_key_id", read: secret(func(r *reader) *string { return &r.fetch.ReadKeyID }), secret: true, fetching: true},
	{key: "accounts.*.recording.read_access_key_secret", read: (*reader).readKeySecret, secret: true, fetching: true},
	{key: "accounts.*.recording.queue", read: text(func(r *reader) *string { return &r.fetch.Queue }, "", queueURL), fetching: true},
	{key: "accounts.*.recording.sweep", read: (*reader).sweep, fetching: true},

	// The move of rooms from Whereby to Daily; see the hub's migration.
	{key: "migration.enabled", variable: "DAILY_MIGRATION_ENABLED"},
	{key: "migration.rooms", variable: "DAILY_MIGRATION_ROOM_IDS"},
	{key: "default_platform", variable: "DEFAULT_VIDEO_PLATFORM"},

	{key: "tunnel.driver", flag: "--tunnel", tunnels: tunnelDrivers},
	{key: "tunnel.url", read: tunnelURL(func(t *Tunnel) *string { return &t.URL }), variable: "GREENROOM_RELAY_URL",
		tunnels: []string{"relay", "manual", "ssh", "exec", "sqs"}},
	{key: "tunnel.pattern", read: tunnelText(func(t *Tunnel) *string { return &t.Pattern }, pattern), tunnels: []string{"ssh", "exec"}},
	{key: "tunnel.token", read: secret(func(r *reader) *string { return &r.cfg.Tunnel.Token }), secret: true, variable: "GREENROOM_RELAY_TOKEN",
		tunnels: []string{"relay"}},
	{key: "tunnel.ca_file", read: tunnelText(func(t *Tunnel) *string { return &t.CAFile }, anyPath), tunnels: []string{"relay"}},
	{key: "tunnel.window", read: number(func(r *reader) *int { return &r.cfg.Tunnel.Window }, 0, 1, 10_000), tunnels: []string{"relay", "sqs"}},
	{key: "tunnel.ssh_host", read: tunnelText(func(t *Tunnel) *string { return &t.SSHHost }, word), tunnels: []string{"ssh"}},
	{key: "tunnel.ssh_user", read: tunnelText(func(t *Tunnel) *string { return &t.SSHUser }, word), tunnels: []string{"ssh"}},
	{key: "tunnel.ssh_key_file", read: tunnelText(func(t *Tunnel) *string { return &t.SSHKeyFile }, anyPath), tunnels: []string{"ssh"}},
	{key: "tunnel.ssh_known_hosts", read: tunnelText(func(t *Tunnel) *string { return &t.SSHKnownHosts }, anyPath), tunnels: []string{"ssh"}},
	{key: "tunnel.ssh_bind", read: tunnelText(func(t *Tunnel) *string { return &t.SSHBind }, word), tunnels: []string{"ssh"}},
	{key: "tunnel.authtoken", read: secret(func(r *reader) *string { return &r.cfg.Tunnel.Authtoken }), secret: true, tunnels: []string{"ngrok"}},
	{key: "tunnel.domain", read: tunnelText(func(t *Tunnel) *string { return &t.Domain }, word), tunnels: []string{"ngrok"}},
	{key: "tunnel.command", read: (*reader).tunnelCommand, tunnels: programs},
	{key: "tunnel.queue", read: tunnelText(func(t *Tunnel) *string { return &t.Queue }, word), tunnels: []string{"sqs"}},
	{key: "tunnel.region", read: tunnelText(func(t *Tunnel) *string { return &t.Region }, word), tunnels: []string{"sqs"}},
	{key: "tunnel.endpoint", read: tunnelURL(func(t *Tunnel) *string { return &t.Endpoint }), tunnels: []string{"sqs"}},

	{key: "forward.*.name"},
	{key: "forward.*.url"},
	{key: "forward.*.filter"},
	{key: "forward.*.resign", secret: true},
	{key: "forward.*.insecure"},
	{key: "forward.*.ca"},
	{key: "forward.*.from"},

	{key: "bell"},
	{key: "desktop"},
	{key: "notify.*.on"},
	{key: "notify.*.run"},
}

// Keys lists all keys. A star is a name that the user chooses, or the number of a table in an array.
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

// variables lists the variables that set keys, except for those of accounts. Those of the relay choose it if nothing else is chosen;
// other tunnels don't use them.
func variables(relay bool) (all []variable) {
	for _, r := range rows {
		if r.variable != "" && (r.tunnels != nil) == relay {
			all = append(all, variable{r.variable, r.key})
		}
	}
	return all
}

// platformVariables lists the variables of platforms. They set the account that is named like the platform.
func platformVariables(drivers []provider.Driver) (all []variable) {
	for _, d := range drivers {
		for _, v := range d.Variables {
			all = append(all, variable{v.Name, "accounts." + string(d.Platform) + "." + v.Key})
		}
	}
	return all
}

// environment overrides values of the file with those of the environment. An empty variable counts as not set.
func (r *reader) environment() {
	for _, v := range r.cfg.variables {
		if text := r.opts.Getenv(v.name); text != "" {
			r.values[v.key] = value{raw: text, from: Origin{Kind: FromEnv, Name: v.name}}
		}
	}
	for _, d := range r.opts.Drivers {
		name := string(d.Platform)
		_, key := r.values["accounts."+name+".api_key"]
		_, secret := r.values["accounts."+name+".webhook_secret"]
		if (key || secret) && !slices.Contains(r.order, name) {
			r.order = append(r.order, name)
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
