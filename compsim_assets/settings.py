"""Where data come from and where results go: the COMPSIM_* environment, or this resource's config in the UI."""

import os
from pathlib import Path

import dagster as dg
from pydantic import Field, field_validator

SOURCES = ("sample", "local", "huggingface")
_REPOSITORY = Path(__file__).resolve().parents[1]


class Settings(dg.ConfigurableResource):
    """Source of the universe, folder of a local one, and the data folder.

    Raises:
        ValueError: a source that does not exist.
    """

    source: str = Field(
        default="sample",
        description="Universe: 'sample' (embedded, synthetic), 'local' (a folder) or 'huggingface'. COMPSIM_SOURCE.",
    )
    universe: str = Field(
        default="", description="Folder of a local universe; needed for 'local'. COMPSIM_UNIVERSE."
    )
    data: str = Field(
        default=str(_REPOSITORY / "data"), description="Where results go. COMPSIM_DATA."
    )

    @field_validator("source")
    @classmethod
    def _known_source(cls, value: str) -> str:
        if value not in SOURCES:
            raise ValueError(f"COMPSIM_SOURCE is {value!r}, expected one of {', '.join(SOURCES)}")
        return value

    @classmethod
    def from_environment(cls) -> "Settings":
        """Settings from COMPSIM_SOURCE, COMPSIM_UNIVERSE and COMPSIM_DATA; empty values count as unset."""
        names = {"source": "COMPSIM_SOURCE", "universe": "COMPSIM_UNIVERSE", "data": "COMPSIM_DATA"}
        found = {field: os.environ.get(name, "") for field, name in names.items()}
        return cls(**{field: value for field, value in found.items() if value})

    @property
    def synthetic(self) -> bool:
        """True where the universe is generated, which everything made from it must say."""
        return self.source == "sample"


def processes() -> str:
    """Processes torchrun starts per node: COMPSIM_NPROC, a number or `auto` (GPUs, else 1)."""
    return os.environ.get("COMPSIM_NPROC") or "auto"
