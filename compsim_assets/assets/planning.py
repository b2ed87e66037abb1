"""What is out of date: asked before a run, of the notes that lie beside results.

A result is up to date if it is there, and was made by the present code, with the same settings and configuration, from
what its inputs and the universe's files hold now, and if each of these is up to date itself.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import dagster as dg

from compsim_assets.contracts.modes import CUTOFF_MODES
from compsim_assets.storage.io_managers import MATTERS
from compsim_assets.storage.lineage import name_of
from compsim_assets.storage.results import Results
from compsim_assets.universe.fingerprint import fingerprint

if TYPE_CHECKING:
    from compsim_assets.settings import Settings


@dataclass(frozen=True)
class Plan:
    """What a run is to make.

    assets: in the order of the graph. modes: the cutoff modes that the run is over. reasons: by result, why it is out
    of date. current: how many selected results are up to date. blocked: by result that is not selected and out of date,
    why; what is made from it would be refused.
    """

    assets: list[dg.AssetKey]
    modes: list[str]
    reasons: dict[str, str]
    current: int
    blocked: dict[str, str] = field(default_factory=dict)


def plan(
    defs: dg.Definitions,
    settings: "Settings",
    selection: Collection[dg.AssetKey],
    modes: Sequence[str] = CUTOFF_MODES,
    force: bool = False,
    config: Mapping[str, Mapping[str, Any]] | None = None,
) -> Plan:
    """Which of the selected assets are out of date, or are made from one that is.

    Args:
        modes: cutoff modes that are asked for.
        force: take everything that is selected as out of date.
        config: of ops that are not to run with their defaults, by name.
    """
    planner = _Planner(defs, settings, config or {})
    graph = planner.graph
    assets, reasons, current, stale_modes = [], dict[str, str](), 0, set[str]()
    for key in (key for level in graph.toposorted_asset_keys_by_level for key in sorted(level)):
        names = planner.names(key, modes if key in selection else CUTOFF_MODES)
        planner.look_at(key, names, force and key in selection)
        if key not in selection:
            continue
        stale = {name: planner.reasons[name] for name in names if planner.reasons[name]}
        reasons |= stale
        current += len(names) - len(stale)
        if stale:
            assets.append(key)
            stale_modes |= {mode for mode in modes if any(name_of(key.path[-1], mode) == name for name in stale)}
    blocked = {
        name: why
        for key in assets
        for parent in sorted(graph.get(key).parent_keys - set(selection))
        for name in planner.names(parent, modes)
        if (why := planner.reasons[name])
    }
    # A run over one mode makes an asset of that mode; what is not of a mode does not mind.
    over = [mode for mode in modes if mode in stale_modes] or list(modes)
    return Plan(assets, over, reasons, current, blocked)


class _Planner:
    """Looks at results from the sources down, so that what is behind one has been looked at before."""

    def __init__(self, defs: dg.Definitions, settings: "Settings", config: Mapping[str, Mapping[str, Any]]) -> None:
        self.graph = defs.resolve_asset_graph()
        self.reasons: dict[str, str] = {}
        self._settings, self._config = settings, config
        self._results, self._present = Results.of(settings), settings.taking_part()
        self._fingerprints: dict[str, str] = {}

    def names(self, key: dg.AssetKey, modes: Sequence[str]) -> list[str]:
        """The results of an asset, one per mode where it has one for each."""
        asset = key.path[-1]
        return [name_of(asset, mode) for mode in modes] if self.graph.get(key).partitions_def else [asset]

    def look_at(self, key: dg.AssetKey, names: Sequence[str], force: bool) -> None:
        """Say of each of these results why it is out of date; empty where it is not."""
        for name in names:
            self.reasons[name] = "asked for" if force else self._why(key, name)

    def _why(self, key: dg.AssetKey, name: str) -> str:
        node, mode = self.graph.get(key), name.partition("/")[2]
        if not self._results.content(name):
            return "not there yet, or damaged"
        note = self._results.note(name)
        if note is None:
            return "made by something that left no note of it"
        if note.code != (node.code_version or ""):
            return "its code changed"
        if dict(note.config) != self._config_of(key):
            return "made with another configuration"
        matter = node.metadata.get(MATTERS, ())
        if dict(note.settings) != {setting: self._present[setting] for setting in matter}:
            return "made with other settings"
        if note.source and note.source != self._fingerprint(key.path[-1]):
            return "the universe's files changed"
        parents = [each for p in sorted(node.parent_keys) for each in self.names(p, [mode] if mode else CUTOFF_MODES)]
        if changed := [each for each in parents if self._results.content(each) != note.inputs.get(each, "")]:
            return f"{changed[0]} changed"
        stale = [each for each in parents if self.reasons[each]]
        return f"{stale[0]} is out of date" if stale else ""

    def _fingerprint(self, asset: str) -> str:
        if asset not in self._fingerprints:
            self._fingerprints[asset] = fingerprint(self._settings, asset)
        return self._fingerprints[asset]

    def _config_of(self, key: dg.AssetKey) -> dict[str, Any]:
        """The configuration that the asset's step would get: what is given, and defaults."""
        op = self.graph.get(key).assets_def.op
        schema = op.config_schema.config_type if op.config_schema else None
        fields = getattr(schema, "fields", {}) if schema else {}
        defaults = {name: each.default_value for name, each in fields.items() if each.default_provided}
        return {**defaults, **self._config.get(op.name, {})}
