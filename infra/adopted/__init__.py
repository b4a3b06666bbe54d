"""Locations of kind `hosts`: machines one already owns, adopted as they are."""
