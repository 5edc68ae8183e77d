"""Run `siptls check` with the lab's resolver, and see what the servers saw of it."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from cli.console import run
from servers.kamailio import Lifeline
from servers.lab import Lab
from servers.nameservers import RESOLVER_ADDRESS, RESOLVER_PORT

EXIT_CODES = {"ACCEPTED": 0, "REJECTED": 1, "UNDETERMINED": 3, "NO_SERVICE": 4, "INSUFFICIENT": 5}

# How many connections Kamailio gets, where it is not one for a server that was judged and none without: the recorder
# of octets listens to the first, and the other has two servers.
_CONNECTIONS = {"watched": 0, "failover": 2}

_RESOLVER = ("--resolver", f"{RESOLVER_ADDRESS}:{RESOLVER_PORT}")


@dataclasses.dataclass(frozen=True)
class Told:
    """What the command told, and what Kamailio saw of it meanwhile."""

    exit_code: int
    verdict: dict[str, Any]
    seen: list[Lifeline]

    @property
    def summary(self) -> tuple[str, str, str]:
        return self.verdict["outcome"], self.verdict["method"], self.verdict["code"]

    @property
    def codes(self) -> list[str]:
        return [step["code"] for step in self.verdict["steps"]]


def siptls(verb: str, uri: str, *options: str) -> tuple[int, dict[str, Any]]:
    """Run the command line in this process, which is ten times as fast; return its exit code and its JSON."""
    ran = run(verb, uri, "--format", "json", *options, *_RESOLVER)
    assert ran.err == ""
    assert "error" not in ran.json, ran.out
    return ran.exit_code, ran.json


def installed_siptls(verb: str, uri: str, *options: str) -> tuple[int, dict[str, Any]]:
    """The same with the installed command, as a process of its own."""
    command = [str(Path(sys.executable).with_name("siptls")), verb, uri, "--format", "json", *options, *_RESOLVER]
    ran = subprocess.run(command, check=False, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
    assert ran.stderr == b""
    return ran.returncode, json.loads(ran.stdout)


def check(lab: Lab, uri: str, *options: str, trust_ad: bool = True, connections: int | None = None) -> Told:
    """Run `siptls check` with the lab's trust anchors, and wait until Kamailio has seen the end of `connections`.

    None stands for one connection if the verdict has an endpoint, and none otherwise. Whatever comes of it: the exit
    code is that of the outcome, and Kamailio got handshakes but no request.
    """
    before = lab.kamailio.now()
    trust = ["--trust-ad"] if trust_ad else []
    exit_code, told = siptls("check", uri, "--ca-file", str(lab.ca_file), *trust, *options)
    assert exit_code == EXIT_CODES[told["verdict"]["outcome"]]
    expected = int(told["verdict"]["endpoint"] is not None) if connections is None else connections
    seen = lab.kamailio.ended(before, count=expected)
    assert [(lifeline.secured, lifeline.methods) for lifeline in seen] == [(True, [])] * expected
    return Told(exit_code, told["verdict"], seen)


class Checked:
    """What `siptls check` tells of each deployment; each is checked once, whoever asks."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._told: dict[str, Told] = {}

    def __call__(self, name: str) -> Told:
        if name not in self._told:
            uri = f"sip:alice@{self.lab.deployments[name].domain}"
            self._told[name] = check(self.lab, uri, connections=_CONNECTIONS.get(name))
        return self._told[name]
