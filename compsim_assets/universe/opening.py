"""The configured universe: the embedded sample, a local folder, or the hub; and what its companies are compared by."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from compsim_assets.storage.results import Results
from compsim_assets.universe.folder import Universe, folder_of
from compsim_assets.universe.layout import UniverseError

if TYPE_CHECKING:
    from compsim_assets.settings import Settings


def open_universe(settings: "Settings", log: Callable[[str], None] | None = None) -> Universe:
    """The configured universe; the embedded sample is generated on first use. `log` hears of downloads.

    Raises:
        UniverseError: a local folder that is not given or does not exist; see `hub.universe.open_hub`.
    """
    if settings.source == "sample":
        return Universe(_sample_folder(settings))
    if settings.source == "huggingface":
        from compsim_assets.universe.hub.universe import open_hub

        return open_hub(settings, log)
    if not settings.universe:
        raise UniverseError("COMPSIM_SOURCE=local needs COMPSIM_UNIVERSE: the folder that holds reports.parquet")
    return Universe(folder_of(settings))


def check_settings(settings: "Settings") -> None:
    """Refuse before a run what every step would refuse. No table is read, nothing downloaded, no sample generated.

    Raises:
        UniverseError: see `open_universe` and `similarity_of`; neither reports nor pairs; a universe.toml that makes no
            sense.
    """
    sample = settings.source == "sample"
    universe = Universe(Results.of(settings).array_folder("universe")) if sample else open_universe(settings)
    similarity_of(settings, universe)
    if not (sample or universe.has("reports") or universe.has("pairs")):
        raise universe.without_reports()


def similarity_of(settings: "Settings", universe: Universe) -> str:
    """What this universe's companies are compared by: `features` or `pairs`.

    Raises:
        UniverseError: COMPSIM_SIMILARITY=pairs, and the universe has none.
    """
    if settings.similarity == "pairs" and not universe.has("pairs"):
        raise UniverseError(f"COMPSIM_SIMILARITY=pairs: {universe.folder} has no pairs.parquet and no pairs/*.parquet")
    if settings.similarity != "auto":
        return settings.similarity
    has_features = universe.has("features") or (universe.folder / "extraction.toml").exists()
    return "pairs" if universe.has("pairs") and not has_features else "features"


def _sample_folder(settings: "Settings") -> Path:
    from filelock import FileLock

    from compsim_assets.sample import generate, is_current

    results = Results.of(settings)
    folder = results.array_folder("universe")
    if not is_current(folder):
        results.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(results.folder / ".universe.lock"):  # steps that start together make it once
            if not is_current(folder):
                with results.new_folder(folder) as aside:
                    generate(aside)
    return folder
