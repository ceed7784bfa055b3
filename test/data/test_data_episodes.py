# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import os
from pathlib import Path

import numpy as np
import pytest

zarr = pytest.importorskip("zarr")

from dp_accel_ros.data.episodes import Episodes, EpisodeWriter, complete_episodes  # noqa: E402
from dp_accel_ros.data.windows import WindowShape, training_windows  # noqa: E402
from dp_accel_ros.errors import DataError  # noqa: E402

FACTS = {"task": "toy", "cameras": ["front"]}
PUSHT = "pusht/pusht_cchi_v7_replay.zarr"


def episode(length: int, value: int) -> dict[str, np.ndarray]:
    return {
        "img_front": np.full((length, 6, 6, 3), value, np.uint8),
        "action": np.full((length, 2), value, np.float32),
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    writer = EpisodeWriter(tmp_path / "toy.zarr", FACTS)
    for value, length in enumerate((3, 5, 4)):
        writer.append(episode(length, value), seed=10 + value)
    return writer.path


def test_what_was_written_is_read_back(file: Path):
    episodes = Episodes.open(file)
    assert episodes.ends.tolist() == [3, 8, 12]
    assert episodes.rows("action")[:, 0].tolist() == [0] * 3 + [1] * 5 + [2] * 4
    assert np.array_equal(episodes.episode(1, "img_front"), episode(5, 1)["img_front"])
    assert episodes.attributes == FACTS


def test_a_file_on_disk_has_the_replay_buffer_layout(file: Path):
    root = zarr.open_group(str(file), "r")
    assert set(root["data"].array_keys()) == {"img_front", "action"}
    assert root["meta/episode_ends"].dtype == np.int64
    assert root["data/img_front"].compressor.cname == "zstd"


def test_writing_continues_after_the_last_complete_episode(file: Path):
    root = zarr.open_group(str(file), "a")
    root["data/action"].append(np.full((7, 2), 99, np.float32))  # a run killed half way
    root["meta/episode_ends"].resize(4)
    assert complete_episodes(file) == 3
    writer = EpisodeWriter(file, FACTS)
    assert (writer.n_episodes, writer.n_frames, writer.last_seed) == (3, 12, 12)
    writer.append(episode(2, 3), seed=13)
    assert Episodes.open(file).rows("action")[-3:, 0].tolist() == [2, 3, 3]


def test_a_file_made_otherwise_is_not_continued(file: Path):
    with pytest.raises(DataError, match=r"cannot continue a file made as .*'toy'.*'other'"):
        EpisodeWriter(file, {**FACTS, "task": "other"})


def test_an_episode_of_other_arrays_is_refused(file: Path):
    with pytest.raises(DataError, match=r"holds \['action', 'img_front'\], got an episode of"):
        EpisodeWriter(file, FACTS).append({"action": np.zeros((3, 2), np.float32)}, seed=0)


def test_an_episode_of_unequal_lengths_is_refused(file: Path):
    rows = {**episode(3, 0), "action": np.zeros((4, 2), np.float32)}
    with pytest.raises(DataError, match=r"one length above 0, got .*'action': 4"):
        EpisodeWriter(file, FACTS).append(rows, seed=0)


def test_a_missing_array_is_named_with_those_that_exist(file: Path):
    with pytest.raises(DataError, match="no array named 'state'; there are action, img_front"):
        Episodes.open(file).rows("state")


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path):
    with pytest.raises(DataError, match="expected a zarr replay buffer, found no such folder"):
        Episodes.open(tmp_path / "nothing.zarr")


def test_another_zarr_group_is_refused_with_what_is_in_it(tmp_path: Path):
    zarr.open_group(str(tmp_path / "x.zarr"), "w").zeros("weights", shape=(3,))
    with pytest.raises(DataError, match=r"expected data/\* and meta/episode_ends, found weights"):
        Episodes.open(tmp_path / "x.zarr")


def test_ends_that_do_not_rise_are_refused(file: Path):
    zarr.open_group(str(file), "a")["meta/episode_ends"][:] = [3, 3, 12]
    with pytest.raises(DataError, match="must rise from above 0, entry 1 is 3"):
        Episodes.open(file)


def test_rows_that_disagree_with_the_ends_are_refused(file: Path):
    zarr.open_group(str(file), "a")["data/action"].resize(11, 2)
    with pytest.raises(DataError, match=r"ends at 12, but there are rows \{'action': 11\}"):
        Episodes.open(file)


def test_the_human_push_t_data_opens_unchanged():
    path = Path(os.environ.get("DP_ACCEL_DATA", "../shared/data")) / PUSHT
    if not path.is_dir():
        pytest.skip(f"no {PUSHT} below $DP_ACCEL_DATA")
    episodes = Episodes.open(path)
    assert (episodes.n_episodes, episodes.n_frames) == (206, 25650)
    assert episodes.episode(3, "img").shape[1:] == (96, 96, 3)
    assert len(training_windows(episodes.ends, WindowShape())) == 25650 - 206 * 7
