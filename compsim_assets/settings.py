"""Where data come from and where results go: the COMPSIM_* environment, or this resource's config in the UI."""

import os
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field, ValidationInfo, field_validator

SOURCES = ("sample", "local", "huggingface")
SIMILARITIES = ("auto", "features", "pairs")
_REPOSITORY = Path(__file__).resolve().parents[1]


class Settings(dg.ConfigurableResource):
    """Source of the universe, its folder, the data folder, and which reports and similarities are used.

    Raises:
        ValueError: a source or a similarity that does not exist, a switch that is neither true nor false.
    """

    source: str = Field(
        default="sample",
        description="Universe: 'sample' (embedded, synthetic), 'local' (a folder) or 'huggingface'. COMPSIM_SOURCE.",
    )
    universe: str = Field(
        default="",
        description="Folder of a local universe; needed for 'local'. For 'huggingface' optional: a huggingface.toml, "
        "and whatever the hub does not have (fuzz scores, published clusters, prices). COMPSIM_UNIVERSE.",
    )
    data: str = Field(default=str(_REPOSITORY / "data"), description="Where results go. COMPSIM_DATA.")
    similarity: str = Field(
        default="auto",
        description="What companies are compared by: 'features', 'pairs' (the universe's published pairs; features are "
        "not read), or 'auto': features where the universe has them, else its pairs. COMPSIM_SIMILARITY.",
    )
    drop_without_sic_code: bool | None = Field(
        default=None,
        description="Leave reports without a SIC code out of features and PCA, as the published code does; by default "
        "only for 'huggingface'. COMPSIM_DROP_WITHOUT_SIC_CODE.",
    )
    drop_without_returns: bool | None = Field(
        default=None,
        description="Leave reports without twelve defined returns out of clustering, as the published code does; by "
        "default only for 'huggingface'. COMPSIM_DROP_WITHOUT_RETURNS.",
    )

    @field_validator("source", "similarity")
    @classmethod
    def _one_of(cls, value: str, field: ValidationInfo) -> str:
        allowed = SOURCES if field.field_name == "source" else SIMILARITIES
        if value not in allowed:
            raise ValueError(
                f"COMPSIM_{str(field.field_name).upper()} is {value!r}, expected one of {', '.join(allowed)}"
            )
        return value

    @classmethod
    def from_environment(cls) -> "Settings":
        """Settings from COMPSIM_<FIELD>, e.g. COMPSIM_SOURCE; empty values count as unset."""
        values = {field: os.environ.get(f"COMPSIM_{field.upper()}", "") for field in cls.model_fields}
        return cls.model_validate({field: _parsed(field, value) for field, value in values.items() if value})

    @property
    def without_sic_code_dropped(self) -> bool:
        """Whether reports without a SIC code are left out of features and PCA."""
        drop = self.drop_without_sic_code
        return self.source == "huggingface" if drop is None else drop

    @property
    def without_returns_dropped(self) -> bool:
        """Whether reports without defined returns are left out of clustering."""
        drop = self.drop_without_returns
        return self.source == "huggingface" if drop is None else drop

    def taking_part(self) -> dict[str, Any]:
        """What results can depend on, by the name of the setting."""
        return {
            "similarity": self.similarity,
            "drop_without_sic_code": self.without_sic_code_dropped,
            "drop_without_returns": self.without_returns_dropped,
        }

    @property
    def synthetic(self) -> bool:
        """True where the universe is generated, which everything made from it must say."""
        return self.source == "sample"

    @property
    def data_name(self) -> str:
        """What results say they are made of."""
        return "synthetic sample" if self.synthetic else self.source


def _parsed(field: str, value: str) -> str | bool:
    if not field.startswith("drop_"):
        return value
    if value.lower() not in ("true", "false", "1", "0"):
        raise ValueError(f"COMPSIM_{field.upper()} is {value!r}, expected true or false")
    return value.lower() in ("true", "1")


def processes() -> str:
    """Processes torchrun starts per node: COMPSIM_NPROC, a number or `auto` (GPUs, else 1)."""
    return os.environ.get("COMPSIM_NPROC") or "auto"
