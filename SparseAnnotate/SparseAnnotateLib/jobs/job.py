"""What a job is: a predictor, its options, and what it predicts from."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..annotation import SparseAnnotation
from ..errors import InputError
from ..initial import Initial
from ..options import Options
from ..predictors import PREDICTORS, Prediction, PredictorBase, Progress
from ..predictors.initial import predicted_from
from ..predictors.memory import Memory
from ..quality.expected import with_expected_quality
from ..volume import Volume

# Modules with further predictors, separated by commas. Only whoever starts the process can set it: a job folder, which
# may come from anywhere, names a predictor and never a module, so reading one runs no code of its own.
PLUGINS_VARIABLE = "SPARSE_ANNOTATE_PLUGINS"


def import_plugins() -> None:
    """Import the modules that the environment variable SPARSE_ANNOTATE_PLUGINS names."""
    for name in filter(None, os.environ.get(PLUGINS_VARIABLE, "").split(",")):
        try:
            importlib.import_module(name.strip())
        except ImportError as error:
            raise InputError(f"{PLUGINS_VARIABLE} names {name}, which cannot be imported: {error}") from error


class JobSource(Protocol):
    """Where a job comes from and where its result goes; `Job` itself is one, a case in files is another.

    `load` and `deliver` are called once each, by the process that has the files; `files` are the paths that this
    process must be able to read or write, none for a job in memory.
    """

    @property
    def name(self) -> str: ...

    def check(self) -> None: ...

    def load(self) -> Job: ...

    def deliver(self, job: Job, prediction: Prediction) -> Any: ...

    @property
    def files(self) -> tuple[Path, ...]: ...


@dataclass(frozen=True)
class Job:
    """One prediction to make, with its arrays in memory. The arrays must not change until the job has ended.

    Attributes
    ----------
    predictor : its registered name
    options : by name, or the predictor's own options object; values as JSON holds them
    name : what the user sees, in messages and lists
    initial : a rough segmentation to start from, corrected on the painted planes
    understood : what was inferred from the labels, in sentences for the user
    in_view : a plane; it and those around it come first where the predictor can, each in a preview of its own
    """

    predictor: str
    volume: Volume
    annotation: SparseAnnotation
    options: Mapping[str, Any] | Options = field(default_factory=dict)
    name: str = "prediction"
    initial: Initial | None = None
    understood: tuple[str, ...] = ()
    in_view: int | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """None: everything is in memory."""
        return ()

    def options_by_name(self) -> dict[str, Any]:
        """The options as JSON can hold them."""
        return self.options.to_dict() if isinstance(self.options, Options) else dict(self.options)

    def check(self) -> None:
        """Raise InputError for an unknown predictor or options that it does not take."""
        self._create()

    def load(self) -> Job:
        """Itself."""
        return self

    def deliver(self, job: Job, prediction: Prediction) -> Prediction:  # noqa: ARG002 - others need the job
        """The prediction itself."""
        return prediction

    def predict(self, memory: Memory | None = None) -> Iterator[Progress | Prediction]:
        """The predictor's generator, whose last item also says what Dice to expect; closing it cancels.

        With a `memory`, what an earlier job computed is recalled.
        """
        predictor = self._create()
        if isinstance(predictor, PredictorBase):
            predictor = predictor.remembering(memory, self.in_view)
        if self.initial is not None:
            # It says itself what to expect: what is known of predictors does not hold for it.
            yield from predicted_from(predictor, self.volume, self.annotation, self.initial)
            return
        with contextlib.closing(predictor.predict(self.volume, self.annotation)) as steps:
            for step in steps:
                if isinstance(step, Prediction):
                    step = with_expected_quality(
                        step, self.annotation, self.volume.spacing_mm, predictor.name, self.volume.intensities
                    )
                yield step

    def _create(self):
        import_plugins()
        return PREDICTORS.create(self.predictor, self.options_by_name())
