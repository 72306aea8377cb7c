// Command provider serves the toolset `words` of a Toolgate registry until SIGTERM or Ctrl-C: plain gRPC, with stubs made from
// the proto files alone.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	nodes := flag.String("nodes", cmp.Or(os.Getenv("TOOLGATE_NODES"), "127.0.0.1:7400"),
		"addresses of the registry's nodes, with commas between")
	flag.Parse()
	stop, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	provider := New("words", "1.0.0", "Words and letters.", []Tool{
		{
			Name:        "count_words",
			Description: "Counts the words of a text.",
			Payload:     `{"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}`,
			Result: `{"type": "object", "properties": {"words": {"type": "integer"}, "different": {"type": "integer"}},
				"required": ["words", "different"]}`,
			Idempotent: true,
			Run:        countWords,
		},
		{
			Name:        "spell",
			Description: "Spells a text, letter by letter, with pauses of that many seconds.",
			Payload: `{"type": "object", "required": ["text"],
				"properties": {"text": {"type": "string"}, "pause_s": {"type": "number", "minimum": 0}}}`,
			Run: spell,
		},
	})
	if err := provider.Serve(stop, strings.Split(*nodes, ",")); err != nil {
		log.Fatal(err)
	}
}

type textPayload struct {
	Text   string  `json:"text"`
	PauseS float64 `json:"pause_s"`
}

func countWords(_ context.Context, payload json.RawMessage, _ Emit) (any, error) {
	var input textPayload
	if err := json.Unmarshal(payload, &input); err != nil {
		return nil, err
	}
	words := strings.Fields(input.Text)
	if len(words) == 0 {
		return nil, &Failure{Reason: "NO_WORDS", Message: "there is no word in the text"}
	}
	different := map[string]bool{}
	for _, word := range words {
		different[word] = true
	}
	return map[string]int{"words": len(words), "different": len(different)}, nil
}

func spell(ctx context.Context, payload json.RawMessage, emit Emit) (any, error) {
	var input textPayload
	if err := json.Unmarshal(payload, &input); err != nil {
		return nil, err
	}
	letters := []rune(input.Text)
	for _, letter := range letters {
		if err := emit(map[string]string{"letter": string(letter)}); err != nil {
			return nil, err
		}
		select {
		case <-time.After(time.Duration(input.PauseS * float64(time.Second))):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return map[string]int{"letters": len(letters)}, nil
}
