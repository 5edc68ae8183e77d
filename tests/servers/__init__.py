"""Integration tests with real servers: nsd, unbound and Kamailio, all on loopback, and OpenSSL's opinion of them."""
