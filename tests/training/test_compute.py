"""Setup of torch by section `compute`."""

import resource
import sys
from collections.abc import Iterator

import pytest
import torch

from pathgen.core.errors import PathgenError
from pathgen.training.compute import apply_compute, keep_freed_memory


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    fill = torch.utils.deterministic.fill_uninitialized_memory
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)
    torch.utils.deterministic.fill_uninitialized_memory = fill


def test_apply_compute_sets_the_threads_or_keeps_them() -> None:
    for threads in (3, 0):
        assert apply_compute(device="cpu", threads=threads) == torch.device("cpu")
        assert torch.get_num_threads() == 3


@pytest.mark.parametrize(("available", "expected"), [(False, "cpu"), (True, "cuda")])
def test_apply_compute_with_auto_uses_an_available_gpu(
    monkeypatch: pytest.MonkeyPatch, available: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert apply_compute(device="auto", threads=0).type == expected
    assert torch.are_deterministic_algorithms_enabled() == available
    assert not (available and torch.utils.deterministic.fill_uninitialized_memory)


def test_apply_compute_without_the_gpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(PathgenError, match=r"compute\.device: is 'cuda', but torch sees no GPU"):
        apply_compute(device="cuda", threads=0)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc alone gives memory back that eagerly")
def test_keep_freed_memory_avoids_page_faults() -> None:
    keep_freed_memory()

    def page_faults() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        torch.ones(10**7)  # 40 MB: more than what glibc keeps by itself; 9766 pages, or 20 huge ones
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    for _ in range(20):  # until the heap has its holes
        page_faults()
    assert sum(page_faults() for _ in range(5)) < 1000
