"""What RFC 5923 asks of those who run a proxy is said on the page for them."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from siptls import AliasTable, Carrier, Via, listen_hints

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "reuse-connections.md"


def section(title: str) -> str:
    """What stands under a heading, in one line."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return " ".join(found[1].split())


@pytest.mark.req("R5923-3-1")
def test_the_page_leaves_connections_behind_a_nat_to_rfc_5626() -> None:
    said = section("What this is not for")
    assert "neighbours either of whom could open the connection" in said
    assert "RFC 5626" in said
    assert "Do not put its flows into this table" in said


@pytest.mark.req("R5923-8.1-11")
def test_a_client_goes_on_listening_and_nothing_here_could_stop_it() -> None:
    assert "go on listening where your sent-by says, whatever you have offered" in section(
        "Offer a connection that you opened"
    )
    for callable_ in (Via.build, Carrier, Carrier.send, AliasTable, AliasTable.add, AliasTable.grant, listen_hints):
        names = inspect.signature(callable_).parameters
        assert not [name for name in names if "listen" in name]
    offered = Via.build("tls", "p1.example.com", branch="z9hG4bK1", alias=True)
    plain = Via.build("tls", "p1.example.com", branch="z9hG4bK1")
    assert listen_hints(offered, "192.0.2.1") == listen_hints(plain, "192.0.2.1")


def test_the_limits_on_the_page_are_those_of_the_table() -> None:
    said = section("How large it grows")
    for name, parameter in inspect.signature(AliasTable).parameters.items():
        assert f"| `{name}` | {parameter.default:,} " in said
