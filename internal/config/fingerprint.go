package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Fingerprint returns 16 hexadecimal digits of a hash over the settings that affect the store: accounts with their secrets, policy,
// limits. Programs that share a store compare their fingerprints and warn if they differ. The screen's settings and the origins of values
// are not part of it.
func (c *Config) Fingerprint() string {
	type plainAccount provider.Account // without String, so that nothing is left out
	facts := struct {
		Accounts  []plainAccount
		Unusable  []string `json:",omitempty"`
		Policy    Policy
		BodyLimit int64
		Retention Retention
		Fetch     map[string]Fetch
		Download  Download
		Lead      time.Duration
		HostName  string
		Forwards  []app.ForwardSpec `json:",omitempty"`
	}{Forwards: c.Forwards, Policy: c.Policy, BodyLimit: c.BodyLimit, Retention: c.Retention, Fetch: c.Fetch, Download: c.Download, Lead: c.Lead, HostName: c.HostName}
	for _, a := range c.Accounts {
		facts.Accounts = append(facts.Accounts, plainAccount(a))
	}
	for _, u := range c.Unusable {
		facts.Unusable = append(facts.Unusable, u.Name)
	}
	b, err := json.Marshal(facts)
	if err != nil {
		return "" // unreachable: the facts are plain data
	}
	sum := sha256.Sum256(append([]byte("greenroom configuration\n"), b...))
	return hex.EncodeToString(sum[:8])
}
