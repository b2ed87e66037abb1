"""Latents in words: where they are active, which terms set their reports apart, windows of text."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from compsim_assets.assets.common import (
    HEAVY,
    ONE_RUN,
    SHARED,
    WHO,
    DataFrame,
    alone,
    columns,
    default_device,
    explaining_memory,
    no_rows,
    progress,
    selected,
    table_options,
    table_outs,
    universe_of,
    usable_scores,
)
from compsim_assets.contracts import TABLES
from compsim_assets.settings import Settings
from compsim_assets.storage.shards import FeatureShards

if TYPE_CHECKING:
    import numpy as np

_NO_FEATURES = "there are no features: no latent is shown"


class LatentReportsConfig(dg.Config):
    """How many reports show a latent."""

    reports: int = Field(default=20, ge=1, description="Reports of a latent, one per company.")
    of_year: int = Field(default=3, ge=1, description="Reports of a latent in each year, one per company.")
    block: int = Field(default=2048, ge=1, description="Latents read at once; 12 bytes x reports x block of memory.")


@dg.multi_asset(
    name="latent_reports",
    group_name="words",
    outs=table_outs(
        SHARED,
        "numpy",
        latent_reports="The reports in which each latent is most active, one per company; equal activations by report "
        "id.",
        latent_years="The reports of each year in which each latent is most active, one per company; equal "
        "activations by report id.",
    ),
    ins={"descriptions": columns(*WHO)},
    can_subset=True,
    backfill_policy=ONE_RUN,
)
def latent_reports(
    context: dg.AssetExecutionContext, config: LatentReportsConfig, sae_features: FeatureShards, descriptions: DataFrame
) -> Iterator[dg.Output]:
    """Read the features once, a block of latents at a time."""
    import pandas as pd

    from compsim_assets.science.companies import report_companies
    from compsim_assets.science.latents.activity import ranked

    if sae_features.n_latents == 0:
        yield from no_rows(context, _NO_FEATURES)
        return
    ids = sae_features.report_id
    company = report_companies(descriptions, ids)
    year = descriptions.set_index("report_id")["year"].loc[ids].to_numpy()
    log, tops, of_years = progress(context, "latents ranked"), [], []
    with explaining_memory("the latents' top reports", "a smaller block"):
        for start in range(0, sae_features.n_latents, config.block):
            stop = min(start + config.block, sae_features.n_latents)
            values = sae_features.columns(start, stop)
            tops.append(pd.DataFrame(ranked(values, company, ids, config.reports)))
            of_years.append(pd.DataFrame(ranked(values, company, ids, config.of_year, year)))
            for part in (tops[-1], of_years[-1]):
                part["latent"] += start
            log(stop, sae_features.n_latents)
        tables = {"latent_reports": tops, "latent_years": of_years}
        together = {
            name: pd.concat(parts, ignore_index=True).astype({"activation": float}) for name, parts in tables.items()
        }
    yield from selected(context, *(dg.Output(table, name) for name, table in together.items()))


class LatentWindowsConfig(dg.Config):
    """How many windows show a latent."""

    windows: int = Field(default=20, ge=1, description="Windows of a latent, at most.")


@dg.asset(**table_options("latent_windows", "words", "arrow"))
def latent_windows(
    context: dg.AssetExecutionContext,
    config: LatentWindowsConfig,
    settings: Settings,
    sae_features: FeatureShards,
    fuzz_scores: DataFrame,
) -> Any:
    """Windows of text in which each latent is most active, with the activation of every token.

    Of the extraction where features are extracted here; else the examples of a judge's score files for these latents.
    Empty for features that came ready-made without such files.
    """
    import pyarrow as pa

    extracted = _extracted_windows(context, config, sae_features)
    scored = _scored_windows(context, config, settings, sae_features, fuzz_scores)
    if extracted is not None:
        # What the features themselves show goes first.
        scored = scored[~scored["latent"].isin(extracted.column("latent").to_numpy())]
    context.add_output_metadata({"windows_of_scores": len(scored)})
    table = TABLES["latent_windows"]
    parts = [] if extracted is None else [table.typed(extracted)]
    return pa.concat_tables([*parts, table.typed(scored)])


def _extracted_windows(context: dg.AssetExecutionContext, config: LatentWindowsConfig, features: FeatureShards) -> Any:
    """Windows that the extraction left, as an Arrow table; None where there are none, and why."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from compsim_assets.storage.windows import read_windows

    windows = read_windows(features)
    if windows is None:
        note = "features came ready-made: what text they were extracted from is not known"
        if features.manifest.get("origin") == "extracted":
            note = "features were extracted before windows were kept: to have some, materialize 'sae_features' again"
            context.log.warning(note)
        context.add_output_metadata({"windows": note})
        return None
    windows = windows.filter(pc.less_equal(windows.column("rank"), config.windows))
    context.add_output_metadata({"windows_of_extraction": windows.num_rows})
    return windows.append_column("source", pa.array(["extraction"] * windows.num_rows, pa.string()))


def _scored_windows(
    context: dg.AssetExecutionContext,
    config: LatentWindowsConfig,
    settings: Settings,
    features: FeatureShards,
    fuzz_scores: DataFrame,
) -> DataFrame:
    """A judge's examples of these features' latents."""
    import pandas as pd

    from compsim_assets.universe.judging.score_windows import score_windows

    universe = universe_of(context, settings)
    usable, note = usable_scores(features, fuzz_scores)
    context.add_output_metadata({"scores": note})
    hookpoint = str(usable["hookpoint"].iloc[0]) if len(usable) else ""
    files = universe.fuzz_score_files() if len(usable) else []
    rows = list(score_windows(files, hookpoint, usable["latent"], config.windows))
    table = pd.DataFrame(rows) if rows else TABLES["latent_windows"].empty().to_pandas()
    return table.assign(report_id=pd.array([None] * len(table), dtype="Int64"), source="scores")


