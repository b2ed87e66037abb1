"""A platform of two tables that go through the real IO managers; TEXT is what the first says, FAIL how one ends."""

import os
import signal
import time

import dagster as dg
import pandas as pd

from compsim_assets.contracts import TABLES
from compsim_assets.running.executor import executor
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import managers

settings = Settings.from_environment()


def behave(asset: str) -> None:
    what = os.environ.get("FAIL", "")
    if what == f"raise {asset}":
        raise ValueError(f"{asset} cannot be made")
    if what == f"kill {asset}":
        os.kill(int(os.environ["RUN"]), signal.SIGKILL)
        time.sleep(60)  # steps end with their run


@dg.asset
def descriptions() -> pd.DataFrame:
    behave("descriptions")
    row = {"report_id": 1, "cik": "1", "company_name": "One", "ticker": "A", "year": 2020, "sic_code": None}
    return pd.DataFrame([row | {"industry": None, "description": os.environ["TEXT"]}])


@dg.asset
def returns(descriptions: pd.DataFrame) -> pd.DataFrame:
    behave("returns")
    return TABLES["returns"].empty().to_pandas()


defs = dg.Definitions(
    assets=[descriptions, returns],
    executor=executor,
    jobs=[dg.define_asset_job("rebuild")],
    resources={"settings": settings, **managers(settings)},
)


def everything() -> dg.JobDefinition:
    return defs.resolve_job_def("rebuild")


if __name__ == "__main__":
    from compsim_assets.running.make import make
    from compsim_assets_tests.running import publishing

    os.environ["RUN"] = str(os.getpid())
    names = os.environ.get("SELECT", "descriptions returns").split()
    with dg.DagsterInstance.get() as instance:
        outcome = make(instance, publishing.everything, [dg.AssetKey(name) for name in names], [], print)
    raise SystemExit(0 if outcome.success else 1)
