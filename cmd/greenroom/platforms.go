package main

import (
	"strings"

	"greenroom/provider"
)

// platformTitles are this build's platforms in a sentence: "Daily and Whereby".
func platformTitles() string {
	var titles []string
	for _, d := range drivers() {
		titles = append(titles, d.Platform.Title())
	}
	return enumerate(titles)
}

// webhookPaths are the listener's further paths for webhooks in a sentence, empty where there are none.
func webhookPaths() string {
	var paths []string
	for _, d := range drivers() {
		paths = append(paths, d.WebhookPaths...)
	}
	return enumerate(paths)
}

// accountHelp lists the variables that make an account, a platform a line.
func accountHelp() []string {
	var lines []string
	for _, d := range drivers() {
		lines = append(lines, strings.Join(d.Credentials(), ", "))
	}
	return lines
}

// howToListen says what to set so that webhooks can be received and verified.
func howToListen() string {
	var ways []string
	for _, d := range drivers() {
		ways = append(ways, enumerate(d.Credentials()))
	}
	return "set " + strings.Join(ways, ", or ")
}

// howToConfigure says how to add an account.
func howToConfigure() string { return provider.HowToConfigure(drivers()) }
