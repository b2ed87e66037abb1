"""The rule of how old results may be: one, for the whole graph."""

from collections.abc import Iterable
from datetime import timedelta

import dagster as dg

# A week, and what a rebuild may take.
WARN, FAIL = timedelta(days=7, hours=12), timedelta(days=8)


def fresh(assets: Iterable[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """The same assets, overdue where they were not made for longer than a weekly rebuild explains."""
    policy = dg.FreshnessPolicy.time_window(fail_window=FAIL, warn_window=WARN)
    return [each.map_asset_specs(lambda spec: dg.apply_freshness_policy(spec, policy)) for each in assets]
