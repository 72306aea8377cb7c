package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"

	toolgatev1 "example.com/toolgate/gen/toolgate/v1"
	"example.com/toolgate/key"
)

// A repeat of a call with the same ids attaches to the first one, so that gRPC may retry calls, on any node.
const serviceConfig = `{
	"loadBalancingConfig": [{"round_robin": {}}],
	"methodConfig": [{
		"name": [{"service": "toolgate.v1.Gateway"}, {"service": "toolgate.v1.Catalog"}],
		"retryPolicy": {
			"maxAttempts": 5,
			"initialBackoff": "0.1s",
			"maxBackoff": "2s",
			"backoffMultiplier": 2,
			"retryableStatusCodes": ["UNAVAILABLE"]
		}
	}]
}`

// The registry bounds messages, and may have been configured for larger ones than gRPC expects.
const maxMessageBytes = 64 << 20

// Agent discovers and calls the tools of a registry, over all of its nodes.
type Agent struct {
	conn    *grpc.ClientConn
	catalog toolgatev1.CatalogClient
	gateway toolgatev1.GatewayClient
	runID   string
}

// Connect makes an agent of the nodes at these addresses. A run is what its calls belong to; ids of calls are unique within it.
func Connect(nodes []string, runID string) (*Agent, error) {
	credential, err := key.Find(nodes)
	if err != nil {
		return nil, err
	}
	addresses := manual.NewBuilderWithScheme("toolgate")
	var state resolver.State
	for _, node := range nodes {
		endpoint := resolver.Endpoint{Addresses: []resolver.Address{{Addr: node}}}
		state.Endpoints = append(state.Endpoints, endpoint)
	}
	addresses.InitialState(state)
	conn, err := grpc.NewClient("toolgate:///registry",
		grpc.WithResolvers(addresses),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithPerRPCCredentials(credential),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes), grpc.MaxCallSendMsgSize(maxMessageBytes)),
	)
	if err != nil {
		return nil, err
	}
	if runID == "" {
		runID = rand.Text()
	}
	return &Agent{
		conn:    conn,
		catalog: toolgatev1.NewCatalogClient(conn),
		gateway: toolgatev1.NewGatewayClient(conn),
		runID:   runID,
	}, nil
}

// Close ends the connections. Calls that were given ids run on.
func (a *Agent) Close() error { return a.conn.Close() }

// Toolsets returns all toolsets, whole: their tools with descriptions and schemas.
func (a *Agent) Toolsets(ctx context.Context) ([]*toolgatev1.GetToolsetResponse, error) {
	var toolsets []*toolgatev1.GetToolsetResponse
	request := &toolgatev1.ListToolsetsRequest{}
	for {
		page, err := a.catalog.ListToolsets(ctx, request)
		if err != nil {
			return nil, err
		}
		for _, summary := range page.Toolsets {
			toolset, err := a.catalog.GetToolset(ctx, &toolgatev1.GetToolsetRequest{Name: summary.Name})
			if err != nil {
				return nil, err
			}
			toolsets = append(toolsets, toolset)
		}
		if page.NextPageToken == "" {
			return toolsets, nil
		}
		request.PageToken = page.NextPageToken
	}
}

// Call runs a tool and returns how the call ended. The same toolCallID again returns the same ending, and runs nothing; an
// empty one makes a new id. The error of a call that was refused has the registry's words; see Explain.
func (a *Agent) Call(ctx context.Context, toolset, tool, payload, toolCallID string) (*toolgatev1.Terminal, error) {
	answer, err := a.gateway.Invoke(ctx, &toolgatev1.InvokeRequest{Call: a.spec(ctx, toolset, tool, payload, toolCallID)})
	if err != nil {
		return nil, err
	}
	return answer.Terminal, nil
}

// Stream runs a tool once for each payload, all on one session, and tells of their output as it comes. It returns how each
// call ended, in the order of the payloads.
func (a *Agent) Stream(
	ctx context.Context, toolset, tool string, payloads []string, onDelta func(call int, data json.RawMessage),
) ([]*toolgatev1.Terminal, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the session
	session, err := a.gateway.Session(ctx)
	if err != nil {
		return nil, err
	}
	var calls []*toolgatev1.SessionCall
	for ref, payload := range payloads {
		spec := a.spec(ctx, toolset, tool, payload, "")
		calls = append(calls, &toolgatev1.SessionCall{Ref: uint64(ref), Call: spec, WantDeltas: true})
	}
	if err := session.Send(&toolgatev1.SessionRequest{Calls: calls}); err != nil && err != io.EOF {
		return nil, err // io.EOF: Recv says why
	}
	terminals := make([]*toolgatev1.Terminal, len(payloads))
	for open := len(payloads); open > 0; {
		frame, err := session.Recv()
		if err != nil {
			return nil, err
		}
		for _, delta := range frame.Deltas {
			onDelta(int(delta.Ref), delta.Delta.DataJson)
		}
		for _, ended := range frame.Terminals {
			terminals[ended.Ref] = ended.Terminal
			open--
		}
	}
	return terminals, nil
}

func (a *Agent) spec(ctx context.Context, toolset, tool, payload, toolCallID string) *toolgatev1.CallSpec {
	if toolCallID == "" {
		toolCallID = rand.Text()
	}
	spec := &toolgatev1.CallSpec{
		Toolset:     toolset,
		Tool:        tool,
		PayloadJson: []byte(payload),
		Meta:        &toolgatev1.CallMeta{RunId: a.runID, ToolCallId: toolCallID},
		Wait:        toolgatev1.WaitPolicy_WAIT_POLICY_WAIT,
	}
	if deadline, ok := ctx.Deadline(); ok {
		// Somewhat less than the RPC has, so that the registry's own word arrives in time.
		spec.TimeoutMs = uint32(max(1, time.Until(deadline).Milliseconds()*9/10))
	}
	return spec
}

// Explain says what the registry says of an error: its reason, whether the tool can have run, when to try again, and what was
// wrong with the request.
func Explain(err error) string {
	answer := status.Convert(err)
	lines := []string{fmt.Sprintf("%s: %s", answer.Code(), answer.Message())}
	for _, detail := range answer.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			lines = append(lines, fmt.Sprintf("reason %s, executed %s", detail.Reason, detail.Metadata["executed"]))
		case *errdetails.RetryInfo:
			lines = append(lines, fmt.Sprintf("retry after %s", detail.RetryDelay.AsDuration()))
		case *errdetails.BadRequest:
			for _, violation := range detail.FieldViolations {
				lines = append(lines, fmt.Sprintf("at %q: %s", violation.Field, violation.Description))
			}
		case *errdetails.PreconditionFailure:
			for _, violation := range detail.Violations {
				lines = append(lines, fmt.Sprintf("at %q: %s", violation.Subject, violation.Description))
			}
		}
	}
	return strings.Join(lines, "\n  ")
}
