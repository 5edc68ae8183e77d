"""Drivers of the siptls core: DNS, TLS and path validation over asyncio and blocking sockets."""
