"""Pickles whose arrays are not what they say, or that are cut short: refused by name, with no use of their memory."""

import contextlib
import gzip
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib.numpy_pickle import NumpyArrayWrapper

from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.published.pickles import load_pickle
from compsim_assets_tests.universe.published.pickles.opcodes import ARRAY, DTYPE, NDARRAY, refused, text
from compsim_assets_tests.universe.published.pickles.write import cluster_set

FRAME = pickle.dumps(cluster_set())


class Foreign:
    pass


class ForeignArray(np.ndarray):
    pass


def test_arrays_of_other_kinds_are_refused(tmp_path: Path) -> None:
    for array, reason in (
        (np.zeros(1, [("a", "i8"), ("b", object)]), "array of type 'V16'"),
        (np.zeros(1, "M8[s]"), "array of type 'M8'"),
        (np.zeros(2).view(ForeignArray), "ForeignArray"),
        (np.ma.zeros(2), "tried to load numpy.ma"),
        (np.zeros(2).view(np.recarray), "tried to load numpy.rec"),
    ):
        assert reason in refused(tmp_path / "bad.pkl", pickle.dumps(array, 4))


def state_of(dtype: str, state: bytes, shape: bytes, raw: bytes) -> bytes:
    """An array of hand-made type, shape and bytes."""
    kind = DTYPE + text(dtype) + b"\x85R" + state + b"b"
    return (
        b"\x80\x04" + ARRAY + NDARRAY + b"K\x00\x85C\x01b\x87R(K\x01" + shape + kind + b"\x89" + raw + b"tb."
    )  # fmt: skip


PLAIN = b"(K\x03" + text("|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t"
NAMED = b"(K\x03" + text("|") + b"N" + text("a") + b"NJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t"


def test_a_hand_made_array_is_read_where_all_is_well(tmp_path: Path) -> None:
    path = tmp_path / "good.pkl"
    path.write_bytes(state_of("u1", PLAIN, b"K\x02\x85", b"C\x02\x01\x02"))
    found = load_pickle(path)
    assert isinstance(found, np.ndarray)
    assert found.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("dtype", "state", "shape", "raw"),
    [
        # Bytes that would be taken for pointers to objects.
        ("O", PLAIN, b"K\x01\x85", b"C\x08ABCDEFGH"),
        ("O8", PLAIN, b"K\x01\x85", b"C\x08ABCDEFGH"),
        ("u1", NAMED, b"K\x01\x85", b"C\x01A"),
        ("u1", PLAIN, b"K\x03\x85", b"C\x02AB"),
        ("u1", PLAIN, b"K\x01\x85", b"C\x02AB"),
        ("u1", PLAIN, b"J\xff\xff\xff\xff\x85", b"C\x02AB"),
        ("u1", PLAIN, b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85", b"C\x02AB"),
        ("O", PLAIN, b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85", b"]"),
        ("O", PLAIN, b"K\x02\x85", b"]"),
        ("O", PLAIN, b"K\x01\x85", b"](NNe"),
    ],
)
def test_memory_cannot_be_passed_off_as_something_else(
    tmp_path: Path, dtype: str, state: bytes, shape: bytes, raw: bytes
) -> None:
    refused(tmp_path / "bad.pkl", state_of(dtype, state, shape, raw))


def test_the_order_of_bytes_is_not_more_than_that(tmp_path: Path) -> None:
    # numpy takes "2u1" for two numbers in one.
    state = PLAIN.replace(text("|"), text("2"))
    data = state_of("u1", state, b"K\x01\x85", b"C\x02AB")
    assert "of a structured type" in refused(tmp_path / "bad.pkl", data)


@pytest.mark.parametrize("code", [b"\x8e", b"\x96"])
def test_bytes_of_more_than_any_file_holds_are_refused(tmp_path: Path, code: bytes) -> None:
    data = b"\x80\x05" + code + (2**40).to_bytes(8, "little") + b"."
    assert "holds 1,099,511,627,776 bytes in one piece" in refused(tmp_path / "bad.pkl", data)


def test_a_table_without_one_of_its_columns_is_refused(tmp_path: Path) -> None:
    data = pickle.dumps(pd.DataFrame({"a": [1, 2], "b": [0.5, 0.25]}), 3)
    second = b"K\x01K\x02K\x01\x87"
    assert data.count(second) == 1
    message = refused(tmp_path / "bad.pkl", data.replace(second, b"K\x00K\x01K\x01\x87"))
    assert "columns that do not fit their table" in message


def test_joblibs_note_on_an_array_is_not_believed(tmp_path: Path) -> None:
    for attribute, value, reason in (
        ("dtype", np.dtype(object), "joblib array of Python objects"),
        ("subclass", Foreign, "Foreign"),
        ("subclass", list, "joblib array of Python objects or of a foreign class"),
        ("subclass", np.memmap, "memmap"),
        ("shape", (2**40,), "more than 17,179,869,184"),
        ("shape", (2**30,), "ends in the middle"),
        ("shape", (-3,), "without a shape"),
        ("shape", 3, "without a shape"),
    ):
        note = NumpyArrayWrapper(np.ndarray, (3,), "C", np.dtype("f8"), allow_mmap=True)
        setattr(note, attribute, value)
        assert reason in refused(tmp_path / "bad.pkl", pickle.dumps(note) + bytes(40))


def test_joblibs_old_note_on_another_file_is_refused(tmp_path: Path) -> None:
    from joblib.numpy_pickle_compat import NDArrayWrapper

    message = refused(tmp_path / "bad.pkl", pickle.dumps(NDArrayWrapper("x.npy", np.ndarray)))
    assert "tried to load joblib.numpy_pickle_compat.NDArrayWrapper" in message


def test_text_of_pyarrow_with_offsets_outside_of_it_is_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"year": pd.array(["abcdefgh"], dtype="str")})
    data = pickle.dumps(frame)
    good, bad = (8).to_bytes(8, "little"), (8_000_000_000).to_bytes(8, "little")
    offsets = bytes(8) + good
    assert data.count(offsets) == 1
    message = refused(tmp_path / "bad.pkl", data.replace(offsets, bytes(8) + bad))
    assert "ArrowInvalid" in message


