"""delphi's fuzz-score files: one JSON list of examples per latent."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.universe.intake.decisions import Notes
from compsim_assets.universe.layout import UniverseError

if TYPE_CHECKING:
    import pandas as pd

_NAME = re.compile(r"(?P<hookpoint>.+)_latent(?P<latent>\d+)\.(txt|json)")


def name_of_score_file(path: Path) -> tuple[str, int]:
    """Hookpoint and latent of a file `<hookpoint>_latent<N>.txt`.

    Raises:
        UniverseError: another name.
    """
    if name := _NAME.fullmatch(path.name):
        return name["hookpoint"], int(name["latent"])
    raise UniverseError(f"{path}: expected a name like layers.30_latent123.txt")


def read_score_file(path: Path) -> dict[str, Any]:
    """Hookpoint, latent and scores of one file `<hookpoint>_latent<N>.txt`.

    Raises:
        UniverseError: names the file and what is wrong with its name, JSON or examples.
    """
    from compsim_assets.science.latents.fuzz import score_examples

    hookpoint, latent = name_of_score_file(path)
    try:
        examples = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(examples, list) or not all(isinstance(item, dict) for item in examples):
            raise ValueError("expected a JSON list of examples")
        score = score_examples(examples)
    except ValueError as problem:
        raise UniverseError(f"{path}: {problem}") from None
    return {"hookpoint": hookpoint, "latent": latent, **vars(score)}


def read_scores(paths: Sequence[Path], notes: Notes) -> "pd.DataFrame":
    """hookpoint, latent, interpretability, balanced_accuracy, n_examples, n_unscored: one row per file, by latent.

    Raises:
        UniverseError: see `read_score_file`; two files of one latent.
    """
    import pandas as pd

    from compsim_assets.science.latents.fuzz import FuzzScore

    columns = ["hookpoint", "latent", *FuzzScore.__dataclass_fields__]
    table = pd.DataFrame([read_score_file(path) for path in paths], columns=columns)
    table = table.assign(path=[str(path) for path in paths]).sort_values(["hookpoint", "latent"], ignore_index=True)
    doubled = table.duplicated(["hookpoint", "latent"])
    if doubled.any():
        row = table[doubled].iloc[0]
        raise UniverseError(
            f"{row['path']}: a second score file for latent {row['latent']} of {row['hookpoint']}, expected one"
        )
    unscored = table["n_unscored"]
    if unscored.sum():
        example = table.iloc[int(unscored.to_numpy().argmax())]
        what = f"examples without an answer (null, -1) in {(unscored > 0).sum():,} of {len(table):,} files"
        text = f"{Path(example['path']).name}: {example['n_unscored']} of {example['n_examples']}"
        notes.left_out("fuzz_scores", what, int(unscored.sum()), text)
    return table.drop(columns="path")
