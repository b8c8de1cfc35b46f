import pytest

from tools.kubectl_plugin.platforms import PLATFORMS, PYTHONS, Platform, complete_platform

LINUX, ARM, MAC = PLATFORMS


@pytest.mark.parametrize(
    ("target", "python", "tag"),
    [
        (LINUX, (3, 11), "cp311-cp311-manylinux_2_28_x86_64"),
        (LINUX, (3, 14), "cp314-cp314-manylinux2014_x86_64"),
        (LINUX, (3, 13), "cp311-abi3-manylinux_2_17_x86_64"),
        (ARM, (3, 12), "cp312-cp312-manylinux_2_17_aarch64"),
        (MAC, (3, 13), "cp313-cp313-macosx_11_0_arm64"),
        (MAC, (3, 11), "py3-none-any"),
    ],
    ids=str,
)
def test_a_platform_takes_the_wheels_of_its_interpreter(
    target: Platform, python: tuple[int, int], tag: str
) -> None:
    assert tag in complete_platform(target, python)["compatible_tags"]


@pytest.mark.parametrize("target", PLATFORMS, ids=lambda target: target.name)
def test_no_platform_takes_wheels_of_another(target: Platform) -> None:
    foreign = {"linux": "macosx", "darwin": "manylinux"}[target.os]
    for python in PYTHONS:
        described = complete_platform(target, python)
        assert not any(foreign in tag for tag in described["compatible_tags"])
        assert described["marker_environment"]["sys_platform"] == target.os
