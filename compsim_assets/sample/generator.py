"""Write a synthetic universe into a folder that is read like any local universe."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from compsim_assets.sample.companies import make_companies
from compsim_assets.sample.features import make_features, make_latents
from compsim_assets.sample.fundamentals import make_fundamentals
from compsim_assets.sample.lines import group_weights, groups
from compsim_assets.sample.prices import make_prices
from compsim_assets.sample.scores import make_scores
from compsim_assets.sample.size import FULL, GENERATOR_VERSION, SampleSize
from compsim_assets.sample.tables import Universe, write_tables
from compsim_assets.sample.texts import describe

HOOKPOINT = "layers.30"
MARKER = "SYNTHETIC"
_PARTS = ("companies", "prices", "ids", "texts", "latents", "features", "scores", "fundamentals")

_MARKER_TEXT = """SYNTHETIC DATA

Everything in this folder is generated: companies, names, tickers, codes, descriptions, features,
scores, prices, returns and accounts. Nothing here is or was a real company, filing or price, and no figure
computed from it says anything about the world.

generator version: {version}
seed: {seed}
size: {size}

truth*.parquet hold what was planted (lines of each report, latents of each line, cointegrated
pairs), so that results can be compared with it. The platform does not read them.
"""


def generate(folder: Path, seed: int = 0, *, size: SampleSize = FULL) -> None:
    """Write a synthetic local universe, the same bytes for the same seed and size.

    Writes reports.parquet, features.parquet, prices.parquet, fundamentals.parquet, fuzz_scores/, the planted truth
    (truth.parquet, truth_lines.parquet, truth_latents.parquet, truth_pairs.parquet) and a file
    SYNTHETIC that says so. Reports and features are in different orders: match them by id. The
    folder appears complete or not at all; one that is there and marked is replaced as a whole.

    Args:
        folder: absent, empty, or marked SYNTHETIC by an earlier call.
        seed: every part draws from its own stream spawned from it.
        size: how large.

    Raises:
        FileExistsError: the folder holds something that is not marked SYNTHETIC.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).is_file():
        raise FileExistsError(f"{folder} holds files that are no sample universe: not replaced")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        _fill(made, seed, size)
        _swap(made, folder, Path(scratch) / "old")


def is_current(folder: Path, seed: int = 0, *, size: SampleSize = FULL) -> bool:
    """Whether the folder holds what `generate` would write: same version, seed and size."""
    marker = Path(folder) / MARKER
    return marker.is_file() and marker.read_text(encoding="utf-8") == _marker_text(seed, size)


def _marker_text(seed: int, size: SampleSize) -> str:
    return _MARKER_TEXT.format(version=GENERATOR_VERSION, seed=seed, size=size)


def _fill(folder: Path, seed: int, size: SampleSize) -> None:
    """Make all parts, each from its own stream, and write them."""
    spawned = np.random.SeedSequence(seed).spawn(len(_PARTS))
    rng = {p: np.random.Generator(np.random.PCG64(s)) for p, s in zip(_PARTS, spawned, strict=True)}
    line_groups = groups(size.lines)
    companies = make_companies(rng["companies"], size)
    latents = make_latents(rng["latents"], size, line_groups)
    company, year = companies.reports()
    weights = companies.weights[year, company]
    n = len(company)
    share = group_weights(weights, companies.boilerplate[company], line_groups)
    universe = Universe(
        size=size,
        groups=line_groups,
        companies=companies,
        latents=latents,
        prices=make_prices(rng["prices"], companies, size),
        ids=rng["ids"].choice(8 * n, n, replace=False).astype(np.int64),
        company=company,
        year=year,
        texts=describe(rng["texts"], companies.names, company, size.first_year + year, weights),
        features=make_features(rng["features"], latents, share, company, companies.long_form),
        fundamentals=make_fundamentals(rng["fundamentals"], companies, size),
    )
    write_tables(folder, universe)
    (folder / "fuzz_scores").mkdir()
    for latent, text in make_scores(rng["scores"], latents, line_groups, size).items():
        path = folder / "fuzz_scores" / f"{HOOKPOINT}_latent{latent}.txt"
        path.write_text(text, encoding="utf-8")
    (folder / MARKER).write_text(_marker_text(seed, size), encoding="utf-8")


def _swap(made: Path, folder: Path, aside: Path) -> None:
    """Put `made` in the folder's place; what two processes make at once is the same."""
    if folder.exists():
        folder.rename(aside)
    try:
        made.rename(folder)
    except OSError:
        ours = (made / MARKER).read_bytes()
        if not (folder / MARKER).is_file() or (folder / MARKER).read_bytes() != ours:
            raise
    shutil.rmtree(aside, ignore_errors=True)
