"""Writing one run to MLflow: the old project's ``MLflowTracker``, without its global state."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from core.domain.configuration import Config, settings_from
from core.domain.errors import RecordsError
from core.domain.provenance import FAILURE_TAG
from core.domain.runs import RunStatus
from core.models.packaged import write_model
from core.tracking.lineage import Lineage, as_strings, dataset_input
from core.tracking.packaging import build_mlflow_model
from core.tracking.store import Store, mlflow_errors, open_store, tune

if TYPE_CHECKING:
    from mlflow.entities import Metric


class MLflowTracker:
    """One run at a time in the lab's experiment.

    ::

        with MLflowTracker() as tracker:            # or start_run() … end_run()
            tracker.log_params({"n_estimators": 150})
            tracker.log_metrics({"rmse": 48_677.0})
            tracker.log_model(pipeline, "model")

    Leaving the ``with`` block ends the run as FINISHED, or as FAILED with the reason when an error leaves it.

    Args:
        config: settings or the content of a config.yaml; by default the project's.
        store: an open store, where one is at hand.
        run_id: a run to write into as it stands.

    Raises:
        StoreUnavailable: by every method, when the store does not answer.
    """

    def __init__(self, config: Config = None, store: Store | None = None, run_id: str | None = None) -> None:
        self._config = config
        self._opened = store
        self._run_id = run_id

    @property
    def store(self) -> Store:
        """The store, opened on first use."""
        if self._opened is None:
            self._opened = open_store(settings_from(self._config))
        return self._opened

    @property
    def run_id(self) -> str:
        """The run that is being written.

        Raises:
            RecordsError: none was started.
        """
        if self._run_id is None:
            raise RecordsError("No run is being written.", remedy="Call start_run() first, or use `with`.")
        return self._run_id

    def start_run(self, run_name: str | None = None, tags: Mapping[str, object] | None = None) -> str:
        """Open a run and return its id."""
        store = self.store
        with mlflow_errors(store.uri):
            run = store.client.create_run(store.experiment_id, run_name=run_name, tags=as_strings(tags or {}))
        self._run_id = str(run.info.run_id)
        return self._run_id

    def continue_run(self, run_id: str) -> None:
        """Write on into a run that was opened before, by this process or by one that died."""
        set_status(self.store, run_id, RunStatus.RUNNING)
        self._run_id = run_id

    def log_params(self, params: Mapping[str, object]) -> None:
        """All params in one request."""
        from mlflow.entities import Param

        with mlflow_errors(self.store.uri):
            self.store.client.log_batch(self.run_id, params=[Param(k, v) for k, v in as_strings(params).items()])

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """All metrics of one step in one request."""
        self._log_metric_points([self._metric(name, value, step) for name, value in metrics.items()])

    def log_curve(self, name: str, points: tuple[tuple[int, float], ...]) -> None:
        """A metric over steps: (step, value) pairs, in one request."""
        self._log_metric_points([self._metric(name, value, step) for step, value in points])

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """All tags in one request."""
        from mlflow.entities import RunTag

        with mlflow_errors(self.store.uri):
            self.store.client.log_batch(self.run_id, tags=[RunTag(k, v) for k, v in as_strings(tags).items()])

    def log_lineage(self, lineage: Lineage) -> None:
        """The data as dataset input, and data, split and code as tags."""
        from mlflow.exceptions import MlflowException
        from mlflow.protos.databricks_pb2 import BAD_REQUEST, ErrorCode

        with mlflow_errors(self.store.uri):
            inputs = [dataset_input(lineage)]
            try:
                self.store.client.log_inputs(self.run_id, datasets=inputs)
            except MlflowException as error:
                if error.error_code != ErrorCode.Name(BAD_REQUEST):
                    raise
                # MLflow looks for the data and then enters them: another run did so in between, so they are there.
                self.store.client.log_inputs(self.run_id, datasets=inputs)
        self.set_tags(lineage.as_tags())

    def log_files(self, folder: Path) -> None:
        """Every file below ``folder`` as the run's artifacts, written together."""
        with mlflow_errors(self.store.uri):
            self.store.client.log_artifacts(self.run_id, str(folder))

    def log_model(self, model: Any, name: str = "model", *, family: str = "") -> str:
        """Log a fitted Pipeline (or the path of a model file already written) and return its MLflow model id.

        ``mlflow.pyfunc.load_model(f"models:/{model_id}")`` takes the nine raw columns.

        Raises:
            RecordsError: there is no file at the path.
        """
        from mlflow.entities import LoggedModelOutput

        store = self.store
        with tempfile.TemporaryDirectory(prefix="housing-lab-") as scratch, mlflow_errors(store.uri):
            file = Path(model) if isinstance(model, str | Path) else Path(scratch) / "model.joblib"
            if not isinstance(model, str | Path):
                write_model(model, file)
            elif not file.is_file():
                raise RecordsError(
                    "There is no model file to log.",
                    where=str(file),
                    remedy="Save the model first, then log the path save_model() returned.",
                )
            logged = store.client.create_logged_model(
                store.experiment_id, name=name, source_run_id=self.run_id, model_type="regressor"
            )
            model_id = str(logged.model_id)
            folder = Path(scratch) / "mlflow-model"
            build_mlflow_model(file, folder, family=family, run_id=self.run_id, model_id=model_id)
            store.client.log_model_artifacts(model_id, str(folder))
            store.client.finalize_logged_model(model_id, "READY")
            store.client.log_outputs(self.run_id, [LoggedModelOutput(model_id, 0)])
        return model_id

    def end_run(self, status: RunStatus | str = RunStatus.FINISHED, reason: str = "") -> None:
        """Close the run; ``reason`` becomes the tag ``failure``."""
        if reason:
            self.set_tags({FAILURE_TAG: reason})
        with mlflow_errors(self.store.uri):
            self.store.client.set_terminated(self.run_id, status=str(status))
            tune(self.store)
        self._run_id = None

    def __enter__(self) -> Self:
        if self._run_id is None:
            self.start_run()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._run_id is None:
            return
        if error is None:
            self.end_run()
        else:
            self.end_run(RunStatus.FAILED, reason=str(error) or type(error).__name__)

    def _log_metric_points(self, points: list[Metric]) -> None:
        with mlflow_errors(self.store.uri):
            self.store.client.log_batch(self.run_id, metrics=points)

    @staticmethod
    def _metric(name: str, value: float, step: int) -> Metric:
        from mlflow.entities import Metric

        return Metric(name, float(value), round(time.time() * 1000), step)


def set_status(store: Store, run_id: str, status: RunStatus) -> None:
    """Say how a run stands without writing anything else into it.

    Raises:
        StoreUnavailable: the store does not answer. NotFound: there is no such run.
    """
    with mlflow_errors(store.uri):
        store.client.update_run(run_id, status=status)
