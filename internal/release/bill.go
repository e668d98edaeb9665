package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

// bill writes the bill of materials of a program to out, in CycloneDX format. The same program has the same bill.
func bill(ctx context.Context, program, out string) error {
	cmd := exec.CommandContext(ctx, "cyclonedx-gomod", "bin", "-json", "-noserial", "-output", "-", program)
	cmd.Stderr = os.Stderr
	raw, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("cyclonedx-gomod: %w", err)
	}
	if raw, err = timeless(raw); err != nil {
		return fmt.Errorf("the bill of materials of %s: %w", program, err)
	}
	return os.WriteFile(out, raw, 0o644)
}

// timeless removes the values that differ between runs: the time, and the checksums of the tool, which each machine builds itself.
func timeless(raw []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var doc map[string]any
	if err := decoder.Decode(&doc); err != nil {
		return nil, err
	}
	meta, ok := doc["metadata"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("it has no metadata")
	}
	delete(meta, "timestamp")
	tools, _ := meta["tools"].([]any)
	for _, tool := range tools {
		if tool, ok := tool.(map[string]any); ok {
			delete(tool, "hashes")
		}
	}
	return json.MarshalIndent(doc, "", "  ")
}