def test_a_table_of_more_columns_than_any_has_is_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame(np.zeros((1, 3)))
    data = pickle.dumps(frame)
    stop = text("stop") + b"\x94K\x03"
    assert data.count(stop) == 1
    steps = data.replace(stop, text("stop") + b"\x94J\xff\xff\xff\x7f")
    steps = steps[:3] + (len(steps) - 11).to_bytes(8, "little") + steps[11:]
    assert "2,147,483,647 columns" in refused(tmp_path / "bad.pkl", steps)


def test_a_small_file_cannot_unpack_to_any_size(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pkl"
    path.write_bytes(gzip.compress(pickle.dumps("a" * 3_000_000)))
    assert load_pickle(path) == "a" * 3_000_000
    with pytest.raises(UniverseError, match="unpacks to more than 2,000,000 bytes"):
        load_pickle(path, max_bytes=2_000_000)


def test_broken_files_are_named(tmp_path: Path) -> None:
    for data in (
        b"",
        b"no pickle",
        b"\x80\x63.",
        b"\x80\x04.",
        b"\x80\x04h\x00.",
        FRAME[:-30],
        gzip.compress(FRAME)[:-20],
        b"\x1f\x8bnot gzip",
        b"BZhnot bz2",
        b"x\x9cnot zlib",
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"\x80\x05\x96\x00\x00\x00\x00\x03\x00\x00\x00.",
        b"\x80\x04B\xff\xff\xff\xff.",
        b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\x00\x00.",
        b"\x80\x04\xff.",
    ):
        refused(tmp_path / "broken.pkl", data)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "none.pkl")
    assert "Is a directory" in refused(tmp_path)


TEXT = pd.DataFrame({"year": pd.array(["1996", None, "1997"], dtype="str"), "n": [1.5, 2.5, 3.5]})


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_whatever_is_changed_in_a_file_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    frame = data.draw(st.sampled_from([cluster_set(), TEXT]))
    content = bytearray(pickle.dumps(frame, data.draw(st.sampled_from([3, 4, 5]))))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(2, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "changed.pkl"
    path.write_bytes(content)
    with contextlib.suppress(UniverseError):
        load_pickle(path)


def test_values_of_a_table_are_arrays_and_not_what_pandas_would_write_out(tmp_path: Path) -> None:
    # A range index of any length takes a few bytes. Here the series' values are made to be its index, memo 15.
    data = pickle.dumps(pd.Series(range(3)), 3)
    values = b"values" + b"q\x2bh\x16"
    assert data.count(values) == 1
    message = refused(tmp_path / "bad.pkl", data.replace(values, values[:-1] + b"\x0f"))
    assert "without its values" in message
