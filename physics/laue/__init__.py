"""Laue diffraction: from a crystal to a detector image and back."""
