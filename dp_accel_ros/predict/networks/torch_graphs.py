# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A denoising transformer on a GPU: its batches and whole sampling loops are recorded programs.

    condition ── once a chunk ── tokens ─┬── states at their own levels ── batch of 1, 2, 4, ... 64
                                         └── noise, all draws ── loop: every step of a sampler

Without a recorder the same functions run step by step, on any device.
"""

from __future__ import annotations

from functools import lru_cache, partial
from threading import RLock
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dp_accel_ros.errors import BackendError
from dp_accel_ros.predict.denoiser import Denoiser
from dp_accel_ros.predict.networks.token_memory import TokenMemory
from dp_accel_ros.predict.networks.torch_program import CudaGraphs, Program, Recorder
from dp_accel_ros.predict.networks.torch_transformer import DenoisingTransformer
from dp_accel_ros.predict.samplers import Sampler
from dp_accel_ros.predict.schedule import Floats

BATCHES = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64)
"""States in a recorded batch; a call takes the next larger one, as a GPU hardly minds the rest."""

MOST_LOOPS = 64
"""Recorded loops that are kept, each of one sampler: those that were used last."""


class NoiseTape:
    """Stands in for a generator: gives out noise that was drawn before, in its order."""

    def __init__(self, noise: Any) -> None:
        """Wrap draws, (n, B, T, Da)."""
        self._noise = noise
        self.n_drawn = 0

    def standard_normal(self, size: Any, dtype: Any = None) -> Any:
        """Return the next draw, (B, T, Da); the arguments are those of numpy's generator."""
        del size, dtype
        self.n_drawn += 1
        return self._noise[self.n_drawn - 1]


class _Endless:
    def __getitem__(self, index: int) -> Floats:
        return np.zeros((1, 1, 1), np.float32)


@lru_cache(maxsize=256)
def n_draws(sampler: Sampler) -> int:
    """Return how often a sampler draws noise, found by running it on a chunk of one number."""
    tape: Any = NoiseTape(_Endless())
    sampler.sample(lambda x, _: x, np.zeros((1, 1, 1), np.float32), tape)
    return tape.n_drawn


