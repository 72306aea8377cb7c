package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	toolgatev1 "example.com/toolgate/gen/toolgate/v1"
	"example.com/toolgate/key"
)

const (
	maxInFlight = 16
	// The registry bounds messages, and may have been configured for larger ones than gRPC expects.
	maxMessageBytes = 64 << 20
	answerWithin    = 10 * time.Second
	// A node that was not heard of for that many heartbeats is lost.
	missedHeartbeats = 3
)

// Emit sends a piece of output, anything with a form in JSON. It waits while the gateway has no room.
type Emit func(delta any) error

// Tool is what callers learn of a tool, its JSON Schemas, and the function that runs it. The context of a call ends when the
// call is cancelled. What the function returns must have a form in JSON.
type Tool struct {
	Name, Description, Payload, Result string
	Idempotent                         bool
	Run                                func(ctx context.Context, payload json.RawMessage, emit Emit) (any, error)
}

// Failure is a tool's own word for what went wrong: a reason for programs, a message for people and models.
type Failure struct{ Reason, Message string }

func (f *Failure) Error() string { return f.Message }

// held is a call in hand: from its delivery until the gateway has settled its result, over any number of sessions.
type held struct {
	call   *toolgatev1.ProviderCall
	cancel context.CancelFunc
	result *toolgatev1.ProviderResult
	fenced bool
}

// Provider serves one toolset.
type Provider struct {
	tools    map[string]Tool
	contract *toolgatev1.Contract
	// The process's own, so that no other one takes its place.
	id, incarnation string
	lease           *toolgatev1.LeaseRef

	// Both outlive sessions, so that what was not sent goes out on the next one. Bounded: tools wait for the node.
	outgoing chan *toolgatev1.AttachRequest
	// Answers that must not wait behind output.
	urgent chan *toolgatev1.AttachRequest

	mu   sync.Mutex
	held map[string]*held
	// Closed while there is room for output.
	room chan struct{}
}

// New makes a provider of a toolset.
func New(name, version, description string, tools []Tool) *Provider {
	contract := &toolgatev1.Contract{Name: name, Version: version, Description: description}
	byName := map[string]Tool{}
	for _, tool := range tools {
		delivery := toolgatev1.DeliveryMode_DELIVERY_MODE_ONCE
		if tool.Idempotent {
			delivery = toolgatev1.DeliveryMode_DELIVERY_MODE_IDEMPOTENT
		}
		contract.Tools = append(contract.Tools, &toolgatev1.Tool{
			Name:              tool.Name,
			Description:       tool.Description,
			PayloadSchemaJson: []byte(tool.Payload),
			ResultSchemaJson:  []byte(tool.Result),
			Delivery:          delivery,
		})
		byName[tool.Name] = tool
	}
	return &Provider{
		tools:       byName,
		contract:    contract,
		id:          "go-" + rand.Text(),
		incarnation: rand.Text(),
		outgoing:    make(chan *toolgatev1.AttachRequest, 256),
		urgent:      make(chan *toolgatev1.AttachRequest, 256),
		held:        map[string]*held{},
		room:        make(chan struct{}),
	}
}

// Serve serves until the context ends, and then finishes what it has in hand; or until the toolset is taken over. A refused
// contract is an error.
func (p *Provider) Serve(ctx context.Context, nodes []string) error {
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	for turn := 0; ; turn++ {
		node := nodes[turn%len(nodes)]
		err := p.serveAt(stop, cancel, node)
		switch status.Code(err) {
		case codes.OK:
		case codes.FailedPrecondition:
			if p.lease == nil {
				return err
			}
			p.lease = nil // it has ended: register again
		case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Canceled, codes.Unknown:
			// Another attempt, at another node, may fare better.
		default:
			return err
		}
		if err != nil {
			log.Printf("%s: %v", node, err)
		}
		if p.isDone(stop) {
			return nil
		}
		time.Sleep(50*time.Millisecond + mathrand.N(450*time.Millisecond))
	}
}

func (p *Provider) isDone(stop context.Context) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return stop.Err() != nil && len(p.held) == 0
}

