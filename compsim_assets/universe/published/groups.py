"""Cluster sets and strong features as the paper's authors published them, as plain tables.

All errors are `UniverseError`s that name the file, the place in it and what was expected.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.published.values import short, whole, year_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def read_cluster_set(path: Path) -> "pd.DataFrame":
    """Clusters of `year_cluster_df*.pkl`, or of a mapping of industries: year, cluster_id (text), report_id.

    Sorted by year; clusters and their reports in the file's order. A cluster without reports has no rows.

    Raises:
        UniverseError: no frame with `year` and `clusters`, a year that is not one or is there twice, clusters that are
            not a dict of lists, an id that is not a whole number or is twice in a year.
    """
    import pandas as pd

    years: dict[int, list[tuple[str, int]]] = {}
    for row, (value, clusters) in enumerate(_rows(path)):
        place = f"{path}: row {row}"
        year = year_of(value)
        if year is None:
            raise UniverseError(f"{place}: year {short(value)}, expected a year like 2019 or '2019'")
        if year in years:
            raise UniverseError(f"{place}: year {year} is there before, expected one row per year")
        years[year] = list(_members(clusters, f"{place} ({year})"))
    rows = [(year, *member) for year in sorted(years) for member in years[year]]
    frame = pd.DataFrame(rows, columns=["year", "cluster_id", "report_id"])
    return frame.astype({"year": "int64", "cluster_id": "string", "report_id": "int64"})


def _rows(path: Path) -> Iterator[tuple[Any, Any]]:
    import pandas as pd

    from compsim_assets.universe.published.pickles import load_pickle

    frame = load_pickle(path)
    if not isinstance(frame, pd.DataFrame):
        raise UniverseError(f"{path}: holds a {type(frame).__name__}, expected a pandas frame")
    columns = [_column(frame, name, str(path)).to_list() for name in ("year", "clusters")]
    return zip(*columns, strict=True)


def _column(frame: "pd.DataFrame", name: str, place: str) -> "pd.Series":
    positions = [n for n, label in enumerate(frame.columns) if isinstance(label, str) and label == name]
    if len(positions) != 1:
        raise UniverseError(f"{place}: {len(positions)} columns {name}, expected one")
    return frame.iloc[:, positions[0]]


def _members(clusters: Any, place: str) -> Iterator[tuple[str, int]]:
    """(cluster, report) of one year."""
    if type(clusters) is not dict:
        raise UniverseError(
            f"{place}: clusters are a {type(clusters).__name__}, expected a dict of cluster -> list of report ids"
        )
    names: set[str] = set()
    seen: set[int] = set()
    for key, values in clusters.items():
        name = key if isinstance(key, str) else str(whole(key))
        if name == "None" or name in names:
            raise UniverseError(f"{place}: cluster {short(key)} is no number and no text or occurs before")
        names.add(name)
        for value in _listed(values, f"{place}: cluster {short(name)}"):
            report = whole(value)
            if report is None:
                raise UniverseError(f"{place}: cluster {short(name)} holds {short(value)}, expected whole numbers")
            if report in seen:
                raise UniverseError(f"{place}: report {report} occurs twice, expected once a year")
            seen.add(report)
            yield name, report


def _listed(values: Any, place: str) -> list:
    import numpy as np

    if isinstance(values, np.ndarray) and values.ndim == 1:
        return values.tolist()
    if type(values) not in (list, tuple, set):
        raise UniverseError(f"{place} is a {type(values).__name__}, expected a list of report ids")
    return list(values)


def read_strong_features(path: Path) -> "pd.DataFrame":
    """Latents by cluster of `*_strong_features_*.pkl`: members, n_members, latent, mae (float64), strong (bool).

    `members`: a cluster's report ids, ascending as numbers, joined by ",". One row for each latent that has an MAE;
    clusters and latents in the file's order. An MAE may be NaN, but not that of a strong latent.

    Raises:
        UniverseError: no dict of clusters, a key that is not ids, a cluster, member or latent that is there twice, a
            strong latent without an MAE or that is weak too.
    """
    import numpy as np
    import pandas as pd

    from compsim_assets.universe.published.pickles import load_pickle

    clusters = load_pickle(path)
    if type(clusters) is not dict:
        raise UniverseError(f"{path}: holds a {type(clusters).__name__}, expected a dict of clusters")
    seen: set[str] = set()
    parts: dict[str, list] = {"n_members": [], "latent": [], "mae": [], "strong": []}
    members: list[str] = []
    for number, (key, value) in enumerate(clusters.items()):
        place = f"{path}: cluster {number} ({short(key)})"
        ids = _ids_of(key, place)
        name = ",".join(map(str, ids))
        if name in seen:
            raise UniverseError(f"{place}: occurs twice, expected each cluster once")
        seen.add(name)
        latent, mae, strong = _latents(value, place)
        members += [name] * len(latent)
        for column, values in zip(parts, (np.full(len(latent), len(ids)), latent, mae, strong), strict=True):
            parts[column].append(values)
    kinds = {"n_members": "int64", "latent": "int64", "mae": "float64", "strong": "bool"}
    columns = {name: np.concatenate([np.empty(0, kinds[name]), *parts[name]]).astype(kinds[name]) for name in parts}
    return pd.DataFrame({"members": pd.Series(members, dtype=object), **columns})


def _ids_of(key: Any, place: str) -> list[int]:
    """A cluster's ids, ascending, of its key "10,9"."""
    ids = [whole(part) for part in key.split(",")] if isinstance(key, str) else [None]
    whole_ids = {number for number in ids if number is not None}
    if len(whole_ids) < len(ids):
        raise UniverseError(f'{place}: expected different report ids joined by ","')
    return sorted(whole_ids)


def _latents(value: Any, place: str) -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
    """Latents with an MAE, their MAE, and whether each is strong."""
    import numpy as np
    import pandas as pd

    needed = ("strong_features", "weak_features", "mae_by_feature")
    if type(value) is not dict or any(name not in value for name in needed):
        raise UniverseError(f"{place}: expected a dict with {', '.join(needed)}")
    frame = value["mae_by_feature"]
    if not isinstance(frame, pd.DataFrame):
        raise UniverseError(f"{place}: mae_by_feature is no frame")
    column = _column(frame, "mae", f"{place}: mae_by_feature")
    if column.dtype.kind not in "fiu":
        raise UniverseError(f"{place}: mae of type {column.dtype}, expected numbers")
    latent = _numbers(frame.index, f"{place}: the index of mae_by_feature")
    strong = _numbers(value["strong_features"], f"{place}: strong_features")
    weak = _numbers(value["weak_features"], f"{place}: weak_features")
    mae = column.to_numpy(dtype=np.float64)
    both, without = np.intersect1d(strong, weak), np.setdiff1d(strong, latent[~np.isnan(mae)])
    if len(both):
        raise UniverseError(f"{place}: latent {both[0]} is strong and weak, expected one of them")
    if len(without):
        raise UniverseError(f"{place}: strong latent {without[0]} has no MAE")
    return latent, mae, np.isin(latent, strong)


def _numbers(values: Any, place: str) -> "np.ndarray":
    """Different whole numbers of an array, index or list."""
    import numpy as np

    numbers = np.asarray(values)
    all_whole = numbers.dtype.kind in "iu" or numbers.size == 0
    if numbers.ndim != 1 or not all_whole or len(np.unique(numbers)) < len(numbers):
        raise UniverseError(f"{place}: expected different latents as whole numbers")
    return numbers.astype(np.int64)
