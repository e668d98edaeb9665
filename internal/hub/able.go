package hub

import (
	"cmp"
	"fmt"

	"greenroom/internal/app"
	"greenroom/provider"
)

// whyNot returns the provider's own reason for a missing ability, empty for none.
func (a *account) whyNot(what provider.Ability) string {
	if e, ok := a.Provider.(provider.Explainer); ok {
		return e.WhyNot(what)
	}
	return ""
}

// reasons returns the reason for each missing ability of an account.
func reasons(a *account) map[provider.Ability]string {
	out := make(map[provider.Ability]string)
	p := a.Provider
	for what, can := range map[provider.Ability]bool{
		provider.AbilityRecord: is[provider.Recorder](p), provider.AbilityEject: is[provider.Ejector](p), provider.AbilityMute: is[provider.Muter](p),
		provider.AbilityLogo: is[provider.LogoUploader](p), provider.AbilityAdopt: is[provider.RoomLister](p), provider.AbilityLasting: is[provider.RoomKeeper](p),
		provider.AbilityHistory: is[provider.Historian](p), provider.AbilityRecordings: is[provider.RecordingLister](p),
		provider.AbilityDownload:        is[provider.FileLinker](p) || a.Recording.Bucket != "" && a.Unusable == nil,
		provider.AbilityDeleteRecording: is[provider.RecordingDeleter](p),
	} {
		switch {
		case can:
		case a.Unusable != nil:
			out[what] = a.Unusable.Text
		default:
			out[what] = cmp.Or(a.whyNot(what), fmt.Sprintf("%s cannot do this", a.Platform))
		}
	}
	return out
}

// is reports whether a provider has the ability of an interface.
func is[T any](p provider.Provider) bool {
	_, ok := p.(T)
	return ok
}

// cannot returns the error for a missing ability of an account.
func cannot(a *account, what provider.Ability) error {
	return app.Errorf(provider.Unsupported, reasons(a)[what], "%s cannot %s", a.Name, verbs[what])
}

var verbs = map[provider.Ability]string{
	provider.AbilityRecord: "start or stop a recording from here", provider.AbilityEject: "remove one person", provider.AbilityMute: "mute one person",
	provider.AbilityLogo: "show a logo", provider.AbilityAdopt: "list its rooms", provider.AbilityHistory: "show its history",
	provider.AbilityRecordings: "list its recordings", provider.AbilityDownload: "provide links to its recordings",
	provider.AbilityDeleteRecording: "delete a recording from here", provider.AbilityLasting: "keep one room for all meetings",
}
