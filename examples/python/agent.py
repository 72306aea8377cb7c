"""What agents do first, against any provider of the toolset `words`: plain gRPC, with stubs made from the proto files alone.

    python agent.py
"""

import asyncio
import json
import os
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from key import credential_for
from toolgate.v1 import catalog_pb2, catalog_pb2_grpc, gateway_pb2, gateway_pb2_grpc

# The toolset, run_id and tool_call_id make a call's identity: a repeat, on any node, attaches to the first call and runs
# nothing. So gRPC may retry, on another node.
SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [{"service": "toolgate.v1.Gateway"}, {"service": "toolgate.v1.Catalog"}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}
OPTIONS = [("grpc.service_config", json.dumps(SERVICE_CONFIG)), ("grpc.max_receive_message_length", -1)]
TIMEOUT_S = 30


class Agent:
    """Calls tools, as one run."""

    def __init__(self, channel: grpc.aio.Channel, credential: Sequence[tuple[str, str]] = ()) -> None:
        self.catalog = catalog_pb2_grpc.CatalogStub(channel)
        self.gateway = gateway_pb2_grpc.GatewayStub(channel)
        self._credential = credential
        self._run_id = str(uuid.uuid4())

    def _spec(self, toolset: str, tool: str, payload: Any, tool_call_id: str | None) -> gateway_pb2.CallSpec:
        return gateway_pb2.CallSpec(
            toolset=toolset,
            tool=tool,
            payload_json=json.dumps(payload).encode(),
            meta=gateway_pb2.CallMeta(run_id=self._run_id, tool_call_id=tool_call_id or str(uuid.uuid4())),
            timeout_ms=TIMEOUT_S * 900,  # less than the RPC has, so that the registry's own word arrives in time
        )

    async def get(self, toolset: str) -> catalog_pb2.GetToolsetResponse:
        """A toolset with its tools."""
        request = catalog_pb2.GetToolsetRequest(name=toolset)
        return await self.catalog.GetToolset(request, timeout=TIMEOUT_S, metadata=self._credential)

    async def start(self, toolset: str, tool: str, payload: Any, tool_call_id: str | None = None) -> gateway_pb2.CallToolResponse:
        """Admits a call, and returns its handle at once."""
        request = gateway_pb2.CallToolRequest(call=self._spec(toolset, tool, payload, tool_call_id))
        return await self.gateway.CallTool(request, timeout=TIMEOUT_S, metadata=self._credential)

    async def invoke(self, toolset: str, tool: str, payload: Any, tool_call_id: str | None = None) -> gateway_pb2.Terminal:
        """Runs a call to its end, and says how it ended; only a refusal raises `grpc.aio.AioRpcError`."""
        request = gateway_pb2.InvokeRequest(call=self._spec(toolset, tool, payload, tool_call_id))
        return (await self.gateway.Invoke(request, timeout=TIMEOUT_S, metadata=self._credential)).terminal

    async def follow(self, call_id: str) -> AsyncIterator[gateway_pb2.OutputDelta | gateway_pb2.Terminal]:
        """A call's output from its beginning, then how it ended."""
        request = gateway_pb2.FollowCallRequest(call_id=call_id)
        async for part in self.gateway.FollowCall(request, metadata=self._credential):
            for delta in part.deltas:
                yield delta
            if part.HasField("terminal"):
                yield part.terminal

    async def cancel(self, call_id: str) -> None:
        request = gateway_pb2.CancelCallRequest(call_id=call_id)
        await self.gateway.CancelCall(request, timeout=TIMEOUT_S, metadata=self._credential)


def describe(terminal: gateway_pb2.Terminal) -> str:
    """How a call ended.

    `executed` decides about another try: after NO the tool did not run; after YES it did, and failed; after UNKNOWN repeat with
    the same ids, or only what may happen twice.
    """
    kind = gateway_pb2.TerminalKind.Name(terminal.kind).removeprefix("TERMINAL_KIND_").lower()
    executed = gateway_pb2.Executed.Name(terminal.executed).removeprefix("EXECUTED_").lower()
    return f"{kind}: {terminal.error.reason}, executed: {executed}"


def describe_refusal(error: grpc.aio.AioRpcError) -> str:
    """What the registry says of a request that it refused."""
    status = rpc_status.from_call(error)
    if status is None:
        return f"{error.code().name}: {error.details()}"  # gRPC's own, such as a broken connection: the call's ids tell more
    info, faults = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info) or detail.Unpack(faults)
    at = "".join(f" at {fault.field}" for fault in faults.field_violations)
    return f"refused: {info.reason}{at}, executed: {info.metadata['executed']}"


async def main() -> None:
    nodes = os.environ.get("TOOLGATE_NODES", "127.0.0.1:7400")
    # Several addresses; a name that resolves to all of them would be dns:///toolgate.example:7400.
    async with grpc.aio.insecure_channel(f"ipv4:{nodes}", OPTIONS) as channel:
        agent = Agent(channel, credential_for(nodes.split(",")))

        found = await agent.get("words")
        print(f"words {found.contract.version}: {', '.join(tool.name for tool in found.contract.tools)}")

        text = {"text": "to be or not to be"}
        counts = json.loads((await agent.invoke("words", "count_words", text, "count")).result_json)
        print(f"count_words: {counts['words']} words, {counts['different']} different")
        again = await agent.start("words", "count_words", text, "count")
        print(f"the same ids again: {'the same call' if again.repeated_request else 'another call'}")

        letters, spelled = [], None
        call = (await agent.start("words", "spell", {"text": "abc"})).handle
        async for event in agent.follow(call.call_id):
            if isinstance(event, gateway_pb2.OutputDelta):
                letters.append(json.loads(event.data_json)["letter"])
            else:
                spelled = json.loads(event.result_json)["letters"]
        print(f"spell: {' '.join(letters)}, {spelled} letters")

        for wrong in ({"text": 7}, {"text": " "}):
            try:
                print(describe(await agent.invoke("words", "count_words", wrong)))
            except grpc.aio.AioRpcError as error:
                print(describe_refusal(error))

        call = (await agent.start("words", "spell", {"text": "never", "pause_s": 60})).handle
        async for event in agent.follow(call.call_id):
            if isinstance(event, gateway_pb2.OutputDelta):
                await agent.cancel(call.call_id)
            else:
                print(describe(event))


if __name__ == "__main__":
    asyncio.run(main())
