"""Starts and ends runs as Dagster's launcher does, and can say whether one's process is there; dagster.yaml names it.

Dagster's launcher has no answer to that. Where a code server and the run under it are killed, nobody else would ever
say that the run has ended, and it would keep its place in the queue.
"""

import time
from pathlib import Path

import dagster as dg
from dagster._core.errors import DagsterUserCodeProcessError, DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._core.storage.dagster_run import ACTIVE_RUN_STATUSES
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value
from dagster._utils.tags import TagConcurrencyLimitsCounter
from filelock import FileLock

from compsim_assets.running import identity

LAUNCHED = "compsim/launched"  # tag: the run's own id, once somebody has launched it
STARTS_WITHIN = 60.0  # seconds from a run's start until its process has said which one it is
_PATIENCE = 5  # seconds for a code server to answer
_SERVER_PROBLEMS = (DagsterUserCodeUnreachableError, DagsterUserCodeProcessError)


class RunLauncher(DefaultRunLauncher):
    """Runs are processes that the code server starts; what is asked about one is asked of its process."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start a run's process: once, and within the queue's limits, also where two daemons of this home ask."""
        run_id = context.dagster_run.run_id
        with FileLock(Path(self._instance.root_directory) / ".launching"):
            run = self._instance.get_run_by_id(run_id)
            if run is None or run.tags.get(LAUNCHED) == run_id:
                return
            if self._has_no_place(run):
                self._instance.report_dagster_event(dg.DagsterEvent.job_enqueue(run), run_id)
                return
            self._instance.add_run_tags(run_id, {LAUNCHED: run_id})
        super().launch_run(context)

    def _has_no_place(self, run: dg.DagsterRun) -> bool:
        """Whether runs that were launched meanwhile have what the daemon took for free."""
        queue = self._instance.get_concurrency_config().run_queue_config
        if queue is None or run.remote_job_origin is None:
            return False
        active = self._instance.get_runs(dg.RunsFilter(statuses=ACTIVE_RUN_STATUSES))
        others = [each for each in active if each.run_id != run.run_id and each.tags.get(LAUNCHED) == each.run_id]
        return TagConcurrencyLimitsCounter(queue.tag_concurrency_limits, others).is_blocked(run)

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Dagster's monitoring asks about runs."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether a run's process is there. Where that cannot be told it counts as there: any other answer ends it."""
        gone = identity.is_gone(run)
        if gone:
            why = f"{identity.named(run)} is gone: it was killed, or the machine stopped"
        elif gone is None and self._was_lost_by_its_server(run):
            gone, why = True, "its code server was started anew and knows nothing of it"
        status = WorkerStatus.NOT_FOUND if gone else WorkerStatus.RUNNING
        return CheckRunHealthResult(status, why if gone else None)

    def terminate(self, run_id: str) -> bool:
        """End a run in good order. One that its code server does not know hears of it itself, or is gone."""
        try:
            if super().terminate(run_id):
                return True
        except _SERVER_PROBLEMS:
            pass
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        if identity.is_gone(run) or (not identity.process_of(run) and self._was_lost_by_its_server(run)):
            self._instance.report_run_canceled(run, f"{identity.named(run)} is gone: there is nothing to wait for")
            return True
        return bool(identity.process_of(run))

    def _was_lost_by_its_server(self, run: dg.DagsterRun) -> bool:
        """Whether the code server at the run's address is another one than that which started it.

        In a container a server's end is that of its runs. Elsewhere they live on, and say so.
        """
        record = self._instance.get_run_record_by_id(run.run_id)
        began = record and (record.start_time or record.create_timestamp.timestamp())
        if identity.ALONE in run.tags or not began or time.time() - began < STARTS_WITHIN:
            return False
        client = self._get_grpc_client_for_termination(run.run_id)
        if client is None:
            return False
        try:
            question = CanCancelExecutionRequest(run_id=run.run_id)
            answer = client.can_cancel_execution(question, timeout=_PATIENCE)
        except DagsterUserCodeUnreachableError:  # it may come back
            return False
        return not deserialize_value(answer, CanCancelExecutionResult).can_cancel
