from collections.abc import Iterator

import pytest

from servers.checking import Checked
from servers.comparison import TABLE
from servers.lab import Lab, running_lab


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """All servers of the lab; started with the first test that asks for one, ended with the last test."""
    with running_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="session")
def checked(lab: Lab) -> Checked:
    """What `siptls check` tells of a deployment, by its name."""
    return Checked(lab)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if table := terminalreporter.config.stash.get(TABLE, None):
        terminalreporter.section("what siptls check and three others say of each deployment")
        for line in table:
            terminalreporter.write_line(line)
