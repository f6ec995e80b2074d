"""Six functions with known minima, as sweeps: what a search is measured on.

Standard library only: W&B's own engine, which needs another numpy, is measured on the same ones in
an environment of its own.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

__all__ = ["SURFACES", "Surface", "branin", "hartmann", "rosenbrock"]


class Surface(NamedTuple):
    """A function to minimise: its parameters, its least value, the noise on what is logged."""

    parameters: dict[str, Any]
    function: Callable[[Mapping[str, Any]], float]
    least: float
    noise: float = 0.0

    @property
    def config(self) -> dict[str, Any]:
        """The sweep that looks for the least value."""
        return {
            "method": "bayes",
            "metric": {"name": "loss", "goal": "minimize"},
            "parameters": self.parameters,
        }

    def observed(self, params: Mapping[str, Any], seed: int, number: int) -> float:
        """What trial `number` of the search with this seed would log."""
        value = self.function(params)
        if self.noise:
            value += self.noise * random.Random(f"{seed}/{number}").gauss(0, 1)
        return value


def branin(params: Mapping[str, Any]) -> float:
    """Branin's function (Dixon and Szegö 1978), three minima."""
    x, y = params["x"], params["y"]
    bowl = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return float(bowl * bowl + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10)


HEIGHTS = (1.0, 1.2, 3.0, 3.2)
HARTMANN_6 = (
    ((10, 3, 17, 3.5, 1.7, 8), (1312, 1696, 5569, 124, 8283, 5886)),
    ((0.05, 10, 17, 0.1, 8, 14), (2329, 4135, 8307, 3736, 1004, 9991)),
    ((3, 3.5, 1.7, 10, 17, 8), (2348, 1451, 3522, 2883, 3047, 6650)),
    ((17, 8, 0.05, 10, 0.1, 14), (4047, 8828, 8732, 5743, 1091, 381)),
)
HARTMANN_3 = (
    ((3, 10, 30), (3689, 1170, 2673)),
    ((0.1, 10, 35), (4699, 4387, 7470)),
    ((3, 10, 30), (1091, 8732, 5547)),
    ((0.1, 10, 35), (381, 5743, 8828)),
)


def hartmann(params: Mapping[str, Any]) -> float:
    """Hartmann's function in three or six dimensions (Dixon and Szegö 1978)."""
    point = [params[name] for name in sorted(params)]
    total = 0.0
    for height, (scales, centres) in zip(
        HEIGHTS, HARTMANN_6 if len(point) == 6 else HARTMANN_3, strict=True
    ):
        far = sum(a * (x - c / 1e4) ** 2 for a, x, c in zip(scales, point, centres, strict=True))
        total -= height * math.exp(-far)
    return total


def rosenbrock(params: Mapping[str, Any]) -> float:
    """Rosenbrock's valley (1960)."""
    x = [params[name] for name in sorted(params)]
    return float(sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)))


def svm(params: Mapping[str, Any]) -> float:
    """An error rate over kernel, log C, log gamma and degree; a ridge couples the two logs."""
    cost, gamma = math.log10(params["C"]), math.log10(params["gamma"])
    if params["kernel"] == "rbf":
        along, across = cost + gamma + 1, cost - gamma - 3
        return 1 - math.exp(-(along**2) / 9 - across**2 / 30)
    if params["kernel"] == "poly":
        away = 0.15 * (params["degree"] - 3) ** 2
        return 0.08 + 0.9 * (1 - math.exp(-((cost + 0.5) ** 2) / 6 - (gamma + 1.5) ** 2 / 4 - away))
    return 0.15 + 0.8 * (1 - math.exp(-((cost + 1) ** 2) / 5))


def conditional(params: Mapping[str, Any]) -> float:
    """A loss that looks only at the branch that `model` names."""
    if params["model"] == "tree":
        depth, leaf = params["tree"]["depth"], math.log10(params["tree"]["leaf"])
        return float(0.12 + 0.004 * (depth - 7) ** 2 + 0.08 * (leaf - 1) ** 2)
    net = params["net"]
    rate, width = math.log10(net["lr"]), math.log2(net["width"])
    return float(0.1 * (rate + 2.5) ** 2 + 0.02 * (width - 7) ** 2 + (net["dropout"] - 0.2) ** 2)


def _box(count: int, low: float, high: float) -> dict[str, Any]:
    return {f"x{number}": {"min": low, "max": high} for number in range(count)}


SURFACES = {
    "branin": Surface(
        {"x": {"min": -5.0, "max": 10.0}, "y": {"min": 0.0, "max": 15.0}},
        branin,
        0.39788735772973816,
    ),
    "hartmann6": Surface(_box(6, 0.0, 1.0), hartmann, -3.322368011391339),
    "rosenbrock4": Surface(_box(4, -5.0, 10.0), rosenbrock, 0.0),
    "svm_mixed": Surface(
        {
            "kernel": {"values": ["linear", "poly", "rbf"]},
            "C": {"distribution": "log_uniform_values", "min": 1e-3, "max": 1e4},
            "gamma": {"distribution": "log_uniform_values", "min": 1e-6, "max": 1e1},
            "degree": {"min": 2, "max": 6},
        },
        svm,
        0.0,
    ),
    "noisy_hartmann3": Surface(_box(3, 0.0, 1.0), hartmann, -3.8627797869493365, noise=0.2),
    "conditional": Surface(
        {
            "model": {"values": ["tree", "net"]},
            "tree": {
                "parameters": {
                    "depth": {"min": 1, "max": 16},
                    "leaf": {"distribution": "log_uniform_values", "min": 1.0, "max": 1e3},
                }
            },
            "net": {
                "parameters": {
                    "lr": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1.0},
                    "width": {
                        "distribution": "q_log_uniform_values",
                        "min": 16,
                        "max": 1024,
                        "q": 16,
                    },
                    "dropout": {"min": 0.0, "max": 0.8},
                }
            },
        },
        conditional,
        0.0,
    ),
}
