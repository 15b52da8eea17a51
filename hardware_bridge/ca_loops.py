"""Closes Channel Access channels before their event loop ends: libca would go on calling the closed loop."""

import ctypes
import sys
from asyncio import AbstractEventLoop
from typing import Any

_handlers: list[Any] = []  # libca calls them as long as the process lives


def forget_channels(loop: AbstractEventLoop) -> None:
    """Close the Channel Access channels that were made in a loop; call it in that loop, before it ends.

    Without aioca, or without channels in this loop, there is nothing to do. Channels of other loops stay as they are:
    aioca's own ``purge_channel_caches`` would close theirs too.
    """
    catools = sys.modules.get("aioca._catools")
    caches = getattr(getattr(catools, "_Context", None), "_channel_caches", {})
    cache = caches.pop(loop, None)
    if cache is not None:
        cache.purge()


def quiet_channels() -> None:
    """Let libca print nothing of its own about a server that is lost; call it in a loop that has channels.

    The guard says what is lost, in a line; libca's own go to the terminal past everything else.
    """
    libca = getattr(sys.modules.get("aioca._catools"), "_Context", None)
    cadef = sys.modules.get("epicscorelibs.ca.cadef")
    ours = getattr(libca, "_ca_context", None)
    # where this thread has another context, or none, libca would make one
    if cadef is None or not ours or cadef.ca_current_context() != ours:
        return
    if not _handlers:
        printer = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
        _handlers.extend((cadef.exception_handler(lambda arguments: None), printer(lambda text, arguments: 0)))
    cadef.ca_add_exception_event(_handlers[0], None)
    cadef.libca.ca_replace_printf_handler(_handlers[1])
