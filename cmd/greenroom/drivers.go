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

// driverOf returns the driver of a platform, or the zero value if it isn't in this build.
func driverOf(p provider.Platform) provider.Driver {
	for _, d := range drivers() {
		if d.Platform == p {
			return d
		}
	}
	return provider.Driver{}
}
