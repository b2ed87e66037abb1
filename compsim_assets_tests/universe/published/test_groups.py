"""The published cluster sets and strong features as tables, and what is said about broken ones."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.published import read_cluster_set, read_strong_features
from compsim_assets_tests.universe.published.pickles.write import strong_features

FOLDER = Path(__file__).parent / "pickles"
VERSIONS = ["pandas-1.5", "pandas-2.2", "numpy-2.0"]


def clusters(folder: Path, years: list, values: list) -> Path:
    path = folder / "year_cluster_dfC-CD.pkl"
    pd.DataFrame({"year": years, "clusters": values}).to_pickle(path)
    return path


def strong(folder: Path, value: Any) -> Path:
    path = folder / "CD_strong_features_clusters_random_subset.pkl"
    path.write_bytes(pickle.dumps(value))
    return path


def features(**changes: Any) -> dict[str, Any]:
    return {
        "strong_features": np.array([4]),
        "weak_features": np.array([9]),
        "mae_by_feature": pd.DataFrame({"mae": [0.5, 0.25]}, index=[9, 4]),
        **changes,
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_a_cluster_set_of_other_versions_is_a_table_by_year(version: str) -> None:
    found = read_cluster_set(FOLDER / version / "cluster_set.pkl")
    assert list(found.itertuples(index=False, name=None)) == [
        (1996, "1", 60),
        (1996, "1", 61),
        (1997, "2", 70),
        (1997, "2", 71),
        (1997, "0", 72),
        (1997, "Oil, Gas_2", 73),
    ]
    assert found.dtypes.map(str).to_dict() == {"year": "int64", "cluster_id": "string", "report_id": "int64"}


def test_years_may_be_numbers_or_text(tmp_path: Path) -> None:
    for years in ([1996, 1997], ["1996", "1997"], ["1996.0", "1997.0"], [1996.0, 1997.0]):
        path = clusters(tmp_path, years, [{1: [1, 2]}, {np.int64(3): ("3", 4.0, np.int32(5))}])
        found = read_cluster_set(path)
        assert found["year"].to_list() == [1996, 1996, 1997, 1997, 1997]
        assert found["cluster_id"].to_list() == ["1", "1", "3", "3", "3"]
        assert found["report_id"].to_list() == [1, 2, 3, 4, 5]


def test_a_cluster_set_without_rows_is_an_empty_table(tmp_path: Path) -> None:
    found = read_cluster_set(clusters(tmp_path, [1996], [{}]))
    assert found.empty
    assert found.dtypes.map(str).to_list() == ["int64", "string", "int64"]


@settings(max_examples=40, deadline=None)
@given(
    sets=st.dictionaries(
        st.integers(1993, 2020),
        st.lists(st.lists(st.integers(0, 10**6), max_size=4), max_size=4).filter(
            lambda lists: len({i for ids in lists for i in ids}) == sum(map(len, lists))
        ),
        min_size=1,
        max_size=5,
    )
)
def test_every_member_is_there_once_in_its_order(
    tmp_path_factory: pytest.TempPathFactory, sets: dict[int, list[list[int]]]
) -> None:
    values = [dict(enumerate(lists)) for lists in sets.values()]
    found = read_cluster_set(clusters(tmp_path_factory.getbasetemp(), list(sets), values))
    expected = [
        (year, str(number), report) for year in sorted(sets) for number, ids in enumerate(sets[year]) for report in ids
    ]
    assert list(found.itertuples(index=False, name=None)) == expected


@pytest.mark.parametrize(
    ("year", "value", "said"),
    [
        ("x", {}, r"row 1: year 'x', expected a year like 2019"),
        (1996.5, {}, r"row 1: year 1996\.5, expected a year"),
        (96, {}, r"row 1: year 96, expected a year"),
        (None, {}, r"row 1: year \w+, expected a year"),
        (True, {}, r"row 1: year True, expected a year"),
        (1990, {}, r"row 1: year 1990 is there before"),
        (1996, [[1]], r"row 1 \(1996\): clusters are a list, expected a dict"),
        (1996, None, r"row 1 \(1996\): clusters are a \w+, expected a dict"),
        (1996, {1: "12"}, r"row 1 \(1996\): cluster '1' is a str, expected a list of report ids"),
        (1996, {1: 12}, r"row 1 \(1996\): cluster '1' is a int, expected a list"),
        (1996, {1: [1.5]}, r"row 1 \(1996\): cluster '1' holds 1\.5, expected whole numbers"),
        (1996, {1: ["1a"]}, r"row 1 \(1996\): cluster '1' holds '1a', expected whole numbers"),
        (1996, {1: [True]}, r"row 1 \(1996\): cluster '1' holds True, expected whole"),
        (1996, {1: [[1]]}, r"row 1 \(1996\): cluster '1' holds list, expected whole"),
        (1996, {1: [10**4000]}, r"row 1 \(1996\): cluster '1' holds int, expected whole"),
        (1996, {1: [7], 2: [8, 7]}, r"row 1 \(1996\): report 7 occurs twice"),
        (1996, {1: [7, "7"]}, r"row 1 \(1996\): report 7 occurs twice"),
        (1996, {1: [7], "1": [8]}, r"row 1 \(1996\): cluster '1' is no number .* occurs before"),
        (1996, {None: [7]}, r"row 1 \(1996\): cluster None is no number"),
    ],
)
def test_a_broken_cluster_set_is_named_with_its_row(tmp_path: Path, year: Any, value: Any, said: str) -> None:
    path = clusters(tmp_path, [1990, year], [{}, value])
    with pytest.raises(UniverseError, match=rf"year_cluster_dfC-CD\.pkl: {said}"):
        read_cluster_set(path)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"year": [1]}, "holds a dict, expected a pandas frame"),
        (pd.DataFrame({"year": [1996]}), "0 columns clusters, expected one"),
        (pd.DataFrame([[1996, 1997, {}]], columns=["year", "year", "clusters"]), "2 columns year"),
    ],
)
def test_another_object_than_a_cluster_set_is_named(tmp_path: Path, value: Any, said: str) -> None:
    with pytest.raises(UniverseError, match=rf"subset\.pkl: {said}"):
        read_cluster_set(strong(tmp_path, value))


@pytest.mark.parametrize("version", [*VERSIONS, "installed"])
def test_strong_features_of_any_version_are_a_table(tmp_path: Path, version: str) -> None:
    path = FOLDER / version / "strong_features.pkl"
    found = read_strong_features(strong(tmp_path, strong_features()) if version == "installed" else path)
    assert list(found.itertuples(index=False, name=None)) == [
        ("9,10", 2, 9, 0.5, False),
        ("9,10", 2, 4, 0.25, True),
        ("9,10", 2, 131071, 0.125, False),
        ("11,12,100", 3, 9, 0.5, False),
        ("11,12,100", 3, 4, 0.25, True),
        ("11,12,100", 3, 131071, 0.125, True),
    ]
    kinds = found.dtypes.map(str).to_dict()
    assert (kinds.pop("members"), list(kinds.values())) == ("object", ["int64", "int64", "float64", "bool"])


def test_no_cluster_is_an_empty_table(tmp_path: Path) -> None:
    found = read_strong_features(strong(tmp_path, {}))
    assert found.empty
    assert list(found) == ["members", "n_members", "latent", "mae", "strong"]


def test_a_cluster_without_strong_latents_has_its_mae(tmp_path: Path) -> None:
    # numpy's empty array is of floats.
    path = strong(tmp_path, {"1,2": features(strong_features=np.array([]))})
    assert read_strong_features(path)["strong"].to_list() == [False, False]


def test_a_weak_latent_may_have_no_mae(tmp_path: Path) -> None:
    frame = pd.DataFrame({"mae": [np.nan, 0.25]}, index=[9, 4])
    path = strong(tmp_path, {"1,2": features(weak_features=[9, 77], mae_by_feature=frame)})
    found = read_strong_features(path)
    assert found["latent"].to_list() == [9, 4]
    assert found["mae"].isna().to_list() == [True, False]


MAE = pd.DataFrame({"mae": [0.5, np.nan]}, index=[9, 4])


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (7, features(), r'cluster 1 \(7\): expected different report ids joined by ","'),
        ("3,x", features(), r"cluster 1 \('3,x'\): expected different report ids"),
        ("3,3", features(), r"cluster 1 \('3,3'\): expected different report ids"),
        ("", features(), r"cluster 1 \(''\): expected different report ids"),
        ("2,1", features(), r"cluster 1 \('2,1'\): occurs twice"),
        ("3,4", [1], r"cluster 1 \('3,4'\): expected a dict with strong_features, weak_features"),
        ("3,4", {"strong_features": []}, r"cluster 1 \('3,4'\): expected a dict with"),
        ("3,4", features(mae_by_feature=[1]), "mae_by_feature is no frame"),
        ("3,4", features(mae_by_feature=MAE.rename(columns={"mae": "x"})), "mae_by_feature: 0 columns mae"),
        ("3,4", features(mae_by_feature=MAE.astype(object)), "mae of type object, expected numbers"),
        ("3,4", features(mae_by_feature=MAE.set_axis([4, 4])), "index of mae_by_feature: expected different"),
        ("3,4", features(mae_by_feature=MAE.set_axis(["a", "b"])), "index of mae_by_feature: expected diff"),
        ("3,4", features(strong_features=np.array([4, 4])), "strong_features: expected different latents"),
        ("3,4", features(strong_features=np.array([4.5])), "strong_features: expected different latents"),
        ("3,4", features(strong_features=np.array([9])), "latent 9 is strong and weak"),
        ("3,4", features(strong_features=np.array([8])), "strong latent 8 has no MAE"),
        ("3,4", features(mae_by_feature=MAE), "strong latent 4 has no MAE"),
    ],
)  # fmt: skip
def test_broken_strong_features_are_named_with_their_cluster(tmp_path: Path, key: Any, value: Any, said: str) -> None:
    path = strong(tmp_path, {"1,2": features(), key: value})
    with pytest.raises(UniverseError, match=rf"random_subset\.pkl: .*{said}"):
        read_strong_features(path)


def test_another_object_than_strong_features_is_named(tmp_path: Path) -> None:
    with pytest.raises(UniverseError, match="holds a list, expected a dict of clusters"):
        read_strong_features(strong(tmp_path, [1]))
