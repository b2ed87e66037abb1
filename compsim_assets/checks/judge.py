"""How a step asks a check about what it has just made."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import dagster as dg


@dataclass(frozen=True)
class Verdict:
    """What a check says: whether it passed, the counts behind it, and whether a failure is only a warning."""

    passed: bool
    metadata: dict[str, Any] = field(default_factory=dict)
    warning: bool = False


def spec(asset: str, check: Callable[..., Verdict], blocking: bool = False) -> dg.AssetCheckSpec:
    """The check as the UI shows it; a `blocking` one that fails stops what is made from the asset."""
    return dg.AssetCheckSpec(check.__name__, asset=asset, description=check.__doc__, blocking=blocking)


def judge(
    context: dg.AssetExecutionContext, asset: str, check: Callable[..., Verdict], *what: Any
) -> Generator[dg.AssetCheckResult, None, bool]:
    """Ask a check about what the step has made; True where the step must make nothing more of it.

    Raises:
        dagster.Failure: it fails and blocks, and the run did not select it: what comes after must not start either.
    """
    verdict = check(*what)
    key = dg.AssetCheckKey(dg.AssetKey(asset), check.__name__)
    failed = _blocking(context, key) and not verdict.passed and not verdict.warning
    if key in context.selected_asset_check_keys:
        yield dg.AssetCheckResult(
            asset_key=asset,
            check_name=check.__name__,
            passed=verdict.passed,
            severity=dg.AssetCheckSeverity.WARN if verdict.warning else dg.AssetCheckSeverity.ERROR,
            metadata=verdict.metadata,
        )
    elif failed:
        raise dg.Failure(f"{asset} fails its check {check.__name__}: {verdict.metadata}")
    return failed


def _blocking(context: dg.AssetExecutionContext, key: dg.AssetCheckKey) -> bool:
    # Of all checks of the definition: those that the run selects are what `check_specs` has.
    specs = context.assets_def.node_check_specs_by_output_name.values()
    return any(spec.blocking for spec in specs if spec.key == key)
