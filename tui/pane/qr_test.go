package pane

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/colorprofile"
	"rsc.io/qr"

	"greenroom/tui/theme"
)

// A square that is light on a reader's side is light whatever the terminal looks like.
func TestTheCodeIsNeverInverted(t *testing.T) {
	code, err := qr.Encode("x", qr.L)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		light   bool
		profile colorprofile.Profile
		margin  string
	}{
		{false, colorprofile.ASCII, "█"}, {true, colorprofile.ASCII, " "},
		{false, colorprofile.TrueColor, "█"}, {true, colorprofile.TrueColor, "█"},
	} {
		t.Run(fmt.Sprint(c.light, c.profile), func(t *testing.T) {
			s := &Screen{Look: theme.Options{Light: c.light, Profile: c.profile}}
			s.Restyle(false)
			if got := s.qrLines(code, s.Styles, qrQuiet)[0]; !strings.Contains(got, strings.Repeat(c.margin, code.Size+2*qrQuiet)) {
				t.Errorf("the margin is %q", got)
			}
		})
	}
}
