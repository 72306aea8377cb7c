"""Finds the credential that tells a registry who a program is, where the SDK and the command line look for it, too."""

import ipaddress
import logging
import os
import pathlib
import stat
from collections.abc import Sequence

log = logging.getLogger(__name__)


def credential_for(nodes: Sequence[str]) -> list[tuple[str, str]]:
    """What goes as metadata with every call to these nodes; nothing where there is no key, as for nodes that are open.

    The key is TOOLGATE_KEY, else in the file that TOOLGATE_KEY_FILE names, else, for nodes on this machine, in the file that
    `npm start` made with them. These connections have no TLS, so a key is refused for other machines' nodes: everybody on the way
    could read it.
    """
    key = _given(nodes) or next((key for node in nodes if (key := _made_with(node))), None)
    return [] if key is None else [("authorization", f"Bearer {key}")]


def _given(nodes: Sequence[str]) -> str | None:
    for variable in ("TOOLGATE_KEY", "TOOLGATE_KEY_FILE"):
        if value := os.environ.get(variable):
            for node in nodes:
                if _on_this_machine(node) is None:
                    raise ValueError(f"the key of {variable} is not sent to {node}: the connection has no TLS")
            return (value if variable == "TOOLGATE_KEY" else pathlib.Path(value).read_text()).strip()
    return None


def _made_with(node: str) -> str | None:
    """The key that a cluster of this user's was started with: only from a file that no other user can read."""
    if (parts := _on_this_machine(node)) is None:
        return None
    configured = pathlib.Path(os.environ.get("XDG_CONFIG_HOME", ""))
    folder = configured if configured.is_absolute() else pathlib.Path.home() / ".config"
    path = folder / "toolgate" / "keys" / "_".join(parts).replace(":", "-")
    try:
        mode = path.lstat().st_mode
        if not stat.S_ISREG(mode):
            raise OSError("it is no file")
        if os.name != "nt" and mode & 0o077:
            raise OSError("other users have rights to it; chmod 600 takes them away")
        return path.read_text().strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("the key file %s is not used: %s", path, error)
        return None


def _on_this_machine(node: str) -> tuple[str, str] | None:
    """The host and the port of a node on this machine."""
    host, _, port = node.rpartition(":")
    host = host.strip("[]")
    if host == "localhost":
        return "127.0.0.1", port
    try:
        return (host, port) if ipaddress.ip_address(host).is_loopback else None
    except ValueError:
        return None
