"""What is known about an instance type: its GPUs, their peak, and the price of an hour."""

from kaito_skus import catalog
from tuner.data_report.cost import Hardware


def find_hardware(
    instance_type: str, price_per_hour: float | None = None, processes: int = 1, nodes: int = 1
) -> Hardware:
    """The hardware of `instance_type` by the catalog; `price_per_hour` overrides its list price.

    `processes` train on all `nodes` together, each of which has that price.
    """
    sku = catalog.load().find(instance_type) if instance_type else None
    listed = sku.price_usd_hour if sku is not None else None
    price = listed if price_per_hour is None else price_per_hour
    of_nodes = f"{nodes} nodes of " if nodes > 1 else ""
    source = "" if price is None else "list price" if price_per_hour is None else "your price"
    return Hardware(
        instance_type=sku.name if sku is not None else instance_type,
        gpus=f"{of_nodes}{sku.gpus}" if sku is not None else "",
        peak_tflops=sku.gpus.half_tflops if sku is not None else None,
        price_per_hour=None if price is None else price * nodes,
        price_source=source,
        processes=processes,
    )
