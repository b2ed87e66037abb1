"""The fitted PCA on disk: arrays in safetensors, a JSON description beside them."""

import json
import shutil
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.storage.reading import reading
from compsim_assets.storage.results import Results, read_manifest, verify_sealed
from compsim_assets.storage.sealed import WHOLE_BYTES

if TYPE_CHECKING:
    import numpy as np

    from compsim_assets.science.pca.fit import PrincipalComponents

MANIFEST = "pca.json"


class Pca:
    """The PCA in a folder; arrays are read when they are asked for.

    Raises:
        FileNotFoundError: there is none.
        DamagedResult: a file is empty or cut.
    """

    def __init__(self, folder: Path) -> None:
        # A new version may be published meanwhile: the link is followed once, for all of one version.
        self.folder = folder.resolve()
        self.path = self.folder / "pca.safetensors"
        self.described: dict[str, Any] = read_manifest(self.folder, MANIFEST)

    @classmethod
    def of(cls, results: Results) -> "Pca":
        """The published one."""
        return cls(results.array_folder("pca"))

    def arrays(self, names: list[str]) -> dict[str, Any]:
        """Arrays by name: mean, scale, components, explained_variance, explained_variance_ratio.

        Raises:
            FileNotFoundError: the components do not exist (made with `components: none`).
        """
        from safetensors import safe_open

        with reading(self.path, "pca"):
            verify_sealed(self.path, self.described, "pca")
        with reading(self.path, "pca"), safe_open(str(self.path), framework="numpy") as tensors:
            if missing := set(names) - set(tensors.keys()):
                raise FileNotFoundError(
                    f"{self.path} has no {', '.join(sorted(missing))}: materialize 'pca' with components = all"
                )
            return {name: tensors.get_tensor(name) for name in names}

    def axes(self) -> "np.ndarray":
        """(P, D) components, mapped and not read: safetensors' own slices are copies, five times as slow to go through.

        A file beyond 64 MB is not read as a whole for its checksum: who uses all axes sees whether what comes of them
        fits the scores.

        Raises:
            FileNotFoundError: the components do not exist (made with `components: none`).
        """
        import numpy as np

        with reading(self.path, "pca"), self.path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
        small = self.path.stat().st_size <= WHOLE_BYTES
        if small or "components" not in header:
            self.arrays(["scale" if "components" in header else "components"])  # looks at the checksum, or says why not
        with reading(self.path, "pca"):
            described = header["components"]
            if described["dtype"] != "F32":
                raise KeyError(described["dtype"])
            start = 8 + length + described["data_offsets"][0]
            return np.memmap(self.path, np.float32, "r", start, tuple(described["shape"]))

    def scaler(self) -> "tuple[np.ndarray, np.ndarray]":
        """(D,) what is subtracted from features, an imported PCA's own mean included, and what they are divided by."""
        import numpy as np
        from safetensors import safe_open

        with reading(self.path, "pca"), safe_open(str(self.path), framework="numpy") as tensors:
            mean, scale = tensors.get_tensor("mean"), tensors.get_tensor("scale")
            imported = "pca_mean" in tensors.keys()  # noqa: SIM118, it is no dict
            offset = tensors.get_tensor("pca_mean") if imported else np.zeros(1)
        return mean + offset * scale, scale


def write_pca(folder: Path, pca: "PrincipalComponents") -> dict[str, Any]:
    """Write mean, scale, explained variance and, where made, components into a folder. Returns the description.

    The scores are a table of their own.
    """
    import numpy as np
    from safetensors.numpy import save_file

    names = ["mean", "scale", "explained_variance", "explained_variance_ratio"]
    names += [] if pca.components is None else ["components"]
    # safetensors writes an array's memory as it lies, whatever its strides.
    arrays = {name: np.ascontiguousarray(getattr(pca, name)) for name in names}
    if pca.own_mean is not None:
        arrays["pca_mean"] = np.ascontiguousarray(pca.own_mean)
    content = blake2b(digest_size=16)
    for name, array in sorted(arrays.items()):
        content.update(f"{name}{array.dtype}{array.shape}".encode())
        content.update(array.data)
    first, middle, last = (None if np.isnan(value) else value for value in pca.residuals)
    description = {
        "n_components": len(pca.explained_variance),
        "n_latents": len(pca.mean),
        "components": "none" if pca.components is None else "all",
        "explained_variance_share": float(pca.explained_variance_ratio.sum()),
        "products": pca.products,
        "method": pca.method,
        "basis": pca.basis,
        "cosine_change": pca.cosine_change,
        "residual_first": first,
        "residual_middle": middle,
        "residual_last": last,
        "converged": pca.converged,
        "content": content.hexdigest(),
    }
    save_file(arrays, folder / "pca.safetensors")
    (folder / MANIFEST).write_text(json.dumps(description, indent=2))
    shutil.copymode(folder / MANIFEST, folder / "pca.safetensors")  # safetensors lets nobody else read it
    return description
