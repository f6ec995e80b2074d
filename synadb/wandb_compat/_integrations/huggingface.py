"""transformers: what a pipeline is given and answers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

import synadb.wandb_compat as wandb
from synadb.wandb_compat._integrations.autolog import AutologAPI
from synadb.wandb_compat.util import random_string

__all__ = ["autolog"]

_TASKS = (
    "question-answering",
    "sentiment-analysis",
    "summarization",
    "text-classification",
    "text-generation",
    "text2text-generation",
)
# Their answers are lists of candidates, also where there is only one.
_RANKED = ("question-answering", "sentiment-analysis", "text-classification")
_COLUMNS = ["ID", "Model Alias", "Timestamp", "Elapsed Time", "Input", "Response", "Kwargs"]


class _Pipelines:
    """Makes a table of each call: a row an input."""

    def __init__(self) -> None:
        self.latest: str | None = None

    def __call__(
        self,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        response: Any,
        start: float,
        elapsed: float,
    ) -> dict[str, Any] | None:
        if len(args) < 2:
            return None
        pipeline, given = args[:2]
        task = pipeline.task
        if task not in _TASKS and not task.startswith("translation"):
            return None
        given = given if isinstance(given, list) else [given]
        answers = response if isinstance(response, list) else [response]
        self.latest = random_string(16)
        model = pipeline.model
        alias = getattr(model, "model", model).name_or_path
        when = datetime.now(timezone.utc)
        rows = []
        for one, answer in zip(given, answers, strict=False):
            if task == "question-answering" and hasattr(one, "__dict__"):
                one = dict(vars(one))
            if isinstance(answer, list) and len(answer) == 1 and task not in _RANKED:
                answer = answer[0]
            rows.append([self.latest, alias, when, elapsed, one, answer, kwargs])
        name = os.environ.get("WANDB_AUTOLOG_TABLE_NAME") or task
        return {name: wandb.Table(columns=_COLUMNS, data=rows)}


class _Autolog(AutologAPI):
    def __init__(self) -> None:
        self._pipelines = _Pipelines()
        super().__init__("transformers", ("Pipeline.__call__",), self._pipelines)

    def get_latest_id(self) -> str | None:
        """What is in the column ID for the latest call."""
        return self._pipelines.latest


autolog = _Autolog()
