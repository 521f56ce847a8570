"""The training loop: AdamW on one cosine cycle, averaged weights, on the CPU by as many processes as there are cores.

Each process holds its share of the pictures and its copy of the network; gradients are averaged in every step. That
beats one process of several threads by far on a shared machine, where threads wait for each other in every layer.
Equal seeds give equal pictures and order; the weights' last digits depend on processor and number of processes.
"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.distributed
import torch.multiprocessing
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from .augment import augment
from .dataset import Dataset, load
from .loss import loss
from .network import Nano


@dataclass(frozen=True)
class Plan:
    """How to train. ``batch`` is per process."""

    epochs: int = 10
    batch: int = 16
    peak_rate: float = 4e-3
    weight_decay: float = 0.02
    warm_up_steps: int = 200
    averaging: float = 0.998
    processes: int = 2
    seed: int = 1


def train(shards: Sequence[Path], plan: Plan, weights: Path) -> None:
    """Train on the shards' pictures; writes the averaged network's state to ``weights`` after each epoch."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    torch.multiprocessing.spawn(_work, (list(shards), plan, weights, port), nprocs=plan.processes)


def _work(rank: int, shards: list[Path], plan: Plan, weights: Path, port: int) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(plan.seed)  # the same first weights everywhere
    torch.distributed.init_process_group(
        "gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=plan.processes
    )
    data = load(shards[rank :: plan.processes])
    steps = torch.tensor(len(data) // plan.batch)
    torch.distributed.all_reduce(steps, torch.distributed.ReduceOp.MIN)
    trainer = _Trainer(plan, int(steps))
    rng = np.random.default_rng([plan.seed, rank])
    for epoch in range(plan.epochs):
        began_s = time.monotonic()
        cost = trainer.epoch(data, rng)
        if rank == 0:
            torch.save(trainer.averaged.module.state_dict(), weights)
            seconds = time.monotonic() - began_s
            print(f"epoch {epoch + 1} of {plan.epochs}: loss {cost:.4f}, {seconds:.0f} s", flush=True)


class _Trainer:
    def __init__(self, plan: Plan, steps: int) -> None:
        self._plan, self._steps = plan, steps
        self._network = Nano().to(memory_format=torch.channels_last)
        self.averaged = AveragedModel(
            self._network,
            avg_fn=lambda mean, new, count: mean + (new - mean) * self._share(count),
            use_buffers=True,
        )
        self._parameters = list(self._network.parameters())
        self._optimiser = torch.optim.AdamW(
            self._parameters, lr=plan.peak_rate, weight_decay=plan.weight_decay
        )
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimiser, self._rate)

    def epoch(self, data: Dataset, rng: np.random.Generator) -> float:
        """One pass over the pictures; returns the mean loss."""
        order, total = rng.permutation(len(data)), 0.0
        for step in range(self._steps):
            rows = order[step * self._plan.batch : (step + 1) * self._plan.batch]
            pixels, boxes, class_ids, ignored = _batch(data, rows, rng)
            cost = loss(self._network(pixels), boxes, class_ids, ignored)
            self._optimiser.zero_grad(set_to_none=True)
            cost.backward()  # type: ignore[no-untyped-call]
            _average_gradients(self._parameters, self._plan.processes)
            nn.utils.clip_grad_norm_(self._parameters, 5.0)
            self._optimiser.step()
            self._schedule.step()
            self.averaged.update_parameters(self._network)
            total += cost.item()
        return total / self._steps

    def _share(self, count: Tensor | int) -> float:
        """How much of the average the newest weights become: much at first, so that the first weights are forgotten."""
        return max(1.0 - self._plan.averaging, 10.0 / (10.0 + int(count)))

    def _rate(self, step: int) -> float:
        warm_up = min(1.0, (step + 1) / self._plan.warm_up_steps)
        share = step / (self._steps * self._plan.epochs)
        return warm_up * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * share)))


def _average_gradients(parameters: Sequence[nn.Parameter], processes: int) -> None:
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    torch.distributed.all_reduce(flat)
    flat /= processes
    for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view(gradient.shape))


def _batch(
    data: Dataset, rows: np.ndarray, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    changed = [augment(data.pixels[row], data.boxes[row], rng) for row in rows]
    pixels = torch.from_numpy(np.stack([picture for picture, _ in changed]))
    boxes = torch.from_numpy(np.stack([box for _, box in changed]))
    planes = pixels.permute(0, 3, 1, 2).float().div_(255.0)  # stays channels-last in memory
    return planes, boxes, torch.from_numpy(data.class_ids[rows]), torch.from_numpy(data.ignored[rows])
