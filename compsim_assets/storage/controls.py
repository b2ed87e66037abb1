"""Controls on disk: the matrices that stand in the place of SAE features, and every control's scores."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from compsim_assets.storage.embeddings import EmbeddingFolder, Embeddings
from compsim_assets.storage.reading import reading
from compsim_assets.storage.results import content_hash, read_manifest, seal, verify_sealed
from compsim_assets.storage.shards import MANIFEST as SHARDS
from compsim_assets.storage.shards import FeatureShards, write_feature_shards

if TYPE_CHECKING:
    import numpy as np

FEATURES, SCORES = "control_features", "control_scores"
FEATURES_MANIFEST, SCORES_MANIFEST = f"{FEATURES}.json", f"{SCORES}.json"
_TEXTS = "texts.parquet"
_READY_MADE = "features came ready-made: there is no model to ask for random directions or raw activations"
_NOT_ASKED = "extraction.toml asks for no controls: its table [controls] says which there are"


@dataclass(frozen=True)
class Control:
    """A control, and of which draw; 1 where nothing is drawn."""

    name: str
    seed: int = 1

    @property
    def file(self) -> str:
        """What its files are called."""
        return f"{self.name}-{self.seed}"


PLAIN_COSINE = Control("tfidf_cosine")
"""Words without scaler and PCA: of the same matrix as tfidf."""


@dataclass(frozen=True)
class Draws:
    """What controls are drawn by: draws of the dealt-out features and their seed, and words at most."""

    shuffles: int
    words: int
    seed: int


class ControlScores(EmbeddingFolder):
    """Scores of every control, one read after the other."""

    asset, manifest_name = SCORES, SCORES_MANIFEST

    @property
    def draws(self) -> Draws:
        """What the scored controls were drawn by."""
        return Draws(**self.manifest["draws"])

    def controls(self) -> Iterator[tuple[Control, Embeddings]]:
        """Each control and its scores. Memory for one of them."""
        listed = [Control(each["control"], each["seed"]) for each in self.manifest["encoders"]]
        for control, (_, scores) in zip(listed, self, strict=True):
            yield control, scores


class ControlFeatures:
    """What an extraction left beside the SAE's features: a matrix per control, a row for each different text.

    Raises:
        FileNotFoundError: not materialized yet.
        DamagedResult: a file is empty, cut or missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.manifest = read_manifest(self.folder, FEATURES_MANIFEST)

    @property
    def note(self) -> str:
        """Why there are none; empty where there are some."""
        return str(self.manifest["note"])

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """(n,) report ids, and the row of each one's text in every matrix."""
        import pyarrow.parquet as pq

        path = self.folder / _TEXTS
        with reading(path, FEATURES):
            verify_sealed(path, self.manifest, FEATURES)
            table = pq.read_table(path)
        return table["report_id"].to_numpy(), table["row"].to_numpy()

    def matrices(self) -> Iterator[tuple[Control, FeatureShards]]:
        """Each control's matrix, mapped; its report ids are rows' numbers."""
        for each in self.manifest["controls"]:
            control = Control(each["control"], each["seed"])
            yield control, FeatureShards(self.folder / control.file)


def publish_extracted(output: Path, report_id: np.ndarray, folder: Path) -> ControlFeatures:
    """Put what an extraction left for controls in `output` into a folder to be published; where there is nothing, why.

    Args:
        report_id: of the reports that were extracted, in their order.
    """
    import numpy as np
    import pyarrow.parquet as pq

    row, note = np.empty(0, dtype=np.int64), _READY_MADE
    if (index := output / "index.parquet").exists():
        row, note = pq.read_table(index, columns=["row"])["row"].to_numpy(), _NOT_ASKED
    matrices = []
    for path in sorted(output.glob("unique_*-*.npy")):
        name, _, seed = path.stem.removeprefix("unique_").rpartition("-")
        matrices.append((Control(name, int(seed)), np.load(path, mmap_mode="r")))
    report_id = report_id[: len(row)][row >= 0]
    write_control_features(folder, report_id, row[row >= 0], matrices, "" if matrices else note)
    return ControlFeatures(folder)


def write_control_features(
    folder: Path, report_id: np.ndarray, row: np.ndarray, matrices: Iterable[tuple[Control, np.ndarray]], note: str = ""
) -> None:
    """Write the matrices, (texts, D) float32 each, and which of their rows each report has.

    The manifest is written last. Memory: a block of a matrix that is mapped.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"report_id": report_id, "row": row})
    pq.write_table(table, folder / _TEXTS)
    content, listed = blake2b(content_hash(table).encode(), digest_size=16), []
    for control, matrix in matrices:
        inside = folder / control.file
        inside.mkdir()
        write_feature_shards(inside, _blocks(matrix), matrix.shape[1], {"control": control.name})
        seal(inside, SHARDS)
        content.update(control.file.encode() + read_manifest(inside, SHARDS)["content"].encode())
        listed.append({"control": control.name, "seed": control.seed, "width": matrix.shape[1]})
    manifest = {"controls": listed, "note": note, "content": content.hexdigest()}
    (folder / FEATURES_MANIFEST).write_text(json.dumps(manifest, indent=2))


def _blocks(matrix: np.ndarray, rows: int = 512) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    import numpy as np

    for start in range(0, len(matrix), rows):
        block = matrix[start : start + rows]
        yield np.arange(start, start + len(block)), np.ascontiguousarray(block)
