package providertest

import (
	"slices"
	"testing"
	"time"
)

// Overhead reports, as overhead-%, what a call through a provider costs beside the barest equivalent call of the same server. The two
// alternate call by call, so that disturbances of the machine affect both, and medians are compared.
func Overhead(b *testing.B, bare, through func() error) {
	timed := func(call func() error, into *[]time.Duration) {
		began := time.Now()
		if err := call(); err != nil {
			b.Fatal(err)
		}
		*into = append(*into, time.Since(began))
	}
	var bares, throughs, warm []time.Duration
	for range 200 {
		timed(bare, &warm)
		timed(through, &warm)
	}
	n := 0
	for b.Loop() {
		if n++; n%2 == 0 {
			timed(bare, &bares)
			timed(through, &throughs)
		} else {
			timed(through, &throughs)
			timed(bare, &bares)
		}
	}
	was, is := median(bares), median(throughs)
	b.ReportMetric(float64(was.Nanoseconds()), "bare-ns")
	b.ReportMetric(float64(is.Nanoseconds()), "provider-ns")
	b.ReportMetric(100*(float64(is)/float64(was)-1), "overhead-%")
	b.ReportMetric(0, "ns/op")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
