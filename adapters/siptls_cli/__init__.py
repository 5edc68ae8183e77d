"""The command line of siptls."""
