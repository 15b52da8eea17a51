"""Photoemission: from bands to spectra and their scores."""
