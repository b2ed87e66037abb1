"""A platform of two tables that go through the real IO managers; TEXT is what the first says, FAIL how one ends."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

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
    if what == f"fill {asset}":
        with suppress(OSError), (Path(os.environ["DAGSTER_HOME"]) / "filler").open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
    if what == f"wait {asset}":
        time.sleep(2)


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
    import typer

    from compsim_assets.commands.asking import asking
    from compsim_assets.running.make import make
    from compsim_assets_tests.running import publishing

    os.environ["RUN"] = str(os.getpid())
    names = os.environ.get("SELECT", "descriptions returns").split()
    try:
        with asking(), dg.DagsterInstance.get() as instance:
            outcome = make(instance, publishing.everything, [dg.AssetKey(name) for name in names], [], print)
    except typer.Exit as end:
        raise SystemExit(end.exit_code) from None
    raise SystemExit(0 if outcome.success else 1)
