"""An outage is logged when it begins, when its cause changes and when it ends."""

import logging

import pytest

from kaito_process.outage import Outage

LOGGER = logging.getLogger("outage")


class Refused(Exception):
    pass


def test_each_change_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    outage = Outage(LOGGER, "watch nodes")
    outage.ended(0.0)
    for second in range(100):
        outage.failed(Refused(f"port {second}"), float(second))
    outage.failed(KeyError("items"), 100.0)
    outage.ended(101.0)
    outage.ended(102.0)
    assert [record.message for record in caplog.records] == [
        "cannot watch nodes: port 0; trying again",
        "cannot watch nodes: KeyError: 'items'; trying again",
        "can watch nodes again, after 101 s",
    ]


def test_message_is_that_of_the_last_failure() -> None:
    outage = Outage(LOGGER, "watch nodes")
    outage.failed(Refused("first"), 0.0)
    outage.failed(Refused("second"), 1.0)
    assert outage.message == "second"
    outage.ended(2.0)
    assert outage.message == ""
