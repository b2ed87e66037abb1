"""The folder: every number of the tables is in it where the page looks, and the same tables give the same bytes."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from compsim_assets.explore.page import build
from compsim_assets.explore.page.build import FILES, MANIFEST, Tables, write_page
from compsim_assets.explore.page.companies import Companies
from compsim_assets.storage.results import seal
from compsim_assets_tests.explore.page.generated import EXPLAINED, generated
from compsim_assets_tests.explore.page.test_encoding import unpacked

TABLES = generated()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the generated tables; read only."""
    folder = tmp_path_factory.mktemp("page")
    write_page(folder, TABLES)
    return folder


def part(folder: Path, name: str) -> Any:
    """A part of the data, as the page takes it."""
    text = (folder / "data" / f"{name}.js").read_text()
    written, _, rest = text.removeprefix("compsim.take(").removesuffix(");\n").partition(",")
    assert json.loads(written) == name
    return json.loads(rest)


def test_peers_are_those_of_the_table_in_their_order(page: Path) -> None:
    ids = Companies(TABLES.descriptions).of_year(2002)["report_id"].to_numpy()
    for scope in ("all", "industry"):
        written = part(page, "year-2002")["peers"][scope]
        start, peer, cosine = (unpacked(written[name]) for name in ("start", "peer", "cosine"))
        table = TABLES.peers[(TABLES.peers["scope"] == scope) & (TABLES.peers["year"] == 2002)]
        compared = 0
        for position, report in enumerate(ids):
            mine = table[table["report_id"] == report].sort_values("rank")
            rows = slice(start[position], start[position + 1])
            assert ids[peer[rows]].tolist() == mine["peer_report_id"].tolist()
            np.testing.assert_allclose(cosine[rows] / 10_000, mine["cosine"], atol=1e-4)
            compared += len(mine)
        assert compared == len(table) > 100


def test_reasons_are_those_of_the_table_and_sum_to_the_cosine(page: Path) -> None:
    ids = Companies(TABLES.descriptions).of_year(2003)["report_id"].to_numpy()
    written = part(page, "reasons-2003")
    start, peer = unpacked(written["start"]), unpacked(written["peer"])
    cosines = TABLES.peers[TABLES.peers["rank"] <= EXPLAINED].drop_duplicates(["report_id", "peer_report_id"])
    cosine_of = cosines.set_index(["report_id", "peer_report_id"])["cosine"]
    tables = dict(iter(TABLES.explanations.groupby("kind", observed=True)))
    for position in (0, 7, 39):
        assert start[position + 1] > start[position]
        for pair in range(start[position], start[position + 1]):
            key = ids[position], ids[peer[pair]]
            for kind, table in tables.items():
                own_start, number, value = (unpacked(written[kind][name]) for name in ("start", "number", "value"))
                rows = slice(own_start[pair], own_start[pair + 1])
                mine = table[(table["report_id"] == key[0]) & (table["peer_report_id"] == key[1])]
                assert sorted(number[rows].tolist()) == sorted(mine["number"].tolist())
                assert number[rows][-1] == -1  # the others come last
                assert value[rows].sum() / 10_000 == pytest.approx(cosine_of[key], abs=1e-3)


def test_history_has_the_ten_nearest_of_every_report_as_companies(page: Path) -> None:
    history = part(page, "history")
    companies = Companies(TABLES.descriptions)
    start = unpacked(history["start"])
    peers_start, peer = (unpacked(history["all"][name]) for name in ("start", "company"))
    number = companies.reports.set_index("report_id")["company"]
    for company in (0, 17, 39):
        for row in range(start[company], start[company + 1]):
            year = companies.years[unpacked(history["year"])[row]]
            reports = companies.of_year(year)
            report = reports[reports["company"] == company]["report_id"].iloc[0]
            table = TABLES.peers[(TABLES.peers["scope"] == "all") & (TABLES.peers["rank"] <= 10)]
            mine = table[table["report_id"] == report].sort_values("rank")["peer_report_id"]
            assert peer[peers_start[row] : peers_start[row + 1]].tolist() == number[mine].tolist()


def test_windows_and_top_reports_of_a_latent(page: Path) -> None:
    latent = part(page, "latents-0")[7]
    window = latent["windows"][0]
    table = TABLES.latent_windows.query("latent == 7 and rank == 1").iloc[0]
    assert window["tokens"] == json.loads(table["tokens"])
    assert window["active"] == "001094002000"
    reports = Companies(TABLES.descriptions).reports.set_index("report_id")
    expected = dict[int, list[float]]()
    for row in TABLES.latent_years.query("latent == 7").sort_values(["year", "rank"]).itertuples():
        expected.setdefault(row.year, [row.year]).extend([reports.loc[row.report_id, "company"], row.activation])
    assert latent["years"] == list(expected.values())
    assert len(expected) > 1


