"""The walk-forward variant: the whole chain made anew for every year, from earlier years only."""

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import dagster as dg

from compsim_assets.assets.common import (
    HEAVY,
    NO_FEATURES,
    ONE_RUN,
    SHARED,
    WHO,
    DataFrame,
    alone,
    cluster_counts,
    columns,
    default_device,
    explaining_memory,
    key_of,
    no_rows,
    progress,
    require_memory,
    selected,
    table_outs,
)
from compsim_assets.assets.similarity import FitConfig
from compsim_assets.storage.finished import FinishedParts
from compsim_assets.storage.io_managers import ResultsFolder
from compsim_assets.storage.shards import DistinctRows, FeatureShards
from compsim_assets.storage.vintages import VintageFeatures, VintageYears
from compsim_assets.universe.vintages import span

if TYPE_CHECKING:
    import numpy as np

    from compsim_assets.science.cutoffs.walk_forward import EvaluatedYear, Reports


@dg.multi_asset(
    name="walk_forward",
    group_name="walk_forward",
    outs=table_outs(
        SHARED,
        "torch",
        io_manager_key="scores_io_manager",
        walk_forward_scores="Coordinates of each year's reports on the principal axes of all earlier years. A latent "
        "that those years never vary says nothing. All rows are as long as a PCA can be: what "
        "follows the last axis is zero, so that no row depends on how many axes later years have.",
    )
    | table_outs(
        SHARED,
        "torch",
        walk_forward_cutoffs="The cutoff of each year that has five earlier ones with returns: the theta that was best "
        "over these five, with scores and scale of distances from all earlier years.",
        walk_forward_clusters="Companies that are alike in one year, as earlier years see it: nothing of the year but "
        "its descriptions took part, nothing of later years at all. Singletons included.",
    ),
    ins={"descriptions": columns(*WHO)},
    can_subset=True,
    pool="gpu",
    op_tags=HEAVY,
    backfill_policy=ONE_RUN,
)
@alone
def walk_forward_assets(
    context: dg.AssetExecutionContext,
    config: FitConfig,
    folder: ResultsFolder,
    sae_features: FeatureShards,
    vintage_features: VintageFeatures,
    clustered_reports: DataFrame,
    returns: DataFrame,
    descriptions: DataFrame,
):
    """Fit, project, choose and cut year after year. The universe's published PCA knows all years: it is not used."""
    from compsim_assets.science.companies import repeated_companies
    from compsim_assets.science.cutoffs.choice import ROLLING_WINDOW

    shards, width = sae_features, 0
    if shards.shape[0] == 0:
        yield from no_rows(context, NO_FEATURES)
        return
    company = repeated_companies(descriptions)
    _, reports = _reports(shards.report_id, shards.distinct(), clustered_reports, returns, company)
    if not reports.evaluated():
        years = reports.compared_years()
        note = f"no year has five years before it ({len(years)} years in all): none is evaluated"
        if len(years) > ROLLING_WINDOW:
            note = f"no year has five years with returns before it ({len(years)} years in all): none is evaluated"
        yield from no_rows(context, note)
        return
    judged: list[_Judged] = []
    finished = FinishedParts(folder.results, "walk_forward")
    with explaining_memory("the PCA of earlier years", "a smaller block or n_components"):
        for vintage, of_vintage in vintage_features.shards(shards):
            distinct = of_vintage.distinct()
            ids, reports = _reports(of_vintage.report_id, distinct, clustered_reports, returns, company)
            of = _Features(distinct, of_vintage.manifest["content"], vintage)
            judged += [_Judged(year, ids, vintage) for year in _walk(context, config, finished, of, reports)]
            width = max(width, distinct.shape[1])
    if not judged:
        yield from no_rows(context, f"no year is evaluated: {vintage_features.manifest['note']}")
        return
    knows = _knows(vintage_features)
    context.log.info(knows)
    yield from selected(context, *_outputs(judged, min(config.n_components, width), knows))
    finished.clear()


class _Features(NamedTuple):
    """Different texts' features, the hash of what they are of, and the vintage that read them."""

    distinct: DistinctRows
    content: str
    vintage: VintageYears | None


class _Judged(NamedTuple):
    """A year, the ids that its positions are of, and the vintage that read it."""

    year: "EvaluatedYear"
    ids: "np.ndarray"
    vintage: VintageYears | None


def _knows(vintages: VintageFeatures) -> str:
    """What the encoder behind the results has read."""
    if not vintages.vintages:
        return f"the encoder may have read later texts: {vintages.manifest['note']}"
    parts = [f"{span(of.years)} by that of {of.knowledge}" for of in vintages.vintages]
    return f"the encoder knows nothing later than its vintage, which is older than the year: {', '.join(parts)}"


def _reports(
    ids: "np.ndarray", distinct: DistinctRows, clustered: DataFrame, returns: DataFrame, company: Any
) -> tuple["np.ndarray", "Reports"]:
    """Ids and what is known of the reports with features, by year and id."""
    import numpy as np

    from compsim_assets.science.companies import company_codes
    from compsim_assets.science.correlation.returns import normalise_returns
    from compsim_assets.science.cutoffs.walk_forward import Reports

    of_reports = returns.set_index("report_id").loc[ids]
    order = np.lexsort((ids, of_reports["year"]))
    unit, defined = normalise_returns(np.stack(of_reports["returns"].iloc[order].to_list()))
    return ids[order], Reports(
        year=of_reports["year"].to_numpy()[order],
        text=distinct.inverse[order],
        clustered=np.isin(ids, clustered["report_id"])[order],
        unit_returns=unit,
        defined=defined,
        company=company_codes(company, ids[order]),
    )


