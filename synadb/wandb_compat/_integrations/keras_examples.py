"""Keras: pictures of what a model gets, and what it makes of it."""

from __future__ import annotations

from itertools import chain
from typing import Any

import synadb.wandb_compat as wandb
from synadb.wandb_compat._term import termwarn

__all__ = ["PICTURES", "examples"]

PICTURES = ("image", "images", "segmentation_mask")


def examples(
    model: Any,
    inputs: Any,
    targets: Any,
    *,
    count: int,
    types: tuple[str | None, str | None],
    labels: list[Any],
    colors: Any,
) -> list[Any]:
    """The images to log for up to `count` samples, drawn at random where there are more.

    `types` are those of the inputs and of the outputs, one of them at least a picture. A sample
    has the picture that went in, the one that came out and the one that should have; a label is
    the caption.
    """
    import numpy as np

    total = len(inputs)
    chosen = np.random.choice(total, count, replace=False) if total > count else range(total)
    given = [inputs[number] for number in chosen]
    wanted = [targets[number] for number in chosen]
    made = _predict(model, np.stack(given))
    into, out = types
    if out not in PICTURES:
        captions = _captions(made, labels) if out == "label" else [None] * len(given)
        return [
            wandb.Image(data, caption=caption)
            for data, caption in zip(given, captions, strict=True)
        ]
    images = []
    pairs = zip(_pixels(made, out, colors), _pixels(wanted, out, colors), strict=True)
    if into in PICTURES:
        for source, (output, reference) in zip(_pixels(given, into, colors), pairs, strict=True):
            images.append(wandb.Image(source, grouping=3))
            images += [wandb.Image(output), wandb.Image(reference)]
        return images
    captions = _captions(given, labels) if into == "label" else [None] * len(given)
    return list(
        chain.from_iterable(
            (
                wandb.Image(output, caption=caption, grouping=2),
                wandb.Image(reference, caption=caption),
            )
            for caption, (output, reference) in zip(captions, pairs, strict=True)
        )
    )


def _predict(model: Any, batch: Any) -> Any:
    if getattr(model, "stateful", False):
        made = model.predict(batch, batch_size=1, verbose=0)
        model.reset_states()
        return made
    made = model.predict(batch, verbose=0)
    if len(made) != len(batch):  # it has dropped the last batch, which is not full
        made = model.predict(batch, batch_size=1, verbose=0)
    return made


def _captions(values: Any, labels: list[Any]) -> list[Any]:
    """The name of the class that each vector of scores is for."""
    import numpy as np

    scores = np.stack(values)
    if scores.ndim == 1 or scores.shape[-1] == 1:
        scores = scores.reshape(len(scores))
        if len(labels) == 2:
            return [labels[int(score > 0.5)] for score in scores]
        if labels:
            termwarn(
                "keras model is producing a single output, so labels should be a length two "
                'array: ["False label", "True label"].',
                repeat=False,
            )
        return scores.tolist()
    numbers = scores.argmax(axis=1).tolist()
    return [labels[one] if one < len(labels) else one for one in numbers]


def _pixels(values: Any, kind: str | None, colors: Any) -> Any:
    """Pictures as they are; masks with the colour of the class that is likeliest at each point."""
    import numpy as np

    from synadb.wandb_compat.util import class_colors

    masks = np.stack(values)
    if kind != "segmentation_mask" or masks.ndim == 3 or masks.shape[-1] == 1:
        return values
    palette = class_colors(masks.shape[-1]) if colors is None else colors
    return np.array(palette)[masks.argmax(axis=-1)]
