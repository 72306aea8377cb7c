// Command agent discovers and calls the tools of a Toolgate registry: plain gRPC, with stubs made from the proto files
// alone.
//
//	agent [flags] list
//	agent [flags] call TOOLSET TOOL PAYLOAD
//	agent [flags] stream TOOLSET TOOL PAYLOAD...
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	toolgatev1 "example.com/toolgate/gen/toolgate/v1"
)

func main() {
	nodes := flag.String("nodes", cmp.Or(os.Getenv("TOOLGATE_NODES"), "127.0.0.1:7400"),
		"addresses of the registry's nodes, with commas between")
	timeout := flag.Duration("timeout", 30*time.Second, "how long all of it may take")
	runID := flag.String("run-id", "", "the run that the calls belong to; a new one unless given")
	toolCallID := flag.String("tool-call-id", "", "the call's id within its run; the same one again runs nothing twice")
	flag.Parse()

	agent, err := Connect(strings.Split(*nodes, ","), *runID)
	if err != nil {
		fail(err)
	}
	defer agent.Close()
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()

	switch args := flag.Args(); {
	case len(args) == 1 && args[0] == "list":
		err = list(ctx, agent)
	case len(args) == 4 && args[0] == "call":
		var terminal *toolgatev1.Terminal
		if terminal, err = agent.Call(ctx, args[1], args[2], args[3], *toolCallID); err == nil {
			show(terminal)
		}
	case len(args) > 3 && args[0] == "stream":
		err = stream(ctx, agent, args[1], args[2], args[3:])
	default:
		flag.Usage()
		os.Exit(2)
	}
	if err != nil {
		fail(err)
	}
}

func list(ctx context.Context, agent *Agent) error {
	toolsets, err := agent.Toolsets(ctx)
	for _, toolset := range toolsets {
		for _, tool := range toolset.Contract.Tools {
			fmt.Printf("%s/%s: %s\n", toolset.Contract.Name, tool.Name, tool.Description)
		}
	}
	return err
}

func stream(ctx context.Context, agent *Agent, toolset, tool string, payloads []string) error {
	terminals, err := agent.Stream(ctx, toolset, tool, payloads, func(call int, data json.RawMessage) {
		fmt.Printf("call %d: %s\n", call, data)
	})
	for _, terminal := range terminals {
		show(terminal)
	}
	return err
}

func show(terminal *toolgatev1.Terminal) {
	kind := strings.ToLower(strings.TrimPrefix(terminal.Kind.String(), "TERMINAL_KIND_"))
	executed := strings.ToLower(strings.TrimPrefix(terminal.Executed.String(), "EXECUTED_"))
	if terminal.Kind == toolgatev1.TerminalKind_TERMINAL_KIND_RESULT {
		fmt.Printf("%s: %s\n", kind, terminal.ResultJson)
	} else {
		fmt.Printf("%s: %s, %s (executed: %s)\n", kind, terminal.Error.GetReason(), terminal.Error.GetMessage(), executed)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, Explain(err))
	os.Exit(1)
}
