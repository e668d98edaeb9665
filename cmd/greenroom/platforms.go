package main

import (
	"strings"

	"greenroom/provider"
)

// platformTitles lists this build's platforms in a sentence: "Daily and Whereby".
func platformTitles() string {
	var titles []string
	for _, d := range drivers() {
		titles = append(titles, d.Platform.Title())
	}
	return enumerate(titles)
}

// webhookPaths lists the listener's additional paths for webhooks in a sentence.
func webhookPaths() string {
	var paths []string
	for _, d := range drivers() {
		paths = append(paths, d.WebhookPaths...)
	}
	return enumerate(paths)
}

// accountHelp lists the variables that define an account, one line per platform.
func accountHelp() []string {
	var lines []string
	for _, d := range drivers() {
		lines = append(lines, strings.Join(d.Credentials(), ", "))
	}
	return lines
}

// howToListen returns a hint about the settings for receiving and verifying webhooks.
func howToListen() string {
	var ways []string
	for _, d := range drivers() {
		ways = append(ways, enumerate(d.Credentials()))
	}
	return "set " + strings.Join(ways, ", or ")
}

// howToConfigure returns a hint about adding an account.
func howToConfigure() string { return provider.HowToConfigure(drivers()) }
