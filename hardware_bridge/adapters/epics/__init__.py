"""Motors, cameras and signals over EPICS Channel Access and PV Access."""
