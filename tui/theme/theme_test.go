package theme

import (
	"image/color"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
)

// colour matches a foreground or a background.
var colour = regexp.MustCompile(`(\[|;)([34]|9|10)[0-9]`)

func inks(s *Styles) map[string]Ink {
	out := map[string]Ink{}
	v := reflect.ValueOf(*s)
	for i := range v.NumField() {
		if k, ok := v.Field(i).Interface().(Ink); ok {
			out[v.Type().Field(i).Name] = k
		}
	}
	return out
}

func TestWithoutColourThereIsNone(t *testing.T) {
	for _, p := range []colorprofile.Profile{colorprofile.ASCII, colorprofile.NoTTY} {
		for name, k := range inks(New(Options{Profile: p})) {
			if k.fg != nil || k.bg != nil || colour.MatchString(k.open) {
				t.Errorf("%s has colour: %q", name, k.open)
			}
		}
	}
	if New(Options{Profile: colorprofile.ASCII}).TabOn.open == "" {
		t.Error("the open tab looks like the others without colour")
	}
}

func TestSixteenColoursAreTheTerminalsOwn(t *testing.T) {
	for _, light := range []bool{false, true} {
		for name, k := range inks(New(Options{Light: light, Profile: colorprofile.ANSI})) {
			if strings.Contains(k.open, "38;") || strings.Contains(k.open, "48;") {
				t.Errorf("%s: %q", name, k.open)
			}
		}
	}
}

func TestLightAndDarkDiffer(t *testing.T) {
	dark, light := New(Options{Profile: colorprofile.TrueColor}), New(Options{Light: true, Profile: colorprofile.TrueColor})
	for _, name := range []string{"Text", "Muted", "Accent", "Bad", "Selected"} {
		if inks(dark)[name].open == inks(light)[name].open {
			t.Errorf("%s is the same on light and dark", name)
		}
	}
}

func TestInk(t *testing.T) {
	k := New(Options{Profile: colorprofile.TrueColor}).Strong
	if got := k.Render("x"); ansi.Strip(got) != "x" || !strings.HasSuffix(got, reset) {
		t.Errorf("%q", got)
	}
	if k.Render("") != "" || (Ink{}).Render("x") != "x" || (Ink{}).Over("x") != "x" {
		t.Error("nothing was inked")
	}
	row := New(Options{Profile: colorprofile.TrueColor}).Selected
	got := row.Over("a" + k.Render("b") + "c")
	if strings.Count(got, row.open) != 2 || ansi.Strip(got) != "abc" {
		t.Errorf("the selection does not lie under the whole row: %q", got)
	}
	if !k.Style().GetBold() {
		t.Error("the style for components lost its weight")
	}
}

// luminance is the relative one of WCAG 2.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	linear := func(v uint32) float64 {
		if s := float64(v) / 0xffff; s > 0.04045 {
			return math.Pow((s+0.055)/1.055, 2.4)
		} else {
			return s / 12.92
		}
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

// Whatever is drawn differs from what is under it by 4.5:1, WCAG's level AA, and in high contrast by 7:1, its level AAA. Of the
// other themes, borders carry no meaning.
func TestContrast(t *testing.T) {
	for _, o := range []Options{{}, {Light: true}, {Contrast: true}, {Contrast: true, Light: true}} {
		for _, profile := range []colorprofile.Profile{colorprofile.TrueColor, colorprofile.ANSI256} {
			o.Profile = profile
			s := New(o)
			grounds, least := []color.Color{color.Black, lipgloss.Color("#1e1e1e")}, 4.5
			if o.Light {
				grounds = []color.Color{color.White}
			}
			if o.Contrast {
				grounds, least = grounds[:1], 7
			}
			for name, k := range inks(s) {
				under := grounds
				switch {
				case k.bg != nil:
					under = []color.Color{k.bg}
				case name == "Border" && !o.Contrast:
					continue
				case name != "Button": // may be in a selected row
					under = append(slices.Clone(under), s.Selected.bg, s.Chosen.bg)
				}
				for _, bg := range under {
					if k.fg == nil {
						continue
					}
					a, b := luminance(k.fg), luminance(bg)
					if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < least {
						t.Errorf("%+v, %s on %v: %.1f:1", o, name, bg, ratio)
					}
				}
			}
		}
	}
	for name, k := range inks(New(Options{Contrast: true, Profile: colorprofile.ANSI})) {
		if strings.Contains(k.open, "38;") || strings.Contains(k.open, "48;") || strings.Contains(k.open, "\x1b[90") {
			t.Errorf("%s isn't one of the bright sixteen: %q", name, k.open)
		}
	}
}
