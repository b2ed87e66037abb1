"""The fitted PCA on disk: arrays in safetensors, a JSON description beside them."""

from typing import Any

from compsim_assets.storage.results import Results


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
