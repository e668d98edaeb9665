package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// In releases, the compiler reads cmd/greenroom/listen.pgo, a profile of the listener under load, and optimizes the functions that take
// the most time there. It isn't named default.pgo, by which every test and run would compile most packages once more. An older profile does no harm where the code has changed since.

const (
	profileTime    = 20 * time.Second
	profileClients = 64
)

// profiler is a file of the program that profiles: it is added to the build alone.
const profiler = `package main

import (
	"os"
	"runtime/pprof"
	"time"
)

func init() {
	path := os.Getenv("PROFILE")
	after, _ := time.ParseDuration(os.Getenv("PROFILE_TIME"))
	f, err := os.Create(path + ".part")
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		panic(err)
	}
	time.AfterFunc(after, func() {
		pprof.StopCPUProfile()
		if f.Close() != nil || os.Rename(path+".part", path) != nil {
			panic("the profile could not be written")
		}
	})
}
`

// profile writes a profile of a listener under load to a file.
func (b *bench) profile(ctx context.Context, to string) (err error) {
	source, err := filepath.Abs("cmd/greenroom/profiler.go")
	if err != nil {
		return err
	}
	added, list := filepath.Join(b.dir, "profiler.go"), filepath.Join(b.dir, "overlay.json")
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {source: added}})
	if err != nil {
		return err
	}
	if err := errors.Join(os.WriteFile(added, []byte(profiler), 0o600), os.WriteFile(list, overlay, 0o600)); err != nil {
		return err
	}
	if err := b.build(ctx, "-pgo=off", "-overlay="+list); err != nil {
		return err
	}
	path := filepath.Join(b.dir, "profile")
	l, err := b.listener(ctx, b.binary, filepath.Join(b.dir, "profiled"), "PROFILE="+path, "PROFILE_TIME="+profileTime.String())
	if err != nil {
		return err
	}
	s := newSenders(l.url+hook, "p", profileClients)
	defer s.close()
	if err := s.round(ctx, profileTime+time.Second, &measured{}); err != nil {
		return err
	}
	profile, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("the listener wrote no profile: %w", err)
	}
	return os.WriteFile(to, profile, 0o644)
}
