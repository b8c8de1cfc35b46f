package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

// report is what one run saw. Durations are in milliseconds.
type report struct {
	Answers     int     `json:"answers"`
	Failures    int     `json:"failures"`
	Failure     string  `json:"failure"`
	Seconds     float64 `json:"seconds"`
	P50         float64 `json:"p50_ms"`
	P99         float64 `json:"p99_ms"`
	LongestLive float64 `json:"longest_live_ms"`
}

// load is a number of clients, each of which asks for one answer after the other.
type load struct {
	url     string
	body    []byte
	events  int
	stop    time.Time
	client  *http.Client
	mutex   sync.Mutex
	elapsed []time.Duration
	failed  []error
}

func run(arguments []string) error {
	flags := flag.NewFlagSet("run", flag.ExitOnError)
	url := flags.String("url", "", "where to post the requests")
	live := flags.String("live", "", "a URL to get every 10 ms meanwhile")
	clients := flags.Int("clients", 1, "requests in flight")
	chunks := flags.Int("chunks", 32, "pieces of text of a streamed answer; 0 asks for a whole one")
	pause := flags.Int("pause", 0, "milliseconds before each piece")
	seconds := flags.Float64("seconds", 3, "no request starts after this time")
	ramp := flags.Float64("ramp", 0, "seconds over which the clients begin")
	timeout := flags.Duration("timeout", time.Minute, "for one answer")
	flags.Parse(arguments)

	transport := &http.Transport{MaxIdleConnsPerHost: *clients, DisableCompression: true}
	all := &load{
		url:    *url,
		body:   requestBody(*chunks, *pause),
		events: *chunks,
		client: &http.Client{Transport: transport, Timeout: *timeout},
	}
	started := time.Now()
	all.stop = started.Add(time.Duration(*seconds * float64(time.Second)))
	done := make(chan struct{})
	longest := make(chan time.Duration)
	go func() { longest <- longestLive(*live, done) }()
	var group sync.WaitGroup
	for number := range *clients {
		delay := *ramp * float64(number) / float64(*clients) * float64(time.Second)
		group.Go(func() {
			time.Sleep(time.Duration(delay))
			all.ask()
		})
	}
	group.Wait()
	close(done)
	result := all.report(time.Since(started))
	result.LongestLive = milliseconds(<-longest)
	return json.NewEncoder(os.Stdout).Encode(result)
}

func requestBody(chunks, pause int) []byte {
	format := `{"model":"m","messages":[{"role":"user","content":"chunks=%d pause=%dms"}],"stream":%t}`
	return fmt.Appendf(nil, format, chunks, pause, chunks > 0)
}

// ask asks at least once, until it is time to stop or an answer is wrong.
func (l *load) ask() {
	for {
		started := time.Now()
		err := l.askOnce()
		elapsed := time.Since(started)
		l.mutex.Lock()
		if err == nil {
			l.elapsed = append(l.elapsed, elapsed)
		} else {
			l.failed = append(l.failed, err)
		}
		l.mutex.Unlock()
		if err != nil || time.Now().After(l.stop) {
			return
		}
	}
}

func (l *load) askOnce() error {
	request, _ := http.NewRequest("POST", l.url, bytes.NewReader(l.body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer none")
	response, err := l.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != 200 {
		return fmt.Errorf("status %d: %.200s", response.StatusCode, data)
	}
	if l.events == 0 {
		return nil
	}
	// An answer counts only if all pieces have arrived, and the stream ended as a complete one does.
	if found := bytes.Count(data, []byte(" delta ")); found != l.events {
		return fmt.Errorf("%d pieces of %d: %.200s", found, l.events, data)
	}
	if !bytes.HasSuffix(data, []byte("data: [DONE]\n\n")) {
		return fmt.Errorf("the stream ended with %q", data[max(0, len(data)-80):])
	}
	return nil
}

func (l *load) report(seconds time.Duration) report {
	result := report{Answers: len(l.elapsed), Failures: len(l.failed), Seconds: seconds.Seconds()}
	if len(l.failed) > 0 {
		result.Failure = l.failed[0].Error()
	}
	if len(l.elapsed) > 0 {
		slices.Sort(l.elapsed)
		result.P50 = milliseconds(l.elapsed[len(l.elapsed)/2])
		result.P99 = milliseconds(l.elapsed[len(l.elapsed)*99/100])
	}
	return result
}

// longestLive is the longest time that the URL took to answer. A server that is busy with one
// thing for that long does nothing else meanwhile.
func longestLive(url string, done <-chan struct{}) time.Duration {
	if url == "" {
		return 0
	}
	longest := time.Duration(0)
	for {
		select {
		case <-done:
			return longest
		case <-time.After(10 * time.Millisecond):
		}
		started := time.Now()
		if response, err := http.Get(url); err == nil {
			io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		longest = max(longest, time.Since(started))
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
