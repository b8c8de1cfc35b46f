"""Which system packages are installed."""

from tools.local_cluster.programs import system_packages


def test_only_packages_of_missing_programs_are_installed() -> None:
    assert system_packages.missing(lambda program: program != "runc") == ["runc"]
    assert system_packages.missing(lambda _: True) == []


def test_packages_that_start_services_are_never_installed() -> None:
    assert not set(system_packages.UNPACKED.values()) & set(system_packages.INSTALLED.values())
