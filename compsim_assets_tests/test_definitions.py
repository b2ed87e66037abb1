"""The platform as Dagster sees it: it loads fast and valid, says what everything is, and changes only knowingly.

After a wanted change of keys, dependencies, groups, kinds, owners, partitions, steps or checks::

    COMPSIM_UPDATE_SNAPSHOT=1 python -m pytest compsim_assets_tests/test_definitions.py

and read the difference of definitions_snapshot.json.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg

from compsim_assets.assets.common import STAGE
from compsim_assets.contracts import TABLES
from compsim_assets.definitions import defs

SNAPSHOT = Path(__file__).with_name("definitions_snapshot.json")
HEAVY = [
    "pandas", "torch", "matplotlib", "scipy", "pyarrow", "sklearn", "transformers", "sparsify",
    "datasets", "safetensors", "tabulate", "PIL", "statsmodels", "arch",
]  # fmt: skip
# Processor time, beside that of importing Dagster: on a slow or a busy machine both are longer.
LOAD = """
import sys, time
import dagster
begun = time.process_time()
import compsim_assets.definitions
spent = time.process_time() - begun
print(spent / begun, *sorted({name.partition(".")[0] for name in sys.modules}))
"""
GRAPH = defs.resolve_asset_graph()
KEYS = sorted(GRAPH.get_all_asset_keys())
STAGES = ("shared", "mode", "comparison")  # in the order they are made
SPECS = {key: GRAPH.get(key) for key in KEYS}


def names(keys: Any) -> list[str]:
    return sorted(key.to_user_string() for key in keys)


def test_definitions_load_well_faster_than_dagster_and_without_heavy_libraries() -> None:
    shares = []
    for _ in range(3):
        run = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True)
        share, *modules = run.stdout.split()
        assert not set(HEAVY) & set(modules)
        shares.append(float(share))
        if shares[-1] < 0.7:
            break
    assert min(shares) < 0.7


def test_definitions_are_valid() -> None:
    dg.Definitions.validate_loadable(defs)


def described() -> dict[str, Any]:
    """What the snapshot pins."""
    assets = {
        key.to_user_string(): {
            "after": names(spec.parent_keys),
            "group": spec.group_name,
            "kinds": sorted(spec.kinds),
            "owners": sorted(spec.owners),
            "stage": spec.tags.get(STAGE),
            "partitions": spec.partitions_def.get_partition_keys() if spec.partitions_def else None,
        }
        for key, spec in SPECS.items()
    }
    steps = {each.op.name: names(each.keys) for each in defs.assets or [] if isinstance(each, dg.AssetsDefinition)}
    checks = sorted(f"{c.asset_key.to_user_string()}:{c.name}" for c in GRAPH.asset_check_keys)
    jobs = sorted(job.name for job in defs.jobs or [])
    schedules = sorted(schedule.name for schedule in defs.schedules or [])
    rest = {"checks": checks, "jobs": jobs, "schedules": schedules}
    return {"assets": assets, "steps": dict(sorted(steps.items())), **rest}


def as_text(value: dict[str, Any]) -> str:
    """JSON with a line an asset and a line a step, for differences that can be read."""
    parts = []
    for key, part in value.items():
        lines = [f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in part.items()] if isinstance(part, dict) else []
        text = "{\n" + ",\n".join(lines) + "\n }" if lines else json.dumps(part)
        parts.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def test_the_platform_is_the_one_of_the_snapshot() -> None:
    if os.environ.get("COMPSIM_UPDATE_SNAPSHOT"):
        SNAPSHOT.write_text(as_text(described()))
    assert described() == json.loads(SNAPSHOT.read_text()), (
        "the platform changed: if it should, run this test with COMPSIM_UPDATE_SNAPSHOT=1"
    )


def test_every_asset_says_what_it_is() -> None:
    for key, spec in SPECS.items():
        name = key.to_user_string()
        assert len(spec.description or "") > 40, f"{name} hardly describes itself"
        assert spec.owners == ["team:compsim"], name
        assert spec.kinds, f"{name} has no kinds"
        assert spec.code_version, f"{name} has no code version"
        assert spec.group_name not in (None, "default"), f"{name} is in no group"
        assert spec.tags[STAGE] in STAGES, name


def test_every_table_is_an_asset_with_its_schema() -> None:
    found = {
        key.to_user_string(): spec.metadata["dagster/column_schema"]
        for key, spec in SPECS.items()
        if "dagster/column_schema" in spec.metadata
    }
    assert sorted(found) == sorted(TABLES)
    for name, schema in found.items():
        value = getattr(schema, "schema", schema)
        assert [c.name for c in value.columns] == [c.name for c in TABLES[name].columns]


def test_stages_and_partitions_agree() -> None:
    for key, spec in SPECS.items():
        stage = spec.tags[STAGE]
        assert (spec.partitions_def is not None) == (stage == "mode"), key.to_user_string()
        for parent in spec.parent_keys:
            assert STAGES.index(SPECS[parent].tags[STAGE]) <= STAGES.index(stage), f"{key} needs {parent}"


def test_every_figure_is_checked() -> None:
    figures = {key for key, spec in SPECS.items() if spec.group_name == "figures"}
    checked = {c.asset_key for c in GRAPH.asset_check_keys if c.name == "figure_decodes"}
    assert figures == checked
    assert len(figures) >= 7


def test_every_asset_can_be_asked_for_alone_or_with_what_it_needs_or_feeds() -> None:
    job = defs.resolve_job_def("rebuild")
    for key in KEYS:
        alone = dg.AssetSelection.assets(key)
        for selection in (alone, alone.upstream(), alone.downstream()):
            wanted = set(selection.resolve(GRAPH))
            subset = job.get_subset(asset_selection=wanted)
            assert set(subset.asset_layer.selected_asset_keys) == wanted, f"{key}: {selection}"
