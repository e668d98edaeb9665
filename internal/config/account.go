package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"greenroom/provider"
)

var accountName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// CheckAccountName returns an error for a text that can't be the name of an account.
func CheckAccountName(name string) error {
	if !accountName.MatchString(name) {
		return fmt.Errorf("%q isn't a valid account name: use lower-case letters, digits and hyphens", name)
	}
	return nil
}

// accounts reads all accounts, those of the file first.
func (r *reader) accounts() {
	modes := map[provider.Platform]string{}
	for _, d := range r.opts.Drivers {
		if has(d, "recording.mode") {
			modes[d.Platform] = r.text(modeKey(d), "", oneOf(d.Modes...))
		}
	}
	defaults := map[provider.Platform]Origin{}
	r.cfg.Policy.DefaultAccounts = map[provider.Platform]string{}
	r.cfg.Fetch = map[string]Fetch{}
	for _, name := range r.order {
		before := len(r.errs)
		a, chosen, ok := r.oneAccount(name)
		fetch := Fetch{}
		if slices.Contains(r.platforms, string(a.Platform)) {
			fetch = r.fetching(a)
		}
		if wrong := r.setAside(before, func(e *Error) bool { return !e.all }); len(wrong) > 0 {
			r.cfg.Unusable = append(r.cfg.Unusable, Unusable{Name: name, Platform: a.Platform, Errors: wrong})
			r.cfg.note("Account %s can't be used: %s", name, r.cfg.Unusable[len(r.cfg.Unusable)-1].Reason())
		} else if !ok {
			continue
		} else {
			if a.Recording.Mode == "" {
				a.Recording.Mode = modes[a.Platform]
			}
			a.Recording.Endpoint, a.Recording.PathStyle = fetch.Endpoint, fetch.PathStyle
			r.cfg.Accounts = append(r.cfg.Accounts, a)
			r.cfg.Fetch[name] = fetch
		}
		at := r.values["accounts."+name+".default"].from
		if earlier, twice := defaults[a.Platform]; chosen && twice {
			r.fail(at, "accounts."+name+".default", fmt.Sprintf("is a second default account for %s", a.Platform),
				fmt.Sprintf("the other is at %s", earlier))
			continue
		}
		if chosen {
			defaults[a.Platform] = at
		}
		if _, exists := r.cfg.Policy.DefaultAccounts[a.Platform]; a.Platform != "" && (chosen || !exists) {
			r.cfg.Policy.DefaultAccounts[a.Platform] = name
		}
	}
}

// oneAccount reads an account. It is not ok if it is wrong, which is an error, or left out, which is a notice: it has no key, or its
// platform isn't in this build.
func (r *reader) oneAccount(name string) (a provider.Account, isDefault, ok bool) {
	at, before := r.firstOrigin(name), len(r.errs)
	key := func(k string) string { return "accounts." + name + "." + k }
	if !accountName.MatchString(name) {
		r.failAll(at, dotted([]string{"accounts", name}), "isn't a valid account name", "use lower-case letters, digits and hyphens")
		return a, false, false
	}
	a.Name = name
	if table, empty := r.empty[name]; empty && at == (Origin{}) {
		r.fail(table, "accounts."+name, "is an empty table", "set platform and api_key in it, or remove it")
		return a, false, false
	}
	implied := ""
	if _, known := r.driverOf(name); known {
		implied = name
	}
	a.Platform = provider.Platform(r.text(key("platform"), implied, func(s string) (string, string, string) {
		w := strings.ToLower(strings.TrimSpace(s))
		if _, known := r.driverOf(w); known {
			return w, "", "" // one that this build lacks is a notice below
		}
		return oneOf(r.platforms...)(s)
	}))
	if a.Platform == "" {
		if len(r.errs) == before {
			r.fail(at, "accounts."+name, "has no platform", fmt.Sprintf(`write platform = "%s"`, strings.Join(r.platforms, `" or "`)))
		}
		return a, false, false
	}
	if !slices.Contains(r.platforms, string(a.Platform)) {
		r.cfg.note("Account %s (%s) is ignored: %s is not in this build yet. It has %s.", name, at, a.Platform, strings.Join(r.platforms, " and "))
		return a, false, false
	}
	r.driver, _ = r.driverOf(string(a.Platform))
	for _, k := range []string{"api_key", "api_secret"} { // of a pair the second one is the secret
		if v, set := r.values[key(k)]; set {
			r.cfg.KeyFrom[name] = v.place()
		}
	}
	r.account, r.isDefault = &a, false
	r.read(name, func(row row) bool {
		k, ours := strings.CutPrefix(row.key, "accounts.*.")
		return ours && !row.fetching && (!row.some || has(r.driver, k))
	})
	if a.WebhookSignature == "standard" {
		a.WebhookSignature = ""
	}
	if r.driver.SignsWithKey && a.WebhookSecret == "" {
		a.WebhookSecret = a.APISecret
	}
	isDefault = r.isDefault
	if a.APIKey == "" {
		if len(r.errs) == before {
			r.cfg.note("Account %s (%s) is skipped because it has no API key: set %s.", name, at, r.keyHint(name, r.driver))
		}
		return a, isDefault, false
	}
	return a, isDefault, len(r.errs) == before
}