class GraphedNetwork:
    """Takes turns where threads share it: programs have one place each for what they read."""

    def __init__(
        self,
        module: DenoisingTransformer,
        device: str = "cpu",
        recorder: Recorder | None = None,
    ) -> None:
        """Move a module to a device and record its batches, if there is a recorder."""
        self._module = module.to(device).eval().requires_grad_(requires_grad=False)
        self._device, self._recorder = torch.device(device), recorder
        self._turn = RLock()
        self._conditions = TokenMemory(self._condition_tokens, torch.cat, n_kept=256)
        self._times: dict[float, Tensor] = {}
        self._loop_of = lru_cache(MOST_LOOPS)(self._recorded_loop)
        self._batches: dict[int, Program] = {}
        if recorder is not None:
            with torch.inference_mode():
                self._batches = {n: self._recorded_batch(n, recorder) for n in BATCHES}

    def __call__(self, x: Floats, t: Floats, cond: Floats) -> Floats:
        """Return the prediction, (B, T, Da), for x, (B, T, Da), t, (B,), and cond, (B, To, C)."""
        n_rows = len(x)
        with self._turn, torch.inference_mode():
            values = (_tensor(x), _tensor(t), self._tokens(cond, n_rows))
            fitting = [size for size in self._batches if size >= n_rows]
            if fitting:
                prediction = self._batches[fitting[0]](*values)[:n_rows]
            else:
                prediction = self._predicted(*(value.to(self._device) for value in values))
            return prediction.cpu().numpy()

    def loop(
        self,
        denoiser: Denoiser,
        sampler: Sampler,
        condition: Floats,
        x: Floats,
        rng: np.random.Generator,
    ) -> Floats:
        """Return what the sampler gives with the denoiser, which has this network, for `x`.

        The loop is recorded for one chunk at a time, which is what a robot asks for.
        """
        # Drawn at once: the generator gives the same numbers as one draw after the other.
        noise = rng.standard_normal((n_draws(sampler), *x.shape), dtype=np.float32)
        with self._turn, torch.inference_mode():
            values = (_tensor(x), _tensor(noise), self._tokens(condition, len(x)))
            if self._recorder is not None and len(x) == 1:
                shapes = tuple(tuple(value.shape) for value in values)
                program = self._loop_of(denoiser, sampler, shapes, self._recorder)
                return program(*values).cpu().numpy()
            arguments = (value.to(self._device) for value in values)
            return self._looped(denoiser, sampler, *arguments).cpu().numpy()

    def _looped(
        self, denoiser: Denoiser, sampler: Sampler, x: Tensor, noise: Tensor, tokens: Tensor
    ) -> Tensor:
        """Return what a sampler makes of `x`, (B, T, Da), with draws (n, B, T, Da).

        Samplers are written with operators alone, so that they run on tensors as on arrays.
        """

        def denoise(x: Tensor, level: int) -> Tensor:
            of_x, of_prediction, of_input = denoiser.factors(level)
            time = self._time_token(float(denoiser.schedule.network_times[level]))
            memory = torch.cat([time.expand(len(x), -1, -1), tokens], dim=1)
            prediction = self._module.decode(of_input * x, memory)
            denoised = of_x * x + of_prediction * prediction
            return denoised.clamp(-1.0, 1.0) if denoiser.clip else denoised

        on_tensors: Any = sampler
        return on_tensors.sample(denoise, x, NoiseTape(noise))

    def _predicted(self, x: Tensor, t: Tensor, tokens: Tensor) -> Tensor:
        return self._module.decode(x, torch.cat([self._module.time_memory(t), tokens], dim=1))

    def _recorded_batch(self, n: int, record: Recorder) -> Program:
        shape = self._module.shape
        tokens = self._condition_tokens(np.zeros((1, shape.n_obs_steps, shape.n_features)))
        shapes = ((n, shape.horizon, shape.n_actions), (n,), (n, *tokens.shape[1:]))
        return Program(self._predicted, shapes, self._device, record)

    def _recorded_loop(
        self,
        denoiser: Denoiser,
        sampler: Sampler,
        shapes: tuple[tuple[int, ...], ...],
        record: Recorder,
    ) -> Program:
        return Program(partial(self._looped, denoiser, sampler), shapes, self._device, record)

    def _tokens(self, condition: Floats, n_rows: int) -> Tensor:
        """Return the tokens, (B, To, M), of conditions (B, To, C) or of one for all rows."""
        if len(condition) == 1 or condition.strides[0] == 0:
            return self._conditions.of(condition[:1]).expand(n_rows, -1, -1)
        return self._conditions.of(condition)

    def _condition_tokens(self, condition: Floats) -> Tensor:
        return self._module.condition_memory(_tensor(condition).to(self._device))

    def _time_token(self, time: float) -> Tensor:
        """Return the token, (1, 1, M), of a time that the network is told."""
        # Found while a recording warms up, so that the recording only reads it.
        if time not in self._times:
            moment = torch.tensor([time], device=self._device)
            self._times[time] = self._module.time_memory(moment)
        return self._times[time]


def graphed_network(module: DenoisingTransformer, provider: str) -> GraphedNetwork:
    """Return a network on the CPU, or on a GPU with everything recorded.

    Raises:
        BackendError: PyTorch finds no GPU.
    """
    if provider != "cuda":
        return GraphedNetwork(module)
    if not torch.cuda.is_available():
        built = f"is built for CUDA {torch.version.cuda}" if torch.version.cuda else "has no CUDA"
        raise BackendError(
            f"expected a GPU for `runtime` torch, got none: PyTorch {torch.__version__} {built}"
        )
    return GraphedNetwork(module, "cuda", CudaGraphs())


def _tensor(array: Floats) -> Tensor:
    # A copy only where the array cannot be shared: torch warns of what it may not write to.
    return torch.from_numpy(np.require(array, np.float32, ["C", "W"]))
