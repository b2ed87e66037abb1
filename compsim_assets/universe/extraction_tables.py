"""The tables of `extraction.toml`: `[train]`, how an SAE is trained, and `[controls]`, what to hold one against."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, fields
from typing import Any, Self, get_type_hints

from compsim_assets.universe.layout import UniverseError


@dataclass(frozen=True, kw_only=True)
class _Table:
    """Keys with defaults, whole numbers >= 0 or true and false, or numbers from 0 on."""

    @classmethod
    def of(cls, values: dict[str, Any], where: str) -> Self:
        """The table, checked.

        Args:
            values: what the file says. where: begins the messages.

        Raises:
            UniverseError: a key unknown, a value of the wrong kind.
        """
        kinds = get_type_hints(cls)
        allowed = [field.name for field in fields(cls)]
        for key, value in values.items():
            if key not in allowed:
                near = difflib.get_close_matches(key, allowed, n=1)
                hint = f" (did you mean {near[0]!r}?)" if near else ""
                raise UniverseError(f"{where}: unknown key {key!r}{hint}; the keys are {', '.join(allowed)}")
            _check(key, value, kinds[key], where)
        return cls(**values)


def _check(key: str, value: Any, kind: Any, where: str) -> None:
    # A TOML boolean is a Python int.
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is bool and not isinstance(value, bool):
        raise UniverseError(f"{where}: {key} must be true or false, not {value!r}")
    if kind is int and (not number or isinstance(value, float) or value < 0):
        raise UniverseError(f"{where}: {key} must be a whole number >= 0, not {value!r}")
    if kind is float and (not number or not 0 <= value < float("inf")):
        raise UniverseError(f"{where}: {key} must be a number >= 0, not {value!r}")


@dataclass(frozen=True, kw_only=True)
class Training(_Table):
    """How an SAE is trained on the universe's own texts."""

    latents: int = 0
    """Width of the SAE; 0 chooses by the number of tokens."""

    k: int = 0
    """Latents that are active per token; 0 chooses by the model's width."""

    seed: int = 0
    """Of the start, the order of the tokens and the reports held out."""

    train_until: int = 0
    """Reports of later years are not trained on; 0 for all years."""

    held_out: float = 0.1
    """Share of the companies whose texts are not trained on but measured."""


@dataclass(frozen=True, kw_only=True)
class Controls(_Table):
    """What an SAE's features are held against, from the same forward pass."""

    random_sae: int = 1
    """SAEs of random directions, one per seed; 0 for none. Each costs what encoding with the trained one does: of a
    small language model about a fifth of the extraction. From two on there are intervals over draws."""

    raw_activations: bool = True
    """The activations themselves, summed and averaged over tokens."""
