# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""PPO learns what it should, can be stopped, and becomes part of a bundle."""

import shutil
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

for needed in ("torch", "gymnasium", "stable_baselines3", "onnx", "onnxruntime", "matplotlib"):
    pytest.importorskip(needed)

import gymnasium  # noqa: E402
import torch  # noqa: E402
from gymnasium.spaces import Box  # noqa: E402
from scheduler_toys import Drifter  # noqa: E402

from dp_accel_ros.bundle import load_bundle  # noqa: E402
from dp_accel_ros.cli.main import main  # noqa: E402
from dp_accel_ros.cli.train_scheduler import progress  # noqa: E402
from dp_accel_ros.errors import BundleError, ConfigError  # noqa: E402
from dp_accel_ros.predict.methods import TsdpConfig  # noqa: E402
from dp_accel_ros.predict.speculation.scheduling.choices import plan_from  # noqa: E402
from dp_accel_ros.predict.speculation.scheduling.ppo_scheduler import load_scheduler  # noqa: E402
from dp_accel_ros.train.run_folder import RunFolder  # noqa: E402
from dp_accel_ros.train.scheduler import (  # noqa: E402
    MeanAction,
    PpoConfig,
    known,
    ppo_for,
    train_scheduler,
)
from dp_accel_ros.train.scheduler_bundle import (  # noqa: E402
    SchedulerRecipe,
    add_to_bundle,
    export_actor,
    plot_curve,
)
from dp_accel_ros.train.scheduler_env import ChunkEnv  # noqa: E402

SHORT = PpoConfig(chunks_per_iteration=32, batch_size=32, hidden=(8,))


