"""The command line."""

from __future__ import annotations

from typing import Final

from .entry import Code

ENTRIES: Final = (
    Code(
        "usage.error",
        "error",
        "the command line cannot be understood",
        why="an option is unknown, is missing, is given twice, or contradicts another one; nothing was done",
        impact="none: nothing was checked, so nothing is said of any peer",
        causes=(
            "a typing error",
            "options that exclude each other, such as --zone and --resolver",
            "a package is missing: the message then says how to install it",
        ),
        confirm=(
            "$ siptls --help",
            "$ siptls check --help",
        ),
        fix="see the help of the command",
        reference="siptls documentation: Command line",
    ),
    Code(
        "input.unreadable",
        "error",
        "a file cannot be read as what it should be",
        why="what a file holds must be clear before anything is judged by it",
        impact="none: nothing was checked, so nothing is said of any peer",
        causes=(
            "the file does not exist, or may not be read by this user",
            "it has another format: DER instead of PEM, for example",
            "a line of a zone file has a mistake",
        ),
        confirm=(
            "$ file FILE",
            "the message says in which file and line",
        ),
        fix="correct the file, or name another one",
        reference="siptls documentation: Command line",
    ),
    Code(
        "output.unwritable",
        "error",
        "standard output cannot be written",
        why="the result exists, but nobody can read it",
        impact="none for calls; what is read from the output is incomplete",
        causes=(
            "the disk is full",
            "the file or the pipe was closed",
        ),
        confirm=("$ df -h .",),
        fix="make room there, or write to another place",
        reference="siptls documentation: Command line",
    ),
    Code(
        "internal.bug",
        "error",
        "this is a bug of siptls",
        why="something happened that its authors did not think of",
        impact="none: nothing was checked, so nothing is said of any peer",
        causes=("siptls met something that its authors did not think of",),
        confirm=("run the same command again with --debug",),
        fix="report it with the output of --debug",
        reference="siptls documentation: Command line",
    ),
    Code(
        "run.interrupted",
        "error",
        "interrupted before there was a result",
        why="it was ended by Ctrl-C or a signal",
        impact="none: nothing was checked, so nothing is said of any peer",
        causes=(
            "somebody pressed Ctrl-C",
            "a job or a time limit of the system has ended it",
        ),
        confirm=("the exit code is 130",),
        fix="run it again",
        reference="siptls documentation: Command line",
    ),
)
