"""The rules that hold for the whole tree and that no other tool checks."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[1]


def test_skip_without_an_allowed_reason_fails(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text("utf-8"))
    pytester.makepyfile(
        test_one="""
        import pytest
        def test_lazy(): pytest.skip("I felt like it")
        def test_gpu(): pytest.skip("no GPU")
        @pytest.mark.skip(reason="later")
        def test_marked(): pass
        """,
        test_two="""
        import pytest
        pytest.importorskip("a_package_that_is_not_there")
        """,
    )
    result = pytester.runpytest_subprocess(
        "-p", "no:cacheprovider", "--continue-on-collection-errors"
    )
    result.assert_outcomes(failed=1, skipped=1, errors=2)
    result.stdout.fnmatch_lines(["*not on the list*I felt like it*"])
