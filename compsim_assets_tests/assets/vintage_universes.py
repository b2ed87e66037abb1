"""Universes whose texts are read by models of several years: tiny ModernBERTs, one text to a batch."""

from pathlib import Path

import numpy as np

from compsim_assets_tests.assets.test_walk_forward import TABLES, UPSTREAM, materialize
from compsim_assets_tests.runs import Local
from compsim_assets_tests.universes import write_reports
from compsim_assets_tests.workers.tiny_models import WORDS, make_kit

YEARS, N_COMPANIES = range(2001, 2010), 6
# Which years each is for: 2006 and 2007, 2008, 2009. That of 2010 is for nobody.
VINTAGES = (2005, 2007, 2008, 2010)
# A batch of one text: the features of a text have the same bits whatever the other texts are.
HEAD = """hookpoint = "layers.1"
max_tokens = 12
tokens_per_batch = 1
[controls]
random_sae = 0
raw_activations = false
"""


def write_texts(universe: Path, until: int = YEARS[-1], after: int = YEARS[-1]) -> None:
    """Companies whose texts differ in every year and whose returns follow their first word; after a year, other ones.

    Args:
        universe: its folder. until: reports of later years are not there. after: of these others are.
    """
    rng, other = np.random.default_rng(3), np.random.default_rng(4)
    rows = []
    for year in YEARS:
        common = rng.normal(0, 0.05, (3, 12))
        for company in range(N_COMPANIES):
            words = [WORDS[company % 3], *rng.choice(WORDS, 5)]
            monthly = common[company % 3] + rng.normal(0, 0.03, 12)
            if year > after:
                words, monthly = list(other.choice(WORDS, 7)), other.normal(0, 0.2, 12)
            rows.append((year, company, " ".join(words), monthly.tolist()))
    year, company, text, monthly = zip(*[row for row in rows if row[0] <= until], strict=True)
    write_reports(
        universe,
        n=len(year),
        year=list(year),
        cik=[str(900 + c) for c in company],
        company_name=[f"Company {c}" for c in company],
        ticker=[f"T{c}" for c in company],
        sic_code=["2834"] * len(year),
        section_1=list(text),
        logged_monthly_returns_matrix=list(monthly),
    )


def write_models(universe: Path, seeds: dict[int, int] | None = None) -> None:
    """A model and an SAE of each vintage, named as ChronoBERT's are; `seeds` makes some of them others."""
    for vintage in VINTAGES:
        make_kit(universe / "models" / f"{vintage}", "modernbert", (seeds or {}).get(vintage, vintage))
        folder = universe / "models" / f"{vintage}"
        (folder / "model").rename(folder / f"tiny-bert-v1-{vintage}1231")


def model_of(vintage: int) -> str:
    return f'model = "models/{vintage}/tiny-bert-v1-{vintage}1231"\nsae = "models/{vintage}/sae"\n'


def write_vintages(universe: Path, *vintages: int) -> None:
    """An extraction.toml of these vintages."""
    tables = [f"[[vintages]]\nknowledge = {vintage}-12-31\n{model_of(vintage)}" for vintage in vintages]
    (universe / "extraction.toml").write_text("\n".join([HEAD, *tables]))


def write_trained(universe: Path, *vintages: int) -> None:
    """An extraction.toml of these models, whose SAEs are trained."""
    tables = [f"[[vintages]]\nknowledge = {v}-12-31\n{model_of(v).splitlines()[0]}\n" for v in vintages]
    (universe / "extraction.toml").write_text("\n".join([HEAD, "[train]\nlatents = 24\nk = 4\n", *tables]))


def write_one_model(universe: Path, vintage: int) -> None:
    """An extraction.toml of one model, whose day is not said."""
    (universe / "extraction.toml").write_text(model_of(vintage) + HEAD)


def walked(folder: Path, *also: str) -> Local:
    """The universe's run up to the walk-forward tables."""
    run = Local(folder)
    assert materialize(run, [*also, *UPSTREAM, *TABLES]).success
    return run
