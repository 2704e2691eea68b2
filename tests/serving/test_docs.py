"""Pages that are what the code says: errors, limits. POSEALIGN_WRITE_DOCS=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

from posealign import errors
from posealign.errors import PoseAlignError
from serving import problems
from serving.problems import CATALOGUE
from serving.settings import Limits

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "errors.md"
HEAD = """# Errors

Every error of the HTTP API is a problem (RFC 9457, `application/problem+json`):

```json
{"type": "urn:posealign:error:too-large", "title": "Over a stated limit", "status": 413,
 "detail": "the picture is 12000×12000, 144.0 megapixels; at most 25 are taken",
 "code": "too-large", "remedy": "GET /v1/limits; send less or smaller.",
 "instance": "urn:posealign:request:5f0c…"}
```

Branch on `code`; `detail` is for people and may change. Under `/v2` (Open Inference Protocol) the
same errors are `{"error": detail}`, with 400 in place of 422. A refused instruction is no error: it
is an answer with `refused: true` and a `reason`.

| code | status | what | what to do |
|---|---|---|---|
"""


def page() -> str:
    rows = sorted(CATALOGUE.values(), key=lambda kind: (kind.status, kind.code))
    return HEAD + "".join(
        f"| `{kind.code}` | {kind.status} | {kind.title} | {kind.remedy} |\n" for kind in rows
    )


def test_the_page_is_the_catalogue() -> None:
    if os.environ.get("POSEALIGN_WRITE_DOCS"):
        PAGE.write_text(page(), "utf-8")
    assert PAGE.read_text("utf-8") == page()


LIMITS_PAGE = PAGE.with_name("limits.md")
LIMITS_HEAD = """# Limits

What one request may ask for, as it is when nobody changes it. A running server answers its own
numbers at `GET /v1/limits`; over one of them it answers a [problem](errors.md) that names it. Each
can be set: `limits: {queue: 128}` in the config, or `POSEALIGN_SERVE_LIMITS__QUEUE=128` in the
environment.
What pictures may be is said in [pictures and limits](pictures.md).

| limit | default | what |
|---|---|---|
"""


def test_the_limits_page_is_what_a_server_answers() -> None:
    rows = "".join(
        f"| `{name}` | {field.default:,} | {field.description} |\n"
        for name, field in Limits.model_fields.items()
    )
    if os.environ.get("POSEALIGN_WRITE_DOCS"):
        LIMITS_PAGE.write_text(LIMITS_HEAD + rows, "utf-8")
    assert LIMITS_PAGE.read_text("utf-8") == LIMITS_HEAD + rows


def test_every_named_error_is_in_the_catalogue() -> None:
    kinds = [*vars(errors).values(), *vars(problems).values()]
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, PoseAlignError):
            assert CATALOGUE[kind.code].status == kind.status
