"""The report's page: text, numbers, charts and scripts of each kernel, in one file that loads nothing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path

from ..trial import Status, Trial, time_text
from .charts import Chart, bars

FASTEST_SHOWN = 14
"""How many features are shown."""


@dataclass(frozen=True)
class Roof:
    """What one core of the machine can do, measured."""

    flops: float
    """Multiplications and additions a second."""
    bandwidths: tuple[tuple[str, float], ...]
    """Levels of memory, nearest first, with the bytes that they read and write a second."""
    machine: str = ""


@dataclass(frozen=True)
class Tuned:
    """A kernel and its trials, in the order in which they were measured."""

    hash: str
    description: str
    trials: Sequence[Trial]
    operations: int
    bytes: int
    shipped: Trial | None = None
    """The trial of the shipped schedule."""
    winner_outline: str = ""
    """The loops that the winning script makes."""
    shipped_outline: str = ""
    importances: Sequence[tuple[str, float]] = field(default=())
    """Features that decided what the model said, with how much it loses without them."""
    predictions: Sequence[tuple[float, Trial]] = field(default=())
    """What the model says of right trials: the logarithm of throughput, up to a constant."""

    @property
    def best(self) -> Trial | None:
        """The fastest right trial."""
        return min((trial for trial in self.trials if trial.status is Status.OK), key=_seconds, default=None)


def _seconds(trial: Trial) -> float:
    return trial.seconds


def render(title: str, kernels: Sequence[Tuned], roof: Roof | None = None) -> str:
    """The page."""
    order = sorted(kernels, key=lambda kernel: -(kernel.best.seconds if kernel.best else 0.0))
    parts = [_overview(order), _roofline(order, roof) if roof is not None else ""]
    parts += [_kernel(kernel) for kernel in order]
    body = "\n".join(part for part in parts if part)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{_style()}</style></head>\n'
        f"<body><main><h1>{escape(title)}</h1>\n{body}\n</main></body></html>\n"
    )


@cache
def _style() -> str:
    return Path(__file__).with_name("page.css").read_text("utf-8")


def _speed(operations: int, seconds: float) -> str:
    return f"{operations / seconds / 1e9:.4g}" if operations and math.isfinite(seconds) else "–"


def _overview(kernels: Sequence[Tuned]) -> str:
    trials = sum(len(kernel.trials) for kernel in kernels)
    reasons = Counter(trial.status for kernel in kernels for trial in kernel.trials)
    said = ", ".join(f"{count} {status.value}" for status, count in reasons.most_common())
    head = "".join(f"<th>{name}</th>" for name in ("kernel", "trials", "shipped", "best", "times as fast", "GFLOP/s"))
    rows: list[str] = []
    for kernel in kernels:
        best = kernel.best.seconds if kernel.best else math.inf
        shipped = kernel.shipped.seconds if kernel.shipped else math.inf
        gain = f"{shipped / best:.3g}" if math.isfinite(best) and math.isfinite(shipped) else "–"
        cells = (str(len(kernel.trials)), time_text(shipped), time_text(best), gain, _speed(kernel.operations, best))
        name = f'<td class="left"><a href="#{kernel.hash}">{escape(kernel.description)}</a></td>'
        rows.append(f"<tr>{name}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    table = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    return f"<p>{len(kernels)} kernels, {trials} trials: {escape(said)}.</p>{table}"


def _roofline(kernels: Sequence[Tuned], roof: Roof) -> str:
    """Speed over operations for each byte, under what the machine can do."""
    found = [(kernel, kernel.best.seconds) for kernel in kernels if kernel.best and kernel.operations and kernel.bytes]
    if not found:
        return ""
    points = [(each.operations / each.bytes, each.operations / seconds / 1e9) for each, seconds in found]
    peak = roof.flops / 1e9
    lowest = min(x for x, _ in points)
    chart = Chart.of(
        [*(x for x, _ in points), max(x for x, _ in points) * 2, lowest / 2, 4 * roof.flops / roof.bandwidths[-1][1]],
        [*(y for _, y in points), peak],
        "operations a byte of what goes in and out",
        "GFLOP/s",
        logarithmic=True,
        height=360,
    )
    for level, bandwidth in roof.bandwidths:
        ridge = roof.flops / bandwidth
        start = max(chart.x.low, chart.y.low * 1e9 / bandwidth)
        if start < ridge:
            end = min(ridge, chart.x.high)
            chart.line([(start, start * bandwidth / 1e9), (end, end * bandwidth / 1e9)], "b")
            chart.label(start, start * bandwidth / 1e9, level)
    chart.level(peak, f"{peak:.4g} GFLOP/s", "b")
    for (each, seconds), (x, y) in zip(found, points, strict=True):
        chart.points([(x, y, f"{each.description}: {time_text(seconds)}, {y:.4g} GFLOP/s")])
    where = f" ({escape(roof.machine)}, one core)" if roof.machine else ""
    figure = f"<figure>{chart.svg('speed of kernels under the roofline')}</figure>"
    return f"<section><h2>Roofline{where}</h2>{figure}</section>"


def _kernel(kernel: Tuned) -> str:
    figures = [_progress(kernel), _predicted(kernel), _features(kernel)]
    best = kernel.best
    parts = [f'<section id="{kernel.hash}"><h2>{escape(kernel.description)}</h2><p class="hash">{kernel.hash}</p>']
    parts.append(f'<div class="row">{"".join(figure for figure in figures if figure)}</div>')
    if best is not None:
        knobs = ", ".join(f"{name} = {value}" for name, value in best.knobs.items())
        said = f"{escape(best.sketch or 'script')}: {time_text(best.seconds)}" + (f"; {escape(knobs)}" if knobs else "")
        parts.append(f"<h3>The winning script, beside the shipped one</h3><p>{said}</p>")
        left = _codes(("winner", best.script), ("its loops", kernel.winner_outline))
        shipped = kernel.shipped.script if kernel.shipped else "not measured"
        right = _codes(("shipped", shipped), ("its loops", kernel.shipped_outline))
        parts.append(f'<div class="row scripts"><div>{left}</div><div>{right}</div></div>')
    parts.append(_refusals(kernel))
    return "\n".join(part for part in parts if part) + "</section>"


def _codes(*named: tuple[str, str]) -> str:
    return "".join(f"<h4>{escape(name)}</h4><pre>{escape(text.strip())}</pre>" for name, text in named if text)


def _progress(kernel: Tuned) -> str:
    """The best speed after each trial."""
    right = [(number, trial) for number, trial in enumerate(kernel.trials, 1) if trial.status is Status.OK]
    if not right:
        return ""
    unit = kernel.operations or kernel.bytes
    what = "GFLOP/s" if kernel.operations else "GB/s"
    speeds = [(float(number), unit / trial.seconds / 1e9, trial) for number, trial in right]
    best: list[tuple[float, float]] = []
    for number, speed, _ in speeds:
        best.append((number, max(speed, best[-1][1] if best else 0.0)))
    best.append((float(len(kernel.trials)), best[-1][1]))
    chart = Chart.of([0.0, float(len(kernel.trials))], [speed for _, speed, _ in speeds], "trial", what)
    chart.points([(x, y, f"trial {x:g}: {y:.4g} {what}, {trial.sketch}") for x, y, trial in speeds], "faint")
    chart.steps(best)
    if kernel.shipped is not None and kernel.shipped.status is Status.OK:
        chart.level(unit / kernel.shipped.seconds / 1e9, "shipped")
    return f"<figure><figcaption>Best speed</figcaption>{chart.svg('best speed against trials')}</figure>"


def _predicted(kernel: Tuned) -> str:
    """What the model said before against what came out, each relative to its mean."""
    pairs = [(trial.predicted, -math.log(trial.seconds), trial) for trial in kernel.trials if _was_predicted(trial)]
    if len(pairs) < 2:
        return ""
    middle_x = sum(x for x, _, _ in pairs if x is not None) / len(pairs)
    middle_y = sum(y for _, y, _ in pairs) / len(pairs)
    points = [(math.exp(x - middle_x), math.exp(y - middle_y), trial) for x, y, trial in pairs if x is not None]
    values = [value for x, y, _ in points for value in (x, y)]
    chart = Chart.of(values, values, "predicted speed, relative", "measured speed, relative", logarithmic=True)
    chart.line([(chart.x.low, chart.y.low), (chart.x.high, chart.y.high)], "b dashed")
    chart.points([(x, y, f"{trial.sketch}: {time_text(trial.seconds)}") for x, y, trial in points])
    return f"<figure><figcaption>Predicted and measured</figcaption>{chart.svg('predicted against measured')}</figure>"


def _was_predicted(trial: Trial) -> bool:
    return trial.status is Status.OK and trial.predicted is not None and math.isfinite(trial.predicted)


def _features(kernel: Tuned) -> str:
    shown = sorted(kernel.importances, key=lambda each: -each[1])[:FASTEST_SHOWN]
    shown = [each for each in shown if each[1] > 0]
    if not shown:
        return ""
    chart = bars([(name, value, f"{value:.3f}") for name, value in shown], "features that mattered")
    return f"<figure><figcaption>Features that mattered</figcaption>{chart}</figure>"


def _refusals(kernel: Tuned) -> str:
    reasons = Counter((trial.status.value, trial.error) for trial in kernel.trials if trial.status is not Status.OK)
    if not reasons:
        return ""
    rows = "".join(
        f'<tr><td>{count}</td><td class="left">{escape(status)}</td><td class="left">{escape(error)}</td></tr>'
        for (status, error), count in reasons.most_common(8)
    )
    return f'<h3>What failed</h3><div class="wide"><table><tbody>{rows}</tbody></table></div>'
