# Copyright 2026 The dp_accel_ros Authors
# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

pytest.importorskip("rclpy")
from scheduling import ns, offered, scheduler

from dp_accel_ros.chunk import ActionChunk, Cost
from dp_accel_ros.nodes.control_record import ControlRecord
from dp_accel_ros.nodes.diagnostics import ERROR, OK, WARN
from dp_accel_ros.nodes.inference_loop import Idle, Inference
from dp_accel_ros.nodes.inference_record import InferenceRecord
from dp_accel_ros.nodes.policy_report import inference_status, streams_status
from dp_accel_ros.nodes.scheduler_report import control_status
from dp_accel_ros.nodes.streams import StreamFacts
from dp_accel_ros.predict.policy import Prediction

FRESH = StreamFacts(25.0, 0.03, 0, "")


def values_of(status):
    return {pair.key: pair.value for pair in status.values}


def inference(total_s=0.012, ood=False):
    chunk = ActionChunk(np.zeros((15, 2), np.float32), 0, 0.04)
    cost = Cost("ragdp", 10, ood=ood, stage_s={"total": total_s})
    return Inference(Prediction(chunk, cost, np.zeros((16, 2), np.float32)), 1, 0, 0)


def policy_status(record, *, active=True, death=""):
    facts = record.report(0.0)
    return inference_status("node", facts, active=active, death=death, about={"method": "ragdp"})


def scheduler_status(made, plan, record, death=""):
    facts = {"now_ns": ns(3), "missed": 0, "unpaired": 0, "malformed": 0, "death": death}
    return control_status("node", plan, record.report(), made.counts(), FRESH, **facts)


def test_percentiles_and_rates_are_told():
    record = InferenceRecord()
    record.report(0.0)
    for _ in range(6):
        record.add(inference(), age_ms=30.0, deadline_ms=320.0)
    facts = record.report(2.0)
    assert (facts.chunks, facts.rate_hz, facts.deadline_misses) == (6, 3.0, 0)
    assert facts.total_p99_ms == pytest.approx(12.0)


def test_a_prediction_slower_than_its_chunk_lasts_is_a_missed_deadline():
    record = InferenceRecord()
    record.add(inference(total_s=0.4, ood=True), age_ms=430.0, deadline_ms=320.0)
    assert record.report(0.0).deadline_misses == 1
    assert record.report(0.0).ood_share == 1.0


def test_a_fault_is_a_warning_and_waiting_is_not():
    record = InferenceRecord()
    record.add_idle(Idle("no image yet from front", is_fault=True))
    told = policy_status(record)
    assert (told.level, told.message) == (WARN, "no prediction: no image yet from front")
    record.add_idle(Idle("waiting", is_fault=False))
    assert policy_status(record).level == OK


def test_a_dead_thread_is_an_error():
    told = policy_status(InferenceRecord(), death="ValueError: no")
    assert (told.level, told.message) == (ERROR, "inference ended: ValueError: no")


def test_an_inactive_policy_says_so():
    assert policy_status(InferenceRecord(), active=False).message == "inactive"


def test_silent_streams_are_named():
    streams = {
        "front": StreamFacts(0.0, 2.13, 0, ""),
        "wrist": FRESH,
        "joint_states": StreamFacts(0.0, None, 0, ""),
    }
    told = streams_status("node", streams, 0.2)
    assert told.level == ERROR
    assert told.message == (
        "front is stale: newest sample is 2.1 s old; joint_states: nothing received"
    )


def test_a_stream_whose_samples_are_all_refused_says_why():
    streams = {"joint_states": StreamFacts(100.0, None, 9, "joint state lacks joint7")}
    told = streams_status("node", streams, 0.2)
    assert told.message == "joint_states: every sample was refused: joint state lacks joint7"


def test_following_a_chunk_is_ok_and_says_which():
    made, record = scheduler(), ControlRecord(40_000_000)
    made.push(offered(0, sequence=5), ns(1))
    plan = made.at(ns(1))
    record.add(plan, ns(1), sent_ns=0, took_ns=1_000_000)
    told = scheduler_status(made, plan, record)
    assert told.level == OK
    assert (values_of(told)["sequence"], values_of(told)["first_action_p50_ms"]) == ("5", "40")


def test_a_hold_is_a_warning_with_its_reason_and_counts():
    made, record = scheduler(), ControlRecord(40_000_000)
    made.push(offered(0), ns(1))
    made.at(ns(1))
    plan = made.at(ns(40))
    told = scheduler_status(made, plan, record)
    assert (told.level, told.message) == (WARN, "holding: joint states stopped")
    assert values_of(told)["held ticks: joint states stopped"] == "1"


def test_holding_before_the_first_chunk_is_no_fault():
    made = scheduler()
    assert scheduler_status(made, made.at(ns(1)), ControlRecord(40_000_000)).level == OK


def test_refused_chunks_are_counted_by_reason():
    made = scheduler()
    made.push(offered(0), ns(1))
    made.push(offered(0), ns(1))
    told = scheduler_status(made, made.at(ns(1)), ControlRecord(40_000_000))
    assert values_of(told)["refused: duplicate"] == "1"


def test_uneven_ticks_are_a_warning():
    made, record = scheduler(), ControlRecord(40_000_000)
    made.push(offered(0), ns(1))
    plan = made.at(ns(1))
    for sent_ns in (0, 40_000_000, 90_000_000):
        record.add(plan, ns(1), sent_ns, took_ns=1)
    assert "uneven" in scheduler_status(made, plan, record).message
