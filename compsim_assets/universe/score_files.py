"""delphi's fuzz-score files: one JSON list of examples per latent."""

import json
import re
from pathlib import Path
from typing import Any

from compsim_assets.universe.layout import UniverseError

_NAME = re.compile(r"(?P<hookpoint>.+)_latent(?P<latent>\d+)\.(txt|json)")


def read_score_file(path: Path) -> dict[str, Any]:
    """Hookpoint, latent and scores of one file `<hookpoint>_latent<N>.txt`.

    Raises:
        UniverseError: names the file and what is wrong with its name, JSON or examples.
    """
    from compsim_assets.science.latents.fuzz import score_examples

    name = _NAME.fullmatch(path.name)
    if not name:
        raise UniverseError(f"{path}: expected a name like layers.30_latent123.txt")
    try:
        examples = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(examples, list) or not all(isinstance(item, dict) for item in examples):
            raise ValueError("expected a JSON list of examples")
        score = score_examples(examples)
    except ValueError as problem:
        raise UniverseError(f"{path}: {problem}") from None
    return {"hookpoint": name["hookpoint"], "latent": int(name["latent"]), **vars(score)}
