"""Which cell answers for which object, and what a wrong answer costs.

Assignment is task-aligned (Feng et al. 2021): those cells inside a box whose present score and overlap are best answer
for it, so that an object behind another one is learnt from the cells that show it. Score targets are the overlap
reached, overlap is penalised by GIoU (Rezatofighi et al. 2019).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .network import CLASSES, STRIDE, cells, decode

_BEST_CELLS = 8
_SCORE_POWER, _IOU_POWER = 0.5, 4.0
_LEAST_SIDE_PX = 1.5 * STRIDE  # thin objects own the cells around them
_BOX_WEIGHT = 3.0
_EDGE_WEIGHT = 1.0


def iou_and_giou(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Of boxes xyxy, broadcast over the leading dimensions."""
    inner = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    outer = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    both = inner[..., 0] * inner[..., 1]
    areas = [(box[..., 2] - box[..., 0]) * (box[..., 3] - box[..., 1]) for box in (a, b)]
    union = areas[0] + areas[1] - both + 1e-7
    hull = outer[..., 0] * outer[..., 1] + 1e-7
    iou = both / union
    return iou, iou - (hull - union) / hull


def loss(output: Tensor, boxes: Tensor, class_ids: Tensor, ignored: Tensor) -> Tensor:
    """``output`` (B, 6, h, w); ``boxes`` (B, M, 4) px; ``class_ids`` (B, M), -1 unused; ``ignored`` (B, M)."""
    logits, predicted = decode(output.float())
    asked = (class_ids >= 0) & ~ignored
    inside = _inside(output, boxes)
    with torch.no_grad():
        owner, target_scores = _assign(logits, predicted, boxes, class_ids, inside & asked[:, :, None])
    positive = owner >= 0
    in_ignored = (inside & ((class_ids >= 0) & ignored)[:, :, None]).any(dim=1)
    counts = (
        positive | ~in_ignored
    )  # a cell that shows only what is too hidden to ask for learns nothing from it
    scores = logits.sigmoid()
    focus = (target_scores - scores).abs().pow(2.0).detach()  # quality focal loss (Li et al. 2020)
    entropy = functional.binary_cross_entropy_with_logits(logits, target_scores, reduction="none")
    weight = target_scores.sum().clamp(min=1.0)
    class_loss = (entropy * (focus + 0.25 * target_scores) * counts[..., None]).sum() / weight
    if not positive.any():
        return class_loss + 0.0 * predicted.sum()  # every parameter has a gradient in every step
    return class_loss + _box_loss(predicted, boxes, owner, positive, target_scores) / weight


def _box_loss(
    predicted: Tensor, boxes: Tensor, owner: Tensor, positive: Tensor, target_scores: Tensor
) -> Tensor:
    wanted = boxes.gather(1, owner.clamp(min=0)[..., None].expand(-1, -1, 4))[positive]
    found, share = predicted[positive], target_scores.amax(dim=-1)[positive]
    _, giou = iou_and_giou(found, wanted)
    # Edges relative to the box's size: keeps pulling where the overlap is already good, for distance from height.
    size = (wanted[:, 2:] - wanted[:, :2]).repeat(1, 2).clamp(min=STRIDE)
    edges = functional.smooth_l1_loss(found / size, wanted / size, beta=0.05, reduction="none").sum(dim=-1)
    return ((_BOX_WEIGHT * (1.0 - giou) + _EDGE_WEIGHT * edges) * share).sum()


def _inside(output: Tensor, boxes: Tensor) -> Tensor:
    """(B, M, cells): the cell's centre lies in the box, or in a box of least size around its middle."""
    centres = (cells(output.shape[2], output.shape[3]).to(boxes) + 0.5) * STRIDE
    middle, half = (boxes[..., :2] + boxes[..., 2:]) / 2, (boxes[..., 2:] - boxes[..., :2]) / 2
    away = (centres[None, None] - middle[:, :, None]).abs()
    return (away <= half.clamp(min=_LEAST_SIDE_PX / 2)[:, :, None]).all(dim=-1)


def _assign(
    logits: Tensor, predicted: Tensor, boxes: Tensor, class_ids: Tensor, allowed: Tensor
) -> tuple[Tensor, Tensor]:
    """Owner of each cell (B, cells), -1 for none, and score targets (B, cells, 2)."""
    iou, _ = iou_and_giou(boxes[:, :, None], predicted[:, None])
    index = class_ids.clamp(min=0).long()[:, None, :].expand(-1, logits.shape[1], -1)
    scores = logits.sigmoid().gather(2, index).transpose(1, 2)
    aligned = (scores.pow(_SCORE_POWER) * iou.pow(_IOU_POWER) + 1e-9) * allowed
    best = aligned.topk(_BEST_CELLS, dim=-1)
    chosen = torch.zeros_like(allowed).scatter_(2, best.indices, True) & allowed
    overlap = torch.where(chosen, iou, torch.full_like(iou, -1.0))
    top_overlap, owner = overlap.max(dim=1)
    owner = torch.where(top_overlap >= 0, owner, torch.full_like(owner, -1))
    return owner, _score_targets(aligned * chosen, iou * chosen, owner, class_ids)


def _score_targets(aligned: Tensor, iou: Tensor, owner: Tensor, class_ids: Tensor) -> Tensor:
    scale = iou.amax(dim=-1, keepdim=True) / aligned.amax(dim=-1, keepdim=True).clamp(min=1e-9)
    wanted = (aligned * scale).gather(1, owner.clamp(min=0)[:, None]).squeeze(1)
    classes = class_ids.long().gather(1, owner.clamp(min=0)).clamp(min=0)
    targets = functional.one_hot(classes, CLASSES).float() * wanted[..., None]
    return targets * (owner >= 0)[..., None]
