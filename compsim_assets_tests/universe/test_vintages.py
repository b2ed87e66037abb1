"""Models of their time: which days will do, which report is read by which, and one clear error for each mistake."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.universe.check import check_folder
from compsim_assets.universe.encoders import encoders_of
from compsim_assets.universe.extraction import ExtractionSettings
from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.vintages import Vintage, assign, chronobert_toml, day_in, vintage_of
from compsim_assets_tests.universes import write_reports

TOP = 'hookpoint = "layers.1"\nmax_tokens = 12\n'
SAE = 'sae = "a/sae"\n'


def table(knowledge: str, model: str = "", sae: str = "") -> str:
    lines = ["[[vintages]]", f"knowledge = {knowledge}"]
    lines += [f'model = "{model}"'] if model else []
    return "\n".join([*lines, *([f'sae = "{sae}"'] if sae else [])]) + "\n"


def read(folder: Path, *parts: str) -> ExtractionSettings:
    (folder / "extraction.toml").write_text("".join(parts))
    return ExtractionSettings.from_toml(folder / "extraction.toml")


days = st.dates(date(1995, 1, 1), date(2015, 12, 31))


@given(st.sets(days, min_size=1, max_size=6), st.integers(1994, 2018))
def test_a_report_is_read_by_the_newest_vintage_older_than_its_year(knowledge: set[date], year: int) -> None:
    vintages = [Vintage(knowledge=day, model=str(day)) for day in knowledge]
    vintage = vintage_of(vintages, year)
    older = [day for day in knowledge if day < date(year, 1, 1)]
    assert (vintage.knowledge if vintage else None) == max(older, default=None)


@given(st.sets(days, min_size=1, max_size=5), st.sets(st.integers(1994, 2018), min_size=1))
def test_every_year_has_one_vintage_or_none(knowledge: set[date], years: set[int]) -> None:
    vintages = [Vintage(knowledge=day, model=str(day)) for day in knowledge]
    if all(vintage_of(vintages, year) is None for year in years):
        with pytest.raises(UniverseError, match="no report is younger than a vintage"):
            assign(vintages, years, "extraction.toml")
        return
    assigned = assign(vintages, years, "extraction.toml")
    of_year = {year: vintage for vintage, its in assigned.years.items() for year in its}
    assert sorted([*of_year, *assigned.without]) == sorted(years)
    assert all(vintage == vintage_of(vintages, year) for year, vintage in of_year.items())
    order = [vintage.knowledge for vintage in assigned.years]
    assert order == sorted(order)


def test_a_day_inside_a_year_waits_for_the_next_one() -> None:
    vintage = Vintage(knowledge=date(2013, 6, 30), model="m")
    assert vintage_of([vintage], 2013) is None
    assert vintage_of([vintage], 2014) is vintage
    assert vintage.last_year == 2012
    assert Vintage(knowledge=date(2013, 12, 31), model="m").last_year == 2013


def test_vintages_are_put_in_order_and_fill_what_they_lack_from_above(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    settings = read(tmp_path, TOP, SAE, table("2013-12-31", "new"), table("2012-12-31", "o/old", "b/sae"))
    assert [v.knowledge.year for v in settings.vintages] == [2012, 2013]
    old, new = (settings.of(vintage) for vintage in settings.vintages)
    assert (old.model, old.sae, old.hookpoint) == ("o/old", "b/sae", "layers.1")
    assert (Path(new.model), new.sae) == ((tmp_path / "new").resolve(), "a/sae")
    assert (settings.model, settings.vintages, new.vintages) == (new.model, settings.vintages, ())
    assert settings.of_newest([2012, 2013]) == (old, "2012-12-31")


def test_a_trained_sae_is_as_old_as_its_model(tmp_path: Path) -> None:
    settings = read(
        tmp_path, TOP, "[train]\ntrain_until = 2012\n", table("2010-12-31", "a/m"), table("2014-06-30", "a/n")
    )
    until = [settings.of(vintage).train for vintage in settings.vintages]
    assert [train.train_until for train in until if train] == [2010, 2012]


@pytest.mark.parametrize(
    ("tables", "problem"),
    [
        ([table("2013", "a/m")], "knowledge = 2013 could be .* knowledge = 2013-12-31"),
        ([table('"2013-12-31"', "a/m")], "write knowledge = 2013-12-31, without quotes"),
        ([table("2013-12-31T10:00:00", "a/m")], "write knowledge = 2013-12-31, without quotes and time"),
        ([table("true", "a/m")], "must be a date, not True: write knowledge = "),
        (['[[vintages]]\nmodel = "a/m"\n'], "knowledge is missing"),
        ([table("2013-12-31", "a/m"), table("2013-12-31", "a/n")], "2013-12-31 occurs twice"),
        ([table("2013-12-31", "a/m"), table("2014-12-31", "a/m")], "2013-12-31 and 2014-12-31 are the same model"),
        ([table("2013-12-31")], "model is missing"),
        (['model = "a/m"\n', table("2013-12-31")], "no model or sae of its own"),
        ([table("2013-12-31", "a/chrono-bert-v1-20141231")], "of 2014-12-31: it has read later texts"),
        ([table("2013-12-31", "a/m", "a/sae-2014-03-01")], "sae = 'a/sae-2014-03-01' .* later texts"),
        ([table("2013-12-31", "a/chrono-bert-v1-20121231")], "would wait for reports of 2014; write knowledge = 2012"),
        ([table("2013-12-31", "a/m").replace("model", "modle")], "unknown key 'modle'"),
        (["vintages = 3\n"], r"must be tables \[\[vintages\]\]"),
    ],
)
def test_a_vintage_that_will_not_do_is_refused(tmp_path: Path, tables: list[str], problem: str) -> None:
    with pytest.raises(UniverseError, match=problem):
        read(tmp_path, TOP, SAE, *tables)


def test_an_sae_that_is_younger_than_its_model_may_be_the_day(tmp_path: Path) -> None:
    settings = read(tmp_path, TOP, table("2014-12-31", "a/bert-20131231", "a/sae-20141231"))
    assert settings.vintages[0].knowledge == date(2014, 12, 31)


def test_only_the_last_part_of_a_name_says_its_day() -> None:
    assert day_in("/data/2025-01-05/chrono-bert-v1-20131231") == date(2013, 12, 31)
    assert day_in("/data/2025-01-05/minilm") is None
    assert day_in("a/model-20131331") is None
    assert day_in("a/x-120131231") is None


def test_encoders_may_have_vintages(tmp_path: Path) -> None:
    embedding = tmp_path / "embedding.toml"
    pair = '{knowledge = 2014-12-31, model = "a/n"}, {knowledge = 2012-12-31, model = "a/m"}'
    embedding.write_text(f"[bert]\nmax_tokens = 12\nvintages = [{pair}]\n")
    (bert,) = encoders_of(tmp_path).settings
    assert [(v.knowledge.year, bert.of(v).model) for v in bert.vintages] == [(2012, "a/m"), (2014, "a/n")]
    embedding.write_text('[bert]\nmax_tokens = 12\nvintages = [{knowledge = 2014, model = "a/n"}]\n')
    with pytest.raises(UniverseError, match=r"\[bert\].*knowledge = 2014-12-31"):
        encoders_of(tmp_path)
    embedding.unlink()
    read(
        tmp_path,
        TOP,
        SAE,
        table("2012-12-31", "a/m"),
        table("2013-12-31", "a/m", "a/other"),
        table("2014-12-31", "a/n"),
    )
    (bert,) = encoders_of(tmp_path).settings
    assert [(v.knowledge.year, v.model) for v in bert.vintages] == [(2012, "a/m"), (2014, "a/n")]


def test_chronoberts_models_are_read(tmp_path: Path) -> None:
    settings = read(tmp_path, chronobert_toml())
    assert len(settings.vintages) == 26
    newest, day = settings.of_newest(range(1996, 2021))
    assert (newest.model, day) == ("manelalab/chrono-bert-v1-20191231", "2019-12-31")
    assert newest.train is not None
    assert newest.train.train_until == 2019


def test_a_check_says_who_reads_which_years(tmp_path: Path) -> None:
    write_reports(tmp_path, year=[2013, 2014, 2015, 2015])
    for name in ("models/old", "models/new", "sae"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "config.json").write_text("{}")
    text = [TOP, 'sae = "sae"\n', table("2013-12-31", "models/old"), table("2014-12-31", "models/new")]
    (tmp_path / "extraction.toml").write_text("".join(text))
    rows = [row for row in check_folder(tmp_path) if row.subject == "vintages"]
    assert [(row.grade, row.count) for row in rows] == [("fine", 1), ("fine", 2), ("left_out", 1)]
    assert "reports of 2014 are judged with the vintage of 2013-12-31" in rows[0].what
    assert not [row for row in check_folder(tmp_path) if row.file == "models" or row.grade == "refused"]
