#!/usr/bin/env bash
# dagster 1.13.27 (Apache-2.0), CPython 3.11.
#
# One would guess: in a multi_asset with can_subset=True, whose internal_asset_deps say which asset needs which input, one
# asset selected alone needs and loads its own inputs. A step makes `scores` from `features` and `returns_summary` from
# `prices`; the UI draws it so. Selected alone, `scores` still loads every input of the function: the run fails where
# `prices` was never materialized, and reads it in vain where it was. The dependencies decide what is drawn and what is
# stale, not what is loaded. A separate asset does not have this.
#
# Way out: an IO manager that returns a handle which reads when it is asked to.
#
# Seen:
#   selected alone, the step loads: ['features', 'prices']
#   with prices never materialized: success is False
#   as an asset of its own it loads: ['features']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dagster==1.13.27
export DAGSTER_DISABLE_TELEMETRY=yes
cat > "$folder/try.py" <<'END'
import logging
import sys
import warnings

import dagster as dg

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
loaded, stored = [], {}


class Memory(dg.IOManager):
    def handle_output(self, context, obj):
        stored[context.asset_key.path[-1]] = obj

    def load_input(self, context):
        name = context.asset_key.path[-1]
        loaded.append(name)
        return stored[name]


@dg.asset
def features():
    return [1, 2]


@dg.asset
def prices():
    return [3, 4]


@dg.multi_asset(
    outs={"scores": dg.AssetOut(is_required=False), "returns_summary": dg.AssetOut(is_required=False)},
    internal_asset_deps={"scores": {dg.AssetKey("features")}, "returns_summary": {dg.AssetKey("prices")}},
    can_subset=True,
)
def both(context, features, prices):
    if "scores" in context.op_execution_context.selected_output_names:
        yield dg.Output(sum(features), "scores")
    if "returns_summary" in context.op_execution_context.selected_output_names:
        yield dg.Output(sum(prices), "returns_summary")


@dg.asset
def scores_alone(features):
    return sum(features)


def run(*names):
    loaded.clear()
    result = dg.materialize(
        [features, prices, both, scores_alone],
        selection=dg.AssetSelection.assets(*names),
        resources={"io_manager": Memory()},
        raise_on_error=False,
    )
    return result.success, sorted(loaded)


run("features")
without = run("scores")[0]
run("prices")
in_vain = run("scores")[1]
alone = run("scores_alone")[1]
print("selected alone, the step loads:", in_vain)
print("with prices never materialized: success is", without)
print("as an asset of its own it loads:", alone)
sys.exit((in_vain, without, alone) != (["features", "prices"], False, ["features"]))
END
"$folder/venv/bin/python" "$folder/try.py"
