"""Which packages are installed."""

from tools.local_cluster import packages


def test_only_the_packages_of_missing_programs() -> None:
    assert packages.missing(lambda program: program != "runc") == ["runc"]
    assert packages.missing(lambda _: True) == []


def test_what_starts_services_is_never_installed() -> None:
    assert not set(packages.UNPACKED.values()) & set(packages.INSTALLED.values())
