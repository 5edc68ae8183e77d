"""What every test run shares: conformance record, table of loops and scenarios, missing servers, Hypothesis."""

import os
import shutil
import signal

import pytest
from hypothesis import settings

pytest_plugins = ["conformance.plugin", "scenarios.table"]

# Shared machines and coverage make single examples slow now and then, which says nothing about the code.
settings.register_profile("people", deadline=None, print_blob=True)
# The same examples each time: a red CI run is reproduced by running it again. `make fuzz` looks for new ones.
settings.register_profile("ci", settings.get_profile("people"), derandomize=True)

IN_CI = os.environ.get("CI", "").lower() == "true"
settings.load_profile("ci" if IN_CI else "people")

# Who runs the tests in the background may let them ignore Ctrl-C, and every program that they start as well.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Debian keeps servers in sbin, which the PATH of ordinary users lacks.
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def _missing_programs(item: pytest.Item) -> list[str]:
    wanted = {str(program) for marker in item.iter_markers("server") for program in marker.args}
    return sorted(program for program in wanted if shutil.which(program, path=_PATH) is None)


@pytest.hookimpl(tryfirst=True)  # before fixtures try to start what is not there
def pytest_runtest_setup(item: pytest.Item) -> None:
    if missing := _missing_programs(item):
        if IN_CI:
            pytest.fail(f"{', '.join(missing)} missing on PATH: run `make test-deps`", pytrace=False)
        pytest.skip(f"not run: {', '.join(missing)} missing")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped: list[pytest.TestReport] = terminalreporter.stats.get("skipped", [])
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if "not run: " in reason:
            missing = reason.partition("not run: ")[2]
            terminalreporter.write_line(f"not run: {report.nodeid} ({missing}; `make test-deps` as root installs it)")
