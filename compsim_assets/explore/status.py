"""What there is to ask: which tables are materialized, from which source, when, and what is out of date."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from compsim_assets.contracts import TABLES
from compsim_assets.contracts.modes import CUTOFF_MODES
from compsim_assets.explore.tables import Tables
from compsim_assets.storage.lineage import name_of
from compsim_assets.storage.results import MANIFESTS

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["result", "rows", "made", "bytes", "code", "out_of_date"]


def status(tables: Tables, reasons: Mapping[str, str] | None = None) -> "pd.DataFrame":
    """A row per result that is there: result, rows (null for an array), made (UTC), bytes, code (version of the asset's
    code), out_of_date: why; empty where it is as it would be made now.

    Args:
        reasons: why a run would make a result again, by name, which is more than the results themselves tell: their
            code and the universe's files. None: what they tell.

    Cost: a look at each file, and at the footers of tables.
    """
    import pandas as pd

    rows = []
    for name, path in _there(tables):
        note = tables.results.note(name)
        why = tables.lineage.why_unusable(name) if tables.results.content(name) else "its file is cut or damaged"
        rows.append((
            name, _rows(path), datetime.fromtimestamp(path.stat().st_mtime, UTC), _size(path),
            note.code if note else "", why or (reasons or {}).get(name, ""),
        ))  # fmt: skip
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype({"rows": "Int64"}) if len(table) else table


def _there(tables: Tables) -> list[tuple[str, Path]]:
    """Results and where they lie, in the order of their names."""
    places = dict[str, Path]()
    for name in TABLES:
        for mode in (None, *CUTOFF_MODES):
            places[name_of(name, mode)] = tables.results.table(name, mode)
    places |= {name: tables.results.array_folder(name) / manifest for name, manifest in MANIFESTS.items()}
    return sorted((name, path) for name, path in places.items() if path.exists())


def _rows(path: Path) -> int | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix != ".parquet":
        return None
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException):
        return None


def _size(path: Path) -> int:
    files = [path] if path.suffix == ".parquet" else [file for file in path.parent.iterdir() if file.is_file()]
    return sum(file.stat().st_size for file in files)
