"""Descriptions are readable, of one company and one year."""

import re

import pandas as pd

from compsim_assets.sample.lines import LINES
from compsim_assets_tests.sample.conftest import Sample


def test_descriptions_are_whole_sentences_of_usual_length(full: Sample) -> None:
    texts = full.reports["section_1"]
    words = texts.str.split().str.len()
    assert words.between(60, 150).all()
    assert not texts.str.contains(r"[{}<>]|None|nan\b|  |\.\.").any()
    assert texts.str.endswith(".").all()
    for sentence in set(re.split(r"(?<=\.) (?=[A-Z])", " ".join(texts.sample(200, random_state=1)))):
        assert sentence[0].isupper(), sentence


def test_descriptions_name_their_company_and_year(full: Sample) -> None:
    reports = full.reports
    assert reports["section_1"].is_unique
    for report in reports.itertuples():
        assert report.section_1.startswith(report.company_name)
        assert str(report.year) in report.section_1


def test_a_line_is_written_about_in_proportion(full: Sample) -> None:
    """The sentences of each line, counted in texts that are about it, half about it, or not."""
    counts = pd.DataFrame(
        [
            (share, sum(sentence in text for sentence in LINES[k].offers + LINES[k].sentences))
            for text, weights in zip(full.reports["section_1"][::7], full.weights[::7], strict=True)
            for k, share in enumerate(weights)
        ],
        columns=["share", "phrases"],
    )
    mean = counts.groupby(pd.cut(counts["share"], [-1, 0, 0.3, 0.6, 0.9, 1]), observed=True)
    phrases = mean["phrases"].mean().tolist()
    assert phrases == sorted(phrases)
    assert phrases[0] == 0
    assert phrases[-1] > 5


def test_names_and_tickers_are_fictitious_and_one_per_company(full: Sample) -> None:
    companies = full.reports.groupby("cik")[["company_name", "ticker"]].nunique()
    assert (companies == 1).all(axis=None)
    assert full.reports["company_name"].nunique() == full.reports["ticker"].nunique() == 400
    assert full.reports["ticker"].str.fullmatch("ZQ[A-Z]{3}").all()
    assert full.reports["cik"].str.fullmatch("99[0-9]{6}").all()


def test_phrase_banks_are_lines_of_their_own() -> None:
    assert len({line.name for line in LINES}) == len(LINES) == 30
    phrases = [phrase for line in LINES for phrase in line.offers + line.sentences]
    assert len(set(phrases)) == len(phrases)
    for line in LINES:
        assert re.fullmatch(r"\d{4}", line.sic_code)
        assert len(line.offers) >= 6
        assert len(line.sentences) >= 5
        assert all(offer[0].islower() and offer[-1] != "." for offer in line.offers)
        assert all(text[0].isupper() and text[-1] == "." for text in line.sentences)
