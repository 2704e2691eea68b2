"""Where OpenGL comes from: EGL, which draws 1.5 times as fast, or OSMesa where EGL does not work.

`MUJOCO_GL=osmesa` asks for OSMesa at once. Mesa draws without a screen and without a GPU.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

from posealign.errors import Unavailable
from posealign.synth.physics import engine

_LOG = logging.getLogger(__name__)
ADVICE = (
    "MuJoCo found no way to draw without a screen; install Mesa's software renderer "
    "(Debian: apt-get install libegl1 libosmesa6) or set MUJOCO_GL=osmesa"
)


def context(size: int) -> Any:
    """A current OpenGL context for pictures of up to `size` pixels along an edge."""
    try:
        return _made(engine().GLContext, size)
    except Exception as error:
        if os.environ.get("MUJOCO_GL", "egl") != "egl":
            raise Unavailable(ADVICE) from error
        _LOG.warning("EGL does not work here (%s); drawing with OSMesa, which is slower", error)
    try:
        return _made(_osmesa(), size)
    except Exception as error:
        raise Unavailable(ADVICE) from error


def _made(kind: Any, size: int) -> Any:
    made = kind(size, size)
    made.make_current()
    return made


def _osmesa() -> Any:
    """MuJoCo's OSMesa context, although PyOpenGL was bound to EGL: it is imported anew. Workers
    inherit the choice.
    """
    for name in [n for n in sys.modules if n.partition(".")[0] == "OpenGL"]:
        del sys.modules[name]
    os.environ["MUJOCO_GL"] = os.environ["PYOPENGL_PLATFORM"] = "osmesa"
    from mujoco.osmesa import GLContext  # noqa: PLC0415

    return GLContext
