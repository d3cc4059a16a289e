// Go's own client, as it comes: it stops sending when an answer arrives early.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	for _, name := range os.Args[2:] {
		file, err := os.Open(name)
		if err != nil {
			panic(err)
		}
		answer, err := http.Post(os.Args[1], "application/json", file)
		if err != nil {
			panic(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			panic(err)
		}
		fmt.Println(answer.StatusCode, strings.ReplaceAll(string(body), "\n", ""))
	}
}
