"""takt_nano: a depthwise-separable one-level detector, 320 x 240 in, one prediction per 8 x 8 px cell out.

Encoder to stride 32 for context (a near obstacle fills the picture), then up again to stride 8 with lateral sums, as
in feature pyramids (Lin et al. 2017). A cell predicts class logits and a box as YOLOX does (Ge et al. 2021): centre
offset in cells from the cell's corner, log of width and height in cells.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 8
CLASSES = 2
_PRIOR = (
    -4.0
)  # a cell starts out sure that it holds nothing, else the many empty cells drown the first gradients


class Separable(nn.Module):
    """Depthwise k x k straight into pointwise, then batch norm and ReLU; a shortcut where the shapes allow.

    Nothing between the two: they stand for one full convolution (Chollet 2017 found that better, and it trains faster).
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.shortcut = stride == 1 and inputs == outputs
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, inputs, kernel, stride, kernel // 2, groups=inputs, bias=False),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.layers(x)
        return functional.relu(y + x if self.shortcut else y)


class Nano(nn.Module):
    """``forward`` takes (B, 3, 240, 320) rgb in 0..1 and gives (B, 2 + 4, 30, 40): class logits, then box."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.to_4 = nn.Sequential(
            nn.Conv2d(3, 32, 7, 4, 3, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(inplace=True),
            Separable(32, 32),
        )
        self.to_8 = nn.Sequential(Separable(32, 48, stride=2), Separable(48, 48), Separable(48, 48))
        self.to_16 = nn.Sequential(Separable(48, 96, 5, 2), Separable(96, 96, 5), Separable(96, 96, 5))
        self.to_32 = nn.Sequential(Separable(96, 128, 5, 2), Separable(128, 128, 5), Separable(128, 128, 5))
        self.lateral_8, self.lateral_16 = nn.Conv2d(48, width, 1), nn.Conv2d(96, width, 1)
        self.lateral_32 = nn.Conv2d(128, width, 1)
        self.merge_16 = Separable(width, width, 5)
        self.merge_8 = nn.Sequential(Separable(width, width, 5), Separable(width, width))
        self.class_branch = nn.Sequential(Separable(width, width), nn.Conv2d(width, CLASSES, 1))
        self.box_branch = nn.Sequential(Separable(width, width), nn.Conv2d(width, 4, 1))
        nn.init.constant_(self.class_branch[1].bias, _PRIOR)
        nn.init.normal_(self.box_branch[1].weight, std=0.01)
        self.box_branch[1].bias.data[:] = torch.tensor((0.5, 0.5, 1.2, 1.6))  # a box of usual size, centred

    def forward(self, x: Tensor) -> Tensor:
        at_8 = self.to_8(self.to_4(x))
        at_16 = self.to_16(at_8)
        at_32 = self.to_32(at_16)
        context = self.lateral_16(at_16) + _doubled(self.lateral_32(at_32), at_16)
        merged = self.merge_8(self.lateral_8(at_8) + _doubled(self.merge_16(functional.relu(context)), at_8))
        return torch.cat((self.class_branch(merged), self.box_branch(merged)), dim=1)


def _doubled(x: Tensor, like: Tensor) -> Tensor:
    # 240 px do not divide by 32: eight rows stand for fifteen, and the sixteenth is cut off.
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")[:, :, : like.shape[2], : like.shape[3]]


def cells(rows: int, columns: int) -> Tensor:
    """Corner of each cell in cells, (rows * columns, 2) as x, y."""
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return torch.stack((x, y), dim=-1).reshape(-1, 2).float()


def decode(output: Tensor) -> tuple[Tensor, Tensor]:
    """Raw output (B, 6, h, w) to class logits (B, h*w, 2) and boxes xyxy in px (B, h*w, 4)."""
    rows, columns = output.shape[2:]
    flat = output.flatten(2).transpose(1, 2)
    centres = (flat[..., 2:4] + cells(rows, columns).to(flat)) * STRIDE
    halves = flat[..., 4:6].clamp(-4.0, 5.0).exp() * (STRIDE / 2)
    return flat[..., :CLASSES], torch.cat((centres - halves, centres + halves), dim=-1)
