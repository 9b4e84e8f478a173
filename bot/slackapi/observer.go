package slackapi

import (
	"net/http"
	"time"
)

// Observer counts. Its methods are called by several goroutines and must return at once.
type Observer interface {
	// Called hears of a call that is over, by its method and the status of the answer; zero is none.
	Called(method string, status int, took time.Duration)
	// Acknowledged hears how long after its arrival an envelope was acknowledged.
	Acknowledged(took time.Duration)
	// Unreadable hears of an envelope that could not be decoded.
	Unreadable()
}

// nobody observes nothing.
type nobody struct{}

func (nobody) Called(string, int, time.Duration) {}
func (nobody) Acknowledged(time.Duration)        {}
func (nobody) Unreadable()                       {}

// observed is a transport that tells an Observer of each call. It lies below the limiter, whose waits are not Slack's.
type observed struct {
	next     http.RoundTripper
	observer Observer
}

// methodKey is under what the limiter says which method a call is of.
type methodKey struct{}

func (o observed) RoundTrip(r *http.Request) (*http.Response, error) {
	start := time.Now()
	answer, err := o.next.RoundTrip(r)
	status := 0
	if err == nil {
		status = answer.StatusCode
	}
	method, _ := r.Context().Value(methodKey{}).(string)
	o.observer.Called(method, status, time.Since(start))
	return answer, err
}
