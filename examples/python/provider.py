"""A provider of a Toolgate registry: plain gRPC, with stubs made from the proto files alone.

It registers a toolset, attaches to a node, and serves calls over that one stream until it is stopped. When its node goes
away it attaches to the next one, and names the calls that it has in hand: they go on, and no result is lost.
"""

import asyncio
import itertools
import json
import logging
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import message

from key import credential_for
from toolgate.v1 import contract_pb2, registry_pb2, registry_pb2_grpc

log = logging.getLogger(__name__)

REGISTER_S = 10
WELCOME_S = 10
MISSED_HEARTBEATS = 3
"""A node that was not heard of for so many heartbeats is lost."""

# The registry bounds messages, and may have been configured for larger ones than gRPC expects.
CHANNEL_OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]

# Another attempt, at another node, may fare better.
PASSING = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNKNOWN,
}

# The session is over for good: the toolset has been taken over, or is gone.
FINAL = {
    registry_pb2.GO_AWAY_REASON_RETIRED,
    registry_pb2.GO_AWAY_REASON_REPLACED,
    registry_pb2.GO_AWAY_REASON_UNREGISTERED,
}

Emit = Callable[[Any], Awaitable[None]]
"""Sends a piece of output, which must have a form in JSON."""


class ToolFailure(Exception):
    """A failure that the caller is to hear of: a word for programs, and what went wrong, for people and models."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True)
class Tool:
    """A tool: what its callers are told of it, and the coroutine that runs it.

    A cancelled call cancels the coroutine. What it returns is the result, and must have a form in JSON.
    """

    name: str
    description: str
    payload_schema: dict[str, Any]
    run: Callable[[Any, Emit], Awaitable[Any]]
    result_schema: dict[str, Any] | None = None
    idempotent: bool = False

    def wire(self) -> contract_pb2.Tool:
        mode = contract_pb2.DELIVERY_MODE_IDEMPOTENT if self.idempotent else contract_pb2.DELIVERY_MODE_ONCE
        return contract_pb2.Tool(
            name=self.name,
            description=self.description,
            payload_schema_json=to_json(self.payload_schema),
            result_schema_json=b"" if self.result_schema is None else to_json(self.result_schema),
            delivery=mode,
        )


@dataclass
class Held:
    """A call in hand: from its delivery until the gateway has settled its result, over any number of sessions."""

    call: registry_pb2.ProviderCall
    task: asyncio.Task[None] | None = None
    result: registry_pb2.ProviderResult | None = None
    is_fenced: bool = False


class Provider:
    """Serves one toolset."""

    def __init__(
        self, nodes: Sequence[str], name: str, version: str, description: str, tools: Sequence[Tool], max_in_flight: int = 16
    ) -> None:
        self._nodes = nodes
        self._tools = {tool.name: tool for tool in tools}
        self._contract = contract_pb2.Contract(
            name=name, version=version, description=description, tools=[tool.wire() for tool in tools]
        )
        self._max_in_flight = max_in_flight
        # The process's own, so that no other one takes its place.
        self._identity = {"provider_id": f"python-{uuid.uuid4()}", "incarnation": uuid.uuid4().hex}
        self._lease: registry_pb2.LeaseRef | None = None
        self._credential: list[tuple[str, str]] = []
        self._held: dict[str, Held] = {}
        # Outlives sessions, so that output which was not sent goes out on the next one. Bounded: tools wait for the node.
        self._outgoing: asyncio.Queue[registry_pb2.AttachRequest] = asyncio.Queue(maxsize=256)
        self._may_emit = asyncio.Event()
        self._draining = asyncio.Event()

    async def serve(self) -> None:
        """Serves until `stop`, or until the toolset is taken over. A refused contract raises its `grpc.aio.AioRpcError`."""
        for node in itertools.cycle(self._nodes):
            try:
                # With TLS: grpc.aio.secure_channel(node, grpc.ssl_channel_credentials(), CHANNEL_OPTIONS).
                async with grpc.aio.insecure_channel(node, CHANNEL_OPTIONS) as channel:
                    registry = registry_pb2_grpc.RegistryStub(channel)
                    self._credential = credential_for([node])  # again each time: it may have been rotated
                    if self._lease is None:
                        await self._register(registry)
                    await self._attach(registry)
                    if self._is_done():
                        await self._release(registry)
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.FAILED_PRECONDITION and self._lease is not None:
                    self._lease = None  # it has ended: register again
                elif error.code() not in PASSING:
                    raise
                log.warning("%s: %s", node, error.details())
            except asyncio.TimeoutError:
                log.warning("%s: nothing is heard of it", node)
            if self._is_done():
                return
            await asyncio.sleep(random.uniform(0.05, 0.5))

    def stop(self) -> None:
        """Takes no more calls; `serve` returns when the results of those in hand are settled."""
        self._draining.set()

    def _is_done(self) -> bool:
        return self._draining.is_set() and not self._held

    async def _register(self, registry: registry_pb2_grpc.RegistryStub) -> None:
        request = registry_pb2.RegisterRequest(contract=self._contract, **self._identity)
        answer = await registry.Register(request, timeout=REGISTER_S, metadata=self._credential)
        self._lease = registry_pb2.LeaseRef(
            toolset=self._contract.name, epoch=answer.epoch, lease_token=answer.lease_token, **self._identity
        )
        for warning in answer.warnings:
            log.warning("%s%s: %s", warning.tool, warning.path, warning.message)

    async def _release(self, registry: registry_pb2_grpc.RegistryStub) -> None:
        try:
            request = registry_pb2.ReleaseRequest(lease=self._lease)
            await registry.Release(request, timeout=REGISTER_S, metadata=self._credential)
        except grpc.aio.AioRpcError as error:
            log.warning("the lease ends by itself: %s", error.details())

    async def _attach(self, registry: registry_pb2_grpc.RegistryStub) -> None:
        """One session; returns when its node has ended it, or asks for another one."""
        stream = registry.Attach(metadata=self._credential)
        in_hand = [
            registry_pb2.CallInHand(call_id=held.call.call_id, attempt=held.call.attempt) for held in self._held.values()
        ]
        hello = registry_pb2.Hello(lease=self._lease, max_in_flight=self._max_in_flight, in_hand=in_hand)
        await stream.write(registry_pb2.AttachRequest(hello=hello))
        welcome = (await read(stream, WELCOME_S)).welcome
        log.info("attached to %s", welcome.node_id)
        for fenced in welcome.fenced:
            self._cancel(fenced, is_fenced=True)
        self._may_emit.set()
        heartbeat_s = welcome.heartbeat_ms / 1000
        work = (self._write(stream), self._beat(heartbeat_s), self._drain())
        workers = [asyncio.create_task(each) for each in work]
        try:
            for held in self._held.values():  # told again, since the lost session may not have
                if held.result is not None:
                    await self._outgoing.put(registry_pb2.AttachRequest(results=[held.result]))
            async for frame in frames(stream, MISSED_HEARTBEATS * heartbeat_s):
                await self._receive(frame)
                if frame.HasField("go_away"):
                    reason = frame.go_away.reason
                    log.info("told to go away: %s", registry_pb2.GoAwayReason.Name(reason))
                    if reason in FINAL:
                        self.stop()  # the node ends the session when what is in hand is settled
                        continue
                    if reason == registry_pb2.GO_AWAY_REASON_LEASE_LOST:
                        self._lease = None
                    return
        finally:
            self._may_emit.clear()
            for worker in workers:
                worker.cancel()

    async def _receive(self, frame: registry_pb2.AttachResponse) -> None:
        if frame.pings:
            pongs = [registry_pb2.ProviderPong(nonce=ping.nonce) for ping in frame.pings]
            await self._outgoing.put(registry_pb2.AttachRequest(pongs=pongs))
        if frame.HasField("heartbeat") and not frame.heartbeat.reply:
            reply = registry_pb2.Heartbeat(sequence=frame.heartbeat.sequence, reply=True)
            await self._outgoing.put(registry_pb2.AttachRequest(heartbeat=reply))
        if frame.HasField("ready"):
            log.info("serving %s, epoch %d", self._contract.name, self._lease.epoch)
        if frame.HasField("flow_control"):
            (self._may_emit.clear if frame.flow_control.pause_output else self._may_emit.set)()
        for notice in frame.cancels:
            self._cancel(notice, is_fenced=notice.reason == registry_pb2.CANCEL_REASON_FENCED)
        for settled in frame.settled:
            held = self._held.get(settled.call_id)
            if held is not None and held.call.attempt == settled.attempt:
                del self._held[settled.call_id]
        for call in frame.calls:
            known = self._held.get(call.call_id)
            if known is not None and known.call.attempt >= call.attempt:
                continue
            held = self._held[call.call_id] = Held(call)
            held.task = asyncio.create_task(self._run(held))

    def _cancel(self, told: registry_pb2.CallInHand | registry_pb2.CancelNotice, is_fenced: bool) -> None:
        held = self._held.get(told.call_id)
        if held is None or held.call.attempt != told.attempt:
            return
        held.is_fenced = is_fenced
        if is_fenced:
            del self._held[told.call_id]  # another provider's by now, or none's
        if held.task is not None:
            held.task.cancel()

    async def _run(self, held: Held) -> None:
        call = held.call
        result = registry_pb2.ProviderResult(call_id=call.call_id, attempt=call.attempt)

        async def emit(delta: Any) -> None:
            await self._may_emit.wait()
            piece = registry_pb2.ProviderDelta(call_id=call.call_id, attempt=call.attempt, data_json=to_json(delta))
            await self._outgoing.put(registry_pb2.AttachRequest(deltas=[piece]))

        try:
            tool = self._tools[call.tool]  # the gateway knows the contract, and sends no others
            result.result_json = to_json(await tool.run(json.loads(call.payload_json), emit))
        except asyncio.CancelledError:
            if held.is_fenced:
                return
            result.cancelled.SetInParent()
        except ToolFailure as failure:
            result.error.reason = failure.reason
            result.error.message = str(failure)
        except Exception as error:
            log.exception("%s failed", call.tool)
            result.error.message = f"{type(error).__name__}: {error}"
        held.result = result
        await self._outgoing.put(registry_pb2.AttachRequest(results=[result]))

    async def _write(self, stream: grpc.aio.StreamStreamCall) -> None:
        while True:
            await stream.write(await self._outgoing.get())

    async def _beat(self, period_s: float) -> None:
        for sequence in itertools.count(1):
            await asyncio.sleep(period_s)
            await self._outgoing.put(registry_pb2.AttachRequest(heartbeat=registry_pb2.Heartbeat(sequence=sequence)))

    async def _drain(self) -> None:
        await self._draining.wait()
        await self._outgoing.put(registry_pb2.AttachRequest(drain=registry_pb2.DrainNotice()))


async def frames(stream: grpc.aio.StreamStreamCall, silence_s: float) -> AsyncIterator[registry_pb2.AttachResponse]:
    """What the node sends, until it ends the stream; a silence of that length raises `asyncio.TimeoutError`."""
    while (frame := await read(stream, silence_s)) is not grpc.aio.EOF:
        yield frame


async def read(stream: grpc.aio.StreamStreamCall, within_s: float) -> message.Message:
    return await asyncio.wait_for(stream.read(), within_s)


def to_json(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False).encode()
