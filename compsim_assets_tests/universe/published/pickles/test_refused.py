"""Pickles that would run something, read a file or pass off memory are refused, and leave nothing behind."""

import builtins
import contextlib
import copyreg
import functools
import gzip
import io
import operator
import os
import pickle
import shutil
import subprocess
import time
import zipfile
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

PROTOCOLS = range(6)


OLD = name("copy_reg", "_reconstructor")


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


NAMES = list(runs(Path("canary")))


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


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("called", NAMES)
def test_a_pickle_runs_nothing(canary: Path, called: str, protocol: int) -> None:
    data = pickle.dumps(runs(canary)[called], protocol)
    with nothing_is_made(canary, lambda: pickle.loads(data)):
        message = refused(canary.with_name("bad.pkl"), data)
    # Protocols 0 to 2 call some modules by their names in Python 2.
    assert f"tried to load {called};" in message or (protocol < 3 and called.split(".")[1] in message)
    assert "Ask whoever made it for Parquet or safetensors" in message


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("called", NAMES)
def test_a_good_frame_hides_nothing_that_runs(canary: Path, called: str, protocol: int) -> None:
    frame = cluster_set()
    frame.at[1, "clusters"] = {1: [60, runs(canary)[called]]}
    path = canary.with_name("bad.pkl")
    frame.to_pickle(path, protocol=protocol)
    with nothing_is_made(canary, lambda: pd.read_pickle(path)):
        assert "tried to load" in refused(path)


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)])
def test_a_file_of_joblib_runs_nothing(canary: Path, compress: Any) -> None:
    path = canary.with_name("bad.pkl")
    joblib.dump({"a": np.arange(3), "b": runs(canary)["posix.system"]}, path, compress=compress)
    with nothing_is_made(canary, lambda: joblib.load(path)):
        assert "tried to load posix.system" in refused(path)


def test_an_array_of_objects_by_joblib_is_refused_unread(canary: Path) -> None:
    # Its objects are a pickle within the file, which joblib before 1.6 reads with no check at all.
    path = canary.with_name("bad.pkl")
    joblib.dump(np.array([runs(canary)["posix.system"]], dtype=object), path)
    with nothing_is_made(canary, lambda: joblib.load(path)):
        assert "joblib array of Python objects" in refused(path)


def test_compression_hides_nothing(canary: Path) -> None:
    data = pickle.dumps(runs(canary)["posix.system"])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.pkl", data)
    for content in (gzip.compress(data), packed.getvalue()):
        message = refused(canary.with_name("bad.pkl"), content)
        assert "tried to load posix.system" in message
    assert not canary.exists()


@pytest.mark.parametrize("protocol", PROTOCOLS)
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
    tmp_path: Path, function: Callable, arguments: tuple, name: str, protocol: int
) -> None:
    message = refused(tmp_path / "bad.pkl", pickle.dumps(Calls(function, *arguments), protocol))
    assert f"{name};" in message


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (name("pandas", "io.common.os.system"), "pandas.io.common.os.system"),
        (name("pandas", "DataFrame.to_pickle"), "pandas.DataFrame.to_pickle"),
        (name("numpy", "dtype.newbyteorder"), "numpy.dtype.newbyteorder"),
        (name("builtins", "slice.__class__"), "slice.__class__"),
        (name("compsim_assets.universe.published.pickles", "NAMES"), "pickles.NAMES"),
        (name("bad\n\x1b[31m", "x" * 250), r"tried to load bad\\n\\x1b\[31m.x+;"),
        (b"Puser\n", "persistent id"),
        (b"NQ", "persistent id"),
        (b"(ios\nsystem\n", "way of Python 2"),
        (b"(cos\nsystem\no", "tried to load os.system"),
        (b"(" + NDARRAY + b"o", "way of Python 2"),
        (NDARRAY + b")}\x92", "named arguments"),
        (b"\x97", "outside of itself"),
        (NDARRAY + b"}b", "sets the state"),
        (ARRAY + b"}b", "sets the state"),
        (b"]}b", "sets the state"),
        (pickle.dumps(cluster_set(), 2)[2:-1] + b"}b", "sets the state"),
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
        (OLD + NDARRAY + name("__builtin__", "object") + b"N\x87R", "object of a foreign class"),
        (OLD + name("pandas", "DataFrame") + NDARRAY + b"N\x87R", "object of a foreign class"),
        (DTYPE + text("V8") + b"\x85R", "array of type 'V8'"),
        (DTYPE + text("U0") + b"\x85R", "array of type 'U0'"),
        (DTYPE + text("i8,O") + b"\x85R", "array of type 'i8,O'"),
        (name("_codecs", "encode") + text("a") + text("rot13") + b"\x86R", "encodes text in another way"),
        (name("pandas.core.indexes.base", "_new_Index") + NDARRAY + b"}\x86R", "index of a foreign"),
    ],
)  # fmt: skip
def test_every_way_around_the_list_of_names_is_closed(tmp_path: Path, steps: bytes, said: str) -> None:
    path = tmp_path / "bad.pkl"
    path.write_bytes(b"\x80\x04" + steps + b".")
    with pytest.raises(UniverseError, match=rf"bad\.pkl: refused: it .*{said}"):
        load_pickle(path)


@pytest.mark.parametrize("code", [b"\x82\xf0", b"\x83\xf0\x00", b"\x84\xf0\x00\x00\x00"])
def test_an_extension_code_leads_nowhere_even_where_it_is_known(canary: Path, code: bytes) -> None:
    argument = str(canary).encode()
    data = b"\x80\x04" + code + b"\x8c" + bytes([len(argument)]) + argument + b"\x85R."
    copyreg.add_extension("os", "mkdir", 0xF0)
    try:
        with nothing_is_made(canary, lambda: pickle.loads(data)):
            assert "extension code" in refused(canary.with_name("bad.pkl"), data)
    finally:
        copyreg.remove_extension("os", "mkdir", 0xF0)
        copyreg._extension_cache.clear()  # type: ignore[attr-defined]
