"""Lines of the terminal that take long to come about."""

from types import SimpleNamespace
from typing import Any

import dagster as dg

from compsim_assets.running.progress import QUIET, Progress, headline


def event(kind: dg.DagsterEventType, step: str, time: float) -> Any:
    happened = dg.DagsterEvent(kind.value, "rebuild", step_key=step)
    return SimpleNamespace(dagster_event=happened, timestamp=time, step_key=step)


def test_a_step_that_says_nothing_is_named_now_and_then() -> None:
    lines = list[str]()
    progress = Progress(lines.append)
    progress.take(event(dg.DagsterEventType.STEP_START, "pca", 100.0))
    for second in range(100, 100 + 2 * int(QUIET) + 5):
        progress.tick(second)
    assert lines == ["  ... pca: 20 s so far", "  ... pca: 40 s so far"]


def test_the_headline_is_a_shape_or_a_number_of_rows() -> None:
    rows, shape = {"dagster/row_count": dg.MetadataValue.int(1)}, {"shape": dg.MetadataValue.text("2 x 3")}
    assert headline(rows) == "1 row"
    assert headline({"dagster/row_count": dg.MetadataValue.int(12345)}) == "12,345 rows"
    assert headline({**rows, **shape}) == "2 x 3"
    assert headline({"bytes": dg.MetadataValue.int(3)}) == ""
