"""The shape of a calibration's frames, where both the file and the image state it."""

from collections.abc import Sequence


def agreed_shape(asked: tuple[int, int] | None, written: Sequence[float] | None, where: str) -> tuple[int, int]:
    """Return the caller's shape, which must be the one that the file states; the order of its two may differ.

    Parameters
    ----------
    asked : (rows, columns) of the image, or None
    written : the two numbers that the file states, or anything else where it states none
    where : the file's name, for the message

    Raises
    ------
    ValueError : when neither is known, or the two contradict each other
    """
    if written is None or len(written) != 2:
        if asked is None:
            raise ValueError(f"the {where} does not give the frame's size: pass shape=(rows, columns)")
        return asked
    stated = (int(written[0]), int(written[1]))
    if asked is not None and sorted(asked) != sorted(stated):
        raise ValueError(
            f"the {where} is for frames of {stated[0]} × {stated[1]} pixels, not of {asked[0]} × {asked[1]}: "
            "give the calibration of this detector and binning"
        )
    return asked or stated
