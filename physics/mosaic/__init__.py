"""Plates of glued crystals: from a scan to a holder in which all of them are aligned."""
