"""What AKS validates in an agent pool before it checks quota and capacity. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping

from tools.aks_emulator.core.errors import NAMING, ArmError, bad_request, invalid_parameter

# AKS allows at most 12 characters in the name of a Linux pool.
NAME = re.compile(r"^[a-z][a-z0-9]{0,11}$")
TAINT = re.compile(
    r"^(?P<key>[A-Za-z0-9]([A-Za-z0-9._/-]{0,251}[A-Za-z0-9])?)"
    r"(=(?P<value>([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?))?"
    r":(NoSchedule|PreferNoSchedule|NoExecute)$"
)
LABEL_NAME = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$")
LABEL_PREFIX = re.compile(r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$")
LABEL_VALUE = re.compile(r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$")
# The reserved domains' prefixes that users may set all the same.
ALLOWED_KUBERNETES_PREFIXES = ("node.kubernetes.io", "kubelet.kubernetes.io")

CHOICES: Mapping[str, tuple[str, ...]] = {
    "mode": ("System", "User", "Gateway"),
    "osType": ("Linux", "Windows"),
    "osSKU": ("Ubuntu", "Ubuntu2204", "Ubuntu2404", "AzureLinux", "AzureLinux3"),
    "osDiskType": ("Managed", "Ephemeral"),
    "type": ("VirtualMachineScaleSets", "VirtualMachines"),
    "scaleSetPriority": ("Regular", "Spot"),
    "scaleSetEvictionPolicy": ("Delete", "Deallocate"),
    "scaleDownMode": ("Delete", "Deallocate"),
    "gpuInstanceProfile": ("MIG1g", "MIG2g", "MIG3g", "MIG4g", "MIG7g"),
}

SWITCHES = (
    "enableAutoScaling",
    "enableEncryptionAtHost",
    "enableFIPS",
    "enableNodePublicIP",
    "enableUltraSSD",
)
GPU_DRIVERS = ("Install", "None")
_PROVIDERS = r"^/subscriptions/[^/]+/resourceGroups/[^/]+/providers"
IDS: Mapping[str, re.Pattern[str]] = {
    "vnetSubnetID": re.compile(
        rf"{_PROVIDERS}/Microsoft\.Network/virtualNetworks/[^/]+/subnets/[^/]+$", re.I
    ),
    "proximityPlacementGroupID": re.compile(
        rf"{_PROVIDERS}/Microsoft\.Compute/proximityPlacementGroups/[^/]+$", re.I
    ),
}

KNOWN = frozenset(
    """artifactStreamingProfile availabilityZones capacityReservationGroupID count creationData
    currentOrchestratorVersion eTag enableAutoScaling enableEncryptionAtHost enableFIPS
    enableNodePublicIP enableUltraSSD gatewayProfile gpuInstanceProfile gpuProfile hostGroupID
    kubeletConfig kubeletDiskType linuxOSConfig localDNSProfile maxCount maxPods messageOfTheDay
    minCount mode networkProfile nodeImageVersion nodeLabels nodePublicIPPrefixID nodeTaints
    orchestratorVersion osDiskSizeGB osDiskType osSKU osType podIPAllocationMode podSubnetID
    powerState provisioningState proximityPlacementGroupID scaleDownMode scaleSetEvictionPolicy
    scaleSetPriority securityProfile spotMaxPrice status tags type upgradeSettings
    virtualMachineNodesStatus virtualMachinesProfile vmSize vnetSubnetID windowsProfile
    workloadRuntime""".split()
)

Properties = Mapping[str, object]


def check_name(name: str) -> ArmError | None:
    if NAME.match(name):
        return None
    details = (
        f"Node pool name '{name}' is invalid: it must start with a lower-case letter, hold only "
        f"lower-case letters and digits, and have at most 12 characters. {NAMING}"
    )
    return invalid_parameter("agentPoolProfile.name", details)


def check(properties: Properties) -> ArmError | None:
    """The first problem in the properties of a PUT. A null counts as not set."""
    present = {name: value for name, value in properties.items() if value is not None}
    return next((error for rule in RULES for error in rule(present)), None)


def _known(properties: Properties) -> Iterator[ArmError]:
    for name in sorted(properties.keys() - KNOWN):
        yield bad_request(
            f"Unmarshal agent pool request body failed: unknown field '{name}'.",
            f"properties.{name}",
        )


def _count(properties: Properties) -> Iterator[ArmError]:
    count = properties.get("count", 1)
    least = 1 if properties.get("mode") == "System" else 0
    if not _is_int(count) or not least <= _int(count) <= 1000:
        yield _invalid("count", f"count {count!r} must be a whole number from {least} to 1000.")


def _vm_size(properties: Properties) -> Iterator[ArmError]:
    size = properties.get("vmSize")
    if size is not None and not (isinstance(size, str) and size):
        yield _invalid("vmSize", f"vmSize {size!r} must be the name of a virtual machine size.")


def _disk(properties: Properties) -> Iterator[ArmError]:
    size = properties.get("osDiskSizeGB", 0)
    if not _is_int(size) or not (size == 0 or 30 <= _int(size) <= 2048):
        details = f"OS disk size {size!r} must be 0 (the default of the size) or 30 to 2048 GB."
        yield _invalid("osDiskSizeGB", details)


def _choices(properties: Properties) -> Iterator[ArmError]:
    for name, allowed in CHOICES.items():
        value = properties.get(name)
        if value is not None and value not in allowed:
            yield _invalid(name, f"{value!r} must be one of {', '.join(allowed)}.")


def _taints(properties: Properties) -> Iterator[ArmError]:
    taints = properties.get("nodeTaints") or []
    if not isinstance(taints, list):
        yield _invalid("nodeTaints", "nodeTaints must be a list of 'key=value:effect'.")
        return
    for taint in taints:
        if not (isinstance(taint, str) and TAINT.match(taint)):
            details = (
                f"Taint {taint!r} must have the form key=value:effect with effect one of "
                "NoSchedule, PreferNoSchedule, NoExecute."
            )
            yield _invalid("nodeTaints", details)


def _labels(properties: Properties) -> Iterator[ArmError]:
    labels = properties.get("nodeLabels") or {}
    if not isinstance(labels, Mapping):
        yield _invalid("nodeLabels", "nodeLabels must be a map of strings.")
        return
    for key, value in labels.items():
        problem = _label_problem(str(key), value)
        if problem is not None:
            yield _invalid("nodeLabels", f"Label {key}={value}: {problem}")


def _label_problem(key: str, value: object) -> str | None:
    prefix, _, name = key.rpartition("/")
    if not LABEL_NAME.match(name) or (prefix and not LABEL_PREFIX.match(prefix)):
        return "the key must be [prefix/]name with at most 63 letters, digits, '-', '_' and '.'."
    if not (isinstance(value, str) and LABEL_VALUE.match(value)):
        return "the value must be at most 63 letters, digits, '-', '_' and '.', or empty."
    domains = ("kubernetes.azure.com", "kubernetes.io", "k8s.io")
    reserved = any(prefix == d or prefix.endswith(f".{d}") for d in domains)
    if reserved and prefix not in ALLOWED_KUBERNETES_PREFIXES:
        return f"the prefix {prefix} is reserved."
    return None


def _zones(properties: Properties) -> Iterator[ArmError]:
    zones = properties.get("availabilityZones") or []
    if not isinstance(zones, list) or any(not str(zone).isdigit() for zone in zones):
        yield _invalid("availabilityZones", f"{zones!r} must be a list of zones such as ['1'].")


def _spot(properties: Properties) -> Iterator[ArmError]:
    price = properties.get("spotMaxPrice")
    if properties.get("scaleSetPriority") != "Spot":
        if "scaleSetEvictionPolicy" in properties:
            yield _invalid("scaleSetEvictionPolicy", "an eviction policy needs priority Spot.")
        if price is not None and price != -1:
            yield _invalid("spotMaxPrice", "spotMaxPrice needs scaleSetPriority Spot.")
    elif price is not None and not (isinstance(price, int | float) and (price == -1 or price > 0)):
        yield _invalid("spotMaxPrice", f"{price!r} must be -1 (no limit) or a price above 0.")


def _tags(properties: Properties) -> Iterator[ArmError]:
    tags = properties.get("tags") or {}
    if not isinstance(tags, Mapping) or len(tags) > 50:
        yield _invalid("tags", "tags must be a map of at most 50 entries.")
        return
    for key, value in tags.items():
        bad = set("<>%&\\?/") & set(key)
        if bad or not 0 < len(key) <= 512 or not isinstance(value, str) or len(value) > 256:
            yield _invalid("tags", f"tag {key!r}: names of 1-512 without <>%&\\?/, values to 256.")


def _switches(properties: Properties) -> Iterator[ArmError]:
    for name in SWITCHES:
        if not isinstance(properties.get(name, False), bool):
            yield _invalid(name, f"{properties[name]!r} must be true or false.")


def _ids(properties: Properties) -> Iterator[ArmError]:
    for name, form in IDS.items():
        value = properties.get(name)
        if value is not None and not (isinstance(value, str) and form.match(value)):
            yield _invalid(name, f"{value!r} is not a valid resource id.")


def _max_pods(properties: Properties) -> Iterator[ArmError]:
    pods = properties.get("maxPods", 250)
    if not _is_int(pods) or not 10 <= _int(pods) <= 250:
        yield _invalid("maxPods", f"maxPods {pods!r} must be a whole number from 10 to 250.")


def _gpus(properties: Properties) -> Iterator[ArmError]:
    """GPU settings need a size with GPUs, which are those of the N series."""
    size = str(properties.get("vmSize", "")).lower()
    for name in ("gpuProfile", "gpuInstanceProfile"):
        if name in properties and not size.startswith("standard_n"):
            yield _invalid(name, f"{name} needs a VM size with GPUs, and {size} has none.")
    profile = properties.get("gpuProfile", {})
    driver = profile.get("driver", "Install") if isinstance(profile, Mapping) else profile
    if driver not in GPU_DRIVERS:
        yield _invalid("gpuProfile", f"driver {driver!r} must be one of {', '.join(GPU_DRIVERS)}.")


def _invalid(name: str, details: str) -> ArmError:
    return invalid_parameter(f"agentPoolProfile.{name}", details)


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


RULES: tuple[Callable[[Properties], Iterator[ArmError]], ...] = (
    _known, _count, _vm_size, _disk, _choices, _taints, _labels, _zones, _spot, _tags, _switches,
    _ids, _max_pods, _gpus,
)  # fmt: skip
