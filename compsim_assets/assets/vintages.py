"""Models of their time: features of earlier years by each vintage that extraction.toml names, and embeddings of each
year by an encoder's.
"""

import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg

from compsim_assets.assets.common import (
    HEAVY,
    ONE_RUN,
    SHARED,
    WHO,
    DataFrame,
    alone,
    columns,
    markdown_table,
    options,
    universe_of,
)
from compsim_assets.assets.features import extract
from compsim_assets.assets.training import CHECKPOINT, texts_of, texts_to_train, train_sae
from compsim_assets.launch.torchrun import Torchrun
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import ResultsFolder
from compsim_assets.storage.shards import FeatureShards
from compsim_assets.storage.vintages import FOLDER, VintageStore, VintageYears, write_vintages
from compsim_assets.universe.encoders import EncoderSettings
from compsim_assets.universe.extraction import ExtractionSettings
from compsim_assets.universe.extraction_tables import Controls
from compsim_assets.universe.folder import Universe
from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.vintages import assign, span

_ONE_MODEL = "one model reads all years, and what it had read is not known: extraction.toml names no [[vintages]]"

_SHOWN = ["knowledge", "model", "sae", "years"]


@dg.asset(
    group_name="vintages",
    ins={"descriptions": columns(*WHO, "description", "sic_code")},
    io_manager_key="folder_io_manager",
    pool="gpu",
    op_tags=HEAVY,
    backfill_policy=ONE_RUN,
    **options(SHARED, "torch", "huggingface", "arrow", "torchrun", settings=("drop_without_sic_code",)),
)
@alone
def vintage_features(
    context: dg.AssetExecutionContext,
    settings: Settings,
    torchrun: Torchrun,
    folder: ResultsFolder,
    descriptions: DataFrame,
    sae_features: FeatureShards,
) -> Iterator[dg.Output]:
    """Features of the earlier years by each model of its time, where extraction.toml names vintages: a year is judged
    with the newest vintage that is older than its reports, and all that is fitted for it is of that vintage, too.

    The last vintage's are `sae_features`. A vintage whose texts and models are the same is not extracted again.
    """
    universe, store = universe_of(context, settings), VintageStore(folder.results)
    with folder.results.scratch(FOLDER) as scratch:
        aside = scratch / "vintages"
        aside.mkdir()
        if sae_features.manifest["origin"] != "extracted":
            described = _no_vintages(context, aside, "features are not extracted here: no model is asked")
        elif not (extraction := ExtractionSettings.from_toml(universe.folder / "extraction.toml")).vintages:
            described = _no_vintages(context, aside, _ONE_MODEL)
        else:
            of_texts = _Texts(context, settings, torchrun, universe, descriptions)
            described = _read_by_vintages(of_texts, extraction, store, aside, scratch)
        yield dg.Output(aside, metadata=described)
    store.clear()


def _no_vintages(context: dg.AssetExecutionContext, folder: Path, note: str) -> dict[str, Any]:
    context.log.info(note)
    write_vintages(folder, [], [], note)
    return {"vintages": 0, "note": note, "preview": markdown_table([], _SHOWN)}


