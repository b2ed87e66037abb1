"""The weekly schedule on a clock that jumps: over ticks while a machine sleeps, and back when it is set."""

import logging
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import freeze_time
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster._scheduler.scheduler import launch_scheduled_runs

from compsim_assets.running.home import CONFIGURATION

SUNDAY = datetime(2024, 3, 3, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
LOCATION = ModuleTarget("compsim_assets.definitions", None, working_directory=None, location_name="compsim")


@pytest.fixture
def instance(short_folder: Path) -> Iterator[dg.DagsterInstance]:
    shutil.copy(CONFIGURATION, short_folder)  # runs are queued, and no daemon takes them
    with dg.DagsterInstance.from_config(str(short_folder)) as instance:
        yield instance


@pytest.fixture
def look(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[datetime], list[str]]]:
    """What the daemon does at a moment: ticks of the runs that it asks for, all that there were so far."""
    monkeypatch.setenv("COMPSIM_UNATTENDED", "1")
    times: dict = {}
    with WorkspaceProcessContext(instance, LOCATION) as context:

        def look(now: datetime) -> list[str]:
            with freeze_time(now):
                errors = [error for error in launch_scheduled_runs(context, logging.getLogger(), now, times) if error]
            assert errors == []
            return sorted(run.tags["dagster/run_key"] for run in instance.get_runs())

        yield look


def end_all(instance: dg.DagsterInstance) -> None:
    for run in instance.get_runs():
        if not run.is_finished:
            instance.report_run_canceled(run)


def test_ticks_that_a_clock_jumps_over_are_one_rebuild(
    instance: dg.DagsterInstance, look: Callable[[datetime], list[str]]
) -> None:
    assert look(SUNDAY) == []
    # The machine slept from Sunday to Wednesday.
    first = ["2024-03-04T06:00:00+00:00"]
    assert look(SUNDAY + timedelta(days=3)) == first
    assert look(SUNDAY + timedelta(days=3, seconds=30)) == first
    end_all(instance)
    # Then for a month: four ticks, of which the last one counts.
    second = [*first, "2024-04-01T06:00:00+00:00"]
    assert look(SUNDAY + 4 * WEEK + timedelta(days=2)) == second
    end_all(instance)
    # Somebody sets the clock back: what was asked for is not asked for again.
    assert look(SUNDAY + 2 * WEEK) == second
    assert look(SUNDAY + 4 * WEEK + timedelta(days=2)) == second
    assert look(SUNDAY + 5 * WEEK + timedelta(days=2)) == [*second, "2024-04-08T06:00:00+00:00"]
