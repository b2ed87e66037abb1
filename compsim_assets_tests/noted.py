"""Which functions of a module or class were called, in their order."""

from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

import pytest


def noted(patch: pytest.MonkeyPatch, module: ModuleType | type, *names: str) -> list[str]:
    """A list that grows by a name whenever the function of that name is called."""
    calls: list[str] = []

    def noting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def called(*arguments: Any, **options: Any) -> Any:
            calls.append(name)
            return function(*arguments, **options)

        return called

    for name in names:
        patch.setattr(module, name, noting(name, getattr(module, name)))
    return calls
