"""What an exception says, in one line."""


def one_line(error: object, limit: int | None = None) -> str:
    """Return what an exception, a warning or a text says, in one line that a terminal or a log can show.

    Parameters
    ----------
    error : whose ``str`` is taken; it may come from another program and hold anything
    limit : most letters to keep; None keeps all

    Returns
    -------
    the text with white space folded and control characters as "?"; the name of the class where it says nothing
    """
    text = " ".join(str(error).split()) or type(error).__name__
    return "".join(letter if letter.isprintable() else "?" for letter in text[:limit])


def named_line(error: BaseException) -> str:
    """Return the class of an exception and what it says, in one line; for errors of code that is not this project's."""
    return f"{type(error).__name__}: {one_line(error)}"