def test_the_same_tables_give_the_same_bytes_in_any_order_of_rows(page: Path, tmp_path: Path) -> None:
    shuffled = {
        name: getattr(TABLES, name).sample(frac=1, random_state=3)
        for name in ("descriptions", "peers", "explanations", "latents", "latent_years", "latent_windows", "places")
    }
    write_page(tmp_path, replace(TABLES, **shuffled))
    files = sorted(path.relative_to(page) for path in page.rglob("*") if path.is_file())
    assert len(files) > 20
    for path in files:
        assert (tmp_path / path).read_bytes() == (page / path).read_bytes(), path


def test_a_changed_number_changes_the_content(page: Path, tmp_path: Path) -> None:
    changed = TABLES.peers.assign(cosine=TABLES.peers["cosine"].where(TABLES.peers.index != 5, 0.123))
    described = write_page(tmp_path, replace(TABLES, peers=changed))
    assert described["content"] != json.loads((page / MANIFEST).read_text())["content"]


def test_every_file_is_sealed_those_of_the_data_too(tmp_path: Path) -> None:
    write_page(tmp_path, TABLES)
    seal(tmp_path, MANIFEST)
    sealed = json.loads((tmp_path / MANIFEST).read_text())["xxh3"]
    assert {*FILES, "data/main.js", "data/year-2003.js", "explorer.parquet"} <= set(sealed)


def test_the_page_asks_for_nothing_but_its_own_files() -> None:
    folder = Path(build.__file__).parent
    html = (folder / "index.html").read_text()
    named = re.findall(r'(?:src|href)="([^"#]+)"', html)
    assert set(named) == {name for name in FILES if name.endswith((".js", ".css"))}
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert policy
    assert "default-src 'none'" in policy[1]
    assert "unsafe" not in policy[1]
    scripts = "".join((folder / name).read_text() for name in FILES if name.endswith(".js") and "mini" not in name)
    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "http"):
        assert sink not in scripts, sink


def test_the_library_is_the_one_that_is_pinned() -> None:
    folder = Path(build.__file__).parent
    first, *rest = (folder / "minisearch.js").read_text().splitlines(keepends=True)
    assert first.startswith("/* minisearch 7.2.0, MIT (minisearch-LICENSE.txt)")
    from hashlib import sha256

    assert sha256("".join(rest).encode()).hexdigest() == PINNED
    assert "Luca Ongaro" in (folder / "minisearch-LICENSE.txt").read_text()


# Of dist/umd/index.js of minisearch@7.2.0 without its last line.
PINNED = "4e02b9fa52f244c377d737c7d06cda6bce967d137254e8532d6c79f68469bef3"


def test_neighbours_of_the_atlas_are_rows_of_its_file(page: Path) -> None:
    table = pq.read_table(page / "explorer.parquet").to_pandas()
    assert {"x", "y", "text", "neighbors", "report_id", "company", "year", "cluster_base"} <= set(table.columns)
    assert len(table) == len(TABLES.descriptions)
    nearest = TABLES.peers[(TABLES.peers["scope"] == "all") & (TABLES.peers["rank"] <= 15)]
    for row in (0, 61, 159):
        mine = nearest[nearest["report_id"] == table["report_id"][row]].sort_values("rank")
        neighbours = table["neighbors"][row]
        assert table["report_id"][neighbours["ids"]].tolist() == mine["peer_report_id"].tolist()
        np.testing.assert_allclose(neighbours["distances"], 1 - mine["cosine"])


def without(tables: Tables, *names: str) -> Tables:
    """Without rows in these tables."""
    return replace(tables, **{name: getattr(tables, name).iloc[:0] for name in names})


def test_absent_tables_are_said_in_the_data(tmp_path: Path) -> None:
    bare = without(TABLES, "explanations", "themes", "latent_themes", "latents", "latent_years", "latent_windows")
    bare = replace(without(bare, "places", "sectors"), clusters={}, profiles={})
    write_page(tmp_path, replace(bare, descriptions=TABLES.descriptions.assign(sic_code=None, ticker=None)))
    has = part(tmp_path, "main")["has"]
    assert has["peers"]
    assert not any(has[name] for name in ("reasons", "themes", "latents", "windows", "map", "sic", "ticker", "sector"))


def test_a_universe_without_reports_is_a_page(tmp_path: Path) -> None:
    empty = without(TABLES, *(f for f in Tables.__dataclass_fields__ if isinstance(getattr(TABLES, f), pd.DataFrame)))
    described = write_page(tmp_path, replace(empty, clusters={}, profiles={}))
    assert described["n_reports"] == 0
    assert part(tmp_path, "main")["years"] == []
