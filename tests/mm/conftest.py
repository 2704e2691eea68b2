"""Collected only where mmpose is: `make mm`, then `make test-mm`."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent

collect_ignore_glob = [] if find_spec("mmpose") is not None else ["test_*.py"]

if not collect_ignore_glob:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the guests' imports use what torch and numpy deprecate
        from importlib import import_module

        for _name in ("posealign.interop.mm.register", "mmpose.apis", "mmpretrain.models"):
            import_module(_name)
        import_module("mmpose.utils").register_all_modules()  # and its scope


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Warnings are errors in our own tests; these run code that is not ours to mend."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("default"))


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The annotations of a small COCO-format set; its pictures lie in images/ beside it."""
    from tests.mm.toys import write_coco

    return write_coco(tmp_path_factory.mktemp("coco") / "people")
