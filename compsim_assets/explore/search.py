"""What there is about some words: companies of that name, themes and latents with these words."""

from typing import TYPE_CHECKING

from compsim_assets.explore.companies import Companies
from compsim_assets.explore.questions import Unanswerable
from compsim_assets.explore.reasons import latent_labels
from compsim_assets.explore.tables import Tables
from compsim_assets.explore.words import matching

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["kind", "number", "label", "terms", "label_auc", "companies", "words"]
_ORDER = {"company": 0, "theme": 1, "latent": 2}


def search(tables: Tables, words: str, n: int = 10) -> "pd.DataFrame":
    """kind (company, theme, latent), number (CIK as text, theme, latent), label, terms, label_auc, companies, words: of
    each kind the n best.

    `companies` are tickers of the reports in which a latent is most active, of a theme nothing. `words` are those that
    it has: all of them or, where nothing has all, one.

    Raises:
        Unanswerable: nothing has these words; or there are no words.
        FileNotFoundError, StaleResult, DamagedResult: see `Tables.read`.

    Cost: one pass over labels and terms.
    """
    import pandas as pd

    if not words.split():
        raise Unanswerable("say which words: compsim search 'cloud infrastructure'")
    everybody = Companies(tables)
    rows = _hits(tables, everybody, words, n)
    if not rows and len(words.split()) > 1:
        rows = [hits for word in words.split() for hits in _hits(tables, everybody, word, n)]
    if not rows:
        raise Unanswerable(f"no company, theme or latent has any of {words!r}: try the beginning of a word")
    hits = pd.concat(rows, ignore_index=True).drop_duplicates(["kind", "number"])
    return hits.sort_values("kind", key=lambda kind: kind.map(_ORDER), kind="stable", ignore_index=True)


def _hits(tables: Tables, everybody: Companies, words: str, n: int) -> "list[pd.DataFrame]":
    """What has all of the words: companies, themes, latents."""
    parts = [_named(everybody, words).head(n)]
    if not tables.pairs_alone:
        themes = matching(tables, "themes", words).head(n).rename(columns={"theme": "number"})
        latents = matching(tables, "latents", words).head(n).rename(columns={"latent": "number"})
        latents["label"] = latent_labels(tables, latents["number"].tolist()).to_numpy()
        top = _most_active(tables, everybody, latents["number"].tolist())
        parts.append(themes.assign(kind="theme", companies=""))
        parts.append(latents.assign(kind="latent", companies=latents["number"].map(top).fillna("")))
    with_words = [part.assign(words=words) for part in parts if len(part)]
    return [part[COLUMNS].astype({"number": object, "label_auc": "float64"}) for part in with_words]


def _named(everybody: Companies, words: str) -> "pd.DataFrame":
    """Companies with these words in their name, the newest name of each."""
    reports = everybody.reports.drop_duplicates("company", keep="last")
    names = reports["company_name"].fillna("").str.lower()
    inside = names.map(lambda name: all(f" {word}" in f" {name}" for word in words.lower().split()))
    rows = reports[inside | (reports["ticker"].str.lower() == words.lower()).fillna(False)].sort_values("report_id")
    return rows.rename(columns={"cik": "number", "company_name": "label"}).assign(
        kind="company", terms="", label_auc=float("nan"), companies=rows["ticker"].fillna("")
    )


def _most_active(tables: Tables, everybody: Companies, latents: list[int], n: int = 3) -> dict[int, str]:
    """Tickers, or names, of the companies in which each latent is most active."""
    if not latents or not tables.has("latent_reports"):
        return {}
    wanted = [("latent", "in", latents), ("rank", "<=", n)]
    rows = tables.read("latent_reports", ["latent", "rank", "report_id"], wanted).sort_values(["latent", "rank"])
    who = everybody.reports.reindex(rows["report_id"])
    rows = rows.assign(who=who["ticker"].fillna(who["company_name"]).fillna("").to_numpy())
    by_latent = rows.groupby("latent")["who"].agg(", ".join)
    return dict(zip(by_latent.index.tolist(), by_latent, strict=True))
