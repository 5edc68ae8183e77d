"""What the servers on loopback have in common."""

from __future__ import annotations

import errno
import socket
import time


def accepted(listener: socket.socket) -> socket.socket:
    """Wait for a connection, also while nothing can be opened in this process.

    Linux takes the descriptor before it waits for somebody to connect. So without descriptors `accept` fails at once,
    although nobody connects. A test that lets them run out means what it tests, not its own server.
    """
    while True:
        try:
            return listener.accept()[0]
        except OSError as error:
            if error.errno != errno.EMFILE:
                raise
        time.sleep(0.01)
