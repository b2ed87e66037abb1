"""Foreign pickles of tables, arrays and models come back as they were, whatever wrote and compressed them."""

import pickle
from collections import OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.decomposition import PCA

from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.published.pickles import load_pickle
from compsim_assets.universe.published.pickles.names import Model
from compsim_assets_tests.universe.published.pickles.write import cluster_set, features, strong_features

FOLDER = Path(__file__).parent
VERSIONS = ["pandas-1.2", "pandas-1.5", "pandas-2.2", "numpy-2.0"]
PROTOCOLS = range(6)


def loaded(folder: Path, value: Any, protocol: int = 5) -> Any:
    path = folder / "value.pkl"
    path.write_bytes(pickle.dumps(value, protocol))
    return load_pickle(path)


def assert_same(found: Any, expected: Any) -> None:
    """Equal, type for type, inside of frames' cells too."""
    assert type(found) is type(expected)
    if isinstance(expected, pd.DataFrame):
        assert_same(found.columns.to_list(), expected.columns.to_list())
        assert_same(found.index.to_list(), expected.index.to_list())
        assert found.index.name == expected.index.name
        for column in expected:
            assert found[column].dtype.kind == expected[column].dtype.kind
            assert_same(found[column].to_list(), expected[column].to_list())
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    elif isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    else:
        assert found == expected


@pytest.mark.parametrize("version", VERSIONS)
def test_a_frame_of_other_versions_is_read(version: str) -> None:
    assert_same(load_pickle(FOLDER / version / "cluster_set.pkl"), cluster_set())


@pytest.mark.parametrize("version", VERSIONS)
def test_frames_in_a_dict_of_other_versions_are_read(version: str) -> None:
    assert_same(load_pickle(FOLDER / version / "strong_features.pkl"), strong_features())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_frame_of_the_installed_version_is_read(tmp_path: Path, protocol: int) -> None:
    assert_same(loaded(tmp_path, cluster_set(), protocol), cluster_set())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_frames_in_a_dict_of_the_installed_version_are_read(tmp_path: Path, protocol: int) -> None:
    assert_same(loaded(tmp_path, strong_features(), protocol), strong_features())


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("storage", ["python", "pyarrow"])
def test_text_is_read_however_pandas_stores_it(tmp_path: Path, storage: str, protocol: int) -> None:
    kind = pd.StringDtype(storage)  # type: ignore[arg-type]
    frame = pd.DataFrame({"year": pd.array(["1996", "", "Öl"], dtype=kind), "n": [1, 2, 3]})
    found = loaded(tmp_path, frame, protocol)
    assert found["year"].to_list() == ["1996", "", "Öl"]
    assert found["n"].to_list() == [1, 2, 3]


@pytest.mark.parametrize("kind", ["string[python]", "string[pyarrow]", "str"])
def test_missing_text_stays_missing(tmp_path: Path, kind: str) -> None:
    frame = pd.DataFrame({"year": pd.Series(["1996", None], dtype=kind)})  # type: ignore[call-overload]
    assert loaded(tmp_path, frame)["year"].isna().to_list() == [False, True]


