package hub

import (
	"cmp"
	"fmt"

	"greenroom/internal/app"
	"greenroom/provider"
)

// whyNot is the provider's own reason for lacking an ability; empty where it has none.
func (a *account) whyNot(what app.Ability) string {
	if e, ok := a.Provider.(provider.Explainer); ok {
		return e.WhyNot(what)
	}
	return ""
}

// reasons lists what an account cannot do, with the reason.
func reasons(a *account) map[app.Ability]string {
	out := make(map[app.Ability]string)
	p := a.Provider
	for what, can := range map[app.Ability]bool{
		app.AbilityRecord: is[provider.Recorder](p), app.AbilityEject: is[provider.Ejector](p), app.AbilityMute: is[provider.Muter](p),
		app.AbilityLogo: is[provider.LogoUploader](p), app.AbilityAdopt: is[provider.RoomLister](p), app.AbilityLasting: is[provider.RoomKeeper](p),
		app.AbilityHistory: is[provider.Historian](p), app.AbilityRecordings: is[provider.RecordingLister](p),
		app.AbilityDownload:        is[provider.FileLinker](p) || a.Recording.Bucket != "" && a.Unusable == nil,
		app.AbilityDeleteRecording: is[provider.RecordingDeleter](p),
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

// cannot is the error of asking for what an account lacks.
func cannot(a *account, what app.Ability) error {
	return &app.Error{
		Kind: provider.Unsupported, Text: fmt.Sprintf("%s cannot %s", a.Name, verbs[what]), Hint: reasons(a)[what],
	}
}

var verbs = map[app.Ability]string{
	app.AbilityRecord: "start or stop a recording from here", app.AbilityEject: "remove one person", app.AbilityMute: "mute one person",
	app.AbilityLogo: "show a logo", app.AbilityAdopt: "list its rooms", app.AbilityHistory: "show its history",
	app.AbilityRecordings: "list its recordings", app.AbilityDownload: "give links to its recordings",
	app.AbilityDeleteRecording: "delete a recording from here", app.AbilityLasting: "keep one room for all meetings",
}
