"""Somebody who connects to P2 and judges nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

import anyio
from anyio.streams.tls import TLSStream

from loops import PATIENCE
from pki import Issued
from serving import client
from trapezoid.deployment import P2_ADDRESS
from trapezoid.sip import Message, messages


@asynccontextmanager
async def connected(port: int, leaf: Issued | None, address: str = P2_ADDRESS) -> AsyncGenerator[TLSStream]:
    """A connection to P2 from the address of P1, without a server name.

    Args:
        port: that of P2.
        leaf: the certificate to show; None shows none.
        address: that of P2.
    """
    transport = await anyio.connect_tcp(address, port)
    stream = await TLSStream.wrap(transport, ssl_context=client(leaf), server_side=False, standard_compatible=False)
    async with stream:
        yield stream


async def answered(stream: TLSStream) -> Message:
    """The response that comes."""
    with anyio.fail_after(PATIENCE):
        async with aclosing(messages(stream)) as responses:
            return await anext(responses)