def _walk(
    context: dg.AssetExecutionContext,
    config: FitConfig,
    finished: FinishedParts,
    features: _Features,
    reports: "Reports",
) -> list["EvaluatedYear"]:
    """The years that these features are judged in; each is kept as soon as it is finished."""
    from compsim_assets.science.cutoffs.walk_forward import EvaluatedYear, walk_forward

    vintage = features.vintage
    years = [year for year in reports.evaluated() if vintage is None or year in vintage.years]
    if not years:
        return []
    of = f" by the vintage {vintage.knowledge}" if vintage else ""
    keys = {year: _key(context, config, features.content, reports, year) for year in years}
    there = {year: arrays for year, key in keys.items() if (arrays := finished.find(key))}
    evaluated = {year: EvaluatedYear(**_plain(arrays)) for year, arrays in there.items()}
    if there:
        context.log.info(f"years that an earlier run has finished{of}: {', '.join(map(str, there))}")
    _require_memory(context, config, features.distinct, reports, years, of)
    for year in walk_forward(
        features.distinct,
        reports,
        **config.model_dump(),
        only=set(years) - set(there),
        device=default_device(),
        progress=progress(context, f"years evaluated{of}"),
        log=context.log.debug,
    ):
        _log(context, year)
        finished.keep(keys[year.year], vars(year))
        evaluated[year.year] = year
    return [evaluated[year] for year in years]


def _key(context: dg.AssetExecutionContext, config: FitConfig, content: str, reports: "Reports", year: int) -> str:
    """A name of all that decides a year's bytes, features and reports up to it among them."""
    until, what = reports.year <= year, list[str | bytes]()
    for name, values in vars(reports).items():
        what += [name, b"" if values is None else values[until].tobytes()]
    return key_of(context, config, content, str(year), *what)


def _plain(arrays: "dict[str, np.ndarray]") -> dict[str, Any]:
    """Arrays as they were kept, numbers among them."""
    return {name: values if values.ndim else values.item() for name, values in arrays.items()}


def _require_memory(
    context: dg.AssetExecutionContext,
    config: FitConfig,
    distinct: DistinctRows,
    reports: "Reports",
    years: list[int],
    of: str,
) -> None:
    import numpy as np

    from compsim_assets.science.pca.fit import memory_needed

    before, last_year = reports.year < years[-1], reports.year == years[-1]
    largest, new = (len(np.unique(reports.text[rows])) for rows in (before, last_year))
    needed = memory_needed(largest, distinct.shape[1], config.n_components, config.block, new)
    last = f"the last PCA of {len(years)} years{of}, of {largest:,} different texts,"
    require_memory(context, last, needed, "a smaller block or n_components")


def _log(context: dg.AssetExecutionContext, year: "EvaluatedYear") -> None:
    context.log.info(
        f"{year.year}: {year.n_earlier:,} earlier reports, theta {year.theta:.1f}, distance {year.distance:.3f}, "
        f"MeanCorr {year.mean_correlation:.3f}"
    )
    if not year.varies:
        context.log.warning(f"{year.year}: all earlier reports have the same features: scores are zero")
    if not year.converged:
        context.log.warning(
            f"{year.year}: the PCA did not settle. The features' variance does not decay; ask for fewer components"
        )


def _outputs(judged: list[_Judged], width: int, knows: str) -> list[dg.Output]:
    """The three tables, by year."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from compsim_assets.science.linkage.cut import cluster_frame
    from compsim_assets.storage.matrices import list_column

    years = [each.year for each in judged]
    ids = np.concatenate([each.ids[each.year.rows] for each in judged])
    scores = np.zeros((len(ids), width), dtype=np.float32)
    start = 0
    for year in years:
        scores[start : start + len(year.rows), : year.scores.shape[1]] = year.scores
        start += len(year.rows)
    year_of = np.repeat([year.year for year in years], [len(year.rows) for year in years])
    scored = {"report_id": ids, "year": year_of, "scores": list_column(scores)}
    columns = ("year", "theta", "distance", "mean_correlation")
    cutoffs = pd.DataFrame({name: [getattr(year, name) for year in years] for name in columns})
    knowledge = [date.fromisoformat(each.vintage.knowledge) if each.vintage else None for each in judged]
    cutoffs = cutoffs.assign(
        in_sample=False,
        n_earlier_reports=[year.n_earlier for year in years],
        knowledge=pd.Series(knowledge, dtype=object),
    )
    clusters = cluster_frame((each.year.year, each.year.cluster_id, each.ids[each.year.compared]) for each in judged)
    summary = {**_summary(years, clusters), "encoder": knows}
    return [
        dg.Output(pa.table(scored), output_name="walk_forward_scores", metadata=summary),
        dg.Output(cutoffs, output_name="walk_forward_cutoffs", metadata=summary),
        dg.Output(clusters, output_name="walk_forward_clusters", metadata=summary),
    ]


def _summary(years: list["EvaluatedYear"], clusters: DataFrame) -> dict[str, Any]:
    """Metadata: what was evaluated, and the theta of each year."""
    lines = [f"| {y.year} | {y.theta:.1f} | {y.distance:.3f} | {y.mean_correlation:.3f} |" for y in years]
    summary = {
        "years": f"{len(years)}: {years[0].year} to {years[-1].year}",
        **cluster_counts(clusters),
        "thetas": dg.MetadataValue.md(
            "\n".join(["| year | theta | distance | MeanCorr |", "|---|---|---|---|", *lines])
        ),
    }
    flat = [str(year.year) for year in years if not year.varies]
    note = f"all earlier reports have the same features, scores are zero: {', '.join(flat)}"
    return {**summary, "note": note} if flat else summary
