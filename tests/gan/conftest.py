"""Shared by all tests of generators."""

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Use one thread: small networks are slower with more."""
    torch.set_num_threads(1)
