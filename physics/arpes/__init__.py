"""Photoemission: from bands to spectra and what they are worth."""
