// Load for the benchmark of the gateway: both ends of it, so that Python's own speed is measured in
// the contenders alone.
//
//	load serve                       answers gRPC (our contract) and HTTP (the same events)
//	load run -url URL -clients 512   asks, and prints what it saw as JSON
package main

import (
	"fmt"
	"os"
)

func main() {
	command := ""
	if len(os.Args) > 1 {
		command = os.Args[1]
	}
	var err error
	switch command {
	case "serve":
		err = serve()
	case "run":
		err = run(os.Args[2:])
	default:
		err = fmt.Errorf("usage: load serve | load run -help")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
