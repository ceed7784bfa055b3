# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
"""What scheduler_node asks of the policy, and what the policy makes of it."""

import numpy as np
import pytest

pytest.importorskip("rclpy")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from scheduler_toys import scheduled_bundle

from dp_accel_ros.chunk import ActionChunk
from dp_accel_ros.errors import BundleError
from dp_accel_ros.nodes.decider import Decider
from dp_accel_ros.nodes.decision import Decision, with_settings
from dp_accel_ros.nodes.decision_watch import DecisionWatch, heard_from
from dp_accel_ros.nodes.diagnostics import DECISION, OK, WARN, values_in
from dp_accel_ros.nodes.method_table import MethodTable
from dp_accel_ros.predict.methods import METHOD_CONFIGS, TsdpConfig

DT, MS = 0.04, 1_000_000
NOW = 10_000 * MS
OWN = Decision(method="ddim", settings="num_inference_steps=4")
CHUNK = ActionChunk(np.zeros((15, 8), np.float32), NOW, DT)
TICKS = range(0, 4_000 * MS, 40 * MS)


@pytest.fixture(scope="module")
def scheduled(tiny_bundle, tmp_path_factory):
    return scheduled_bundle(tiny_bundle, tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def told(scheduled):
    """Return what the policy says of a chunk that was speculated."""
    features = " ".join(["0.5"] * scheduled.manifest.encoder.feature_dim)
    counts = {"steps": "100", "rounds": "20", "rows": "150"}
    return {**counts, "features": features, "acceptance_by_stage": "0.9 - 0.7"}


@pytest.fixture
def ready(scheduled):
    """Return who decides with the actor and knows where the arm is."""
    decider = Decider("ppo", scheduled)
    decider.reset(NOW)
    decider.observe(np.zeros(8))
    return decider


def asked(decider, own=OWN, now_ns=NOW):
    """Return the decision as the policy hears it."""
    return heard_from(decider.message(own, now_ns, epoch=3))


def test_what_is_fixed_is_what_the_parameters_say(tiny_bundle):
    heard = asked(Decider("fixed", tiny_bundle))
    assert (heard.decision, heard.chooser, heard.is_complete) == (OWN, "from parameters", True)


def test_the_closed_form_is_asked_for_besides_the_settings(tiny_bundle):
    own = Decision(settings="lengths=fixed draft_length=5")
    decision = asked(Decider("closed_form", tiny_bundle), own).decision
    config = with_settings(TsdpConfig(), decision.settings_for("tsdp"))
    assert (config.lengths, config.draft_length) == ("closed_form", 5)


def test_the_actor_plans_from_what_is_known_of_the_newest_chunk(ready, told):
    assert "plan=1:1:1,1:1:1,1:1:1" in asked(ready).decision.drafting
    ready.take(CHUNK, told)
    heard = asked(ready)
    assert (heard.chooser, heard.is_complete) == ("ppo", True)
    assert "plan=10:1:1,10:1:1,10:1:1" in heard.decision.drafting
    ready.reset(NOW)
    ready.observe(np.zeros(8))
    assert "plan=1:1:1" in asked(ready).decision.drafting


def test_a_plan_comes_with_what_the_actor_was_trained_under(ready):
    config = with_settings(TsdpConfig(), asked(ready).decision.settings_for("tsdp"))
    assert (config.lengths, config.guard, config.bonus) == ("fixed", 4, True)
    assert config.draft_plan.draft_length == (1, 1, 1)


def test_a_plan_is_for_tsdp_alone(ready):
    decision = asked(ready).decision
    assert decision.method == "ddim"
    assert decision.settings_for("ddim") == "num_inference_steps=4"


def test_a_plan_is_told_stage_by_stage(ready, told):
    ready.take(CHUNK, told)
    values = values_in(ready.message(OWN, NOW, epoch=3), DECISION)
    assert (values["draft_length"], values["sigma_scale"]) == ("10 10 10", "1 1 1")
    assert (values["threshold"], values["epoch"]) == ("1 1 1", "3")


def test_without_joint_states_there_is_no_plan_and_everybody_hears_why(scheduled):
    decider = Decider("ppo", scheduled)
    heard = asked(decider)
    assert (heard.decision, heard.is_complete) == (OWN, False)
    assert heard.chooser == "no plan: no joint states yet"
    shown = decider.status("scheduler_node")
    assert (shown.level, shown.message) == (WARN, "no plan: no joint states yet")


@pytest.mark.parametrize(
    ("joints", "change", "why"),
    [
        (np.full(8, np.nan), {}, "scheduler action: expected finite numbers"),
        (np.zeros(7), {}, "joints: expected (8,), got (7,)"),
        (np.zeros(8), {"features": "1 2"}, "scheduler input: expected"),
        (np.zeros(8), {"rounds": "many"}, "`rounds`: expected a whole number"),
    ],
)
def test_what_is_damaged_costs_the_plan_and_not_the_control_thread(
    ready, told, joints, change, why
):
    ready.observe(joints)
    ready.take(CHUNK, told | change)
    heard = asked(ready)
    assert not heard.is_complete
    assert heard.chooser.startswith("no plan: ")
    assert why in heard.chooser


def test_a_bundle_without_an_actor_is_refused(tiny_bundle):
    with pytest.raises(BundleError, match="expected a `scheduler` section"):
        Decider("ppo", tiny_bundle)


def test_a_decision_takes_a_small_part_of_a_tick(ready, told):
    ready.take(CHUNK, told)
    for after_ns in TICKS:
        ready.message(OWN, NOW + after_ns, epoch=3)
    shown = {pair.key: pair.value for pair in ready.status("node").values}
    assert float(shown["decide_p50_ms"]) < 4.0


def watch_of(decider, now_ns=NOW):
    watch = DecisionWatch()
    watch.hear(heard_from(decider.message(OWN, now_ns, epoch=3)))
    return watch


@pytest.mark.parametrize(("age_ms", "obeyed"), [(0, OWN), (80, OWN), (81, Decision())])
def test_a_decision_is_obeyed_for_two_ticks(tiny_bundle, age_ms, obeyed):
    watch = watch_of(Decider("fixed", tiny_bundle))
    got = watch.obeyed(NOW + age_ms * MS, DT)
    assert got.decision == obeyed
    assert bool(got.lack) == (obeyed != OWN)


def test_a_decision_from_before_the_clock_was_set_back_is_not_obeyed(tiny_bundle):
    watch = watch_of(Decider("fixed", tiny_bundle))
    assert watch.obeyed(NOW - 1000 * MS, DT).decision == Decision()


def test_a_decision_that_asks_for_nothing_never_lacks(tiny_bundle):
    watch = DecisionWatch()
    watch.hear(asked(Decider("fixed", tiny_bundle), Decision()))
    assert watch.obeyed(NOW + 60_000 * MS, DT) == (Decision(), "")


def test_what_the_scheduler_could_not_plan_lacks_and_the_rest_is_obeyed(scheduled):
    watch = watch_of(Decider("ppo", scheduled))
    assert watch.obeyed(NOW, DT) == (OWN, "no plan: no joint states yet")


@pytest.fixture(scope="module")
def methods(tiny_policy):
    return MethodTable(tiny_policy, {name: config() for name, config in METHOD_CONFIGS.items()})


def test_the_plan_is_used_where_the_policys_own_method_is_tsdp(ready, methods):
    watch = DecisionWatch()
    watch.hear(asked(ready, Decision()))
    chosen, lack = watch.choice(methods, "tsdp", NOW, DT)
    assert (chosen.plan.draft_length, chosen.guard, lack) == ((1, 1, 1), 4, "")
    assert watch.choice(methods, "ragdp", NOW, DT) == (methods.chosen("ragdp"), "")


def test_an_old_plan_leaves_the_policy_to_its_parameters(ready, methods):
    watch = DecisionWatch()
    watch.hear(asked(ready, Decision()))
    chosen, lack = watch.choice(methods, "tsdp", NOW + 81 * MS, DT)
    assert chosen is methods.chosen("tsdp")
    assert lack == "the newest decision is 0.08 s old"


def test_what_the_policy_cannot_do_leaves_it_to_its_parameters(tiny_bundle, methods):
    watch = DecisionWatch()
    watch.hear(asked(Decider("fixed", tiny_bundle), Decision(method="ddim", settings="guard=2")))
    chosen, lack = watch.choice(methods, "ragdp", NOW, DT)
    assert chosen is methods.chosen("ragdp")
    assert "no setting named 'guard'" in lack


def test_a_lack_is_said_once_and_counted_until_it_ends():
    watch = DecisionWatch()
    assert [watch.note(lack) for lack in ("old", "old", "", "old")] == [True, False, False, True]
    values = {p.key: p.value for p in watch.status("n", NOW, DT, obeys=True).values}
    assert values["chunks_without_decision"] == "3"


@pytest.mark.parametrize(
    ("age_ms", "obeys", "level", "words"),
    [
        (10, True, OK, "from parameters"),
        (500, True, WARN, "the newest decision is 0.50 s old; the parameters apply"),
        (500, False, OK, "`obey_scheduler` is false; the parameters apply"),
    ],
)
def test_diagnostics_say_whether_the_parameters_apply(tiny_bundle, age_ms, obeys, level, words):
    watch = watch_of(Decider("fixed", tiny_bundle))
    shown = watch.status("policy_node", NOW + age_ms * MS, DT, obeys=obeys)
    assert (shown.name, shown.level, shown.message) == ("policy_node: decision", level, words)


def test_a_policy_that_never_heard_a_decision_says_so():
    shown = DecisionWatch().status("policy_node", NOW, DT, obeys=True)
    words = "no decision was ever heard; the parameters apply"
    assert (shown.level, shown.message) == (WARN, words)


def test_another_chooser_is_worth_a_line_and_another_plan_is_not(ready, scheduled, told):
    watch = DecisionWatch()
    assert watch.hear(asked(ready))
    ready.take(CHUNK, told)
    assert not watch.hear(asked(ready))
    assert watch.hear(asked(Decider("fixed", scheduled)))
