"""How a batch is shared by several processes, and when it cannot be."""

from pathgen.core.errors import PathgenError

HINT = "Choose a batch_size that compute.processes divides, or other processes"
# The path length is measured on fewer images than a step has (Karras et al. 2020, appendix B).
_PATH_SHRINK = 2


def group_size(count: int, group: int) -> int:
    """Return how many images the minibatch deviation looks at together.

    Args:
        count: Images of the batch.
        group: At most so many.

    Returns:
        The largest number up to `group` that divides `count`.
    """
    return max(size for size in range(1, min(group, count) + 1) if count % size == 0)


def path_images(batch_size: int) -> int:
    """Return of how many images of a batch the path length is measured."""
    return max(1, batch_size // _PATH_SHRINK)


def indivisible(
    batch_size: int, processes: int, *, minibatch_group: int = 1, path: bool = False
) -> str | None:
    """Tell why a batch cannot be shared, so that every process has the same number of whole groups.

    Args:
        batch_size: Images of a step, of all processes.
        processes: That share it.
        minibatch_group: Images whose deviation a discriminator sees together, at most.
        path: Whether path lengths are measured.

    Returns:
        The reason, None when it can.
    """
    if batch_size % processes:
        return f"{batch_size} images cannot be shared by {processes} processes"
    size = group_size(batch_size, minibatch_group)
    groups, paths = batch_size // size, path_images(batch_size)
    if groups % processes:
        return f"{groups} groups of {size} images (minibatch_group) cannot be shared by {processes} processes"
    if path and paths % processes:
        return f"{paths} images for a path length cannot be shared by {processes} processes"
    return None


def require_divisible(
    batch_size: int, processes: int, *, minibatch_group: int = 1, path: bool = False
) -> None:
    """Refuse what `indivisible` gives a reason for.

    Raises:
        PathgenError: With the reason.
    """
    reason = indivisible(batch_size, processes, minibatch_group=minibatch_group, path=path)
    if reason is not None:
        raise PathgenError("batch_size", reason, HINT)
