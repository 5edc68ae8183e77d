"""A second copy of the lab in a network namespace of its own, for clients that insist on port 53 and /etc/resolv.conf.

`ldns-dane` and `gnutls-cli` find the resolver in /etc/resolv.conf, at port 53, and libunbound refuses servers in 127/8;
GnuTLS also reads the root key from a path of its own. All that is so inside, and nothing of it outside: what is mounted
there is seen by nobody else, and when the first process of the namespace ends, the kernel ends all others.
"""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from servers.lab import Lab, sip_servers
from servers.nameservers import program, serving, validating
from servers.opinion import Ask, Opinion, gnutls_opinion, ldns_opinion
from servers.tree import Tree

RESOLVER_ADDRESS = "10.77.0.53"
RESOLVER_PORT = 53
ROOT_KEY = Path("/usr/share/dns/root.key")
_SECONDS = 300.0
# Who never gets an answer waits for it, for up to a minute: that says how patient somebody is, and nothing of DANE.
_NOT_ASKED = {"unanswered"}
# More than there are processors: most of the time a client waits for somebody.
_AT_ONCE = 6

ORACLES: dict[str, Ask] = {"ldns-dane": ldns_opinion, "gnutls-cli": gnutls_opinion}

Opinions = Mapping[str, Mapping[str, Opinion]]
"""By the oracle and the name of the deployment."""


def unshare() -> list[str]:
    """The command that runs another one in namespaces of its own."""
    # Who is not root is root inside, where the kernel allows that.
    mapping = [] if os.geteuid() == 0 else ["--map-root-user"]
    return [program("unshare"), *mapping, "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]


def missing_permission() -> str | None:
    """What keeps us from making a namespace; None if nothing does."""
    run = subprocess.run([*unshare(), "true"], check=False, capture_output=True, text=True, timeout=30)
    return None if run.returncode == 0 else f"the right to make a network namespace ({run.stderr.strip()})"


def opinions_inside(lab: Lab, directory: Path) -> Opinions:
    """What each of `ORACLES` thinks of the server of every deployment, asked by its host name."""
    job = {
        "zones": {name: str(file) for name, file in lab.tree.zone_files.items()},
        "trust_anchor": str(lab.tree.trust_anchor),
        "credentials": {domain: [str(file) for file in files] for domain, files in lab.credentials.items()},
        "ca_file": str(lab.ca_file),
        "hosts": {name: each.host for name, each in lab.deployments.items() if name not in _NOT_ASKED},
        "directory": str(directory),
    }
    run = subprocess.run(
        [*unshare(), sys.executable, "-m", "servers.namespace"],
        check=False,
        input=json.dumps(job),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        cwd=Path(__file__).parents[1],
    )
    assert run.returncode == 0, run.stderr
    told: dict[str, dict[str, dict[str, Any]]] = json.loads(run.stdout)
    return {oracle: {name: Opinion(**said) for name, said in by_name.items()} for oracle, by_name in told.items()}


def _do(*command: str) -> None:
    subprocess.run([program(command[0]), *command[1:]], check=True, stdin=subprocess.DEVNULL, timeout=30)


def _set_up(directory: Path, trust_anchor: str) -> None:
    """Bring up the network, and put our resolver and root key where clients look for them."""
    _do("ip", "link", "set", "lo", "up")
    _do("ip", "address", "add", f"{RESOLVER_ADDRESS}/32", "dev", "lo")
    configuration = directory / "resolv.conf"
    configuration.write_text(f"nameserver {RESOLVER_ADDRESS}\n")
    _do("mount", "--bind", str(configuration), "/etc/resolv.conf")
    if not ROOT_KEY.exists():
        # There is nothing to mount over, and an empty file must not stay behind: a layer above /usr/share takes it.
        layer = directory / "layer"
        layer.mkdir()
        _do("mount", "-t", "tmpfs", "tmpfs", str(layer))
        for part in ("upper", "work"):
            (layer / part).mkdir()
        options = f"lowerdir=/usr/share,upperdir={layer}/upper,workdir={layer}/work"
        _do("mount", "-t", "overlay", "overlay", "-o", options, "/usr/share")
        ROOT_KEY.parent.mkdir(exist_ok=True)
        ROOT_KEY.touch()
    _do("mount", "--bind", trust_anchor, str(ROOT_KEY))


def _opinions(hosts: Mapping[str, str], ca_file: Path) -> Iterator[tuple[str, dict[str, Opinion]]]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        pending = {
            oracle: {name: pool.submit(ask, host, ca_file) for name, host in hosts.items()}
            for oracle, ask in ORACLES.items()
        }
        for oracle, by_name in pending.items():
            yield oracle, {name: future.result() for name, future in by_name.items()}


def main() -> None:
    """Inside: start the servers, ask the oracles, print what they say."""
    job: dict[str, Any] = json.load(sys.stdin)
    directory = Path(job["directory"])
    _set_up(directory, job["trust_anchor"])
    tree = Tree({name: Path(file) for name, file in job["zones"].items()}, Path(job["trust_anchor"]))
    credentials = {domain: (Path(chain), Path(key)) for domain, (chain, key) in job["credentials"].items()}
    with contextlib.ExitStack() as stack:
        stack.enter_context(serving(tree, directory))
        stack.enter_context(validating(tree, directory, address=RESOLVER_ADDRESS, port=RESOLVER_PORT))
        stack.enter_context(sip_servers(credentials, directory))
        opinions = dict(_opinions(job["hosts"], Path(job["ca_file"])))
    told = {
        oracle: {name: dataclasses.asdict(opinion) for name, opinion in by_name.items()}
        for oracle, by_name in opinions.items()
    }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
