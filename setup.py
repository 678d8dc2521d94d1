"""Lists the packages; everything else is in `pyproject.toml`."""

from setuptools import find_packages, setup

NOT_INSTALLED = [
    f"{name}{below}" for name in ("tests", "filecheck", "benchmarks", "examples", "docs") for below in ("", ".*")
]

setup(packages=["stepwell", *(f"stepwell.{name}" for name in find_packages(exclude=NOT_INSTALLED))])
