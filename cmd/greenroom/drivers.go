package main

import (
	"greenroom/provider"
	"greenroom/provider/daily"
	"greenroom/provider/whereby"
)

// drivers are the platforms of this build.
func drivers() []provider.Driver { return []provider.Driver{daily.Driver(), whereby.Driver()} }

// configurable are the platforms that a configuration may name: those of this build, and those to come, whose accounts are
// left out with a notice.
func configurable() []provider.Driver {
	return append(drivers(), provider.Driver{
		Platform: provider.LiveKit,
		Variables: []provider.Variable{
			{Name: "LIVEKIT_URL", Key: "api_url"},
			{Name: "LIVEKIT_API_KEY", Key: "api_key"},
			{Name: "LIVEKIT_API_SECRET", Key: "api_secret"},
		},
	})
}
