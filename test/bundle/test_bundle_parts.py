# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""A part of a bundle is exchanged so that the bundle loads at every moment."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from dp_accel_ros.bundle import Bundle, load_bundle
from dp_accel_ros.bundle.parts import replace_parts
from dp_accel_ros.errors import BundleError


@pytest.fixture
def folder(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    """A bundle of this test alone."""
    return shutil.copytree(tiny_bundle.path, tmp_path / "bundle")


def knowledge_of(bundle: Bundle, scale: float = 1.0) -> tuple[dict, dict]:
    """Return section and arrays that put the same knowledge base in, its states scaled."""
    facts = bundle.manifest.knowledge.model_dump(exclude={"noise", "conditions", "states"})
    arrays = bundle.knowledge
    changed = {
        "noise": arrays.noise,
        "conditions": arrays.conditions,
        "states": (scale * arrays.states).astype(np.float16),
    }
    return {"knowledge": facts}, {"knowledge": changed}


def test_new_arrays_take_the_place_of_the_old_ones(tiny_bundle: Bundle, folder: Path):
    bundle = replace_parts(folder, *knowledge_of(tiny_bundle, 2.0))
    np.testing.assert_array_equal(bundle.knowledge.states, 2.0 * tiny_bundle.knowledge.states)
    assert len(list(folder.glob("knowledge_states-*.npy"))) == 1


def test_no_file_is_left_that_nobody_names(tiny_bundle: Bundle, folder: Path):
    np.save(folder / "knowledge_states-00000000.npy", np.zeros(3))  # from a run that was cut off
    bundle = replace_parts(folder, *knowledge_of(tiny_bundle, 2.0))
    assert {path.name for path in folder.iterdir()} == {*bundle.manifest.files, "manifest.yaml"}


def test_the_same_arrays_change_nothing(tiny_bundle: Bundle, folder: Path):
    bundle = replace_parts(folder, *knowledge_of(tiny_bundle))
    assert bundle.manifest == tiny_bundle.manifest


def test_a_part_can_be_taken_out(folder: Path):
    bundle = replace_parts(folder, {"knowledge": None}, {})
    assert bundle.knowledge is None
    assert not list(folder.glob("knowledge_*"))


def test_other_parts_stay_as_they_are(tiny_bundle: Bundle, folder: Path):
    bundle = replace_parts(folder, *knowledge_of(tiny_bundle, 2.0))
    assert bundle.manifest.retrieval == tiny_bundle.manifest.retrieval
    np.testing.assert_array_equal(bundle.store.keys, tiny_bundle.store.keys)


def test_provenance_is_added_to(folder: Path):
    replace_parts(folder, {}, {}, {"first": 1})
    assert replace_parts(folder, {}, {}, {"second": 2}).manifest.provenance == {
        "first": 1,
        "second": 2,
    }


def test_a_part_that_contradicts_the_bundle_is_refused_and_the_old_one_stays(
    tiny_bundle: Bundle, folder: Path
):
    sections, arrays = knowledge_of(tiny_bundle)
    sections["knowledge"]["seen"] = ["smell"]
    with pytest.raises(BundleError, match="no features 'smell'"):
        replace_parts(folder, sections, arrays)
    assert load_bundle(folder).manifest == tiny_bundle.manifest


@pytest.mark.parametrize("after", range(5))
def test_whoever_is_interrupted_leaves_a_bundle_that_loads(
    tiny_bundle: Bundle, folder: Path, monkeypatch, after: int
):
    """Three arrays and the manifest are moved to their places; a cut may come before any of them."""
    moved, real = [], os.replace

    def cut_short(source, target):
        if len(moved) == after:
            raise KeyboardInterrupt
        moved.append(target)
        real(source, target)

    monkeypatch.setattr(os, "replace", cut_short)
    if after < 4:
        with pytest.raises(KeyboardInterrupt):
            replace_parts(folder, *knowledge_of(tiny_bundle, 2.0))
    else:
        replace_parts(folder, *knowledge_of(tiny_bundle, 2.0))
    factor = 2.0 if after == 4 else 1.0
    states = load_bundle(folder).knowledge.states
    np.testing.assert_array_equal(states, factor * tiny_bundle.knowledge.states)


def test_a_damaged_bundle_is_not_built_upon(tiny_bundle: Bundle, folder: Path):
    document = yaml.safe_load((folder / "manifest.yaml").read_text())
    (folder / document["denoiser"]["file"]).write_bytes(b"")
    with pytest.raises(BundleError, match="expected sha256"):
        replace_parts(folder, *knowledge_of(tiny_bundle))
