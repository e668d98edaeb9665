package main

import (
	"strings"

	"greenroom/provider"
)

// fromDrivers collects texts from the drivers of all platforms.
func fromDrivers(texts func(provider.Driver) []string) (all []string) {
	for _, d := range drivers() {
		all = append(all, texts(d)...)
	}
	return all
}

// platformNames lists the names of this build's platforms in accounts.
func platformNames() []string {
	return fromDrivers(func(d provider.Driver) []string { return []string{string(d.Platform)} })
}

// platformTitles lists the titles of this build's platforms.
func platformTitles() []string {
	return fromDrivers(func(d provider.Driver) []string { return []string{d.Platform.Title()} })
}

// webhookPaths lists the listener's additional paths for webhooks in a sentence.
func webhookPaths() string {
	return enumerate(fromDrivers(func(d provider.Driver) []string { return d.WebhookPaths }))
}

// accountHelp lists the variables that define an account, one line per platform.
func accountHelp() []string {
	return fromDrivers(func(d provider.Driver) []string { return []string{strings.Join(d.Credentials(), ", ")} })
}

// howToListen returns a hint about the settings for receiving and verifying webhooks.
func howToListen() string {
	ways := fromDrivers(func(d provider.Driver) []string { return []string{enumerate(d.Credentials())} })
	return "set " + strings.Join(ways, ", or ")
}

// howToConfigure returns a hint about adding an account.
func howToConfigure() string { return provider.HowToConfigure(drivers()) }
