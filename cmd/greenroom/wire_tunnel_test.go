package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greenroom/internal/config"
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
