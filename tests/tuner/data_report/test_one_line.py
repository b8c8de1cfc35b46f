from tests.tuner.data_report.reports import COUNTS, report
from tuner.data_report.compact import compact
from tuner.data_report.cost import Hardware, estimate_cost
from tuner.data_report.length_distribution import distribution
from tuner.data_report.one_line import one_line
from tuner.data_report.report import Lengths, RowReport
from tuner.data_report.training_plan import plan_training


def test_everything_is_known() -> None:
    assert one_line(report(rows=RowReport(read=1000, dropped=7, cut=2))) == (
        "1,000 rows, 7 dropped, 2 cut, 225,680 tokens; 342 steps, about 2 to 6 minutes on "
        "1x NVIDIA A100 80 GiB, $0.13 to $0.34"
    )


def test_without_tokenizer_and_hardware() -> None:
    rough = report(
        lengths=Lengths(exact=False, examples=distribution(COUNTS)),
        cost=estimate_cost(1, None, Hardware()),
    )
    assert one_line(rough) == "1,000 rows, about 225,680 tokens; 342 steps"


def test_nothing_to_train_on() -> None:
    nothing = report(
        rows=RowReport(read=1, dropped=1),
        lengths=Lengths(exact=True, examples=None),
        plan=plan_training({}, examples=0, held_back=0, tokens=0),
    )
    assert one_line(nothing) == "1 row, 1 dropped"


def test_termination_message_carries_it() -> None:
    assert compact(report())["summary"] == one_line(report())
