"""The operator's page: a deployment live in a browser on this computer, and finished runs from their logs."""

from beamgym.hardware_bridge.operator_page.access import Access, Refused
from beamgym.hardware_bridge.operator_page.by_hand import Hand, HandField
from beamgym.hardware_bridge.operator_page.hold import HeldPolicy, Hold
from beamgym.hardware_bridge.operator_page.onlooker import Onlooker, Predicted
from beamgym.hardware_bridge.operator_page.person import PERSON, Person
from beamgym.hardware_bridge.operator_page.picture import jpeg
from beamgym.hardware_bridge.operator_page.replay import Recording, read_recording
from beamgym.hardware_bridge.operator_page.serving import OperatorPage
from beamgym.hardware_bridge.operator_page.shows import LiveShow, Shows
from beamgym.hardware_bridge.operator_page.view import PageView

__all__ = [
    "PERSON",
    "Access",
    "Hand",
    "HandField",
    "HeldPolicy",
    "Hold",
    "LiveShow",
    "Onlooker",
    "OperatorPage",
    "PageView",
    "Person",
    "Predicted",
    "Recording",
    "Refused",
    "Shows",
    "jpeg",
    "read_recording",
]
