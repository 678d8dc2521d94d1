"""Models by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from ...errors import StepwellError, did_you_mean
from .boosting import BoostingModel, Options, fit_base
from .interface import CostModel, Samples
from .linear import LinearModel, sums_of
from .random import RandomModel
from .roofline import RooflineModel, prior_column

ModelFactory: TypeAlias = Callable[[], CostModel]
"""Makes a model for one more workload. What is known of others is fitted once, for all of them."""

MODELS = ("boosting", "linear", "roofline", "random")


def model_factory(name: str, columns: Sequence[str], known: Samples | None, *, seed: int = 0) -> ModelFactory:
    """The models of a name, on features with these columns, which know what these samples say.

    Raises:
        StepwellError: if no model has that name.
    """
    if name == "boosting":
        base = fit_base(known, Options(prior_column(columns), seed=seed))
        return lambda: BoostingModel(base)
    if name == "linear":
        sums = sums_of(known) if known is not None and len(known) else None
        return lambda: LinearModel(sums)
    if name == "roofline":
        column = prior_column(columns)
        return lambda: RooflineModel(column)
    if name == "random":
        return lambda: RandomModel(seed)
    raise StepwellError(f"expected a model ({', '.join(MODELS)}), got '{name}'{did_you_mean(name, MODELS)}")


def shipped_models(name: str = "boosting", *, without: str | None = None, seed: int = 0) -> ModelFactory:
    """The models of a name that know the data set that comes with the package, perhaps without one of its families."""
    from ..features.columns import FEATURES
    from .dataset import shipped
    from .fitted import shipped_base

    if name == "boosting" and (base := shipped_base(Options(prior_column(FEATURES), seed=seed), without)) is not None:
        return lambda: BoostingModel(base)
    data = shipped()
    if data is None:
        known = None
    elif without is None:
        known = data.samples
    else:
        if without not in data.families:
            families = sorted(set(data.families))
            raise StepwellError(
                f"expected a family of the data set ({', '.join(families)}), got '{without}'"
                f"{did_you_mean(without, families)}"
            )
        known = data.without(without)
    return model_factory(name, FEATURES, known, seed=seed)
