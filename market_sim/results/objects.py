"""Addresses in an object store, `s3://bucket/path`, through fsspec and s3fs (the extra `s3`).

A put is atomic and what it put is there once it returns, so nothing needs a second name and a rename. Who we are
and where the store answers come from the environment and from ~/.aws, as for every other tool.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from market_sim.results.errors import NoStore, StorageFailed, WriteFailed

SCHEME = "s3://"
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")


@dataclass(frozen=True, order=True)
class Address:
    """A name in an object store: of an object, or of all that stands below it, as a folder would."""

    text: str

    def __str__(self) -> str:
        return self.text

    def __truediv__(self, name: str) -> Address:
        return self if name in ("", ".") else Address(f"{self.text}/{name}")

    @property
    def name(self) -> str:
        """What stands behind the last slash."""
        return self.text.rpartition("/")[2]

    @property
    def parent(self) -> Address:
        """All before it."""
        return Address(self.text.rpartition("/")[0])

    def read(self) -> bytes | None:
        """What it holds; None if there is no such object. Raises StorageFailed."""
        with _told(f"could not read {self}", StorageFailed):
            try:
                return bytes(_store().cat_file(self.text))
            except FileNotFoundError:
                return None

    def write(self, content: bytes) -> None:
        """Put an object there, in place of any other. Raises WriteFailed."""
        with _told(f"could not write {self}", WriteFailed):
            _store().pipe_file(self.text, content)

    def exists(self) -> bool:
        """Whether an object stands there. Raises StorageFailed."""
        with _told(f"could not look for {self}", StorageFailed):
            try:
                return bool(_store().info(self.text)["type"] == "file")
            except FileNotFoundError:
                return False

    def below(self) -> dict[str, datetime | None]:
        """Names that stand right below it, sorted, and when objects among them were put, by the store's clock.

        Raises StorageFailed.
        """
        with _told(f"could not list {self}", StorageFailed):
            try:
                found = _store().ls(self.text, detail=True)
            except FileNotFoundError:
                return {}
        head = len(self.text.removeprefix(SCHEME)) + 1
        named = {entry["name"][head:].rstrip("/"): entry.get("LastModified") for entry in found}
        return {name: named[name] for name in sorted(named) if name}

    def matches(self) -> list[Address]:
        """The objects that its wildcards match, sorted. Raises StorageFailed."""
        with _told(f"could not list {self}", StorageFailed):
            return sorted(Address(SCHEME + found) for found in _store().glob(self.text))

    def remove(self) -> None:
        """Remove the object; one that is gone already is no matter. Raises WriteFailed."""
        with _told(f"could not remove {self}", WriteFailed), contextlib.suppress(FileNotFoundError):
            _store().rm_file(self.text)


def _store() -> Any:
    """The store's file system; listings are never remembered, since others write too. Raises NoStore."""
    try:
        from s3fs import S3FileSystem
    except ImportError:
        raise NoStore(f"a folder {SCHEME}... needs s3fs: pip install 'market-sim[s3]'") from None
    return S3FileSystem(use_listings_cache=False, endpoint_url=_first(ENDPOINTS))


def _first(names: tuple[str, ...]) -> str | None:
    return next((value for name in names if (value := os.environ.get(name))), None)


@contextlib.contextmanager
def _told(what: str, kind: type[StorageFailed]) -> Iterator[None]:
    """Whatever the store's libraries raise, in one sentence."""
    try:
        yield
    except NoStore:
        raise
    except Exception as refusal:  # botocore's own errors share no base with those of files
        words = " ".join(str(refusal).split()) or type(refusal).__name__
        raise kind(f"{what}: {words}") from refusal


def scan_options() -> dict[str, Any]:
    """What polars needs to scan objects as the rest of this file reads them: endpoint, region, credentials."""
    endpoint = _first(ENDPOINTS)
    options = {"aws_region": _first(REGIONS) or "us-east-1"}
    if endpoint:
        options |= {"aws_endpoint_url": endpoint, "aws_allow_http": str(endpoint.startswith("http://")).lower()}
    return {"storage_options": options, "credential_provider": _credentials}


def _credentials() -> tuple[dict[str, str | None], int | None]:
    """Keys as botocore finds them, s3fs's own way; they are asked for anew after five minutes."""
    from time import time

    from botocore.session import get_session

    found = get_session().get_credentials()
    if found is None:
        raise StorageFailed(f"{SCHEME}...: no credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret")
    keys = found.get_frozen_credentials()
    named = {"aws_access_key_id": keys.access_key, "aws_secret_access_key": keys.secret_key}
    return named | ({"aws_session_token": keys.token} if keys.token else {}), int(time()) + 300
