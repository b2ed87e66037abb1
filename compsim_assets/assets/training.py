"""A sparse autoencoder of the universe's own: trained on its texts where extraction.toml says so."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import dagster as dg

from compsim_assets import checks
from compsim_assets.assets.common import (
    HEAVY,
    ONE_RUN,
    SHARED,
    WHO,
    DataFrame,
    alone,
    lazily,
    markdown_table,
    options,
    selected,
    table_outs,
    universe_of,
    wanted,
)
from compsim_assets.contracts import TABLES
from compsim_assets.launch.torchrun import Torchrun
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import Lazy, ResultsFolder
from compsim_assets.storage.previews import inline_image
from compsim_assets.storage.results import Results, content_hash
from compsim_assets.universe.extraction import ExtractionSettings
from compsim_assets.universe.folder import Universe
from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.opening import similarity_of

MANIFEST = "sparse_autoencoder.json"
CHECKPOINT = ("cfg.json", "sae.safetensors")
_SHOWN = ["latents", "k", "tokens", "fvu", "held_out_fvu", "dead"]
# Beyond these something is said: share of latents, of the variance, and how often the one trained on that held out is.
_DEAD, _UNEXPLAINED, _BY_HEART = 0.2, 0.5, 2.0


@dg.multi_asset(
    name="sparse_autoencoder",
    group_name="training",
    outs={
        "sparse_autoencoder": dg.AssetOut(
            io_manager_key="folder_io_manager",
            is_required=False,
            description="A TopK sparse autoencoder (SAE), trained on the universe's own texts under torchrun as "
            "[train] in its extraction.toml says, in eai-sparsify's format: cfg.json and sae.safetensors. A killed "
            "training goes on where it was. Empty where the universe names an SAE or has features.",
            **options(SHARED, "torch", "huggingface", "safetensors", "torchrun", settings=("similarity",)),
        ),
        **table_outs(
            SHARED,
            "torch",
            sae_training="How the SAE came to be: the variance that it leaves unexplained on texts trained on and on "
            "texts held out, dead latents and active ones, from measure to measure.",
        ),
    },
    ins=lazily("descriptions", columns=[*WHO, "description"]),
    internal_asset_deps={name: {dg.AssetKey("descriptions")} for name in ("sparse_autoencoder", "sae_training")},
    check_specs=[
        checks.spec("sparse_autoencoder", checks.sae_is_finite, blocking=True),
        checks.spec("sparse_autoencoder", checks.sae_has_learned),
    ],
    can_subset=True,
    pool="gpu",
    op_tags=HEAVY,
    backfill_policy=ONE_RUN,
)
@alone
def sparse_autoencoder_assets(
    context: dg.AssetExecutionContext, settings: Settings, torchrun: Torchrun, folder: ResultsFolder, descriptions: Lazy
):
    """Train an SAE, or say why none is."""
    universe = universe_of(context, settings, "sparse_autoencoder")
    extraction, why = _wanted(settings, universe)
    ran: dict[str, Any] = {}
    with folder.results.scratch("sparse_autoencoder") as scratch:
        if extraction is None:
            yield from selected(context, *_nothing(context, scratch, why))
        else:
            reports, output = descriptions.read(), scratch / "out"
            extraction, _ = extraction.of_newest(reports["year"])
            frame = texts_to_train(universe, extraction, reports)
            ran = train_sae(context, settings, torchrun, folder.results, extraction, frame, output)
            yield from selected(context, *_outputs(context, settings.synthetic, ran, output))
    _remove(folder.results)
    if "sparse_autoencoder" in wanted(context):
        where = folder.fresh("sparse_autoencoder")
        if not (yield from checks.judge(context, "sparse_autoencoder", checks.sae_is_finite, where)):
            yield from checks.judge(context, "sparse_autoencoder", checks.sae_has_learned, ran, _remarks(ran))


def train_sae(
    context: dg.AssetExecutionContext,
    settings: Settings,
    torchrun: Torchrun,
    results: Results,
    extraction: ExtractionSettings,
    texts: DataFrame,
    output: Path,
) -> dict[str, Any]:
    """Train on these texts; what the program said. The checkpoint is in the folder `sae` of `output` then."""
    output.mkdir()
    source, resume = output / "texts.parquet", _resume_folder(context, settings, results, extraction, texts)
    texts.to_parquet(source)
    extras = {"texts": str(source), "settings": extraction.to_dict(), "resume": str(resume), "output": str(output)}
    return torchrun.run(context, "compsim_assets.workers.train_sae", extras, output)


def trained_sae(extraction: ExtractionSettings, sparse_autoencoder: Lazy) -> ExtractionSettings:
    """The settings, with the folder of the SAE that was trained where they name none."""
    from dataclasses import replace

    return replace(extraction, sae=str(sparse_autoencoder.read())) if extraction.train else extraction


def _wanted(settings: Settings, universe: Universe) -> tuple[ExtractionSettings | None, str]:
    """How to train; None, and why, where nothing is."""
    how = universe.folder / "extraction.toml"
    if universe.has("features"):
        return None, "features are imported: no SAE is trained"
    if similarity_of(settings, universe) == "pairs" or not how.exists():
        return None, "features are not extracted here: no SAE is trained"
    extraction = ExtractionSettings.from_toml(how)
    if extraction.train is None:
        return None, f"extraction.toml names an SAE, {extraction.sae}: none is trained"
    return extraction, ""


def _nothing(context: dg.AssetExecutionContext, scratch: Path, why: str) -> Iterator[dg.Output]:
    context.log.info(why)
    aside = scratch / "sae"
    aside.mkdir()
    content = blake2b(why.encode(), digest_size=16).hexdigest()
    (aside / MANIFEST).write_text(json.dumps({"origin": "none", "note": why, "content": content}))
    yield dg.Output(aside, "sparse_autoencoder", metadata={"note": why, "preview": markdown_table([], _SHOWN)})
    yield dg.Output(TABLES["sae_training"].empty(), "sae_training", metadata={"note": why})


def texts_of(universe: Universe, descriptions: DataFrame) -> DataFrame:
    """A row per report: its token ids where the universe has them, else its text."""
    texts = universe.token_ids(descriptions["report_id"].to_numpy())
    return descriptions[["description"]].rename(columns={"description": "text"}) if texts is None else texts


def texts_to_train(universe: Universe, extraction: ExtractionSettings, descriptions: DataFrame) -> DataFrame:
    """A row per report that may be trained on or measured: its text or token ids, and whether it is held out."""
    import pandas as pd

    from compsim_assets.science.companies import company_codes, company_of
    from compsim_assets.science.training.split import hold_out

    train = extraction.train
    assert train is not None
    until = train.train_until or descriptions["year"].max()
    reports = descriptions[descriptions["year"] <= until].sort_values("report_id")
    ids = reports["report_id"].to_numpy()
    texts = texts_of(universe, reports)
    keys = texts.iloc[:, 0].map(lambda value: value if value is None or isinstance(value, str) else tuple(value))
    number = pd.factorize(keys)[0]
    if not (number >= 0).any():
        some = f" up to {until}" if train.train_until else ""
        raise UniverseError(f"{extraction.file} [train]: no report{some} has a text to train on")
    company = company_codes(company_of(reports), ids)
    assert company is not None
    return texts.assign(held_out=hold_out(number, company, train.held_out, train.seed)).reset_index(drop=True)


def _resume_folder(
    context: dg.AssetExecutionContext,
    settings: Settings,
    results: Results,
    extraction: ExtractionSettings,
    texts: DataFrame,
) -> Path:
    """The folder of this training, beside the results, named by all that decides its bytes; those of others go."""
    from importlib.metadata import version

    import pyarrow as pa

    from compsim_assets.universe.fingerprint import fingerprint

    code = [spec.code_version or "" for spec in context.assets_def.specs]
    content = content_hash(pa.Table.from_pandas(texts, preserve_index=False))
    read = f"{extraction.model} {extraction.hookpoint}"  # one of several, where there are vintages
    parts = [content, fingerprint(settings, "sparse_autoencoder"), read, version("torch"), *code]
    folder = results.folder / ".training" / blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()
    _remove(results, folder)
    return folder


def _remove(results: Results, but: Path | None = None) -> None:
    """What trainings that are over, or were given up, left to go on from."""
    import shutil

    for left in (results.folder / ".training").glob("*"):
        if left != but:
            shutil.rmtree(left, ignore_errors=True)


def _outputs(
    context: dg.AssetExecutionContext, synthetic: bool, ran: dict[str, Any], output: Path
) -> Iterator[dg.Output]:
    """The SAE with its manifest, and its history."""
    import pandas as pd

    from compsim_assets.plots.style import preview_png, to_png
    from compsim_assets.plots.training import training_curve

    aside, history = output / "sae", pd.read_parquet(output / "training.parquet")
    digest = blake2b(digest_size=16)
    for name in CHECKPOINT:
        with (aside / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "blake2b").digest())
    manifest = {name: value for name, value in ran.items() if name != "resumed_at"}
    (aside / MANIFEST).write_text(json.dumps({"origin": "trained", **manifest, "content": digest.hexdigest()}))
    for remark in _remarks(ran):
        context.log.warning(remark)
    curve = inline_image(preview_png(to_png(training_curve(history, synthetic))), "sae_training")
    metadata = {name: value for name, value in ran.items() if value is not None}
    metadata |= {
        "preview": markdown_table([ran], _SHOWN),
        "origin": "trained",
        "remarks": "; ".join(_remarks(ran)) or "none",
    }
    yield dg.Output(aside, "sparse_autoencoder", metadata={**metadata, "loss_curve": dg.MetadataValue.md(curve)})
    yield dg.Output(history, "sae_training")


def _remarks(ran: Mapping[str, Any]) -> list[str]:
    """What is wrong with a training, and what would help."""
    from compsim_assets.science.training.sizes import TOKENS_PER_LATENT

    if not ran:
        return []
    remarks, held_out = [], ran["held_out_fvu"]
    if ran["tokens"] < TOKENS_PER_LATENT * ran["latents"]:
        remarks.append(
            f"few tokens for the width: {ran['tokens']:,} for {ran['latents']:,} latents, expected at least "
            f"{TOKENS_PER_LATENT} each; latents = 0 in [train] chooses the width that they suffice for"
        )
    if ran["dead"] > _DEAD:
        remarks.append(
            f"collapsed: {100 * ran['dead']:.0f} % of the latents are active on no token; name fewer latents or a "
            "larger k in [train]"
        )
    if ran["fvu"] > _UNEXPLAINED:
        remarks.append(f"{100 * ran['fvu']:.0f} % of the variance are unexplained: a larger k leaves less")
    if held_out is not None and held_out > _BY_HEART * ran["fvu"]:
        remarks.append(
            f"learned by heart: {100 * held_out:.1f} % of the variance are unexplained on texts held out, "
            f"{100 * ran['fvu']:.1f} % on those trained on; more texts or fewer latents bring them together"
        )
    return remarks