// serveAt registers if there is no lease, serves one session, and hands the lease back when all is done.
func (p *Provider) serveAt(stop context.Context, takenOver func(), node string) error {
	credential, err := key.Find([]string{node}) // again for each connection: it may have been rotated
	if err != nil {
		return err
	}
	conn, err := grpc.NewClient(node,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithPerRPCCredentials(credential),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes), grpc.MaxCallSendMsgSize(maxMessageBytes)),
	)
	if err != nil {
		return err
	}
	defer conn.Close()
	registry := toolgatev1.NewRegistryClient(conn)
	if p.lease == nil {
		if err := p.register(registry); err != nil {
			return err
		}
	}
	if err := p.attach(stop, takenOver, registry); err != nil {
		return err
	}
	if !p.isDone(stop) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	_, err = registry.Release(ctx, &toolgatev1.ReleaseRequest{Lease: p.lease})
	return err
}

func (p *Provider) register(registry toolgatev1.RegistryClient) error {
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	answer, err := registry.Register(ctx, &toolgatev1.RegisterRequest{
		Contract: p.contract, ProviderId: p.id, Incarnation: p.incarnation,
	})
	if err != nil {
		return err
	}
	for _, warning := range answer.Warnings {
		log.Printf("%s%s: %s", warning.Tool, warning.Path, warning.Message)
	}
	p.lease = &toolgatev1.LeaseRef{
		Toolset: p.contract.Name, Epoch: answer.Epoch, LeaseToken: answer.LeaseToken, ProviderId: p.id, Incarnation: p.incarnation,
	}
	return nil
}

// attach serves one session; it returns when its node has ended it, or asks for another one.
func (p *Provider) attach(stop context.Context, takenOver func(), registry toolgatev1.RegistryClient) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stream, err := registry.Attach(ctx)
	if err != nil {
		return err
	}
	silence := time.AfterFunc(answerWithin, cancel)
	defer silence.Stop()
	hello := &toolgatev1.Hello{Lease: p.lease, MaxInFlight: maxInFlight, MaxMessageBytes: maxMessageBytes}
	p.mu.Lock()
	var results []*toolgatev1.ProviderResult
	for _, each := range p.held {
		hello.InHand = append(hello.InHand, &toolgatev1.CallInHand{CallId: each.call.CallId, Attempt: each.call.Attempt})
		if each.result != nil {
			results = append(results, each.result) // told again, since the lost session may not have
		}
	}
	p.mu.Unlock()
	if err := stream.Send(&toolgatev1.AttachRequest{Hello: hello}); err != nil && err != io.EOF {
		return err // io.EOF: Recv says why
	}
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	welcome := first.Welcome
	log.Printf("attached to %s", welcome.NodeId)
	for _, fenced := range welcome.Fenced {
		p.stopCall(fenced.CallId, fenced.Attempt, true)
	}
	heartbeat := time.Duration(welcome.HeartbeatMs) * time.Millisecond
	p.setRoom(true)
	defer p.setRoom(false)
	var writer sync.WaitGroup
	writer.Add(1)
	go func() {
		defer writer.Done()
		p.write(ctx, stop, stream, heartbeat, results)
	}()
	defer writer.Wait()
	defer cancel()
	for {
		silence.Reset(missedHeartbeats * heartbeat)
		frame, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		p.receive(frame)
		switch frame.GoAway.GetReason() {
		case toolgatev1.GoAwayReason_GO_AWAY_REASON_RETIRED,
			toolgatev1.GoAwayReason_GO_AWAY_REASON_REPLACED,
			toolgatev1.GoAwayReason_GO_AWAY_REASON_UNREGISTERED:
			takenOver() // the node ends the session when what is in hand is settled
		case toolgatev1.GoAwayReason_GO_AWAY_REASON_LEASE_LOST:
			p.lease = nil
			return nil
		default:
			if frame.GoAway != nil {
				return nil
			}
		}
	}
}

// write sends what there is to be sent, until the session ends.
func (p *Provider) write(
	ctx, stop context.Context, stream toolgatev1.Registry_AttachClient, heartbeat time.Duration, results []*toolgatev1.ProviderResult,
) {
	beats := time.NewTicker(heartbeat)
	defer beats.Stop()
	draining := stop.Done()
	frame := &toolgatev1.AttachRequest{Results: results}
	for sequence := uint64(1); ; {
		if stream.Send(frame) != nil {
			return // Recv says why
		}
		select {
		case frame = <-p.urgent:
		case frame = <-p.outgoing:
		case <-beats.C:
			frame = &toolgatev1.AttachRequest{Heartbeat: &toolgatev1.Heartbeat{Sequence: sequence}}
			sequence++
		case <-draining:
			draining = nil
			frame = &toolgatev1.AttachRequest{Drain: &toolgatev1.DrainNotice{}}
		case <-ctx.Done():
			return
		}
	}
}

