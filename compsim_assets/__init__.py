"""compsim: which companies are alike, and why? SAE features of annual reports, clustered year by year."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compsim_assets.answers import explain, latents, peers
    from compsim_assets.read import open_results, read_asset

__all__ = ["explain", "latents", "open_results", "peers", "read_asset"]

_ANSWERS = ("explain", "latents", "peers")


def __getattr__(name: str) -> Any:
    # Workers import this package too, and must not pay for (or depend on) Dagster.
    if name in _ANSWERS:
        from compsim_assets import answers

        return getattr(answers, name)
    if name in __all__:
        from compsim_assets import read

        return getattr(read, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
