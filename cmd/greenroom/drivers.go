package main

import (
	"greenroom/provider"
	"greenroom/provider/daily"
	"greenroom/provider/livekit"
	"greenroom/provider/whereby"
)

// drivers are the platforms of this build.
func drivers() []provider.Driver {
	return []provider.Driver{daily.Driver(), whereby.Driver(), livekit.Driver()}
}
