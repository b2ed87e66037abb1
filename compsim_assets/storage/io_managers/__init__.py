"""How results come to disk and back: the one part of storage that knows Dagster.

`base` is what all kinds of results share: modes, notes of what a result was made from, versions, and what a step may
read. `kinds` is how each kind is published, described and opened: tables, scores, figures, folders, the PCA, pairs.
"""

from compsim_assets.storage.io_managers.base import (
    MATTERS,
    REVISION,
    ByMode,
    Lazy,
    ResultsFolder,
    data_version,
    origin,
    step_reads,
)
from compsim_assets.storage.io_managers.kinds import managers, table_schema

__all__ = [
    "MATTERS",
    "REVISION",
    "ByMode",
    "Lazy",
    "ResultsFolder",
    "data_version",
    "managers",
    "origin",
    "step_reads",
    "table_schema",
]
