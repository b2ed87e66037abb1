"""The fitted PCA on disk: arrays in safetensors, a JSON description beside them."""

import json
from typing import TYPE_CHECKING, Any

from compsim_assets.storage.results import Results

if TYPE_CHECKING:
    from compsim_assets.science.pca.fit import PrincipalComponents


def write_pca(results: Results, pca: "PrincipalComponents") -> dict[str, Any]:
    """Publish `pca/`: mean, scale, explained variance and, where made, components. Returns the description.

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
        "universe": results.universe_stamp(),
    }
    with results.new_folder(results.array_folder("pca")) as folder:
        save_file(arrays, folder / "pca.safetensors")
        (folder / "pca.json").write_text(json.dumps(description, indent=2))
    return description


def load_pca(results: Results, names: list[str]) -> dict[str, Any]:
    """Arrays of the fitted PCA by name: mean, scale, components, explained_variance, explained_variance_ratio.

    Raises:
        FileNotFoundError: the PCA, or (made with `components: none`) its components, do not exist.
    """
    from safetensors import safe_open

    path = results.array_folder("pca") / "pca.safetensors"
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist: materialize 'pca' first")
    with safe_open(str(path), framework="numpy") as tensors:
        if missing := set(names) - set(tensors.keys()):
            raise FileNotFoundError(
                f"{path} has no {', '.join(sorted(missing))}: materialize 'pca' with components = all"
            )
        return {name: tensors.get_tensor(name) for name in names}