class TwoArms(gymnasium.Env):
    """Long drafts pay when the first number is 1, short ones when it is 0; others mean nothing."""

    observation_space = Box(-5.0, 5.0, (4,), np.float32)
    action_space = Box(-1.0, 1.0, (3,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self._shown(), {}

    def _shown(self):
        self.flag = int(self.np_random.integers(2))
        return np.array([self.flag, *self.np_random.normal(size=3)], np.float32)

    def step(self, action):
        lengths = np.array(plan_from(action, "exact").draft_length)
        pays = lengths > 10 if self.flag else lengths <= 5
        return self._shown(), float(pays.mean()), True, False, {"success": bool(pays.all())}


def trained(folder: RunFolder, iterations: int, stop_after: int | None = None, config=SHORT):
    """Return an agent and its curve after a training that may be cut off."""
    agent = ppo_for(TwoArms(), config)
    *_, curve = islice(train_scheduler(agent, config, folder, iterations), stop_after)
    return agent, curve


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def test_ppo_learns_which_draft_length_a_flag_asks_for(tmp_path: Path):
    config = PpoConfig(chunks_per_iteration=256, learning_rate=1e-3)
    agent, curve = trained(RunFolder(tmp_path), 6, config=config)
    seen = torch.tensor([[0.0, 0, 0, 0], [1.0, 0, 0, 0]])
    small, large = (plan_from(row, "exact") for row in MeanAction(agent)(seen).detach().numpy())
    assert max(small.draft_length) <= 5
    assert min(large.draft_length) > 10
    assert curve[-1]["reward"] > curve[0]["reward"] + 0.3


def test_the_policy_loss_is_the_clipped_objective():
    """One update on one batch, after the policy moved away from what gathered the batch."""
    config = PpoConfig(chunks_per_iteration=32, batch_size=32, epochs=1, hidden=(8,))
    agent = ppo_for(TwoArms(), config)
    _, callback = agent._setup_learn(32)
    agent.collect_rollouts(agent.env, callback, agent.rollout_buffer, 32)
    with torch.no_grad():
        agent.policy.action_net.bias += 0.4
        buffer = agent.rollout_buffer
        flat = [buffer.swap_and_flatten(a) for a in (buffer.observations, buffer.actions)]
        seen, actions = (torch.as_tensor(a) for a in flat)
        _, log_new, _ = agent.policy.evaluate_actions(seen, actions)
    log_old = buffer.swap_and_flatten(buffer.log_probs).ravel()
    gain = buffer.swap_and_flatten(buffer.advantages).ravel()
    gain = (gain - gain.mean()) / (gain.std(ddof=1) + 1e-8)
    ratio = np.exp(log_new.numpy() - log_old)
    objective = np.minimum(ratio * gain, np.clip(ratio, 0.8, 1.2) * gain)
    agent.train()
    told = agent.logger.name_to_value
    assert told["train/policy_gradient_loss"] == pytest.approx(-objective.mean(), abs=1e-5)
    assert told["train/clip_fraction"] == pytest.approx(np.mean(np.abs(ratio - 1) > 0.2))
    assert abs(objective.mean() - (ratio * gain).mean()) > 1e-3


def test_a_stopped_and_resumed_run_gives_the_same_agent(tmp_path: Path):
    for name in ("whole", "stopped"):
        (tmp_path / name).mkdir()
    whole, curve = trained(RunFolder(tmp_path / "whole"), 4)
    trained(RunFolder(tmp_path / "stopped"), 4, stop_after=3)
    resumed, again = trained(RunFolder(tmp_path / "stopped"), 4)
    states = whole.policy.state_dict(), resumed.policy.state_dict()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert [row["reward"] for row in curve] == [row["reward"] for row in again]
    assert (tmp_path / "stopped" / "curve.csv").read_text().count("\n") == 5


def test_a_batch_that_does_not_fit_is_refused():
    with pytest.raises(ConfigError, match="must be a multiple of `batch_size`"):
        PpoConfig(chunks_per_iteration=100, batch_size=64)


@pytest.fixture(scope="module")
def scheduled(tiny_bundle, tiny_policy, tmp_path_factory):
    """A bundle with a scheduler that was trained for two updates, its agent and environment."""
    folder = RunFolder(tmp_path_factory.mktemp("scheduler"))
    path = tmp_path_factory.mktemp("bundle") / "scheduled"
    shutil.copytree(tiny_bundle.path, path)
    env = ChunkEnv(tiny_policy, Drifter(), TsdpConfig(accept="tempered", guard=4))
    config = PpoConfig(chunks_per_iteration=16, batch_size=16, hidden=(8,))
    folder.begin(SchedulerRecipe(denoiser="a denoiser", accept="tempered", ppo=config))
    agent = ppo_for(env, config)
    *_, curve = train_scheduler(agent, config, folder, 2)
    plot_curve(curve, folder.path / "curve.png")
    parity = export_actor(agent, folder)
    assert parity.max_abs_error < 1e-5
    folder.finish(known(curve[-1]))
    return add_to_bundle(path, env, folder), agent, env, folder


def test_the_bundle_says_what_the_scheduler_sees_and_chooses(scheduled):
    bundle, _, env, folder = scheduled
    facts = bundle.manifest.scheduler
    assert facts.inputs == env.view.inputs
    assert facts.outputs[2:4] == ["draft_length_2", "sigma_scale_0"]
    assert (facts.settings["accept"], facts.settings["guard"]) == ("tempered", 4)
    assert facts.file in bundle.manifest.files
    assert bundle.manifest.provenance["recipes"][folder.path.name]["ppo"]["batch_size"] == 16
    assert (folder.path / "curve.png").stat().st_size > 1000


def test_the_loaded_scheduler_chooses_what_the_agent_would(scheduled):
    bundle, agent, env, _ = scheduled
    scheduler = load_scheduler(bundle)
    assert scheduler.base == TsdpConfig(accept="tempered", guard=4)
    seen, _ = env.reset(seed=3)
    for _ in range(3):
        action, _ = agent.predict(seen, deterministic=True)
        assert scheduler.chosen(seen) == plan_from(action, "tempered")
        seen, *_ = env.step(action)


def test_another_scheduler_takes_the_place_of_the_old_one(scheduled):
    bundle, agent, env, folder = scheduled
    copy = bundle.path.parent / "again"
    shutil.copytree(bundle.path, copy)
    with torch.no_grad():
        agent.policy.action_net.bias += 0.1
    export_actor(agent, folder)
    other = add_to_bundle(copy, env, folder)
    with torch.no_grad():
        agent.policy.action_net.bias -= 0.1
    assert other.manifest.scheduler.file != bundle.manifest.scheduler.file
    assert len(list(copy.glob("scheduler*"))) == 1


def test_a_bundle_without_a_scheduler_is_refused_with_what_makes_one(tiny_bundle):
    with pytest.raises(BundleError, match="found none; `dp-accel train-scheduler` makes one"):
        load_scheduler(tiny_bundle)


def test_a_scheduler_for_another_layout_is_refused(scheduled):
    bundle, *_ = scheduled
    facts = bundle.manifest.scheduler
    other = bundle.path.parent / "moved"
    shutil.copytree(bundle.path, other)
    lines = [f"    {name}: {size}\n" for name, size in facts.inputs.items()]
    text = (bundle.path / "manifest.yaml").read_text()
    text = text.replace("".join(lines), "".join(reversed(lines)))
    (other / "manifest.yaml").write_text(text)
    with pytest.raises(BundleError, match=r"`scheduler.inputs` must be .* train the scheduler"):
        load_scheduler(load_bundle(other))


@pytest.fixture(scope="module")
def commanded(tiny_bundle, tmp_path_factory):
    """A bundle and the runs of its scheduler after the command went on with what it had begun."""
    pytest.importorskip("mujoco")
    path, runs = tmp_path_factory.mktemp("bundle") / "own", tmp_path_factory.mktemp("runs")
    shutil.copytree(tiny_bundle.path, path)
    command = ["train-scheduler", "--bundle", str(path), "--runs", str(runs), "--chunks", "2"]
    for iterations in ("1", "2"):
        assert main([*command, "--iterations", iterations, "--drafter", "frozen"]) == 0
    return path, runs / "scheduler", command


def test_one_command_trains_a_scheduler_and_the_bundle_has_it(commanded):
    path, folder, _ = commanded
    assert load_scheduler(load_bundle(path)).base.drafter == "frozen"
    rows = (folder / "curve.csv").read_text().splitlines()
    assert len(rows) == 3
    assert not any("nan" in row for row in rows)


def test_a_run_with_other_settings_is_not_continued(commanded, capsys):
    *_, command = commanded
    assert main([*command, "--drafter", "previous"]) == 2
    assert "belongs to a run with other settings" in capsys.readouterr().err


def test_a_training_without_iterations_is_refused(commanded, capsys):
    *_, command = commanded
    assert main([*command, "--iterations", "0"]) == 2
    assert "`--iterations` must be at least 1, got 0" in capsys.readouterr().err


def test_the_progress_line_says_only_what_is_known():
    row = {"reward": 0.25, "rounds": 21.2, "success_rate": float("nan")}
    assert progress(known(row)) == {"reward": "0.25", "rounds": "21.2"}
