package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"greenroom/internal/config"
	"greenroom/tunnel/command"
)

// Every word that the configuration takes has its driver, which knows its own name.
func TestEveryTunnelHasItsDriver(t *testing.T) {
	for _, name := range config.TunnelDrivers() {
		d, err := openTunnelDriver(config.Tunnel{Driver: name}, "test")
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case name == config.NoTunnel && d == nil:
		case d == nil || d.Name() != name:
			t.Errorf("%s has the driver %v", name, d)
		}
	}
	if _, err := openTunnelDriver(config.Tunnel{Driver: "wormhole"}, "test"); err == nil {
		t.Error("there is a driver for what there isn't")
	}
}

func TestCertificatesOfTheTunnel(t *testing.T) {
	if c, err := tunnelTLS(config.Tunnel{}); c != nil || err != nil {
		t.Errorf("without a file: %v, %v", c, err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, file + ".missing"} {
		_, err := tunnelTLS(config.Tunnel{CAFile: path})
		if exitCode(err) != exitNotConfigured || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A driver that the configuration doesn't know can't be chosen, and one that isn't described isn't found.
func TestEveryTunnelIsConfiguredAndDescribed(t *testing.T) {
	doc, err := os.ReadFile("../../docs/tunnels.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Concat(command.Presets(), config.TunnelDrivers()) {
		if !slices.Contains(config.TunnelDrivers(), name) {
			t.Errorf("%s is a preset of tunnel/command, and not in internal/config/tunnel.go", name)
		}
		if name != config.NoTunnel && !strings.Contains(string(doc), "\n| `"+name+"` |") {
			t.Errorf("docs/tunnels.md has no row for %s", name)
		}
	}
}
