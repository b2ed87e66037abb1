"""How many descriptions are longer than what a language model reads at once, before any of them is tokenized."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from compsim_assets.universe.extraction import ExtractionSettings
    from compsim_assets.universe.intake.decisions import Notes


def say_long_texts(notes: "Notes", texts: "pd.Series", settings: "ExtractionSettings") -> None:
    """A decision on those that are too long, at least so many: a word is a token or more."""
    words = texts.dropna().str.count(r"\S+")
    if not (long := int((words > settings.max_tokens).sum())):
        return
    what = f"texts have more words than max_tokens = {settings.max_tokens}"
    if settings.long_texts == "chunk":
        notes.fine("long_texts", f"{what}: they are read in windows", long)
    else:
        remedy = 'long_texts = "chunk" in extraction.toml reads all of them'
        notes.left_out("long_texts", f"{what}: the rest of them is not read", long, remedy=remedy)
