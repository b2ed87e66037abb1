"""compsim: which companies are alike, and why? SAE features of annual reports, clustered year by year."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compsim_assets.read import read_asset

__all__ = ["read_asset"]


def __getattr__(name: str) -> Any:
    # Workers import this package too, and must not pay for (or depend on) Dagster.
    if name == "read_asset":
        from compsim_assets.read import read_asset

        return read_asset
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
