"""Hours and dollars in words, each with what it is computed from."""

from tuner.data_report import units
from tuner.data_report.cost import HIGH_UTILIZATION, LOW_UTILIZATION, Cost
from tuner.data_report.report import DataReport

PERCENT = 100


def cost_values(report: DataReport) -> list[tuple[str, str]]:
    """Labels with values: the time, the price, and the basis of both."""
    cost = report.cost
    rough = str if report.lengths.exact else units.about
    if cost.hours is None:
        return [("time and cost", f"unknown: {_join(cost.unknown)} {_is_or_are(cost)} not known")]
    where = _where(cost)
    values = [("time", f"{rough(units.hours(*cost.hours))}{where}")]
    if cost.dollars is None:
        values.append(("cost", "unknown: the node's price is not known"))
    else:
        hardware = cost.hardware
        price = f"${hardware.price_per_hour:g} per hour, {hardware.price_source}"
        values.append(("cost", f"{rough(units.dollars(*cost.dollars))} ({price})"))
    return [*values, ("basis", _basis(report))]


def _where(cost: Cost) -> str:
    hardware = cost.hardware
    known = hardware.gpus or hardware.instance_type
    return f" on {known}" if known else ""


def _basis(report: DataReport) -> str:
    cost = report.cost
    operations = (cost.operations_per_token or 0) // (cost.parameters or 1)
    return (
        f"{operations} operations x {units.magnitude(cost.parameters or 0)} parameters x "
        f"{units.magnitude(report.plan.tokens)} tokens, at {LOW_UTILIZATION * PERCENT:.0f} to "
        f"{HIGH_UTILIZATION * PERCENT:.0f} % of the {cost.hardware.peak_tflops:g} TFLOPS of "
        f"{_gpus(cost)}; without starting, evaluation and checkpoints"
    )


def _gpus(cost: Cost) -> str:
    processes = cost.hardware.processes
    return "one GPU" if processes == 1 else f"each of {processes} GPUs"


def _join(items: tuple[str, ...]) -> str:
    return " and ".join(filter(None, (", ".join(items[:-1]), items[-1])))


def _is_or_are(cost: Cost) -> str:
    return "is" if len(cost.unknown) == 1 else "are"
