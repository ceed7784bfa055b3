# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""Functions of tensors that always lie in the same place, so that a GPU can do them by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Body = Callable[[], Tensor]
"""Reads tensors that stay where they are, and gives its result."""

Recorder = Callable[[Body], Body]
"""Returns what does again what a body did, without its Python; called in inference mode."""

WARM_UPS = 3
"""Runs before a recording: libraries allocate their workspaces in the first."""


class CudaGraphs:
    """Records bodies as CUDA graphs that share their memory.

    So a result is good until the next replay of any of them, and none may be replayed while another
    is: whoever owns them takes care of both.
    """

    def __init__(self) -> None:
        # Warm-up and capture on one stream: some libraries keep a workspace for each.
        self._stream = torch.cuda.Stream()
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, body: Body) -> Body:
        """Return the replay of a body, which must not wait for the GPU nor copy from the host."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            for _ in range(WARM_UPS):
                body()
        graph = torch.cuda.CUDAGraph()
        # Only this thread must keep from allocating: another may run an encoder meanwhile.
        capture = torch.cuda.graph(
            graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
        )
        with capture:
            result = body()

        def replay() -> Tensor:
            graph.replay()
            return result

        return replay


class Program:
    """A recorded function of some tensors; not safe to share between threads."""

    def __init__(
        self,
        function: Callable[..., Tensor],
        shapes: Sequence[tuple[int, ...]],
        device: torch.device,
        record: Recorder,
    ) -> None:
        """Record a function of float32 tensors of some shapes; call it in inference mode."""
        self._inputs = [torch.zeros(shape, device=device) for shape in shapes]
        self._body = record(lambda: function(*self._inputs))

    def __call__(self, *values: Tensor) -> Tensor:
        """Return the result, which the next recorded program may overwrite.

        Values come from any device. One may have fewer rows than its input was made for: the other
        rows stay what they were, and what the result says of them is of no use.
        """
        for place, value in zip(self._inputs, values, strict=True):
            place[: len(value)].copy_(value)
        return self._body()
