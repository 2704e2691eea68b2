"""What mmpose configurations import: PoseAlign, PoseAlignMetric and InstructionSampling.

custom_imports = dict(imports=["posealign.interop.mm.register"], allow_failed_imports=False)
"""

from __future__ import annotations

from importlib import import_module

from posealign.interop.mm import shims

shims.install()  # before anything imports mmpose

for _name in ("estimator", "metric", "sampling"):
    import_module(f"posealign.interop.mm.{_name}")
