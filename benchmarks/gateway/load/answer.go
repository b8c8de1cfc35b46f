package main

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// The prompt says what to answer. It is found in the bytes of a request, whatever their format.
var script = regexp.MustCompile(`chunks=(\d+) pause=(\d+)ms`)

// answer is a number of pieces of text with a pause before each.
type answer struct {
	chunks int
	pause  time.Duration
}

func parseAnswer(request []byte) answer {
	found := script.FindSubmatch(request)
	if found == nil {
		return answer{chunks: 1}
	}
	chunks, _ := strconv.Atoi(string(found[1]))
	milliseconds, _ := strconv.Atoi(string(found[2]))
	return answer{chunks, time.Duration(milliseconds) * time.Millisecond}
}

// text is as long as a word of a real answer.
func text(number int) string { return fmt.Sprintf(" delta %d", number) }

// play calls send for every piece, at times that do not shift when sending is slow.
func (a answer) play(send func(number int) error) error {
	start := time.Now()
	for number := range a.chunks {
		time.Sleep(time.Until(start.Add(time.Duration(number+1) * a.pause)))
		if err := send(number); err != nil {
			return err
		}
	}
	return nil
}