def test_text_in_several_pieces_is_one_column(tmp_path: Path) -> None:
    parts = [pd.Series(["a"], dtype="string[pyarrow]"), pd.Series(["b", "c"], dtype="string[pyarrow]")]
    found = loaded(tmp_path, pd.concat(parts, ignore_index=True))
    assert found.to_list() == ["a", "b", "c"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_series_keeps_its_name_and_index(tmp_path: Path, protocol: int) -> None:
    series = pd.Series([1.5, 2.5], index=pd.Index([7, 9], name="latent"), name="mae")
    pd.testing.assert_series_equal(loaded(tmp_path, series, protocol), series)


@given(
    array=arrays.arrays(
        st.sampled_from(["<f4", ">f8", "<i8", "u1", "?", "<U3", "S4"]),
        arrays.array_shapes(min_dims=0, max_dims=3, min_side=0),
    ),
    turned=st.booleans(),
    protocol=st.sampled_from(PROTOCOLS),
)
def test_arrays_come_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, turned: bool, protocol: int
) -> None:
    expected = array.T if turned else array
    found = loaded(tmp_path_factory.mktemp("arrays"), expected, protocol)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_axes_in_any_order_come_back(tmp_path: Path, protocol: int) -> None:
    array = np.arange(24.0).reshape(2, 3, 4).transpose(1, 2, 0)
    assert_same(loaded(tmp_path, array, protocol), array)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_occurs_twice_in_a_pickle_is_whole_at_both_places(tmp_path: Path, protocol: int) -> None:
    array = np.arange(3)
    frame = pd.DataFrame({"mae": [0.5]})
    first, second, third, fourth = loaded(tmp_path, [array, frame, array, frame], protocol)
    np.testing.assert_array_equal(third, array)
    assert first is third
    pd.testing.assert_frame_equal(fourth, frame)
    assert second is fourth


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_other_kinds_of_dicts_and_sets_are_plain_ones(tmp_path: Path, protocol: int) -> None:
    lists: defaultdict[int, list[int]] = defaultdict(list, {2: [5], 1: [6]})
    found = loaded(tmp_path, [lists, OrderedDict(lists), {1, 2}, frozenset({3}), b"\xff"], protocol)
    assert_same(found, [{2: [5], 1: [6]}, {2: [5], 1: [6]}, {1, 2}, frozenset({3}), b"\xff"])


@pytest.mark.parametrize("name", ["pca.pkl", "pca_plain.pkl", "incremental.pkl"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_pca_of_other_versions_is_a_dict_of_its_attributes(version: str, name: str) -> None:
    found = load_pickle(FOLDER / version / name)
    assert isinstance(found, Model)
    assert found.attributes["n_components"] == 3
    assert found.attributes["components_"].shape == (3, 5)
    np.testing.assert_allclose(found.attributes["mean_"], features().mean(axis=0), atol=1e-12)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("compress", [0, "zlib", "gzip", "bz2", "xz", "lzma"])
def test_a_pca_by_joblib_is_read_however_it_is_compressed(tmp_path: Path, compress: Any, protocol: int) -> None:
    pca = PCA(3).fit(np.asfortranarray(features().astype(np.float32)))
    path = tmp_path / "pca.joblib"
    joblib.dump(pca, path, compress=(compress, 3) if compress else 0, protocol=protocol)
    found = load_pickle(path)
    assert isinstance(found, Model)
    for name in ("components_", "mean_", "explained_variance_", "noise_variance_"):
        assert_same(found.attributes[name], getattr(pca, name))


@pytest.mark.parametrize("compression", ["gzip", "bz2", "xz", "zip", None])
def test_a_frame_is_read_however_pandas_compresses_it(tmp_path: Path, compression: Any) -> None:
    path = tmp_path / "frame.pkl"
    cluster_set().to_pickle(path, compression=compression)
    assert_same(load_pickle(path), cluster_set())


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_by_joblib_keeps_its_order(tmp_path: Path, order: Any) -> None:
    array = np.arange(6.0).reshape(2, 3).copy(order=order)
    joblib.dump(array, tmp_path / "array.pkl")
    found = load_pickle(tmp_path / "array.pkl")
    assert isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found, array)
    assert found.flags["C_CONTIGUOUS"] == (order == "C")


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_a_large_array_can_be_written_to(tmp_path: Path, protocol: int) -> None:
    # Else torch could not take it without a copy.
    assert loaded(tmp_path, np.zeros(1000), protocol).flags.writeable


def test_a_frame_of_pandas_1_3_is_refused_for_the_call_it_holds() -> None:
    with pytest.raises(UniverseError, match=r"cluster_set.pkl: refused: it tried to load functools.partial"):
        load_pickle(FOLDER / "pandas-1.3" / "cluster_set.pkl")


def test_a_series_of_another_byte_order_is_of_this_machines(tmp_path: Path) -> None:
    found = loaded(tmp_path, pd.Series(np.array([1.0, 2.0], dtype=">f8")))
    assert found.dtype.isnative
    assert found.to_list() == [1.0, 2.0]
