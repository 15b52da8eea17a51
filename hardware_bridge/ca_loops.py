"""Channel Access and event loops that end: libca would go on telling a closed loop what happens to its channels."""

import sys
from asyncio import AbstractEventLoop


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
