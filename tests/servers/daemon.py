"""Start a server, know when it answers, show its log when it does not, and end exactly that process."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

# How long a busy machine may take; on an idle one everything is up in two seconds.
START_SECONDS = 60.0
STOP_SECONDS = 10.0


class ServerFailed(Exception):
    """A server of the lab did not do what the tests need."""


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Poll `condition` until it is true; `ServerFailed` says `what` was awaited in vain for `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ServerFailed(f"waited {seconds:g} s in vain: {what}")
        time.sleep(0.01)


def require_free(address: str, port: int, *kinds: socket.SocketKind) -> None:
    """Raise `ServerFailed` when somebody listens on `address`:`port` already: its answers must not be tested."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for kind in kinds:
        with socket.socket(family, kind) as probe:
            if kind is socket.SOCK_STREAM:
                # As servers do: connections of an earlier run that linger in TIME_WAIT are no listeners.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                raise ServerFailed(f"{address}:{port} ({kind.name}) is not free for the tests: {error}") from error


def accepts_connections(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1.0).close()
    except OSError:
        return False
    return True


def _end_of(log: Path, lines: int = 30) -> str:
    return "\n".join(log.read_text(errors="backslashreplace").splitlines()[-lines:])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        # The server leads a session of its own (below), so this group holds it and its children, nobody else.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_SECONDS)


@contextlib.contextmanager
def running(command: Sequence[str], *, log: Path, ready: Callable[[], bool]) -> Generator[None]:
    """Run `command` in the foreground until the block ends.

    Its output goes to the file `log`. The block starts when `ready()` is true; `ServerFailed` carries the end of the
    log when the server ends before that or does not get there in `START_SECONDS`.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        name = Path(command[0]).name
        try:
            wait_until(lambda: process.poll() is not None or ready(), seconds=START_SECONDS, what=f"{name} to answer")
            if process.poll() is not None:
                raise ServerFailed(f"{name} ended at once with status {process.returncode}")
        except ServerFailed as failure:
            raise ServerFailed(f"{failure}\nend of {log}:\n{_end_of(log)}") from None
        yield
    finally:
        _end(process)