class _Texts(NamedTuple):
    """What every vintage reads, and by which processes."""

    context: dg.AssetExecutionContext
    settings: Settings
    torchrun: Torchrun
    universe: Universe
    descriptions: DataFrame

    def until(self, year: int) -> DataFrame:
        """The reports of the years up to this one that have features."""
        reports = self.descriptions[self.descriptions["year"] <= year]
        return reports[reports["sic_code"].notna()] if self.settings.without_sic_code_dropped else reports

    def key(self, extraction: ExtractionSettings, reports: DataFrame) -> str:
        """A name for everything that decides the features of these reports."""
        from hashlib import blake2b
        from importlib.metadata import version

        import pyarrow as pa

        from compsim_assets.storage.results import content_hash
        from compsim_assets.universe.fingerprint import fingerprint_of_models

        frames = [texts_of(self.universe, reports).assign(report_id=reports["report_id"].to_numpy())]
        if extraction.train:
            frames.append(texts_to_train(self.universe, extraction, self.descriptions))
        content = [content_hash(pa.Table.from_pandas(frame, preserve_index=False)) for frame in frames]
        named = {name: value for name, value in extraction.to_dict().items() if name not in ("file", "controls")}
        code = [spec.code_version or "" for spec in self.context.assets_def.specs]
        parts = [*content, fingerprint_of_models(self.settings, named), version("torch"), *code]
        return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def _read_by_vintages(
    texts: _Texts, extraction: ExtractionSettings, store: VintageStore, folder: Path, scratch: Path
) -> dict[str, Any]:
    """Bring the features by every vintage but the last into `folder`; what is to be said about them."""
    from compsim_assets.science.cutoffs.choice import ROLLING_WINDOW

    years = sorted(set(texts.descriptions["year"].tolist()))
    assigned = assign(extraction.vintages, years, extraction.file)
    judged = set(years[ROLLING_WINDOW:])
    listed, todo = [], []
    for vintage, its in assigned.years.items():
        if not (of_it := [year for year in its if year in judged]):
            continue
        models = replace(extraction.of(vintage), controls=Controls(random_sae=0, raw_activations=False))
        listed.append(VintageYears(str(vintage.knowledge), models.model, _sae_of(models), of_it))
        todo.append((listed[-1], models, texts.until(of_it[-1])))
    ready = {of.knowledge: store.find(of.knowledge, texts.key(models, some)) for of, models, some in todo[:-1]}
    trained = extraction.train is not None
    cost = _cost(texts.context, [(of, some) for of, _, some in todo[:-1]], ready, trained)
    for number, (of, models, some) in enumerate(todo[:-1], start=1):
        if (there := ready[of.knowledge]) is None:
            texts.context.log.info(f"vintage {of.knowledge}, {number} of {len(todo) - 1}: {len(some):,} reports")
            there = _extracted(texts, of.knowledge, models, some, store, scratch)
        store.take(there, folder / of.knowledge)
    without = sorted(judged & set(assigned.without))
    note = f"older than every vintage, not judged by walk-forward: {', '.join(map(str, without))}" if without else ""
    if note:
        texts.context.log.warning(note)
    write_vintages(folder, listed, without, note)
    preview = markdown_table([asdict(of) | {"years": span(of.years)} for of in listed], _SHOWN)
    return {"vintages": len(listed), "preview": preview, "cost": cost, **({"note": note} if note else {})}


def _extracted(
    texts: _Texts, knowledge: str, models: ExtractionSettings, reports: DataFrame, store: VintageStore, scratch: Path
) -> Path:
    """Features of these reports by one vintage, kept until all are published."""
    manifest = {"knowledge": knowledge, "key": texts.key(models, reports), "sae": _sae_of(models)}

    def make(folder: Path) -> None:
        nonlocal models
        work = scratch / knowledge
        work.mkdir()
        if models.train:
            frame = texts_to_train(texts.universe, models, texts.descriptions)
            output = work / "training"
            train_sae(texts.context, texts.settings, texts.torchrun, store.results, models, frame, output)
            for file in CHECKPOINT:
                shutil.copy(output / "sae" / file, folder / file)
            models = replace(models, sae=str(output / "sae"))
        extract(texts.context, models, texts.universe, reports, folder, work, texts.torchrun, manifest)

    return store.keep(knowledge, make)


def _sae_of(models: ExtractionSettings) -> str:
    return f"trained on texts up to {models.train.train_until}" if models.train else models.sae


def _cost(
    context: dg.AssetExecutionContext,
    todo: list[tuple[VintageYears, DataFrame]],
    ready: dict[str, Path | None],
    trained: bool,
) -> str:
    """What is to be extracted beside `sae_features`, in texts and time; logged, before it is spent."""
    counts = {of.knowledge: int(reports["description"].nunique() or len(reports)) for of, reports in todo}
    new = sum(count for knowledge, count in counts.items() if ready[knowledge] is None)
    finished = sum(1 for folder in ready.values() if folder is not None)
    cost = f"{sum(counts.values()):,} texts by {len(counts)} earlier vintages, {finished} of them there already"
    last = context.instance.get_latest_materialization_event(dg.AssetKey("sae_features"))
    metadata = last.asset_materialization.metadata if last and last.asset_materialization else {}
    if new and (numbers := [getattr(metadata.get(key), "value", 0) for key in ("n_tokens", "tokens_per_second")])[1]:
        seconds = new * numbers[0] / max(int(getattr(metadata.get("n_unique"), "value", 1)), 1) / numbers[1]
        cost += f"; {new:,} texts are read, about {max(seconds / 60, 0.1):.1f} minutes at the pace of sae_features"
    elif new:
        cost += f"; {new:,} texts are read"
    if new and trained:
        cost += f"; before that {len(ready) - finished} SAEs are trained"
    context.log.info(cost)
    return cost


