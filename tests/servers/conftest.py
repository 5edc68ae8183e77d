from collections.abc import Iterator

import pytest

from servers.lab import Lab, running_lab


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """All servers of the lab; started with the first test that asks for one, ended with the last test."""
    with running_lab(tmp_path_factory.mktemp("lab")) as running:
        yield running
