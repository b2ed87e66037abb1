"""What every asset definition says the same way."""

from typing import TYPE_CHECKING, Any

from compsim_assets.contracts import TABLES
from compsim_assets.partitions import cutoff_modes

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    DataFrame = pd.DataFrame
    ArrowTable = pa.Table
else:
    # Dagster resolves annotations when definitions load, and that must not import pandas.
    DataFrame = Any
    ArrowTable = Any

OWNERS = ["team:compsim"]


def table_options(name: str, group: str, *kinds: str, by_mode: bool = False) -> dict[str, Any]:
    """Options of an asset whose value is the contract's table of that name."""
    options: dict[str, Any] = {
        "group_name": group,
        "owners": OWNERS,
        "kinds": {"parquet", *kinds},
        "metadata": {"dagster/column_schema": TABLES[name].schema()},
    }
    return {**options, "partitions_def": cutoff_modes} if by_mode else options


def default_device() -> str:
    """The device of products computed inside a step: the first GPU, else the CPU."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
