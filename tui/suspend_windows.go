package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"greenroom/internal/crash"
)

// jobs is the job control of the shell. Windows has none.
type jobs struct{}

func newJobs() *jobs { return nil }

func (j *jobs) watch(context.Context, *crash.Group, func(tea.Msg)) {}

func (j *jobs) why() string { return whyNoJobs }

func (j *jobs) stop(context.Context, bool) error { return nil }

// whyNoJobs is shown where there is no job control.
const whyNoJobs = "Windows has no way to suspend a program"
