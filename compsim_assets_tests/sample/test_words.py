"""The sample's planted latents get the words of their line, and how sure that is tells them from latents of nothing."""

import numpy as np
import pandas as pd

from compsim_assets.contracts import TABLES
from compsim_assets.sample.lines import LINES
from compsim_assets.science.companies import report_companies
from compsim_assets.science.latents.activity import Companies, top_reports
from compsim_assets.science.words import count_terms
from compsim_assets.science.words.latents import latent_words
from compsim_assets.science.words.text import stem
from compsim_assets_tests.sample.conftest import ID, Sample


def words_of_lines() -> dict[str, set[str]]:
    """Stems of all that a line's companies may write about it."""
    banks = {line.name: ". ".join([line.name, *line.offers, *line.sentences]) for line in LINES}
    of_line = {name: count_terms([text], [""], companies_at_least=1).terms for name, text in banks.items()}
    return {name: {stem(word) for term in terms for word in term.split()} for name, terms in of_line.items()}


def test_planted_latents_get_their_lines_words(full: Sample) -> None:
    reports = full.reports.rename(columns={ID: "report_id", "section_1": "description"})
    ids = reports["report_id"].to_numpy()
    company = report_companies(reports, ids)
    top = top_reports(full.features, Companies.of(company, ids), 20)
    latent, rank = np.nonzero(top >= 0)
    shown = pd.DataFrame({"latent": latent, "rank": rank + 1, "report_id": ids[top[latent, rank]]})
    no_windows = TABLES["latent_windows"].empty().to_pandas().assign(passage="")
    named = latent_words(full.features.shape[1], reports, shown, no_windows, 8, 0, lambda _done, _total: None)

    of_line, hits = words_of_lines(), []
    planted = full.latents[full.latents["kind"] == "line"]
    assert len(planted) > 500
    for latent, line in zip(planted["latent"], planted["name"], strict=True):
        some = [term for term in named.loc[latent, "terms"].split(", ") if term]
        fits = [all(stem(word) in of_line[line] for word in term.split()) for term in some]
        hits.append(bool(fits) and fits[0] and np.mean(fits) > 0.5)
    assert np.mean(hits) >= 0.9
    # Whole lines share their words with one or two others at most: the words tell lines apart.
    others = {line: [name for name in of_line if name != line] for line in of_line}
    wrong = [
        all(stem(word) in of_line[others[line][0]] for word in named.loc[latent, "terms"].replace(",", "").split())
        for latent, line in zip(planted["latent"], planted["name"], strict=True)
    ]
    assert np.mean(wrong) < 0.1
    noise = full.latents.loc[full.latents["kind"].isin(["generic", "noise"]), "latent"]
    assert named.loc[planted["latent"], "label_auc"].median() > 0.7
    assert not named.loc[noise, "label_auc"].median() > 0.56
    assert (named.loc[noise, "label"] != "").mean() < 0.3
