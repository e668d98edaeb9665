package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// spent returns the processor time that a process has used, 0 if that isn't known.
func spent(pid int) (all time.Duration) {
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return 0
	}
	for _, t := range threads {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/schedstat", pid, t.Name()))
		if err != nil {
			continue // it has ended
		}
		first, _, _ := strings.Cut(string(b), " ")
		ns, err := strconv.ParseInt(first, 10, 64)
		if err == nil {
			all += time.Duration(ns)
		}
	}
	return all
}