class Embedded(NamedTuple):
    """What an encoder made of the reports that have a text, and a vintage where it has vintages, report ids ascending.

    unique: (m, width) float32. row: (n,) which of them is each report's. ran: what the programs said, of all together.
    vintages: the years that each one read, by its day; empty where one model read all.
    """

    report_id: Any
    year: Any
    unique: Any
    row: Any
    ran: dict[str, Any]
    vintages: dict[str, list[int]]


def embed(
    context: dg.AssetExecutionContext, encoder: EncoderSettings, reports: DataFrame, scratch: Path, torchrun: Torchrun
) -> Embedded:
    """Embeddings of these reports, each by the newest vintage older than itself, where the encoder has vintages.

    Embeddings are compared within a year alone then. Those of reports older than every vintage are left out.
    """
    import numpy as np

    if not encoder.vintages:
        return _embedded(context, encoder, reports, scratch, torchrun)
    assigned = assign(encoder.vintages, reports["year"], encoder.file)
    if assigned.without:
        older = ", ".join(map(str, assigned.without))
        context.log.warning(f"{encoder.name}: older than every vintage, not embedded: reports of {older}")
    parts = []
    for vintage, years in assigned.years.items():
        of_it = reports[reports["year"].isin(years)]
        context.log.info(f"{encoder.name}: {len(of_it):,} reports of {span(years)} by {vintage.knowledge}")
        parts.append(_embedded(context, encoder.of(vintage), of_it, scratch / str(vintage.knowledge), torchrun))
    if len(widths := {part.unique.shape[1] for part in parts}) > 1:
        raise UniverseError(
            f"{encoder.file}: the vintages give vectors of {' and '.join(map(str, sorted(widths)))} numbers, expected "
            "models of one width; make encoders of their own of the others"
        )
    ids, year = (np.concatenate([getattr(part, name) for part in parts]) for name in ("report_id", "year"))
    starts = np.cumsum([0] + [len(part.unique) for part in parts])
    row = np.concatenate([part.row + start for part, start in zip(parts, starts.tolist(), strict=False)])
    order = np.argsort(ids, kind="stable")
    unique = np.concatenate([part.unique for part in parts])
    by_day = {str(vintage.knowledge): years for vintage, years in assigned.years.items()}
    return Embedded(ids[order], year[order], unique, row[order], _together([part.ran for part in parts]), by_day)


def _embedded(
    context: dg.AssetExecutionContext, encoder: EncoderSettings, reports: DataFrame, output: Path, torchrun: Torchrun
) -> Embedded:
    """By one model."""
    import numpy as np
    import pandas as pd

    output.mkdir(parents=True, exist_ok=True)
    texts = output / "texts.parquet"
    reports[["description"]].rename(columns={"description": "text"}).to_parquet(texts)
    extras = {"texts": str(texts), "settings": encoder.to_dict(), "output": str(output)}
    ran = torchrun.run(context, "compsim_assets.workers.embed_texts", extras, output)
    row = pd.read_parquet(output / "index.parquet")["row"].to_numpy()
    unique = np.load(output / "unique_embeddings.npy", mmap_mode="r")
    ids, years = (reports[name].to_numpy(np.int64)[row >= 0] for name in ("report_id", "year"))
    return Embedded(ids, years, unique, row[row >= 0], ran, {})


def _together(ran: list[dict[str, Any]]) -> dict[str, Any]:
    """What several programs said: counts as sums, the rest as the last one said it."""
    counts = ("n_texts", "n_unique", "n_truncated", "n_empty", "n_tokens")
    return {**ran[-1], **{name: sum(each[name] for each in ran) for name in counts}}
