"""A small results folder in which everything says which rebuild made it: tables, one by mode, an array, a figure."""

from itertools import count
from pathlib import Path

import pyarrow as pa

from compsim_assets.storage.lineage import Note
from compsim_assets.storage.results import Results, read_table, seal
from compsim_assets.storage.versions import Versions

SIZE = 1000
NAMES = ("returns", "clusters/base", "clusters/rolling", "pca", "theta_by_year")


def make(results: Results, name: str, number: int, *inputs: str) -> None:
    """One result of this rebuild, made from others as they are now."""
    asset, _, mode = name.partition("/")
    note = Note(inputs={each: results.content(each) for each in inputs}, code="1")
    if name == "pca":
        with results.new_folder(results.array_folder("pca")) as folder:
            (folder / "pca.safetensors").write_bytes(bytes([number % 256]) * SIZE)
            (folder / "pca.json").write_text(f'{{"content": "{number}"}}')
            results.write_note("pca", seal(folder, "pca.json"), note)
    elif name == "theta_by_year":
        with results.new_file(results.figure(name)) as aside:
            aside.write_bytes(f"picture {number}".encode())
        results.write_note(name, results.content(name), note)
    else:
        results.write_table(results.table(asset, mode or None), pa.table({"number": [number] * SIZE}), note)


def rebuild(results: Results, number: int) -> None:
    """All of them, in order."""
    make(results, "returns", number)
    make(results, "pca", number)
    for mode in ("base", "rolling"):
        make(results, f"clusters/{mode}", number, "returns", "pca")
    make(results, "theta_by_year", number, "clusters/base", "clusters/rolling")


def numbers(results: Results) -> set[int]:
    """The rebuilds that what is there is of."""
    tables = [results.table("returns"), *(results.table("clusters", mode) for mode in ("base", "rolling"))]
    there = {int(value) for path in tables for value in read_table(path)["number"].to_pylist()}
    there |= set((results.array_folder("pca") / "pca.safetensors").read_bytes())
    return there | {int(results.figure("theta_by_year").read_text().split()[1])}


def publish(folder: Path, number: int) -> str:
    """Rebuild and publish; returns the version's name."""
    rebuild(Results(folder), number)
    return Versions(Results(folder)).publish({}, again=True)[0].id


def publish_on_and_on(folder: Path) -> None:
    """Rebuilds 1, 2, ... 200, 1, ..., each published, few kept, and now and then a step back; until it is killed."""
    versions = Versions(Results(folder))
    for number in count():
        publish(folder, 1 + number % 200)
        if number % 5 == 4:
            versions.rollback(versions.all()[1])
        versions.prune(3, 1)