func (r *reader) apiSecret(key string) {
	if _, set := r.values[key]; set {
		r.account.APISecret = r.secret(key)
	}
}

func (r *reader) apiURL(key string) {
	alias := strings.TrimSuffix(key, "api_url") + "url"
	r.account.APIURL = r.text(r.either(key, alias), "", apiURL(r.driver))
}

func (r *reader) recordingMode(key string) {
	r.account.Recording.Mode = r.text(key, "", oneOf(r.driver.Modes...))
}

// firstOrigin returns the first place that mentions the account.
func (r *reader) firstOrigin(name string) Origin {
	best, found := Origin{}, false
	for _, k := range under("accounts.*.") {
		v, ok := r.values["accounts."+dotted([]string{name})+"."+k]
		if ok && (!found || v.from.Kind < best.Kind || v.from.Kind == best.Kind && v.from.Line < best.Line) {
			best, found = v.from, true
		}
	}
	return best
}

func (r *reader) keyHint(name string, d provider.Driver) string {
	own := fmt.Sprintf("api_key under [accounts.%s]", name)
	if variable := d.Variable("api_key"); variable != "" && name == string(d.Platform) {
		return variable + ", or " + own
	}
	return own
}

func (r *reader) policy() {
	p := &r.cfg.Policy
	_, p.MigrationSet = r.values["migration.enabled"]
	p.MigrationEnabled = r.boolean("migration.enabled", false)
	p.MigrationRooms = r.texts("migration.rooms", `["all-hands", "7f3c…"]`)
	p.DefaultPlatform = provider.Platform(r.text("default_platform", "", oneOf(r.platforms...)))
}

// driverOf finds the driver of a platform that can be configured, in this build or not.
func (r *reader) driverOf(platform string) (provider.Driver, bool) {
	for _, d := range r.opts.Drivers {
		if string(d.Platform) == platform {
			return d, true
		}
	}
	return provider.Driver{}, false
}

// has reports whether a platform's accounts have a key that not all platforms have.
func has(d provider.Driver, key string) bool { return slices.Contains(d.Settings, key) }

// modeKey is the general key that sets the recording mode of all of a platform's accounts.
func modeKey(d provider.Driver) string { return string(d.Platform) + ".recording" }

// either returns which of two keys with the same meaning is set, the first if none is. Setting both is an error.
func (r *reader) either(key, alias string) string {
	v, set := r.values[alias]
	if !set {
		return key
	}
	if _, both := r.values[key]; both {
		r.fail(v.from, alias, "means the same as "+key, "remove one of them")
		return key
	}
	return alias
}

// joinURL accepts the address of a page where people join.
func joinURL(s string) (string, string, string) {
	if !strings.Contains(s, "{token}") {
		return "", "has no {token}", `write it like "https://meet.example/?url={url}&token={token}"`
	}
	return s, "", ""
}