class LatentsConfig(dg.Config):
    """What is said of a latent."""

    terms: int = Field(default=8, ge=1, description="Terms of a latent, at most.")
    seed: int = Field(
        default=0, ge=0, description="Seed of the halves of companies that terms are chosen and judged on."
    )
    block: int = Field(default=2048, ge=1, description="Latents read at once; 8 bytes x reports x block of memory.")


@dg.asset(
    ins={
        "descriptions": columns(*WHO, "description"),
        "latent_windows": columns("latent", "rank", "report_id", "tokens", "source"),
        "fuzz_scores": columns("hookpoint", "latent", "interpretability"),
        "judged_latents": columns("hookpoint", "latent", "judge_label", "judge"),
    },
    op_tags=HEAVY,
    **table_options("latents", "words", "scikitlearn"),
)
@alone
def latents(
    context: dg.AssetExecutionContext,
    config: LatentsConfig,
    sae_features: FeatureShards,
    descriptions: DataFrame,
    latent_reports: DataFrame,
    latent_windows: DataFrame,
    latent_themes: DataFrame,
    fuzz_scores: DataFrame,
    judged_latents: DataFrame,
) -> DataFrame:
    """What each latent is: where it is active and how strongly, terms that set its windows of text apart from those of
    other latents, or else its top reports from other companies', how well these hold in companies that they were not
    chosen on, a judge's label beside them, its nearest latent, its fuzz score.

    A latent without evidence has an empty label, and says so.
    """
    import json

    import pandas as pd

    from compsim_assets.science.words.latents import latent_words

    if sae_features.n_latents == 0:
        context.log.info(_NO_FEATURES)
        return TABLES["latents"].empty().to_pandas()
    reports = descriptions.set_index("report_id").loc[sae_features.report_id].reset_index()
    with explaining_memory("the latents' words", "a smaller block"):
        log = progress(context, "latents described")
        latent_windows["passage"] = ["".join(json.loads(tokens)) for tokens in latent_windows.pop("tokens")]
        words = latent_words(
            sae_features.n_latents, reports, latent_reports, latent_windows, config.terms, config.seed, log
        )
        active, quantiles = _activity(context, config, sae_features)
    nearest, cosine = _twins(context, sae_features)
    table = pd.DataFrame({"latent": range(sae_features.n_latents), "n_reports": active})
    table["firing_rate"] = table["n_reports"] / max(len(sae_features.report_id), 1)
    table["quantiles"] = pd.Series([list(row) if row[0] == row[0] else None for row in quantiles], dtype=object)
    table = table.join(words)
    judged = usable_scores(sae_features, judged_latents)[0].dropna(subset="judge_label").set_index("latent")
    table["judge_label"], table["judge"] = (table["latent"].map(judged[name]) for name in ("judge_label", "judge"))
    table["theme"] = table["latent"].map(latent_themes.set_index("latent")["theme"]).astype("Int64")
    table["twin"], table["twin_cosine"] = pd.Series(nearest, dtype="Int64").where(nearest >= 0), cosine
    scored, note = usable_scores(sae_features, fuzz_scores)
    table["interpretability"] = table["latent"].map(scored.set_index("latent")["interpretability"])
    table["n_windows"] = table["latent"].map(latent_windows.groupby("latent").size()).fillna(0).astype("int64")
    labelled = table["label_auc"].dropna()
    counts = table["evidence"].value_counts().to_dict()
    context.add_output_metadata(
        {
            "scores": note,
            "labelled": int((table["label"] != "").sum()),
            "median_label_auc": float(labelled.median()) if len(labelled) else "none",
            **{f"evidence_{name}": int(n) for name, n in counts.items()},
        }
    )
    return table


def _activity(
    context: dg.AssetExecutionContext, config: LatentsConfig, features: FeatureShards
) -> tuple["np.ndarray", "np.ndarray"]:
    import numpy as np

    from compsim_assets.science.latents.activity import activity

    def blocks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        log = progress(context, "latents measured")
        for start in range(0, features.n_latents, config.block):
            stop = min(start + config.block, features.n_latents)
            yield activity(features.columns(start, stop))
            log(stop, features.n_latents)

    active, quantiles = zip(*blocks(), strict=True)
    return np.concatenate(active), np.concatenate(quantiles)


def _twins(context: dg.AssetExecutionContext, features: FeatureShards) -> tuple["np.ndarray", "np.ndarray"]:
    """The latent with the nearest decoder direction and its cosine; -1 and NaN where no SAE can be asked, and why."""
    import numpy as np

    none = np.full(features.n_latents, -1), np.full(features.n_latents, np.nan)
    sae, hookpoint = features.manifest.get("sae"), str(features.manifest.get("hookpoint"))
    if not sae:
        context.add_output_metadata({"twins": "features came ready-made: there is no SAE to compare latents by"})
        return none
    from compsim_assets.science.latents.twins import twins
    from compsim_assets.workers.sae_files import decoder_directions

    try:
        directions = decoder_directions(sae, hookpoint)
    except FileNotFoundError as problem:
        note = f"no twins: the SAE that features were extracted with is not there any more: {problem}"
        context.log.warning(note)
        context.add_output_metadata({"twins": note})
        return none
    if len(directions) != features.n_latents:
        raise dg.Failure(
            f"sae = {sae!r} has {len(directions)} latents now, features have {features.n_latents}: "
            "materialize sae_features again"
        )
    return twins(directions, default_device(), progress(context, "twins of latents"))
