"""What the sub-commands of `beamgym mosaic` show: bars of progress, and one picture of the whole story."""

from beamgym.scripts.mosaic.shown.counted import counted

__all__ = ["counted"]
