"""A window on the screen that shows one picture after another, by pygame."""

from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Window:
    """A window; it opens with the first picture.

    Parameters
    ----------
    title : above it

    Raises
    ------
    ValueError : pygame is missing
    """

    def __init__(self, title: str) -> None:
        if find_spec("pygame") is None:
            raise ValueError(
                "render_mode 'human' opens a window by pygame, which is missing: pip install pygame, "
                "or take render_mode 'rgb_array'"
            )
        self.title = title
        self._screen: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave the screen out of a copy, which opens a window of its own."""
        return {**vars(self), "_screen": None}

    def show(self, picture: NDArray[np.uint8]) -> None:
        """Show an (h, w, 3) uint8 picture."""
        import pygame

        if self._screen is None:
            pygame.display.init()
            pygame.display.set_caption(self.title)
            self._screen = pygame.display.set_mode(picture.shape[1::-1])
        self._screen.blit(pygame.surfarray.make_surface(picture.swapaxes(0, 1)), (0, 0))
        pygame.event.pump()  # without it the window manager takes the window for dead
        pygame.display.flip()

    def close(self) -> None:
        """Close the window, where it is open."""
        if self._screen is not None:
            import pygame

            self._screen = None
            pygame.display.quit()
