"""Published weights by name: fetched from the Hugging Face hub, resumed, and checked by digest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.file_download import http_get

from posealign.bundle import home, sha256_of
from posealign.errors import BrokenBundle, InvalidInput, NotFound, Unavailable, among

# The HTTP client that the hub's package really uses is not always the one called httpx.
_hub: Any = import_module("huggingface_hub.utils")

# Short names → repositories. Any `owner/name` with ViTPose's layout works too.
PUBLISHED = {
    "vitpose-base-simple": "usyd-community/vitpose-base-simple",
    "vitpose-base": "usyd-community/vitpose-base",
    "vitpose-base-coco-aic-mpii": "usyd-community/vitpose-base-coco-aic-mpii",
    "vitpose-plus-small": "usyd-community/vitpose-plus-small",
    "vitpose-plus-base": "usyd-community/vitpose-plus-base",
    "vitpose-plus-large": "usyd-community/vitpose-plus-large",
    "vitpose-plus-huge": "usyd-community/vitpose-plus-huge",
}
FILES = ("config.json", "model.safetensors")


@dataclass(frozen=True)
class HubConfig:
    """What config.json says that the shapes of the weights do not."""

    ln_eps: float
    heads: int
    size: tuple[int, int]  # width, height


def repository(name: str) -> str:
    if name in PUBLISHED:
        return PUBLISHED[name]
    if name.count("/") == 1 and all(name.split("/")):
        return name
    raise NotFound(
        f"no published model is called {name!r}{among(name, PUBLISHED)}, "
        "and any owner/name on the hub with ViTPose's layout"
    )


def fetch(name: str, revision: str = "main", endpoint: str | None = None) -> dict[str, Path]:
    """config.json and model.safetensors of one commit, each with the digest the hub states.

    Progress goes to stderr. What a broken run left is gone on with: the hub's own cache forgets it.
    `endpoint` is a mirror's address.
    """
    repo = repository(name)
    try:
        info = HfApi(endpoint=endpoint).model_info(
            repo, revision=revision, files_metadata=True, timeout=30
        )
        told = {row.rfilename: row for row in info.siblings or []}
        missing = [file for file in FILES if file not in told]
        if missing:
            raise InvalidInput(f"{repo} has no {' and no '.join(missing)}: no ViTPose model")
        # The commit, not the branch: both files belong together and to the digests above.
        folder = home().parent / "downloads" / repo.replace("/", "--") / str(info.sha)
        folder.mkdir(parents=True, exist_ok=True)
        for file in FILES:
            url = hf_hub_url(repo, file, revision=info.sha, endpoint=endpoint)
            _download(url, folder / file, told[file].size)
    except GatedRepoError as error:
        raise Unavailable(f"{repo} wants a licence accepted and a token: hf auth login") from error
    except RepositoryNotFoundError as error:
        raise NotFound(f"the hub has no model {repo!r} (or it is private)") from error
    except (OSError, _hub.httpx.HTTPError, HfHubHTTPError) as error:
        raise Unavailable(_offline(repo, error)) from error
    for file in FILES:
        stated = told[file].lfs
        if stated is not None and sha256_of(folder / file) != stated.sha256:
            (folder / file).unlink()
            raise BrokenBundle(
                f"{repo}: {file} is not what the hub says (sha256 {stated.sha256[:12]}…); it was "
                "removed, pull again"
            )
    return {file: folder / file for file in FILES}


def _download(url: str, target: Path, size: int | None) -> None:
    if target.is_file() and target.stat().st_size == size:
        return
    partial = target.with_name(f"{target.name}.partial")
    done = partial.stat().st_size if partial.is_file() else 0
    if size is not None and done > size:
        partial.unlink()
        done = 0
    with partial.open("ab") as file:
        http_get(
            url, file, resume_size=done, expected_size=size, headers=_hub.build_hf_headers(),
            displayed_filename=target.name,
        )  # fmt: skip
    partial.replace(target)


def _offline(repo: str, error: Exception) -> str:
    reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return (
        f"the hub could not be reached ({reason}). The embedded bundle `default` works without "
        f"it. To bring these weights: on a connected machine run `hf download {repo} "
        f"{' '.join(FILES)} --local-dir DIR`, copy DIR here, then `posealign convert "
        "DIR/model.safetensors`"
    )


def hub_config(path: Path) -> HubConfig:
    """config.json beside the weights; it leaves out what is transformers' default."""
    try:
        raw: Any = json.loads(path.read_text("utf-8"))
        backbone = raw.get("backbone_config") or {}
        height, width = backbone.get("image_size", (256, 192))
        return HubConfig(
            float(backbone.get("layer_norm_eps", 1e-12)),
            int(backbone.get("num_attention_heads", 12)),
            (int(width), int(height)),
        )
    except (UnicodeDecodeError, json.JSONDecodeError, AttributeError, TypeError, ValueError) as e:
        raise InvalidInput(f"{path} is no ViTPose config.json: {e}") from e
