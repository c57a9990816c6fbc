package crash

import (
	"fmt"
	"net/http"
	"sort"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

type timed struct{ next http.RoundTripper }

var (
	tmu  sync.Mutex
	tsum = map[string]time.Duration{}
	tn   = map[string]int{}
)

func (x timed) RoundTrip(r *http.Request) (*http.Response, error) {
	t := time.Now()
	a, b := x.next.RoundTrip(r)
	k := r.Method + " " + names.ReplaceAllString(r.URL.Path, "")
	if r.URL.Query().Get("dryRun") != "" {
		k = "DRY " + k
	}
	tmu.Lock()
	tsum[k] += time.Since(t)
	tn[k]++
	tmu.Unlock()
	return a, b
}

func TestH4Timing(t *testing.T) {
	_ = rest.Config{}
	old := cluster.Config.WrapTransport
	cluster.Config.WrapTransport = func(n http.RoundTripper) http.RoundTripper { return timed{n} }
	defer func() { cluster.Config.WrapTransport = old }()
	s := scenarios[0]
	start := time.Now()
	for range 3 {
		uncut(t, s)
	}
	total := time.Since(start)
	var ks []string
	var sum time.Duration
	n := 0
	for k := range tn {
		ks = append(ks, k)
		sum += tsum[k]
		n += tn[k]
	}
	sort.Slice(ks, func(i, j int) bool { return tsum[ks[i]] > tsum[ks[j]] })
	for _, k := range ks {
		fmt.Printf("%-120s n=%4d avg=%v sum=%v\n", k, tn[k]/3, tsum[k]/time.Duration(tn[k]), tsum[k]/3)
	}
	fmt.Println("total per run", total/3, "requests", n/3, sum/3)
}
