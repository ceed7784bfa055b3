# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""NT-Xent, the contrastive loss of ALT and SimCLR."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def nt_xent(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Return the mean loss over both directions of two views, (B, d) each, rows of unit norm.

    For view i with positive j: -log(exp(z_i z_j / tau) / sum over k != i of exp(z_i z_k / tau)).
    """
    n_pairs = len(first)
    views = torch.cat([first, second])  # (2B, d)
    logits = views @ views.T / temperature
    itself = torch.eye(2 * n_pairs, dtype=torch.bool, device=views.device)
    # The sum in the denominator leaves out the view itself.
    logits = logits.masked_fill(itself, -torch.inf)
    # Row i and row i + B are two views of one frame.
    positives = torch.arange(2 * n_pairs, device=views.device).roll(n_pairs)
    return functional.cross_entropy(logits, positives)
