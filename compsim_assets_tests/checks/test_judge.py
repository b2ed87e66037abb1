"""A check runs inside the step that makes its asset; one that fails and blocks stops what is made from it."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from compsim_assets.checks import Verdict, judge, spec

GOOD, BAD, DOUBTFUL = Verdict(True, {"n": 1}), Verdict(False, {"n": 2}), Verdict(False, {"n": 3}, warning=True)


def is_good(value: Verdict) -> Verdict:
    """The value is good."""
    return value


def step(value: Verdict, blocking: bool = True) -> dg.AssetsDefinition:
    """`first` is checked, `second` is made from it in the same step."""

    @dg.multi_asset(
        outs={name: dg.AssetOut(is_required=False) for name in ("first", "second")},
        internal_asset_deps={"first": set(), "second": {dg.AssetKey("first")}},
        check_specs=[spec("first", is_good, blocking=blocking)],
        can_subset=True,
    )
    def both(context: dg.AssetExecutionContext) -> Iterator[Any]:
        names = {key.path[-1] for key in context.selected_asset_keys}
        if "first" in names:
            yield dg.Output("1", "first")
            if (yield from judge(context, "first", is_good, value)):
                return
        if "second" in names:
            yield dg.Output("2", "second")

    return both


@dg.asset
def third(first: str) -> str:
    return "3"


def run(
    assets: list[Any], **options: Any
) -> tuple[dg.ExecuteInProcessResult, list[str], list[dg.AssetCheckEvaluation]]:
    """The run, what it materialized, and what its checks said."""
    resources = {"io_manager": dg.InMemoryIOManager()}
    result = dg.materialize(assets, resources=resources, raise_on_error=False, **options)
    made = sorted(event.asset_key.path[-1] for event in result.get_asset_materialization_events() if event.asset_key)
    return result, made, result.get_asset_check_evaluations()


EVERYTHING = ["first", "second", "third"]


@pytest.mark.parametrize(
    ("value", "blocking", "made", "severity"),
    [
        (GOOD, True, EVERYTHING, dg.AssetCheckSeverity.ERROR),
        (GOOD, False, EVERYTHING, dg.AssetCheckSeverity.ERROR),
        (BAD, True, ["first"], dg.AssetCheckSeverity.ERROR),
        (BAD, False, EVERYTHING, dg.AssetCheckSeverity.ERROR),
        (DOUBTFUL, True, EVERYTHING, dg.AssetCheckSeverity.WARN),
        (DOUBTFUL, False, EVERYTHING, dg.AssetCheckSeverity.WARN),
    ],
    ids=["good", "good, not blocking", "bad", "bad, not blocking", "doubtful", "doubtful, not blocking"],
)
def test_what_a_check_says_and_what_it_stops(
    value: Verdict, blocking: bool, made: list[str], severity: dg.AssetCheckSeverity
) -> None:
    result, materialized, (evaluation,) = run([step(value, blocking), third])
    assert materialized == made
    assert result.success is (made == EVERYTHING)
    assert (evaluation.asset_key.path, evaluation.check_name) == (["first"], "is_good")
    assert (evaluation.passed, evaluation.severity) == (value.passed, severity)
    assert {name: each.value for name, each in evaluation.metadata.items()} == value.metadata
    assert evaluation.blocking is blocking


def test_a_subset_is_stopped_too() -> None:
    result, made, evaluations = run([step(BAD), third], selection=["first", "third"])
    assert (result.success, made, len(evaluations)) == (False, ["first"], 1)
    result, made, evaluations = run([step(BAD), third], selection=["second"])
    assert (result.success, made, evaluations) == (True, ["second"], []), "what was not made is not judged"


def test_a_run_that_leaves_checks_out_is_stopped_too() -> None:
    """Dagster lets a run leave out checks; what is bad is as bad."""
    without = dg.AssetSelection.assets("first", "second", "third").without_checks()
    result, made, evaluations = run([step(BAD), third], selection=without)
    assert (result.success, made, evaluations) == (False, ["first"], [])
    (failure,) = result.get_step_failure_events()
    assert "first fails its check is_good: {'n': 2}" in str(failure.step_failure_data.error)
    for value in (GOOD, DOUBTFUL):
        result, made, evaluations = run([step(value), third], selection=without)
        assert (result.success, made, evaluations) == (True, EVERYTHING, [])
    result, made, evaluations = run([step(BAD, blocking=False), third], selection=without)
    assert (result.success, made, evaluations) == (True, EVERYTHING, [])


def test_a_check_says_in_the_ui_what_its_documentation_says() -> None:
    described = spec("first", is_good, blocking=True)
    assert (described.name, described.asset_key, described.blocking) == ("is_good", dg.AssetKey("first"), True)
    assert described.description == "The value is good."
