package config

import (
	"fmt"
	"regexp"
	"slices"

	"greenroom/provider"
)

var accountName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// accounts reads every account, those of the file first.
func (r *reader) accounts() {
	mode := r.text("daily.recording", "", oneOf("raw-tracks", "cloud", "both"))
	defaults := map[provider.Platform]Origin{}
	r.cfg.Policy.DefaultAccounts = map[provider.Platform]string{}
	r.cfg.Fetch = map[string]Fetch{}
	for _, name := range r.order {
		a, chosen, ok := r.account(name)
		if !ok {
			continue
		}
		if a.Platform == provider.Daily && a.Recording.Mode == "" {
			a.Recording.Mode = mode
		}
		r.cfg.Accounts = append(r.cfg.Accounts, a)
		r.cfg.Fetch[name] = r.fetch(a)
		at := r.values["accounts."+name+".default"].from
		if earlier, twice := defaults[a.Platform]; chosen && twice {
			r.fail(at, "accounts."+name+".default", fmt.Sprintf("is a second default for %s", a.Platform),
				fmt.Sprintf("the other is at %s", earlier))
			continue
		}
		if chosen {
			defaults[a.Platform] = at
		}
		if _, taken := r.cfg.Policy.DefaultAccounts[a.Platform]; chosen || !taken {
			r.cfg.Policy.DefaultAccounts[a.Platform] = name
		}
	}
}

// account reads one. It is not ok when it is wrong, which is an error, or when it can't be used yet, which is a notice: no
// key, or a platform to come.
func (r *reader) account(name string) (a provider.Account, isDefault, ok bool) {
	at, before := r.firstOrigin(name), len(r.errs)
	key := func(k string) string { return "accounts." + name + "." + k }
	if !accountName.MatchString(name) {
		r.fail(at, dotted([]string{"accounts", name}), "isn't a name for an account", "use small letters, digits and hyphens")
		return a, false, false
	}
	a.Name = name
	known := []string{string(provider.Daily), string(provider.Whereby), string(provider.LiveKit)}
	implied := ""
	if slices.Contains(known, name) {
		implied = name
	}
	a.Platform = provider.Platform(r.text(key("platform"), implied, oneOf(known...)))
	if a.Platform == "" {
		if len(r.errs) == before {
			r.fail(at, "accounts."+name, "has no platform", `write platform = "daily" or "whereby"`)
		}
		return a, false, false
	}
	if !slices.Contains(r.platforms, a.Platform) {
		r.cfg.note("Account %s (%s) is ignored: %s is not in this build yet.", name, at, a.Platform)
		return a, false, false
	}
	a.APIKey = r.secret(key("api_key"))
	if _, set := r.values[key("api_secret")]; set {
		a.APISecret = r.secret(key("api_secret"))
	}
	a.APIURL = r.text(key("api_url"), "", apiURL)
	a.WebhookSecret = r.secret(key("webhook_secret"))
	a.Subdomain = r.text(key("subdomain"), "", nil)
	if a.Platform == provider.Daily {
		a.WebhookSignature = r.text(key("signature"), "", oneOf("", "standard", "simple"))
		if a.WebhookSignature == "standard" {
			a.WebhookSignature = ""
		}
	}
	isDefault, _ = r.boolean(key("default"), false)
	a.Recording = r.recording(a.Platform, key)
	if a.APIKey == "" {
		if len(r.errs) == before {
			r.cfg.note("Account %s (%s) is left out, because it has no API key: set %s.", name, at, r.keyHint(name, a.Platform))
		}
		return a, false, false
	}
	return a, isDefault, len(r.errs) == before
}

func (r *reader) recording(p provider.Platform, key func(string) string) provider.RecordingTarget {
	t := provider.RecordingTarget{Bucket: r.text(key("recording.bucket"), "", nil)}
	if p == provider.Daily {
		t.RoleARN = r.text(key("recording.role_arn"), "", roleARN)
		t.Mode = r.text(key("recording.mode"), "", oneOf("raw-tracks", "cloud", "both"))
	}
	t.AccessKeyID = r.secret(key("recording.access_key_id"))
	t.AccessKeySecret = r.secret(key("recording.access_key_secret"))
	t.Region = r.text(key("recording.region"), DefaultBucketRegion, nil)
	return t
}

// firstOrigin is the first place where the account is mentioned.
func (r *reader) firstOrigin(name string) Origin {
	best, found := Origin{}, false
	for _, k := range slices.Concat(accountKeys, fetchKeys) {
		v, ok := r.values["accounts."+dotted([]string{name})+"."+k]
		if ok && (!found || v.from.Kind < best.Kind || v.from.Kind == best.Kind && v.from.Line < best.Line) {
			best, found = v.from, true
		}
	}
	return best
}

func (r *reader) keyHint(name string, p provider.Platform) string {
	own := fmt.Sprintf("api_key under [accounts.%s]", name)
	if name == string(p) {
		return keyVariable(p) + ", or " + own
	}
	return own
}

func (r *reader) policy() {
	p := &r.cfg.Policy
	p.MigrationEnabled, p.MigrationSet = r.boolean("migration.enabled", false)
	p.MigrationRooms = r.texts("migration.rooms", `["all-hands", "7f3c…"]`)
	words := make([]string, 0, len(r.platforms))
	for _, platform := range r.platforms {
		words = append(words, string(platform))
	}
	p.DefaultPlatform = provider.Platform(r.text("default_platform", "", oneOf(words...)))
}
