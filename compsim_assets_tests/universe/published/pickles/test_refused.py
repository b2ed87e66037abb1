"""Pickles that would run something, read a file or pass off memory are refused, and leave nothing behind."""

import builtins
import contextlib
import copyreg
import functools
import operator
import os
import pickle
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest

from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.published.pickles import load_pickle
from compsim_assets_tests.universe.published.pickles.opcodes import ARRAY, DTYPE, NDARRAY, name, refused, text
from compsim_assets_tests.universe.published.pickles.write import cluster_set


class Calls:
    """Pickled, it is a call of this function with these arguments."""

    def __init__(self, function: Callable, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple:
        return self.call


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file that a pickle makes, if it can."""
    return tmp_path / "canary"


def runs(canary: Path) -> dict[str, Calls]:
    """Pickles that make the file, and the name they do it with."""
    program = f"open({str(canary)!r}, 'w').close()"
    return {
        "posix.system": Calls(os.system, f"touch {canary}"),
        "subprocess.Popen": Calls(subprocess.Popen, ["touch", str(canary)]),
        "builtins.eval": Calls(builtins.eval, program),
        "builtins.exec": Calls(builtins.exec, program),
        "io.open": Calls(open, str(canary), "w"),
        "shutil.copyfile": Calls(shutil.copyfile, __file__, str(canary)),
        "posix.mkdir": Calls(os.mkdir, str(canary)),
        "numpy.savetxt": Calls(np.savetxt, str(canary), [1.0]),
        "joblib.numpy_pickle.dump": Calls(joblib.dump, 1, str(canary)),
    }


@contextlib.contextmanager
def nothing_is_made(canary: Path, load: Callable[[], Any]) -> Iterator[None]:
    """First it is seen that the pickle does make the file for a reader that trusts it."""
    load()
    for _ in range(500):
        if canary.exists():
            break
        time.sleep(0.01)
    assert canary.exists()
    canary.rmdir() if canary.is_dir() else canary.unlink()
    yield
    assert not canary.exists()


def test_a_pickle_runs_nothing(canary: Path) -> None:
    for called, call in runs(canary).items():
        # Protocol 3 names a function by another step than 4 and 5.
        for protocol in (3, 4):
            data = pickle.dumps(call, protocol)
            with nothing_is_made(canary, lambda data=data: pickle.loads(data)):
                message = refused(canary.with_name("bad.pkl"), data)
            assert f"tried to load {called};" in message
            assert "Ask whoever made it for Parquet or safetensors" in message


def test_a_good_frame_hides_nothing_that_runs(canary: Path) -> None:
    frame = cluster_set()
    frame.at[1, "clusters"] = {1: [60, runs(canary)["builtins.exec"]]}
    path = canary.with_name("bad.pkl")
    for protocol, compression in ((3, None), (4, "gzip"), (5, "bz2")):
        frame.to_pickle(path, protocol=protocol, compression=compression)
        with nothing_is_made(canary, lambda kind=compression: pd.read_pickle(path, compression=kind)):
            assert "tried to load builtins.exec;" in refused(path)


def test_a_file_of_joblib_runs_nothing(canary: Path) -> None:
    path = canary.with_name("bad.pkl")
    for compress in (0, 3, ("gzip", 3)):
        joblib.dump({"a": np.arange(3), "b": runs(canary)["posix.mkdir"]}, path, compress=compress)
        with nothing_is_made(canary, lambda: joblib.load(path)):
            assert "tried to load posix.mkdir" in refused(path)


def test_an_array_of_objects_by_joblib_is_refused_unread(canary: Path) -> None:
    # Its objects are a pickle within the file, which joblib before 1.6 reads with no check at all.
    path = canary.with_name("bad.pkl")
    joblib.dump(np.array([runs(canary)["posix.system"]], dtype=object), path)
    with nothing_is_made(canary, lambda: joblib.load(path)):
        assert "joblib array of Python objects" in refused(path)


@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (getattr, (1, "real"), "getattr"),
        (__import__, ("os",), "__import__"),
        (pd.read_pickle, ("x",), "read_pickle"),
        (pd.read_csv, ("x",), "read_csv"),
        (pd.io.common.get_handle, ("x", "w"), "pandas.io.common.get_handle"),  # type: ignore[attr-defined]
        (np.load, ("x",), "numpy.load"),
        (np.fromfile, ("x",), "fromfile"),
        (np.memmap, ("x",), "memmap"),
        (joblib.load, ("x",), "joblib.numpy_pickle.load"),
        (pickle.loads, (b"N.",), "loads"),
        (functools.partial, (os.system,), "functools.partial"),
        (functools.reduce, (max, [1]), "reduce"),
        (operator.attrgetter, ("system",), "operator.attrgetter"),
        (operator.methodcaller, ("system",), "operator.methodcaller"),
        (copyreg.add_extension, ("os", "system", 9), "add_extension"),
        (pd.eval, ("1",), "eval"),
        (type, ("T", (), {}), "type"),
    ],
)
def test_what_could_lead_further_is_refused_by_its_name(
    tmp_path: Path, function: Callable, arguments: tuple, name: str
) -> None:
    assert f"{name};" in refused(tmp_path / "bad.pkl", pickle.dumps(Calls(function, *arguments)))


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (name("pandas", "io.common.os.system"), "pandas.io.common.os.system"),
        (name("pandas", "DataFrame.to_pickle"), "pandas.DataFrame.to_pickle"),
        (name("numpy", "dtype.newbyteorder"), "numpy.dtype.newbyteorder"),
        (name("builtins", "slice.__class__"), "slice.__class__"),
        (name("compsim_assets.universe.published.pickles", "NAMES"), "pickles.NAMES"),
        (name("bad\n\x1b[31m", "x" * 250), r"tried to load bad\\n\\x1b\[31m.x+;"),
        (b"Puser\n", "uses PERSID, a step that no table"),
        (b"NQ", "uses BINPERSID,"),
        (b"(ios\nsystem\n", "uses INST,"),
        (b"(cos\nsystem\no", "tried to load os.system"),
        (b"(" + NDARRAY + b"o", "uses OBJ,"),
        (NDARRAY + b")}\x92", "uses NEWOBJ_EX,"),
        (b"\x97", "uses NEXT_BUFFER,"),
        (b"\x83\xf0\x00", "uses EXT2,"),
        (b"\x84\xf0\x00\x00\x00", "uses EXT4,"),
        (b"I1\n", "uses INT,"),
        (NDARRAY + b"}b", "sets the state"),
        (ARRAY + b"}b", "sets the state"),
        (b"]}b", "sets the state"),
        (pickle.dumps(cluster_set(), 3)[2:-1] + b"}b", "sets the state"),
        (NDARRAY + b")R", "calls what is no function"),
        (b"N)R", "calls what is no function"),
        (ARRAY + NDARRAY + b"R", "calls what is no function"),
        (ARRAY + b")\x81", "makes an object of what is no class"),
        (name("pandas", "DataFrame") + b"K\x01\x85\x81", "makes an object of what is no class"),
        (NDARRAY + b"Na", "adds to something that is no list"),
        (NDARRAY + b"(Ne", "adds to something that is no list"),
        (NDARRAY + b"NNs", "adds to something that is no dict"),
        (NDARRAY + b"(NNu", "adds to something that is no dict"),
        (NDARRAY + b"(N\x90", "adds to something that is no set"),
        (ARRAY + name("pandas", "DataFrame") + b"\x85R", "array of a foreign class"),
        (DTYPE + text("V8") + b"\x85R", "array of type 'V8'"),
        (DTYPE + text("U0") + b"\x85R", "array of type 'U0'"),
        (DTYPE + text("i8,O") + b"\x85R", "array of type 'i8,O'"),
        (name("pandas.core.indexes.base", "_new_Index") + NDARRAY + b"}\x86R", "index of a foreign"),
    ],
)  # fmt: skip
def test_every_way_around_the_list_of_names_is_closed(tmp_path: Path, steps: bytes, said: str) -> None:
    path = tmp_path / "bad.pkl"
    path.write_bytes(b"\x80\x04" + steps + b".")
    with pytest.raises(UniverseError, match=rf"bad\.pkl: refused: it .*{said}"):
        load_pickle(path)


def test_an_extension_code_leads_nowhere_even_where_it_is_known(canary: Path) -> None:
    argument = str(canary).encode()
    data = b"\x80\x04\x82\xf0\x8c" + bytes([len(argument)]) + argument + b"\x85R."
    copyreg.add_extension("os", "mkdir", 0xF0)
    try:
        with nothing_is_made(canary, lambda: pickle.loads(data)):
            assert "uses EXT1," in refused(canary.with_name("bad.pkl"), data)
    finally:
        copyreg.remove_extension("os", "mkdir", 0xF0)
        copyreg._extension_cache.clear()  # type: ignore[attr-defined]
