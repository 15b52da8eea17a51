"""What `beamgym deploy` is made of."""
