"""A bar of progress for functions that tell how much of how much is done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def counted(name: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Yield what hears how many of how many are done, and shows them on stderr."""
    from tqdm import tqdm

    with tqdm(unit=unit, desc=name) as bar:

        def told(done: int, all_of_them: int) -> None:
            bar.total = all_of_them
            bar.update(done - bar.n)

        yield told
