"""Embeddings of the universe's texts by the encoders of embedding.toml, and clusters of them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from compsim_assets.assets.baselines import embedding_clusters, embeddings
from compsim_assets.assets.descriptions import descriptions_assets
from compsim_assets.read import read_asset
from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.settings import Settings
from compsim_assets.storage.embeddings import EmbeddingFolder, Embeddings
from compsim_assets.storage.io_managers import ResultsFolder, managers
from compsim_assets.storage.results import Results, StaleResult
from compsim_assets_tests.runs import once
from compsim_assets_tests.universes import write_reports
from compsim_assets_tests.worker_programs import InThisProcess
from compsim_assets_tests.workers import tiny_models
from compsim_assets_tests.workers.tiny_models import WIDTH, WORDS

ASSETS = [descriptions_assets, embeddings, embedding_clusters]
NAMES = ("descriptions", "returns", "embeddings", "embedding_clusters")
TWO = '[first]\nmodel = "model"\nmax_tokens = 12\n\n[second]\nmodel = "llama/model"\nmax_tokens = 5\n'
N_YEARS, N_COMPANIES = 7, 12


class Made:
    """A data folder beside a universe, and the last run that filled it."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.universe = folder / "universe"
        self.settings = Settings(source="local", universe=str(self.universe), data=str(folder / "data"), **changes)
        self.results = Results.of(self.settings)
        self.said: dict[str, dict[str, Any]] = {}

    def run(self, *wanted: str, config: dict | None = None) -> None:
        """Materialize these assets (all without a choice)."""
        result = dg.materialize(
            ASSETS,
            selection=list(wanted or NAMES),
            resources={
                "settings": self.settings,
                "torchrun": InThisProcess(),
                "folder": ResultsFolder(settings=self.settings),
                **managers(self.settings),
            },
            run_config={"ops": {"embedding_clusters": {"config": config}}} if config else None,
        )
        for event in result.get_asset_materialization_events():
            made = event.step_materialization_data.materialization
            self.said[made.asset_key.path[-1]] = {
                **{key: value.value for key, value in made.metadata.items()},
                "version": (made.tags or {})["dagster/data_version"],
            }

    @property
    def embeddings(self) -> dict[str, Embeddings]:
        """The published ones, by encoder."""
        return dict(EmbeddingFolder.of(self.results))

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.results.table(name))


def write_universe(universe: Path) -> None:
    """Companies that keep their text, but one in six has none; in every year three have no defined returns."""
    n = N_YEARS * N_COMPANIES
    rng = np.random.default_rng(3)
    company, year = np.arange(n) % N_COMPANIES, 2001 + np.arange(n) // N_COMPANIES
    texts = [" ".join(rng.choice(WORDS, 6)) if c % 6 else None for c in range(N_COMPANIES)]
    monthly = rng.normal(0, 0.1, (n, 12))
    monthly[company % 4 == 1] = 0.01
    write_reports(
        universe,
        n=n,
        cik=[str(c) for c in company],
        year=year,
        sic_code=["2834" if c % 3 else None for c in company],
        section_1=[texts[c] for c in company],
        logged_monthly_returns_matrix=monthly.tolist(),
    )
    tiny_models.make_kit(universe, "bert")
    tiny_models.make_kit(universe / "llama", "llama")
    (universe / "embedding.toml").write_text(TWO)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "embedded", lambda folder: write_universe(folder / "universe"))


