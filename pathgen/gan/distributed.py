"""Several processes that train one pair of networks together: who is who, and what they tell each other.

Every process holds the networks and the patches, draws all random numbers of the whole batch, and takes its
share of them; gradients and statistics are averaged. So the result depends on the number of processes by no
more than rounding, and all processes hold the same weights at all times.
"""

import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from pathgen.core.errors import PathgenError

# What one process may wait for another: the first opens its tracking run and writes snapshots.
_PATIENCE = timedelta(minutes=30)
# What another may wait, after an error of its own, for the first to record its end and say why.
_FIRST_HAS_S = 10.0
_AGAIN = "start the same command again: it goes on from its snapshot"


@dataclass(frozen=True)
class Group:
    """The processes of one training, as one of them sees it.

    Attributes:
        rank: Number of this process, from 0.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the one process that records, keeps snapshots and writes results."""
        return self.rank == 0

    def own(self, values: torch.Tensor, axis: int = 0) -> torch.Tensor:
        """Return this process's share of what belongs to the whole batch.

        Every `size`-th image, not a piece: so a group of StyleGAN2's minibatch deviation, whose images lie
        apart in the batch, stays in one process.

        Args:
            values: With an axis of the batch, whose length `size` divides.
            axis: Which one.
        """
        if self.size == 1:
            return values
        return values[(slice(None),) * axis + (slice(self.rank, None, self.size),)]

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        """Return the mean over the processes; no gradient passes."""
        return value if self.size == 1 else self._sum(value.detach()) / self.size

    def total(self, value: torch.Tensor) -> torch.Tensor:
        """Return the sum over the processes, with derivatives of any order.

        The gradient is that of the sum of all processes' losses: average it over the processes where their
        mean is meant, as `average_gradients` does.
        """
        return value if self.size == 1 else _Total.apply(value, self)  # type: ignore[no-untyped-call]

    def average_gradients(self, network: torch.nn.Module) -> None:
        """Replace each gradient of a network by its mean over the processes, in one exchange."""
        if self.size > 1:
            self.average([weights.grad for weights in network.parameters() if weights.grad is not None])

    @torch.no_grad()
    def average(self, tensors: Sequence[torch.Tensor]) -> None:
        """Replace each tensor by its mean over the processes, in one exchange."""
        if self.size == 1:
            return
        # Row by row, whatever the memory format: it may differ between the tensors of two processes.
        whole = self._sum(torch.cat([tensor.reshape(-1) for tensor in tensors])) / self.size
        parts = torch.split(whole, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.reshape(tensor.shape))

    def _sum(self, value: torch.Tensor) -> torch.Tensor:
        total = value.clone(memory_format=torch.contiguous_format)
        with self._in_touch():
            dist.all_reduce(total)
        return total

    def told(self, text: str | None) -> str:
        """Return what the leading process tells all.

        Args:
            text: What to tell; of the others it counts for nothing.
        """
        if self.size == 1:
            assert text is not None, "the leading process tells"
            return text
        heard = [text]
        with self._in_touch():
            dist.broadcast_object_list(heard, src=0)
        return str(heard[0])

    def require_same(self, facts: dict[str, Any], what: str) -> None:
        """Refuse to work together when the processes do not mean the same.

        Args:
            facts: What all must agree on.
            what: The work, for the message.

        Raises:
            PathgenError: In every process, when two differ.
        """
        if self.size == 1:
            return
        gathered: list[dict[str, Any]] = [{} for _ in range(self.size)]
        with self._in_touch():
            dist.all_gather_object(gathered, facts)
        for rank, others in enumerate(gathered):
            names = [name for name, value in gathered[0].items() if others.get(name) != value]
            if names:
                raise PathgenError(
                    what,
                    f"process {rank} differs from process 0 in {', '.join(names)}",
                    "Give all machines the same checkout, data and libraries, and one shared folder work/",
                )

    @contextmanager
    def _in_touch(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError:  # All errors of torch.distributed are; they tell of sockets, not of causes.
            reason = "lost touch with the others"
            hint = f"Do what the first to end has said; if it was stopped, {_AGAIN}"
            raise PathgenError(f"process {self.rank} of {self.size}", reason, hint) from None


ALONE = Group()


class _Total(torch.autograd.Function):
    """A sum over the processes whose gradient is one, too."""

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor, group: Group) -> torch.Tensor:
        ctx.group = group
        return group._sum(value)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        return ctx.group.total(gradients[0]), None


def is_started() -> bool:
    """Tell whether torchrun, or `launch`, has started this process as one of a group."""
    return dist.is_torchelastic_launched()


@contextmanager
def joined(processes: int, device: torch.device) -> Iterator[Group]:
    """Join the group that torchrun has started this process for; a group of one where it has not.

    Args:
        processes: How many the settings ask for.
        device: What to train on: the CPU (gloo), or one GPU for each process of a machine (nccl).

    Yields:
        The group.

    Raises:
        PathgenError: Another number was started, or a machine has fewer GPUs than processes.
    """
    if not is_started():
        yield ALONE
        return
    rank, size, local = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    if size != processes:
        raise PathgenError(
            "compute.processes",
            f"is {processes}, but torchrun started {size}",
            f"Set it to {size}, or start {processes}: nodes times processes per node",
        )
    if device.type == "cuda":
        if local >= torch.cuda.device_count():
            raise PathgenError(
                "compute.processes",
                f"asks for more processes on this machine than its {torch.cuda.device_count()} GPUs",
                "Each process takes a GPU of its own: lower it, or use more machines",
            )
        torch.cuda.set_device(local)
    _end_with(os.getppid())
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)
    group = Group(rank, size)
    try:
        yield group
    except PathgenError:
        if not group.leads:
            # What comes from the numbers comes in all processes. Were this one the first to end, the launcher
            # would stop the leading one before it has recorded and said why; ended by that one's end instead,
            # this one says nothing more.
            time.sleep(_FIRST_HAS_S)
        raise
    finally:
        dist.destroy_process_group()


def _end_with(parent: int) -> None:
    """End this process when its launcher has ended, however that was; else a killed one would leave it."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def launch(processes: int, command: Sequence[str], what: str) -> None:
    """Run a Python module in several processes of this machine, and wait for their end.

    Args:
        processes: How many.
        command: Name of the module, and its arguments.
        what: The work, for the message.

    Raises:
        PathgenError: One of them has failed; all others were then stopped.
    """
    # Loaded by the launching process alone.
    from torch.distributed.elastic.multiprocessing.api import SignalException  # noqa: PLC0415
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError  # noqa: PLC0415
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch  # noqa: PLC0415

    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,
    )
    try:
        elastic_launch(config, sys.executable)("-m", *command)
    except ChildFailedError as problem:
        rank, failure = problem.get_first_failure()
        ended, hint = f"exit code {failure.exitcode}", "Do what the error above says"
        # One that has caught a signal to end well exits as shells tell of it: 128 and its number.
        number = -failure.exitcode if failure.exitcode < 0 else failure.exitcode - 128
        if number > 0:
            ended, hint = f"signal {signal.Signals(number).name}", _AGAIN.capitalize()
        raise PathgenError(what, f"process {rank} of {processes} ended with {ended}", hint) from None
    except SignalException as problem:
        raise SystemExit(128 + problem.sigval) from None
