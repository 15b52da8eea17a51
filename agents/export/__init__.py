"""A trained model as a bundle: ONNX with a manifest and a card."""

from beamgym.agents.export.bundle import Origin, export_bundle
from beamgym.agents.export.graph import export_graph
from beamgym.agents.export.network import NetworkBundle, write_network
from beamgym.agents.export.trained import export_trained

__all__ = [
    "NetworkBundle",
    "Origin",
    "export_bundle",
    "export_graph",
    "export_trained",
    "write_network",
]
