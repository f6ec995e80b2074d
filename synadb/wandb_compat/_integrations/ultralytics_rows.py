"""Ultralytics: an image with what was predicted for it, as a row of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import synadb.wandb_compat as wandb
from synadb.wandb_compat._integrations.library import library
from synadb.wandb_compat._term import termwarn

__all__ = ["predicted", "validated"]


def predicted(task: str, result: Any, skeleton: bool, image: Any = None) -> list[Any]:
    """The row of a prediction, without the name of the model.

    `image` is shown in place of the one that was predicted, for classes.
    """
    result = result.to("cpu")
    if task == "classify":
        return _classes(result, image)
    found = _boxes(result)
    names = _names(result)
    masks = _masks(result, names) if task == "segment" else None
    if masks is not None:
        names = {**names, len(names): "background"}
    shown = _with_points(result, skeleton) if task == "pose" else result.orig_img[:, :, ::-1]
    overlay = {"predictions": {"box_data": found, "class_labels": names}}
    return [
        wandb.Image(shown, boxes=overlay, masks=masks),
        len(found),
        _mean_confidence(found, names),
        result.speed,
    ]


def validated(
    task: str, batch: Mapping[str, Any], predictor: Any, names: dict[int, str], skeleton: bool
) -> Iterator[list[Any]]:
    """The rows of a batch of validation data, without the name of the model and the places."""
    if task == "classify":
        images = batch["img"].permute(0, 2, 3, 1).cpu().numpy()
        for image, true in zip(images, batch["cls"].flatten().tolist(), strict=True):
            row = predicted(task, predictor(image)[0], skeleton, image)
            yield [row[0], str(names[int(true)]), *row[1:]]
        return
    for number, result in enumerate(predictor(batch["im_file"])):
        path = batch["im_file"][number]
        result = result.to("cpu")
        truth = _true_boxes(number, path, batch, names)
        overlay = {"ground-truth": {"box_data": truth, "class_labels": names}}
        row = predicted(task, result, skeleton)
        if task == "pose":
            points = batch["keypoints"][batch["batch_idx"] == number]
            yield [wandb.Image(_drawn(path, points, skeleton), boxes=overlay), *row]
            continue
        overlay["predictions"] = {"box_data": _boxes(result), "class_labels": names}
        masks = _masks(result, _names(result)) if task == "segment" else None
        yield [wandb.Image(path, boxes=overlay, masks=masks), *row[2:]]


def _names(result: Any) -> dict[int, str]:
    return {int(number): str(name) for number, name in result.names.items()}


def _classes(result: Any, image: Any) -> list[Any]:
    names = _names(result)
    scores = result.probs.data.numpy().tolist()
    best = [int(number) for number in result.probs.top5]
    return [
        wandb.Image(result.orig_img if image is None else image),
        names[int(result.probs.top1)],
        result.probs.top1conf,
        [names[number] for number in best],
        [scores[number] for number in best],
        {names[number]: score for number, score in enumerate(scores)},
        result.speed,
    ]


def _box(middle_x: float, middle_y: float, width: float, height: float) -> dict[str, Any]:
    return {
        "position": {
            "middle": [int(middle_x), int(middle_y)],
            "width": int(width),
            "height": int(height),
        },
        "domain": "pixel",
    }


def _boxes(result: Any) -> list[dict[str, Any]]:
    names = _names(result)
    boxes = result.boxes
    return [
        {
            **_box(*place),
            "class_id": int(number),
            "box_caption": names[int(number)],
            "scores": {"confidence": confidence},
        }
        for place, number, confidence in zip(
            boxes.xywh.tolist(), boxes.cls.tolist(), boxes.conf.tolist(), strict=True
        )
    ]


def _mean_confidence(boxes: list[dict[str, Any]], names: dict[int, str]) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in names.values()}
    for box in boxes:
        found[box["box_caption"]].append(box["scores"]["confidence"])
    return {name: sum(values) / len(values) if values else 0 for name, values in found.items()}


def _masks(result: Any, names: dict[int, str]) -> dict[str, Any] | None:
    """One mask with the class of each point; a class more is the background."""
    import numpy as np

    if result.masks is None:
        return None
    scale = library("ultralytics.utils.ops", "wandb.integration.ultralytics").scale_masks
    height, width = result.orig_img.shape[:2]
    background = len(names)
    mask = np.full((height, width), background, dtype=np.uint8)
    instances = scale(result.masks.data[None], (height, width))[0].numpy()
    for inside, number in zip(instances, result.boxes.cls.tolist(), strict=True):
        mask[inside > 0.5] = int(number)
    labels = {**names, background: "background"}
    return {"predictions": {"mask_data": mask, "class_labels": labels}}


def _true_boxes(
    number: int, path: str, batch: Mapping[str, Any], names: dict[int, str]
) -> list[dict[str, Any]]:
    """The labelled boxes of an image, in its own size."""
    chosen = batch["batch_idx"] == number
    boxes, classes = batch["bboxes"][chosen], batch["cls"][chosen].flatten().tolist()
    if not len(boxes):
        termwarn(f"Image: {path} has no bounding boxes labels", repeat=False)
        return []
    ops = library("ultralytics.utils.ops", "wandb.integration.ultralytics")
    height, width = batch["resized_shape"][number]
    corners = ops.scale_boxes(
        (height, width),
        ops.xywhn2xyxy(boxes, h=height, w=width),
        batch["ori_shape"][number],
        batch["ratio_pad"][number],
    )
    return [
        {**_box(*place), "class_id": int(label), "box_caption": str(names[int(label)])}
        for place, label in zip(ops.xyxy2xywh(corners).tolist(), classes, strict=True)
    ]


def _with_points(result: Any, skeleton: bool) -> Any:
    import numpy as np

    image = np.ascontiguousarray(result.orig_img[:, :, ::-1])
    return _annotated(image, result.keypoints.data, skeleton)


def _drawn(path: str, points: Any, skeleton: bool) -> Any:
    import numpy as np

    image_module = library("PIL.Image", "wandb.integration.ultralytics", "pillow")
    with image_module.open(path) as opened:
        image = np.ascontiguousarray(opened)
    points = points.clone()
    points[..., 0] *= image.shape[1]  # labels count in shares of the image
    points[..., 1] *= image.shape[0]
    return _annotated(image, points, skeleton)


def _annotated(image: Any, people: Any, skeleton: bool) -> Any:
    plotting = library("ultralytics.utils.plotting", "wandb.integration.ultralytics")
    annotator = plotting.Annotator(image)
    for points in people:
        annotator.kpts(points, shape=image.shape[:2], kpt_line=skeleton)
    return annotator.result()