func (p *Provider) receive(frame *toolgatev1.AttachResponse) {
	for _, ping := range frame.Pings {
		p.urgent <- &toolgatev1.AttachRequest{Pongs: []*toolgatev1.ProviderPong{{Nonce: ping.Nonce}}}
	}
	if beat := frame.Heartbeat; beat != nil && !beat.Reply {
		p.urgent <- &toolgatev1.AttachRequest{Heartbeat: &toolgatev1.Heartbeat{Sequence: beat.Sequence, Reply: true}}
	}
	if frame.Ready != nil {
		log.Printf("serving %s, epoch %d", p.contract.Name, p.lease.Epoch)
	}
	if frame.FlowControl != nil {
		p.setRoom(!frame.FlowControl.PauseOutput)
	}
	for _, notice := range frame.Cancels {
		p.stopCall(notice.CallId, notice.Attempt, notice.Reason == toolgatev1.CancelReason_CANCEL_REASON_FENCED)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, settled := range frame.Settled {
		if known := p.held[settled.CallId]; known != nil && known.call.Attempt == settled.Attempt {
			delete(p.held, settled.CallId)
		}
	}
	for _, call := range frame.Calls {
		if known := p.held[call.CallId]; known != nil && known.call.Attempt >= call.Attempt {
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		mine := &held{call: call, cancel: cancel}
		p.held[call.CallId] = mine
		go p.run(ctx, mine)
	}
}

func (p *Provider) run(ctx context.Context, mine *held) {
	defer mine.cancel()
	call := mine.call
	emit := func(delta any) error {
		data, err := json.Marshal(delta)
		if err != nil {
			return err
		}
		piece := &toolgatev1.ProviderDelta{CallId: call.CallId, Attempt: call.Attempt, DataJson: data}
		select {
		case <-p.hasRoom():
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case p.outgoing <- &toolgatev1.AttachRequest{Deltas: []*toolgatev1.ProviderDelta{piece}}:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	answer, err := p.tools[call.Tool].Run(ctx, call.PayloadJson, emit) // the gateway knows the contract, and sends no others
	var encoded []byte
	if err == nil {
		encoded, err = json.Marshal(answer)
	}
	result := &toolgatev1.ProviderResult{CallId: call.CallId, Attempt: call.Attempt}
	var failure *Failure
	switch {
	case err == nil:
		result.Outcome = &toolgatev1.ProviderResult_ResultJson{ResultJson: encoded}
	case errors.As(err, &failure):
		problem := &toolgatev1.ToolError{Reason: failure.Reason, Message: failure.Message}
		result.Outcome = &toolgatev1.ProviderResult_Error{Error: problem}
	case ctx.Err() != nil:
		result.Outcome = &toolgatev1.ProviderResult_Cancelled{Cancelled: &toolgatev1.ToolCancelled{}}
	default:
		log.Printf("%s failed: %v", call.Tool, err)
		result.Outcome = &toolgatev1.ProviderResult_Error{Error: &toolgatev1.ToolError{Message: err.Error()}}
	}
	p.mu.Lock()
	fenced := mine.fenced
	mine.result = result
	p.mu.Unlock()
	if !fenced {
		p.outgoing <- &toolgatev1.AttachRequest{Results: []*toolgatev1.ProviderResult{result}}
	}
}

// stopCall stops a call; a fenced one is another provider's by now, and nothing is reported of it.
func (p *Provider) stopCall(callID string, attempt uint32, fenced bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.held[callID]
	if known == nil || known.call.Attempt != attempt {
		return
	}
	known.fenced = fenced
	if fenced {
		delete(p.held, callID)
	}
	known.cancel()
}

func (p *Provider) hasRoom() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.room
}

func (p *Provider) setRoom(has bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.room:
		if !has {
			p.room = make(chan struct{})
		}
	default:
		if has {
			close(p.room)
		}
	}
}
