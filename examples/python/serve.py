"""A toolset about words, served until SIGTERM or Ctrl-C.

    python serve.py 127.0.0.1:7400 127.0.0.1:7401

Without arguments the nodes are those of TOOLGATE_NODES, with commas between, else one on this machine.
"""

import argparse
import asyncio
import logging
import os
import signal
from typing import Any

from provider import Emit, Provider, Tool, ToolFailure

TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


async def count_words(payload: Any, emit: Emit) -> Any:
    words = payload["text"].split()
    if not words:
        raise ToolFailure("NO_WORDS", "there is no word in the text")
    return {"words": len(words), "different": len(set(words))}


async def spell(payload: Any, emit: Emit) -> Any:
    for letter in payload["text"]:
        await emit({"letter": letter})
        await asyncio.sleep(payload.get("pause_s", 0))
    return {"letters": len(payload["text"])}


TOOLS = [
    Tool(
        name="count_words",
        description="Counts the words of a text.",
        payload_schema=TEXT,
        result_schema={
            "type": "object",
            "properties": {"words": {"type": "integer"}, "different": {"type": "integer"}},
            "required": ["words", "different"],
        },
        run=count_words,
        idempotent=True,
    ),
    Tool(
        name="spell",
        description="Spells a text, letter by letter, with pauses of that many seconds.",
        payload_schema={**TEXT, "properties": {**TEXT["properties"], "pause_s": {"type": "number", "minimum": 0}}},
        run=spell,
    ),
]


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("nodes", nargs="*", help="addresses of the registry's nodes, host:port")
    arguments = parser.parse_args()
    nodes = arguments.nodes or os.environ.get("TOOLGATE_NODES", "127.0.0.1:7400").split(",")
    provider = Provider(nodes, "words", "1.0.0", "Words and letters.", TOOLS)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, provider.stop)
    await provider.serve()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    asyncio.run(main())
