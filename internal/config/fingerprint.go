package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"greenroom/provider"
)

// Fingerprint identifies what decides how Greenroom treats its store: accounts with their secrets, policy, limits. Two
// programs that share a store compare theirs and say when they differ. Nothing can be read back from it: it is sixteen
// hexadecimal digits of a hash over all of it. How the screen looks is no part of it, nor where things came from.
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
		Forwards  []Forward `json:",omitempty"`
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
