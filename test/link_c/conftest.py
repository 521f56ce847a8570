"""Builds the client once and hands it to the tests."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the modules beside the tests

from client_under_test import ROOT, Client, build, load  # noqa: E402
from scripted_agent import World  # noqa: E402


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """``TAKT_CLIENT_LIBRARY`` (mutation testing puts a mutant there), or one built from the sources."""
    if given := os.environ.get("TAKT_CLIENT_LIBRARY"):
        return load(Path(given))
    return build(tmp_path_factory.mktemp("client"))


@pytest.fixture
def client(library: ctypes.CDLL) -> Client:
    return Client(library)


@pytest.fixture
def world(client: Client) -> World:
    return World(client)


@pytest.fixture(scope="session")
def traces() -> Path:
    folder = Path(os.environ.get("TAKT_SHARED", ROOT.parent / "shared")) / "link" / "traces"
    if not folder.is_dir():
        pytest.skip(f"no recorded traces in {folder}; set TAKT_SHARED to the folder that holds link/traces")
    return folder
