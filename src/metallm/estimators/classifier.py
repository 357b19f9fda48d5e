"""A classifier with scikit-learn's face: a student of its own, and LLMs that it can ask."""

from __future__ import annotations

from collections import Counter, defaultdict
from copy import deepcopy
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from metallm.core.task import Task
from metallm.errors import ColumnError, ConfigurationError, MissingExtraError
from metallm.estimators.columns import texts_of
from metallm.estimators.opening import Kept, opened, remains, rows_to_ask
from metallm.estimators.spelling import Spelling
from metallm.router.answers import Judgement

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import (
        assert_all_finite,
        check_consistent_length,
        check_is_fitted,
        column_or_1d,
    )
except ImportError as error:
    raise MissingExtraError("scikit-learn", "sklearn") from error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from numpy.typing import NDArray

    from metallm.assembly import Router
    from metallm.core.arm import Arm
    from metallm.core.arrays import FloatArray
    from metallm.core.protocols import Policy, Provider, Store
    from metallm.estimators.asking import Asker


class Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Classifies texts: by a student where that is sure enough, else by asking LLMs.

    `fit` teaches the student texts and their classes, and asks nobody unless `ask` says so.
    `predict`, and what goes by it (`predict_proba`, `score`, cross-validation), may ask arms, which
    costs money: `cost_usd_` says how much.

    Args:
        arms: the LLMs to choose from, `Arm`s or names such as "openai/gpt-4o-mini".
        labels: all classes, in the order in which they are asked about; None for those of the
            task, or those in y.
        task: its name, or a `Task` of kind "single" or "ordinal" with all that is told of it.
        cost_weight: p in reward = quality − p · cost, as of `Router`.
        max_calls: how many arms may be asked about one text.
        policy: "greedy" asks for what seems best; the others try others too, which teaches
            something only where `feedback` follows.
        ask: rows of X that `fit` sends to every arm, to learn how good each is: a number, or a
            share below 1.
        store: path of the log, which a later `fit` goes on from; None keeps it in memory.
        provider: calls the arms; None for HTTP.
        concurrency: texts that are asked about at once.
        seed: of every draw.

    Attributes:
        classes_: shape (L,), the classes, sorted.
        router_: the `Router` behind it.
        cost_usd_: USD for all calls since `fit` began; NaN where a price is flagged as unknown.
        decision_ids_: of the texts that were asked about last, in order.
    """

    _open: Asker | None
    _kept: Kept
    _spelling: Spelling

    def __init__(
        self,
        arms: Sequence[Arm | str] | None = None,
        labels: Sequence[Any] | None = None,
        *,
        task: str | Task | None = None,
        cost_weight: float = 0.2,
        max_calls: int = 1,
        policy: str | Policy = "greedy",
        ask: float = 0,
        store: str | PathLike[str] | Store | None = None,
        provider: Provider | None = None,
        concurrency: int = 8,
        seed: int = 0,
    ) -> None:
        self.arms = arms
        self.labels = labels
        self.task = task
        self.cost_weight = cost_weight
        self.max_calls = max_calls
        self.policy = policy
        self.ask = ask
        self.store = store
        self.provider = provider
        self.concurrency = concurrency
        self.seed = seed

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803 - scikit-learn's name
        """Teach a new student texts and their classes.

        Args:
            X: n texts: a sequence, an array, a Series, or a table of one column.
            y: their n classes.

        Raises:
            ColumnError: texts or classes that cannot be used.
            ConfigurationError: parameters that cannot work.
            ProviderError: rows were to be asked about, and an arm answered none of them.
        """
        texts, y = self._checked(X, y)
        rows = rows_to_ask(self.ask, len(texts), self.seed)
        spelling = Spelling.of(self.task, self.labels, np.unique(y))
        truth = spelling.labels_of(y)
        self._begin(spelling)
        self._teach(texts, truth)
        if rows:
            self._asker().ask_every_arm([texts[row] for row in rows], [truth[row] for row in rows])
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:  # noqa: N803
        """Teach the student more texts. The same ones once more change nothing.

        Args:
            X: n texts, as for `fit`.
            y: their n classes.
            classes: all of them; needed in the first call, unless `labels` or a `Task` tell them.

        Raises:
            ColumnError: texts or classes that cannot be used.
            ConfigurationError: parameters that cannot work.
        """
        texts, y = self._checked(X, y)
        first = not hasattr(self, "classes_")
        if first and classes is None and self.labels is None and not isinstance(self.task, Task):
            raise ColumnError("classes must be passed on the first call to partial_fit")
        given = Spelling.of(self.task, self.labels, np.unique(classes)) if first else self._spelling
        truth = given.labels_of(y)
        if first:
            self._begin(given)
        self._teach(texts, truth)
        return self

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """The class of each text, shape (n,).

        Args:
            X: n texts, as for `fit`; those of the last call are not asked about again.

        Raises:
            ProviderError: no arm answered about a text; what others got is remembered.
            ColumnError: texts that cannot be used.
        """
        asker = self._asker()
        labels = [each.label for each in asker.ask(self._texts(X))]
        return self._spelling.classes_of(labels)

    def predict_proba(self, X: Any) -> FloatArray:  # noqa: N803
        """How likely each class is, by text and answers, shape (n, L); arguments as `predict`."""
        asker = self._asker()
        return np.array([each.chances for each in asker.ask(self._texts(X))])

    def feedback(self, y: Any, ids: Sequence[str] | None = None) -> Self:
        """Tell the true classes of texts that were predicted: arms and student learn from them.

        Args:
            y: n classes.
            ids: of their decisions; None for those of the last call. Of one text that has several
                classes the most frequent counts.

        Raises:
            ColumnError: not as many classes as ids, or one that there is not.
            UnknownDecisionError: an id that the log does not hold (any more).
            FeedbackConflictError: the decision was judged otherwise before.
        """
        asker = self._asker()
        ids = asker.decision_ids if ids is None else ids
        labels = self._spelling.labels_of(column_or_1d(y))
        if len(labels) != len(ids):
            raise ColumnError(f"{len(ids)} predictions need as many classes, not {len(labels)}")
        told: dict[str, list[str]] = defaultdict(list)
        for decision_id, label in zip(ids, labels, strict=True):
            told[decision_id].append(label)
        asker.router.feedback_many(
            Judgement(decision_id, label=Counter(each).most_common(1)[0][0])
            for decision_id, each in told.items()
        )
        asker.forget()
        return self

    @property
    def router_(self) -> Router:
        """The router behind it."""
        return self._asker().router

    @property
    def cost_usd_(self) -> float:
        """USD for all calls since `fit` began; NaN where a price is flagged as unknown."""
        return self._asker().cost_usd

    @property
    def decision_ids_(self) -> tuple[str, ...]:
        """Of the texts that were asked about last, in order."""
        return self._asker().decision_ids

    def close(self) -> None:
        """Let go of the log. Whatever is called next opens it again."""
        asker: Asker | None = self.__dict__.get("_open")
        if asker is not None:
            self._kept, self._open = remains(asker, in_memory=self.store is None), None
            asker.router.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        asker = state.pop("_open", None)
        if asker is not None:
            state["_kept"] = remains(asker, in_memory=self.store is None)
            state["_open"] = None
        if not isinstance(self.store, str | PathLike | None):
            raise ConfigurationError(
                "a classifier whose store is an object cannot be pickled: give the path of its log"
            )
        return state

    def __sklearn_clone__(self) -> Self:
        """Unfitted, with the same parameters themselves: providers and stores cannot be copied."""
        clone = type(self)(**self.get_params(deep=False))
        requested = self.__dict__.get("_metadata_request")
        if requested is not None:
            clone.__dict__["_metadata_request"] = deepcopy(requested)
        return clone

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.non_deterministic = True  # LLMs answer as they like
        return tags

    def _texts(self, X: Any) -> list[str]:  # noqa: N803
        """What a subclass changes that reads other things than texts."""
        return texts_of(X)

    def _checked(self, X: Any, y: Any) -> tuple[list[str], NDArray[Any]]:  # noqa: N803
        if y is None:
            raise ColumnError("requires y to be passed, but the target y is None")
        texts, y = self._texts(X), column_or_1d(y, warn=True)
        check_consistent_length(texts, y)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        return texts, y

    def _begin(self, spelling: Spelling) -> None:
        """Know nothing but the classes, and open the log."""
        before: Asker | None = self.__dict__.get("_open")
        if before is not None:
            before.router.close()  # two cannot write one log
        self._open, self._kept = opened(self.get_params(deep=False), spelling, Kept()), Kept()
        self._spelling, self.classes_ = spelling, spelling.classes

    def _teach(self, texts: list[str], truth: list[str]) -> None:
        asker = self._asker()
        asker.router.teach(texts, truth, labels=self._spelling.asked, task=self._spelling.task)
        asker.forget()

    def _asker(self) -> Asker:
        check_is_fitted(self)
        if self._open is None:
            self._open = opened(self.get_params(deep=False), self._spelling, self._kept)
        return self._open
