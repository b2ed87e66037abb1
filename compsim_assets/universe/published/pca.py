"""A PCA that somebody else has fitted: scikit-learn's as a pickle or by joblib, alone or behind its scaler, or a file
of safetensors.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.universe.layout import UniverseError

if TYPE_CHECKING:
    import numpy as np

# Rounding is a hundredth of it in float32; axes that were mixed up are off by much more.
_LENGTH_TOLERANCE = 1e-2


@dataclass(frozen=True)
class PublishedPca:
    """Axes and what goes with them.

    components: (P, D) float32, one axis per row.
    mean: (D,) float64, the PCA's own mean, of the features that it was fitted on.
    explained_variance, explained_variance_ratio: (P,) float64; None where the file does not say.
    scaler_mean, scaler_scale: (D,) float64 of the features before; None where the file does not say.
    """

    components: "np.ndarray"
    mean: "np.ndarray"
    explained_variance: "np.ndarray | None"
    explained_variance_ratio: "np.ndarray | None"
    scaler_mean: "np.ndarray | None"
    scaler_scale: "np.ndarray | None"


def read_pca(path: Path) -> PublishedPca:
    """The PCA of `pca.safetensors`, or of any other name as a pickle: a PCA, or a pipeline of StandardScaler and PCA.

    A safetensors file has scikit-learn's names (`components_`, `mean_`, ...), or those of this project's own output:
    `components`, `mean` and `scale` of the features, `explained_variance`, and `pca_mean`, 0 without it.
    Memory: the components once, and once more while float64 becomes float32.

    Raises:
        UniverseError: not readable, no components, shapes that do not fit, values that are not finite, axes whose
            length is not 1, scales that are not positive, or `whiten=True`.
    """
    plain = path.suffix == ".safetensors"
    held = _safetensors(path) if plain else _pickled(path)
    if plain and "components_" not in held:
        held = {
            "components_": held.get("components"),
            "mean_": held.get("pca_mean"),
            "explained_variance_": held.get("explained_variance"),
            "explained_variance_ratio_": held.get("explained_variance_ratio"),
            "scaler_mean": _needed(held, "mean", path),
            "scaler_scale": _needed(held, "scale", path),
        }
    elif held.get("mean_") is None:
        raise UniverseError(f"{path}: no mean_, expected that of a fitted PCA")
    return _checked(held, path)


def _needed(held: Mapping[str, Any], name: str, path: Path) -> Any:
    if name not in held:
        raise UniverseError(
            f"{path}: no {name}, expected components_ and mean_, or components, mean and scale; found "
            f"{', '.join(sorted(held)) or 'nothing'}"
        )
    return held[name]


def _pickled(path: Path) -> Mapping[str, Any]:
    import numpy as np

    from compsim_assets.universe.published.pickles import load_pickle
    from compsim_assets.universe.published.pickles.names import Model

    model = load_pickle(path)
    scaler: dict[str, Any] = {}
    if isinstance(model, Model) and model.kind == "Pipeline":
        steps = [step[-1] for step in model.attributes.get("steps", ())]
        kinds = [step.kind if isinstance(step, Model) else str(step) for step in steps]
        if kinds not in (["PCA"], ["StandardScaler", "PCA"]):
            raise UniverseError(f"{path}: a pipeline of {', '.join(kinds)}, expected StandardScaler and PCA")
        model = steps[-1]
        if len(steps) == 2:
            scaler = _scaler(steps[0].attributes, path)
    if not isinstance(model, Model) or model.kind != "PCA":
        kind = model.kind if isinstance(model, Model) else type(model).__name__
        raise UniverseError(f"{path}: holds a {kind}, expected a fitted PCA")
    whiten = model.attributes.get("whiten", False)
    if not isinstance(whiten, bool | np.bool_) or whiten:
        raise UniverseError(
            f"{path}: a PCA with whiten=True. Its scores all have variance 1, so cosines of them are not those of the "
            "paper. Fit it with whiten=False"
        )
    return {**model.attributes, **scaler}


def _scaler(attributes: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Mean and scale that a StandardScaler subtracts and divides by."""
    import numpy as np

    n_latents = attributes.get("n_features_in_")
    if not isinstance(n_latents, int | np.integer):
        raise UniverseError(f"{path}: a StandardScaler without n_features_in_, expected a fitted one")
    return {
        "scaler_mean": attributes.get("mean_") if attributes.get("with_mean") is True else np.zeros(n_latents),
        "scaler_scale": attributes.get("scale_") if attributes.get("with_std") is True else np.ones(n_latents),
    }


def _safetensors(path: Path) -> Mapping[str, Any]:
    from safetensors import safe_open

    names = (
        "components_", "mean_", "explained_variance_", "explained_variance_ratio_",
        "components", "mean", "scale", "explained_variance", "explained_variance_ratio", "pca_mean",
    )  # fmt: skip
    try:
        # An output of this project holds more, which stays in the file.
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in names if name in file.keys()}  # noqa: SIM118
    # safetensors has an error of its own for a broken header, and numpy one for a type that it lacks.
    except Exception as problem:
        raise UniverseError(f"{path}: {problem}, expected safetensors of numbers") from None


def _checked(held: Mapping[str, Any], path: Path) -> PublishedPca:
    import numpy as np

    axes = held.get("components_")
    if not isinstance(axes, np.ndarray) or axes.ndim != 2 or not axes.size:
        raise UniverseError(f"{path}: no components (P, D), expected those of a fitted PCA")
    components = _numbers(axes, "components", path, np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", components, components))
    if (worst := float(np.abs(lengths - 1).max())) > _LENGTH_TOLERANCE:
        raise UniverseError(
            f"{path}: axes whose lengths differ from 1 by up to {worst:.2g}, expected a PCA's (P, D), row by row. "
            "safetensors writes a transposed array in the wrong order: pass it through numpy.ascontiguousarray"
        )
    n_axes, n_latents = components.shape
    checked: dict[str, Any] = {}
    of_latents, of_axes = ("mean_", "scaler_mean", "scaler_scale"), ("explained_variance_", "explained_variance_ratio_")
    for name in (*of_latents, *of_axes):
        length = n_latents if name in of_latents else n_axes
        value = held.get(name)
        shape = value.shape if isinstance(value, np.ndarray) else ()
        if value is not None and shape != (length,):
            raise UniverseError(
                f"{path}: {name} of shape {shape}, expected ({length},) as the components are {axes.shape}"
            )
        checked[name.rstrip("_")] = None if value is None else _numbers(value, name, path, np.float64)
    scale = checked["scaler_scale"]
    if scale is not None and not (scale > 0).all():
        raise UniverseError(f"{path}: a scale of {scale.min()}, expected positive numbers")
    if checked["mean"] is None:
        checked["mean"] = np.zeros(n_latents)
    return PublishedPca(components, **checked)


def _numbers(values: "np.ndarray", name: str, path: Path, kind: Any) -> "np.ndarray":
    """Finite numbers of this type, in rows one after the other; a copy only where they are not so already."""
    import numpy as np

    if values.dtype.kind not in "fiu":
        raise UniverseError(f"{path}: {name} are of type {values.dtype}, expected numbers")
    numbers = np.ascontiguousarray(values, dtype=kind)
    for row, line in enumerate(np.atleast_2d(numbers)):
        finite = np.isfinite(line)
        if not finite.all():
            where = (row, int(finite.argmin()))[-numbers.ndim :]
            raise UniverseError(f"{path}: {name} at {where} is {numbers[where]}, expected finite numbers")
    return numbers
