"""A Gaussian process in numpy: a Matérn 5/2 kernel with a length for each parameter.

Formulas are those of Rasmussen and Williams, Gaussian Processes for Machine Learning (2006): the
kernel (4.17), the posterior (2.23, 2.24), the log marginal likelihood (2.30) and its gradient
(5.9). Snoek, Larochelle and Adams, Practical Bayesian Optimization of Machine Learning Algorithms
(2012), argue for this kernel in such a search.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Array", "Process", "fit"]

Array = np.ndarray[Any, np.dtype[Any]]

# Added to the diagonal, relative to the signal: what keeps the factorisation stable.
JITTER = 1e-8
# Noise that is always there: differences below a thousandth of the spread are not worth explaining.
FLOOR = 1e-6
# Priors on the natural logarithms, means and deviations: lengths in the unit cube (times the root
# of the number of parameters, as distances grow with it), signal variance, noise variance.
LENGTH = (-1.5, 1.0)
SIGNAL = (0.5, 1.0)
NOISE = (-9.0, 2.5)
STEPS = 60
ROOT5 = np.sqrt(5.0)


class Process:
    """A posterior: what is known of a function after some of its values."""

    def __init__(self, points: Array, values: Array, groups: Any, theta: Array) -> None:
        self.points, self.values, self.groups, self.theta = points, values, groups, theta
        self.scales = np.exp(-theta[:-2])[groups]
        self.signal = float(np.exp(theta[-2]))
        noise = self.signal * JITTER + FLOOR + float(np.exp(theta[-1]))
        covariance = self._kernel(points, points)
        covariance[np.diag_indices_from(covariance)] += noise
        self.root = np.linalg.inv(_cholesky(covariance))
        self.weights = self.root.T @ (self.root @ values)

    def _kernel(self, left: Array, right: Array) -> Array:
        left, right = left * self.scales, right * self.scales
        squares = (left**2).sum(1)[:, None] + (right**2).sum(1)[None, :] - 2 * left @ right.T
        r = ROOT5 * np.sqrt(np.maximum(squares, 0.0))
        kernel: Array = self.signal * (1 + r + r * r / 3) * np.exp(-r)
        return kernel

    def predict(self, points: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the function (not of a noisy value) at each point."""
        kernel = self._kernel(points, self.points)
        variance = self.signal - ((kernel @ self.root.T) ** 2).sum(1)
        return kernel @ self.weights, np.sqrt(np.maximum(variance, 1e-12 * self.signal))

    def with_believers(self, points: Array) -> Process:
        """This posterior given, at `points`, the values it predicts there itself.

        The kriging believer of Ginsbourger, Le Riche and Carraro, Kriging is well-suited to
        parallelize optimization (2010): the mean stays, the doubt around trials that are under way
        shrinks.
        """
        believed = np.concatenate([self.values, self.predict(points)[0]])
        return Process(np.vstack([self.points, points]), believed, self.groups, self.theta)


def fit(points: Array, values: Array, groups: Any, parameters: int) -> Array:
    """The most probable logarithms of lengths, signal and noise variance, given the values.

    `groups` says which length a column of `points` takes; `parameters` is how many there are.
    """
    count = int(groups.max()) + 1
    squares = np.zeros((count, len(points) ** 2))
    for column, group in enumerate(groups):
        difference = points[:, column, None] - points[None, :, column]
        squares[group] += (difference**2).ravel()
    means = np.full(count + 2, LENGTH[0] + 0.5 * np.log(parameters))
    deviations = np.full(count + 2, LENGTH[1])
    means[-2], deviations[-2] = SIGNAL
    means[-1], deviations[-1] = NOISE

    def cost(theta: Array) -> tuple[float, Array]:
        value, slope = _evidence(theta, squares, values)
        away = (theta - means) / deviations
        return float(0.5 * away @ away) - value, away / deviations - slope

    # One start that explains values by lengths, one by noise as well: there can be two valleys.
    short = np.concatenate([means[:-2] - 1.2, means[-2:-1], [-4.0]])
    return min((_descend(cost, start) for start in (means, short)), key=lambda each: each[1])[0]


def _cholesky(covariance: Array) -> Array:
    size = float(covariance[0, 0])
    for extra in (0.0, 1e-7, 1e-5, 1e-3):
        try:
            return np.linalg.cholesky(covariance + extra * size * np.eye(len(covariance)))
        except np.linalg.LinAlgError:
            continue
    raise np.linalg.LinAlgError("the covariance of the trials is not positive definite")


def _evidence(theta: Array, squares: Array, values: Array) -> tuple[float, Array]:
    """The log marginal likelihood without its constant, and its gradient."""
    n = len(values)
    weights, signal, noise = np.exp(-2 * theta[:-2]), np.exp(theta[-2]), np.exp(theta[-1])
    r = ROOT5 * np.sqrt(weights @ squares)
    decay = signal * np.exp(-r)
    kernel = ((1 + r + r * r / 3) * decay).reshape(n, n)
    covariance = kernel.copy()
    covariance[np.diag_indices(n)] += noise + FLOOR + JITTER * signal
    lower = _cholesky(covariance)
    root = np.linalg.inv(lower)
    alpha = root.T @ (root @ values)
    value = -0.5 * float(values @ alpha) - float(np.log(np.diag(lower)).sum())
    inner = np.outer(alpha, alpha) - root.T @ root
    flat = inner.ravel()
    slope = np.empty_like(theta)
    # d kernel / d log length = 5/3 signal (1 + r) exp(-r) times the parameter's own square over
    # length²
    slope[:-2] = 0.5 * weights * (squares @ (flat * (1 + r) * decay)) * (5 / 3)
    slope[-2] = 0.5 * float(flat @ kernel.ravel()) + 0.5 * JITTER * signal * np.trace(inner)
    slope[-1] = 0.5 * noise * np.trace(inner)
    return value, slope


def _descend(cost: Any, theta: Array) -> tuple[Array, float]:
    """L-BFGS with a backtracking line search (Nocedal and Wright, algorithms 7.4 and 3.1)."""
    value, slope = cost(theta)
    pairs: list[tuple[Array, Array]] = []
    for _ in range(STEPS):
        direction = -_inverse_hessian(pairs, slope)
        if direction @ slope > 0:
            direction, pairs = -slope, []
        longest = float(np.abs(direction).max())
        direction *= min(1.0, 2.0 / longest) if longest > 0 else 1.0
        step = 1.0
        while True:
            after = theta + step * direction
            new, new_slope = cost(after)
            if new <= value + 1e-4 * step * (direction @ slope) or step < 1e-3:
                break
            step *= 0.4
        if new >= value - 1e-5:
            return (after, new) if new < value else (theta, value)
        pairs = [*pairs[-6:], (after - theta, new_slope - slope)]
        theta, value, slope = after, new, new_slope
    return theta, value


def _inverse_hessian(pairs: list[tuple[Array, Array]], slope: Array) -> Array:
    """The two-loop recursion."""
    useful = [(s, g, 1 / float(s @ g)) for s, g in pairs if s @ g > 1e-10]
    result, factors = slope.copy(), []
    for s, g, rho in reversed(useful):
        factors.append(rho * float(s @ result))
        result -= factors[-1] * g
    if useful:
        s, g, _ = useful[-1]
        result *= float(s @ g) / float(g @ g)
    else:
        result /= max(1.0, float(np.abs(result).max()))
    for (s, g, rho), factor in zip(useful, reversed(factors), strict=True):
        result += s * (factor - rho * float(g @ result))
    return result
