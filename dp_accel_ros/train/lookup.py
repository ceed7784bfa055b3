# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""How good the retrieval keys are: the actions of the nearest frame of another episode."""

from __future__ import annotations

import numpy as np

from dp_accel_ros.predict.retrieval.held_out import nearest_elsewhere
from dp_accel_ros.train.keys import chunk_distance, encoded, window_keys
from dp_accel_ros.train.workshop import Workshop


def lookup_metrics(shop: Workshop) -> dict[str, float]:
    """Return mean distances of normalised chunks to those of the nearest neighbour.

    Neighbours by ALT keys and by policy features, and for scale a random frame of another episode.
    """
    episodes, joints = shop.demonstrations(), shop.joints()
    ends, shape = episodes.ends, shop.recipe.diffusion.windows
    actions = shop.actions().normalize(episodes.rows("action"))
    by_alt = nearest_elsewhere(encoded(shop.alt_encoder(), episodes, joints), ends)
    by_features = nearest_elsewhere(window_keys(shop.features(), ends, shape), ends)
    shuffled = np.random.default_rng(0).permutation(episodes.n_frames)
    rows = {"alt": by_alt.rows[:, 0], "features": by_features.rows[:, 0], "random": shuffled}
    return {
        f"chunk_distance_{name}": float(chunk_distance(found, actions, ends, shape).mean())
        for name, found in rows.items()
    }
