"""What the paper's authors published, brought into tables: pairs, strong features, cointegrated pairs."""

from collections import Counter
from typing import Any

import dagster as dg

from compsim_assets.assets.common import DataFrame, revision_of, table_options
from compsim_assets.contracts import TABLES
from compsim_assets.resources.pair_files import PublishedPairs
from compsim_assets.resources.previews import markdown_preview
from compsim_assets.resources.results import Results, stamps
from compsim_assets.resources.sources import open_universe
from compsim_assets.resources.storage import data_version
from compsim_assets.settings import Settings


@dg.asset(
    ins={"descriptions": dg.AssetIn(metadata={"columns": ["report_id", "year"]})},
    **table_options("published_pairs", "published", "pyarrow"),
)
def published_pairs(
    context: dg.AssetExecutionContext, settings: Settings, descriptions: DataFrame
) -> dg.MaterializeResult:
    """Pairs of reports of one year with their published cosine and return correlation; empty where the universe has
    none. Ordered by year, and checked: known reports, each pair once.
    """
    universe, results = open_universe(settings, context.log.info), Results.of(settings)
    reports = descriptions.sort_values("report_id")
    found = universe.pairs(
        reports["report_id"].to_numpy(), reports["year"].to_numpy(), refresh=universe.has("reports")
    )
    path = results.table("published_pairs")
    content = _write(results, found)
    revision = revision_of(universe, "pairs")
    said = _described(found) if found is not None else {"note": "the universe has no pairs"}
    context.log.info(", ".join(f"{name}: {value}" for name, value in said.items()))
    return dg.MaterializeResult(
        metadata={
            **said,
            **revision,
            "dagster/row_count": 0 if found is None else len(found.year),
            "dagster/column_schema": TABLES["published_pairs"].schema(),
            "preview": dg.MetadataValue.md(_preview(results)),
            "path": dg.MetadataValue.path(str(path)),
            "data": "synthetic sample" if settings.synthetic else settings.source,
        },
        data_version=data_version(content, *revision.values()),
    )


def _write(results: Results, found: PublishedPairs | None) -> str:
    """Publish the table; returns its content's hash."""
    from hashlib import blake2b

    import numpy as np

    from compsim_assets.pairs import write_pairs

    ids, values = np.empty(0, dtype=np.int64), np.empty(0)
    pairs = found or PublishedPairs(ids, ids, ids, values, values, Counter())
    names = ("year", "report_a", "report_b", "cosine", "correlation")
    columns = {name: np.ascontiguousarray(getattr(pairs, name)) for name in names}
    digest = blake2b(digest_size=16)
    for column in columns.values():
        digest.update(column.data)
    content = digest.hexdigest()
    year = columns.pop("year")
    with results.new_file(results.table("published_pairs")) as aside:
        write_pairs(aside, year, columns, stamps(content, results.universe_stamp()))
    return content


def _described(found: PublishedPairs) -> dict[str, Any]:
    import numpy as np

    return {
        "pairs": len(found.year),
        "with_correlation": int((~np.isnan(found.correlation)).sum()),
        "dropped": ", ".join(f"{n:,} {why}" for why, n in found.dropped.items()) or "none",
    }


def _preview(results: Results) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = [column.name for column in TABLES["published_pairs"].columns]
    with pq.ParquetFile(results.table("published_pairs")) as file:
        first = next(file.iter_batches(20, columns=columns), None)
        batches = [] if first is None else [first]
        return markdown_preview(pa.Table.from_batches(batches, file.schema_arrow))


@dg.asset(
    deps=["descriptions"], **table_options("published_strong_features", "published", "pandas")
)
def published_strong_features(context: dg.AssetExecutionContext, settings: Settings) -> DataFrame:
    """Strong features of clusters as the paper's authors published them, read from their pickles without running
    anything in them; empty where the universe has none.
    """
    import pandas as pd

    sets = open_universe(settings).published_strong_features()
    context.add_output_metadata(
        {f"{name}: clusters": int(table["members"].nunique()) for name, table in sets.items()}
        if sets
        else {"note": "the universe has no published_strong_features/"}
    )
    columns = [column.name for column in TABLES["published_strong_features"].columns]
    tables = [table.assign(set=name) for name, table in sets.items()]
    return pd.concat([pd.DataFrame(columns=columns), *tables], ignore_index=True)[columns]


@dg.asset(
    ins={"descriptions": dg.AssetIn(metadata={"columns": ["report_id", "ticker"]})},
    **table_options("published_cointegrated_pairs", "published", "pandas"),
)
def published_cointegrated_pairs(
    context: dg.AssetExecutionContext, settings: Settings, descriptions: DataFrame
) -> DataFrame:
    """Cointegrated pairs as the paper's authors published them, with tickers from their map of report ids, or from the
    reports; empty where the universe has none.
    """
    import pandas as pd

    universe = open_universe(settings)
    sets, tickers = universe.cointegrated_pairs(), universe.tickers()
    known = descriptions if tickers is None else tickers
    ticker = known.drop_duplicates("report_id").set_index("report_id")["ticker"]
    context.add_output_metadata(
        {f"{method}: pairs": len(table) for method, table in sets.items()}
        if sets
        else {"note": "the universe has no cointegrated_pairs/"}
    )
    columns = [column.name for column in TABLES["published_cointegrated_pairs"].columns]
    tables = [
        table.assign(
            method=method,
            ticker_a=table["report_a"].map(ticker),
            ticker_b=table["report_b"].map(ticker),
        )
        for method, table in sets.items()
    ]
    return pd.concat([pd.DataFrame(columns=columns), *tables], ignore_index=True)[columns]
