"""Small complete programs, one for each event loop: they connect to a SIP domain, and ask its server for its options.

They are run as ``python -m siptls_io.examples.asyncio sip:alice@example.com``, and the documentation shows their text.
"""
