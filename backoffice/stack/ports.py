"""Finds free TCP ports on the loopback address and says who may have one that is taken."""

import socket
import threading

from backoffice.stack.errors import StackError

LOOPBACK = "127.0.0.1"

_handed_out: set[int] = set()
_lock = threading.Lock()


def free_port() -> int:
    """Return a port that nothing listens on and that this process has not handed out before."""
    with _lock:
        while True:
            with socket.socket() as probe:
                probe.bind((LOOPBACK, 0))
                port: int = probe.getsockname()[1]
            if port not in _handed_out:
                _handed_out.add(port)
                return port


def is_free(port: int) -> bool:
    """Say whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def require_free(port: int, *, wanted_by: str) -> None:
    """Raise `port_taken` if a server could not listen on the port."""
    if is_free(port):
        return
    raise StackError(
        "port_taken",
        f"{wanted_by} cannot listen on 127.0.0.1:{port}: another program does.",
        f"Stop that program (`ss -ltnp | grep {port}` names it), or leave the port out to get a free one.",
    )
