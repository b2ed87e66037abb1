"""Foreign pickles of tables, arrays and models come back as they were, whatever wrote and compressed them."""

import pickle
from collections import OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.decomposition import PCA

from compsim_assets.universe.published.pickles import load_pickle
from compsim_assets.universe.published.pickles.names import Model
from compsim_assets_tests.universe.published.pickles.opcodes import refused
from compsim_assets_tests.universe.published.pickles.write import cluster_set, features, strong_features

FOLDER = Path(__file__).parent
VERSIONS = ["pandas-1.5", "pandas-2.2", "numpy-2.0"]
PROTOCOLS = (3, 4, 5)


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
def test_files_of_other_versions_are_read(version: str) -> None:
    assert_same(load_pickle(FOLDER / version / "cluster_set.pkl"), cluster_set())
    assert_same(load_pickle(FOLDER / version / "strong_features.pkl"), strong_features())
    for name in ("pca.pkl", "pca_plain.pkl", "incremental.pkl"):
        model = load_pickle(FOLDER / version / name)
        assert isinstance(model, Model)
        assert model.attributes["n_components"] == 3
        assert model.attributes["components_"].shape == (3, 5)
        np.testing.assert_allclose(model.attributes["mean_"], features().mean(axis=0), atol=1e-12)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_the_installed_versions_write_is_read(tmp_path: Path, protocol: int) -> None:
    axes_turned = np.arange(24.0).reshape(2, 3, 4).transpose(1, 2, 0)
    for value in (cluster_set(), strong_features(), axes_turned):
        assert_same(loaded(tmp_path, value, protocol), value)
    series = pd.Series([1.5, 2.5], index=pd.Index([7, 9], name="latent"), name="mae")
    pd.testing.assert_series_equal(loaded(tmp_path, series, protocol), series)
    for storage in ("python", "pyarrow"):
        text = pd.array(["1996", "", "Öl"], dtype=pd.StringDtype(storage))  # type: ignore[arg-type]
        frame = loaded(tmp_path, pd.DataFrame({"year": text, "n": [1, 2, 3]}), protocol)
        assert frame["year"].to_list() == ["1996", "", "Öl"]
        assert frame["n"].to_list() == [1, 2, 3]
    # Else torch could not take it without a copy.
    assert loaded(tmp_path, np.zeros(1000), protocol).flags.writeable


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
    values = loaded(tmp_path, [lists, OrderedDict(lists), {1, 2}, frozenset({3}), b"\xff"], protocol)
    assert_same(values, [{2: [5], 1: [6]}, {2: [5], 1: [6]}, {1, 2}, frozenset({3}), b"\xff"])


def test_missing_text_stays_missing_and_pieces_become_one_column(tmp_path: Path) -> None:
    for kind in ("string[python]", "string[pyarrow]", "str"):
        frame = pd.DataFrame({"year": pd.Series(["1996", None], dtype=kind)})  # type: ignore[call-overload]
        assert loaded(tmp_path, frame)["year"].isna().to_list() == [False, True]
    parts = [pd.Series(["a"], dtype="string[pyarrow]"), pd.Series(["b", "c"], dtype="string[pyarrow]")]
    assert loaded(tmp_path, pd.concat(parts, ignore_index=True)).to_list() == ["a", "b", "c"]


@settings(max_examples=60, deadline=None)
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
    found = loaded(tmp_path_factory.getbasetemp(), expected, protocol)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


def test_a_file_is_read_however_it_is_compressed(tmp_path: Path) -> None:
    pca, path = PCA(3).fit(np.asfortranarray(features().astype(np.float32))), tmp_path / "file"
    for compress in (0, "zlib", "gzip", "bz2"):
        joblib.dump(pca, path, compress=(compress, 3) if compress else 0)
        model = load_pickle(path)
        assert isinstance(model, Model)
        for name in ("components_", "mean_", "explained_variance_", "noise_variance_"):
            assert_same(model.attributes[name], getattr(pca, name))
    for compression in ("gzip", "bz2", None):
        cluster_set().to_pickle(path, compression=compression)
        assert_same(load_pickle(path), cluster_set())


def test_kinds_that_nobody_writes_today_are_refused_with_those_that_are_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for write in (
        *(lambda protocol=protocol: cluster_set().to_pickle(path, protocol=protocol) for protocol in (0, 1, 2)),
        *(lambda kind=kind: cluster_set().to_pickle(path, compression=kind) for kind in ("xz", "zip", "tar")),
        lambda: joblib.dump(PCA(3), path, compress=("lzma", 3)),
    ):
        write()
        message = refused(path)
        assert "no pickle of protocol 3, 4 or 5, plain or compressed by gzip, bz2 or zlib" in message


def test_an_array_by_joblib_keeps_its_order(tmp_path: Path) -> None:
    for order in ("C", "F"):
        array = np.arange(6.0).reshape(2, 3).copy(order=order)
        joblib.dump(array, tmp_path / "array.pkl")
        found = load_pickle(tmp_path / "array.pkl")
        assert_same(found, array)
        assert isinstance(found, np.ndarray)
        assert found.flags["C_CONTIGUOUS"] == (order == "C")


def test_a_series_of_another_byte_order_is_of_this_machines(tmp_path: Path) -> None:
    found = loaded(tmp_path, pd.Series(np.array([1.0, 2.0], dtype=">f8")))
    assert found.dtype.isnative
    assert found.to_list() == [1.0, 2.0]
