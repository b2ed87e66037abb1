"""Latents and themes by words: those that have all of them in labels and terms, at the beginning of a word."""

import re
from typing import TYPE_CHECKING

from compsim_assets.explore.tables import Tables

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = {
    "latents": [
        "latent",
        "label",
        "judge_label",
        "terms",
        "label_auc",
        "firing_rate",
        "n_reports",
        "theme",
        "evidence",
    ],
    "themes": ["theme", "n_latents", "label", "terms", "label_auc"],
}


def matching(tables: Tables, name: str, words: str) -> "pd.DataFrame":
    """Rows of `latents` or `themes` that have all words, the best first: more of the words in the label, then in one
    term beside each other, then by how well the terms tell their reports.

    Cost: one pass over label and terms of all rows.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = tables.read(name, _COLUMNS[name])
    parts = [re.escape(word) for word in words.split()]
    judged = rows["judge_label"].fillna("") if "judge_label" in rows else ""
    text = pa.array((rows["label"] + ", " + judged + ", " + rows["terms"]).astype(object))
    for part in parts:
        mask = pc.match_substring_regex(text, rf"(^|\W){part}", ignore_case=True).to_numpy(zero_copy_only=False)
        rows, text = rows[mask], text.filter(pa.array(mask))
    if not parts:
        return rows.iloc[:0]
    together = re.compile(r"(^|\W)" + r"\w*\W+".join(parts), re.IGNORECASE)
    inside = [re.compile(rf"(^|\W){part}", re.IGNORECASE) for part in parts]
    rows = rows.assign(
        in_label=[sum(bool(part.search(label)) for part in inside) for label in rows["label"]],
        together=[bool(together.search(both)) for both in text.to_pylist()],
    )
    order = ["in_label", "together", "label_auc", name.removesuffix("s")]
    rows = rows.sort_values(order, ascending=[False, False, False, True], kind="stable", ignore_index=True)
    return rows.drop(columns=["in_label", "together"])


def similar(tables: Tables, words: str, n: int = 5) -> list[str]:
    """Words of latents' terms that are spelled like these, the nearest first."""
    from difflib import get_close_matches

    terms = tables.read("latents", ["terms"])["terms"].drop_duplicates()
    vocabulary = sorted({word for text in terms for word in re.findall(r"\w{3,}", text.lower())})
    return [each for word in words.lower().split() for each in get_close_matches(word, vocabulary, n, cutoff=0.7)]
