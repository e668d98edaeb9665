package hub

import (
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
	note := func(what app.Ability, can bool) {
		if can {
			return
		}
		if a.Unusable != nil {
			out[what] = a.Unusable.Text
			return
		}
		if out[what] = a.whyNot(what); out[what] == "" {
			out[what] = fmt.Sprintf("%s cannot do this", a.Platform)
		}
	}
	p := a.Provider
	_, can := p.(provider.Recorder)
	note(app.AbilityRecord, can)
	_, can = p.(provider.Ejector)
	note(app.AbilityEject, can)
	_, can = p.(provider.Muter)
	note(app.AbilityMute, can)
	_, can = p.(provider.LogoUploader)
	note(app.AbilityLogo, can)
	_, can = p.(provider.RoomLister)
	note(app.AbilityAdopt, can)
	_, can = p.(provider.RoomKeeper)
	note(app.AbilityLasting, can)
	_, can = p.(provider.Historian)
	note(app.AbilityHistory, can)
	_, can = p.(provider.RecordingLister)
	note(app.AbilityRecordings, can)
	_, can = p.(provider.FileLinker)
	note(app.AbilityDownload, can || a.Recording.Bucket != "" && a.Unusable == nil)
	_, can = p.(provider.RecordingDeleter)
	note(app.AbilityDeleteRecording, can)
	return out
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
	app.AbilityRecordings: "list its recordings", app.AbilityDownload: "hand out its recordings",
	app.AbilityDeleteRecording: "delete a recording from here", app.AbilityLasting: "keep one room for all meetings",
}
