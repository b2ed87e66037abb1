"""What judges say of latents, beside fuzz scores: labels, and how well these find text in which a latent is active."""

from pathlib import Path
from typing import TYPE_CHECKING

from compsim_assets.universe.intake.decisions import Notes
from compsim_assets.universe.judging.labels import read_labels
from compsim_assets.universe.score_files import read_scores

if TYPE_CHECKING:
    import pandas as pd

_SUFFIXES = (".txt", ".json")


def read_judged(folder: Path, notes: Notes) -> "pd.DataFrame":
    """The table `judged_latents`: latents with a label, a detection score, or both.

    Args:
        folder: the universe's `fuzz_scores`; it need not exist.
        notes: hear of examples without an answer.

    Raises:
        UniverseError: see `read_labels` and `read_scores`.
    """
    keys = ["hookpoint", "latent"]
    paths = sorted(path for path in folder.glob("scores/detection/*_latent*") if path.suffix in _SUFFIXES)
    scores = read_scores(paths, notes).rename(columns={"interpretability": "detection"})
    table = read_labels(folder).merge(scores, how="outer", on=keys, sort=True)
    table["judge"] = table["judge"].fillna("")
    table["judge_label"] = table["judge_label"].astype(object).where(table["judge_label"].notna(), None)
    table["prompt_version"] = table["prompt_version"].astype("Int64")
    counts = ["n_examples", "n_unscored"]
    table[counts] = table[counts].fillna(0).astype("int64")
    return table.drop(columns="balanced_accuracy")
