"""Runs a worker program under torchrun for a Dagster step: both halves, and what ties their processes together.

Three layers of processes::

    Dagster step (torchrun.py)  ->  agent, one per node (agent.py)  ->  ranks (worker.py)

No rank outlives the step, however that ends. Within a node each process is killed with the one above it (`lifeline.py`:
the kernel does it, so it holds for SIGKILL and for ranks inside a long C call). Across nodes the step and the agents
watch each other through files in a folder that they share (`heartbeat.py`). In the other direction a failing rank ends
its agent, the agent leaves a report, and the step picks from all reports the rank that failed first (`failures.py`).

- The step's half, the only one that knows Dagster: `torchrun` (the resource), `failures` (who is to blame), `messages`
  (what rank 0 says on the way).
- The programs' half, never Dagster: `agent`, `worker` (what a program's `main` is given; rank 0 alone speaks to
  Dagster, through `dagster_pipes`), `group` (how ranks meet), `stage` (what a rank did last), `lifeline`,
  `heartbeat`, `environment`.

What a program computes belongs to `workers` and `science`; what an asset does with its result, to `assets`.
"""
