"""Plugin that reports skipped tests, and fails on them where the variable CI is set, since everything is installed there."""

import os
from collections import Counter

import pytest

SKIPPED: dict[str, str] = {}
"""Skipped tests or files with their reasons."""


@pytest.hookimpl
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Records a skipped test."""
    _note(report)


@pytest.hookimpl
def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Records a file skipped as a whole."""
    _note(report)


def _note(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        SKIPPED[report.nodeid] = reason.removeprefix("Skipped: ")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fails where tests must not be skipped."""
    if SKIPPED and os.environ.get("CI") and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints skipped tests and reasons."""
    for reason, count in sorted(Counter(SKIPPED.values()).items()):
        first = next(name for name, why in SKIPPED.items() if why == reason)
        verdict = "; with CI set, none may be" if os.environ.get("CI") else ""
        terminalreporter.write_line(f"{count} skipped{verdict}: {reason} ({first} first)")
