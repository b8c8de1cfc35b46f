package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
)

const (
	frame = `{"id":"chatcmpl-0123456789abcdef0123456789abcdef","object":"%s","created":1700000000,` +
		`"model":"m","choices":[%s]%s}`
	usageText = `,"usage":{"prompt_tokens":4,"completion_tokens":1,"total_tokens":5}`
)

// A relay may write the JSON of a request as it likes.
var streamed = regexp.MustCompile(`"stream":\s*true`)

// serveOpenAI sends the events that a gateway makes of serveModel's messages.
func serveOpenAI(listener net.Listener) error {
	return http.Serve(listener, http.HandlerFunc(answerHTTP))
}

func answerHTTP(response http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	a := parseAnswer(body)
	if !streamed.Match(body) {
		response.Header().Set("Content-Type", "application/json")
		choice := `{"index":0,"message":{"role":"assistant","content":"` + text(0) +
			`"},"logprobs":null,"finish_reason":"stop"}`
		fmt.Fprintf(response, frame, "chat.completion", choice, usageText)
		return
	}
	response.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	flush := response.(http.Flusher).Flush
	event := func(delta, finishReason string) {
		choice := `{"index":0,"delta":{` + delta + `},"logprobs":null,"finish_reason":` + finishReason + `}`
		fmt.Fprintf(response, "data: "+frame+"\n\n", "chat.completion.chunk", choice, "")
	}
	_ = a.play(func(number int) error {
		if number == 0 {
			event(`"role":"assistant","content":""`, "null")
		}
		event(`"content":"`+text(number)+`"`, "null")
		flush()
		return nil
	})
	event("", `"stop"`)
	io.WriteString(response, "data: [DONE]\n\n")
}

// serve prints the port of the model-server and that of the HTTP server, and never returns.
func serve() error {
	model, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	openAI, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(model.Addr().(*net.TCPAddr).Port, openAI.Addr().(*net.TCPAddr).Port)
	failed := make(chan error)
	go func() { failed <- serveModel(model) }()
	go func() { failed <- serveOpenAI(openAI) }()
	return <-failed
}
