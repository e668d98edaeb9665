package peers

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browserTime limits a test with a browser.
const browserTime = 10 * time.Minute

// Browser starts a headless browser with a simulated camera and microphone, whose use is allowed, and returns the context of a tab.
// chromedp.NewContext of it is another tab. flags are additional flags of the command line, without hyphens.
//
// It is Debian's chromium, or any Chromium or Chrome in PATH.
func Browser(t testing.TB, flags map[string]any) context.Context {
	t.Helper()
	path := Find(t, "chromium", "chromium-browser", "google-chrome", "chrome")
	o := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("auto-accept-this-tab-capture", true), chromedp.Flag("auto-select-desktop-capture-source", "Entire screen"),
		// On a busy machine the renderer may be slow.
		chromedp.Flag("disable-hang-monitor", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-features", "Translate,MediaRouter,OptimizationHints,WebRtcHideLocalIpsWithMdns"))
	for name, value := range flags {
		o = append(o, chromedp.Flag(name, value))
	}
	ctx, cancel := context.WithTimeout(context.Background(), browserTime)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, o...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("the browser did not start: %v", err)
	}
	return ctx
}

// NodeModules returns the folder of the installed packages of a project of this module, or ends the test with [Missing].
func NodeModules(t testing.TB, project, one string) string {
	t.Helper()
	_, file, _, _ := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(file), "..", "..", filepath.FromSlash(project), "node_modules")
	if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(one))); err != nil {
		Missing(t, one+": run `npm ci --ignore-scripts` in "+project)
	}
	return dir
}
