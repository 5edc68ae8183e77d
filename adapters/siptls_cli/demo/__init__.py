"""`siptls demo`: scenarios against TLS SIP servers on loopback, to see verdicts without any set-up."""