@pytest.fixture(scope="module")
def made(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Everything, once; read only."""
    found = Made(copied(template, tmp_path_factory.mktemp("embedded")))
    found.run()
    return found


def copied(template: Path, folder: Path) -> Path:
    shutil.copytree(template / "universe", folder / "universe")
    return folder


@pytest.fixture
def own(template: Path, tmp_path: Path) -> Made:
    """A universe to be changed."""
    return Made(copied(template, tmp_path))


def test_every_report_with_a_text_has_the_embedding_of_its_text(made: Made) -> None:
    reports = made.table("descriptions").set_index("report_id")
    texts = reports["description"].dropna()
    found = made.embeddings
    assert list(found) == ["first", "second"]
    for embedded in found.values():
        assert embedded.report_id.tolist() == texts.index.tolist()
        assert embedded.year.tolist() == reports.loc[texts.index, "year"].tolist()
        assert embedded.matrix.shape == (len(texts), WIDTH)
        # Equal embeddings if and only if equal texts.
        rows = np.array([row.tobytes() for row in embedded.matrix], dtype=object)
        assert pd.factorize(rows)[0].tolist() == pd.factorize(texts)[0].tolist()
    assert not np.allclose(found["first"].matrix, found["second"].matrix)


def test_the_embeddings_are_read_like_any_asset(made: Made) -> None:
    frame = read_asset("embeddings", source="local", data=made.results.folder.parent)
    found = made.embeddings
    assert list(frame) == ["encoder", "report_id", "year", "embedding"]
    assert frame["encoder"].unique().tolist() == list(found)
    for encoder, rows in frame.groupby("encoder"):
        embedded = found[str(encoder)]
        assert rows["report_id"].tolist() == embedded.report_id.tolist()
        assert rows["year"].tolist() == embedded.year.tolist()
        np.testing.assert_array_equal(np.stack(rows["embedding"].to_list()), embedded.matrix)


def test_the_manifest_and_the_metadata_name_what_made_them(made: Made) -> None:
    manifest = json.loads((made.results.array_folder("embeddings") / "embeddings.json").read_text())
    assert manifest.pop("content") == made.results.content("embeddings")
    assert list(manifest.pop("files")) == ["first.parquet", "second.parquet"]
    assert list(manifest.pop("xxh3")) == ["first.parquet", "second.parquet"]
    assert len(manifest.pop("seal")) == 32
    n = int(made.table("descriptions")["description"].notna().sum())
    assert manifest == {
        "encoders": [
            {"name": name, "model": str(made.universe / model), "max_tokens": most} | {"width": WIDTH, "n_reports": n}
            for name, model, most in (("first", "model", 12), ("second", "llama/model", 5))
        ]
    }
    said = made.said["embeddings"]
    assert said["encoders"] == 2
    assert said["note"] == f"as {made.universe / 'embedding.toml'} says"
    assert "| second |" in said["preview"]
    assert list((made.results.folder / ".scratch").iterdir()) == []


def test_the_version_is_of_the_content(own: Made) -> None:
    own.run("descriptions", "embeddings")
    first = own.said["embeddings"]["version"]
    own.run("embeddings")
    assert own.said["embeddings"]["version"] == first
    (own.universe / "embedding.toml").write_text(TWO.replace("= 5", "= 4"))
    own.run("embeddings")
    assert own.said["embeddings"]["version"] != first


def test_reports_without_a_code_are_left_out_where_the_setting_says_so(own: Made) -> None:
    dropping = Made(own.universe.parent, drop_without_sic_code=True)
    dropping.run("descriptions", "embeddings")
    reports = dropping.table("descriptions")
    kept = reports["description"].notna() & reports["sic_code"].notna()
    for embedded in dropping.embeddings.values():
        assert embedded.report_id.tolist() == reports["report_id"][kept].tolist()


def test_with_vintages_each_year_is_embedded_by_its_own_and_compared_within_it_alone(own: Made) -> None:
    """Years 2001 to 2007: no vintage is older than 2003, one is for 2004 and 2005, one for the rest."""
    (own.universe / "older").mkdir()
    tiny_models.make_kit(own.universe / "older", "bert", seed=5)
    alone = '[older]\nmodel = "older/model"\nmax_tokens = 12\n[newer]\nmodel = "model"\nmax_tokens = 12\n'
    vintages = '{knowledge = 2005-12-31, model = "model"}, {knowledge = 2003-12-31, model = "older/model"}'
    (own.universe / "embedding.toml").write_text(f"{alone}[timely]\nmax_tokens = 12\nvintages = [{vintages}]\n")
    own.run()
    made = own.embeddings
    assert set(made["timely"].year) == {2004, 2005, 2006, 2007}
    for name, years in (("older", (2004, 2005)), ("newer", (2006, 2007))):
        expected, timely = ([each[np.isin(part.year, years)] for each in part] for part in (made[name], made["timely"]))
        assert timely[0].tolist() == expected[0].tolist()
        np.testing.assert_allclose(timely[2], expected[2], atol=1e-5)
    assert made["timely"].report_id.tolist() == sorted(made["timely"].report_id)
    by_vintages = EmbeddingFolder.of(own.results).by_vintages
    assert by_vintages == {"timely": {"2003-12-31": [2004, 2005], "2005-12-31": [2006, 2007]}}
    methods = set(own.table("embedding_clusters")["method"])
    assert {method for method in methods if method.startswith("timely")} == {"timely_kmeans"}
    assert {"older_base", "older_rolling", "older_kmeans"} < methods


def as_of_extraction(universe: Path) -> None:
    (universe / "embedding.toml").unlink()
    (universe / "extraction.toml").write_text(
        'model = "model"\nsae = "sae"\nhookpoint = "encoder.layer.1"\nmax_tokens = 12\n'
    )


def test_without_embedding_toml_the_model_of_the_extraction_is_used(own: Made) -> None:
    own.run("descriptions", "embeddings")
    first = own.embeddings["first"]
    as_of_extraction(own.universe)
    own.run("embeddings")
    assert list(own.embeddings) == ["embedding"]
    assert own.embeddings["embedding"].matrix.tobytes() == first.matrix.tobytes()
    assert "is the language model of extraction.toml" in own.said["embeddings"]["note"]


def no_encoder(universe: Path) -> None:
    (universe / "embedding.toml").unlink()


def no_texts(universe: Path) -> None:
    blank: Any = pa.array([None, " ", "", None], pa.string())
    write_reports(universe, section_1=blank)


def token_ids(universe: Path) -> None:
    write_reports(universe, section_1=None, input_ids=pa.array([[1, 2], [3], [4], [5, 6]]))


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (no_encoder, "write embedding.toml: for each encoder, a table"),
        (no_texts, "has no descriptions. To have some, give the reports texts"),
        (token_ids, "has token ids of one model and no texts for another to read"),
    ],
)
def test_without_embeddings_both_assets_are_empty_and_say_why(
    own: Made, change: Callable[[Path], None], note: str
) -> None:
    change(own.universe)
    own.run()
    assert own.embeddings == {}
    assert note in own.said["embeddings"]["note"]
    assert own.table("embedding_clusters").empty
    assert own.said["embedding_clusters"]["note"].startswith("there are no embeddings")


def test_embeddings_of_other_descriptions_are_refused(own: Made) -> None:
    own.run("descriptions", "embeddings")
    write_reports(own.universe)
    own.run("descriptions")
    message = r"embeddings was made from other descriptions .* materialize 'embeddings' again"
    with pytest.raises(StaleResult, match=message):
        read_asset("embeddings", source="local", data=own.results.folder.parent)
    with pytest.raises(StaleResult, match=message):
        own.run("embedding_clusters")


def test_a_fault_leaves_the_previous_embeddings(own: Made) -> None:
    own.run("descriptions", "embeddings")
    before = own.embeddings["first"].matrix.tobytes()
    (own.universe / "embedding.toml").write_text(TWO.replace("llama/model", "llama"))
    with pytest.raises(ValueError, match=r"embedding.toml \[second\]: model = .*cannot be loaded"):
        own.run("embeddings")
    assert own.embeddings["first"].matrix.tobytes() == before


def test_every_embedded_report_is_in_one_cluster_of_each_method(made: Made) -> None:
    table = made.table("embedding_clusters")
    embedded = made.embeddings["first"]
    late = embedded.report_id[embedded.year >= 2006]
    methods = [f"{name}_{kind}" for name in ("first", "second") for kind in ("base", "kmeans", "rolling")]
    assert table["method"].unique().tolist() == methods
    for method, own in table.groupby("method"):
        expected = late if str(method).endswith("rolling") else embedded.report_id
        assert sorted(own["report_id"]) == expected.tolist()
        years = dict(zip(embedded.report_id, embedded.year, strict=True))
        assert own["year"].tolist() == [years[report] for report in own["report_id"]]
        sizes = own.groupby(["year", "cluster_id"]).size()
        for _, of_year in sizes.groupby("year"):
            numbers = of_year.droplevel("year").rename(int).sort_index()
            assert numbers.index.tolist() == list(range(1, len(numbers) + 1))
            assert numbers.is_monotonic_decreasing
        line = f"| {method} | {len(own)} | {own['year'].nunique()} | {(sizes >= 2).sum()} "
        line += f"| {(sizes == 1).sum()} | {sizes.max()} |"
        said = made.said["embedding_clusters"]["methods"]
        assert line.replace(" ", "") in said.replace(" ", "")
    kmeans = table[table["method"] == "first_kmeans"]
    # Ten embedded companies a year.
    assert (kmeans.groupby("year")["cluster_id"].nunique() == 3).all()


def test_equal_inputs_give_equal_tables_and_settings_count(own: Made) -> None:
    own.run()
    first = own.said["embedding_clusters"]["version"]
    own.run("embedding_clusters")
    assert own.said["embedding_clusters"]["version"] == first
    own.run("embedding_clusters", config={"kmeans_clusters": 2})
    table = own.table("embedding_clusters")
    kmeans = table[table["method"] == "second_kmeans"]
    assert (kmeans.groupby("year")["cluster_id"].nunique() == 2).all()


def test_reports_without_returns_are_left_out_where_the_setting_says_so(own: Made) -> None:
    dropping = Made(own.universe.parent, drop_without_returns=True)
    dropping.run()
    monthly = dropping.table("returns").set_index("report_id")["returns"]
    embedded = dropping.embeddings["first"]
    _, defined = normalise_returns(np.stack(monthly.loc[embedded.report_id].to_list()))
    assert 0 < defined.sum() < len(defined)
    table = dropping.table("embedding_clusters")
    for method in ("first_base", "first_kmeans"):
        found = table.loc[table["method"] == method, "report_id"]
        assert sorted(found) == embedded.report_id[defined].tolist()


def test_without_returns_there_is_kmeans_alone(own: Made) -> None:
    constant = np.full((4, 12), 0.01).tolist()
    write_reports(own.universe, section_1=WORDS[:4], logged_monthly_returns_matrix=constant)
    own.run()
    methods = own.table("embedding_clusters")["method"].unique().tolist()
    assert methods == ["first_kmeans", "second_kmeans"]
