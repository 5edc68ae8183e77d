"""What the standards ask of those who install this is said where they look."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "choose-a-resolver.md"


@pytest.mark.req("R6698-8.3-1")
def test_the_page_on_resolvers_prefers_validation_on_the_host_of_the_client() -> None:
    text = PAGE.read_text(encoding="utf-8")
    choices = re.findall(r"^\| .* \| `(\w+)`", text, re.MULTILINE)
    assert choices[0] == "UnboundResolver"
    _, _, section = text.partition("## Validate in this process\n")
    section, _, others = section.partition("\n## ")
    said = " ".join(section.split())
    assert "the best choice" in said
    assert "RFC 6698 section 8.3" in said
    assert "the best choice" not in others


@pytest.mark.req("R6698-4.1-4")
def test_the_page_on_resolvers_says_that_no_server_is_trusted_by_itself() -> None:
    said = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert "**nothing is trusted by default, not even loopback**" in said
