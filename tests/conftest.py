"""The registries: one example for whatever has a name. Something new without an example fails the suite.

A test that takes ``any_environment``, ``any_level``, ``any_goniometer`` or ``any_crystal`` is run once for each.

Hypothesis draws the same examples every time, so that a test that has passed passes again. `make test-all` searches at
random instead; its seed stands in the header, and again at the end where a test has failed.
"""

import contextlib
import json
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from one_compiler import share_compiled

# The compiled kernels' cache and the tables' cache are the user's own; pictures need no screen.
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("BEAMGYM_QUIET", "1")
os.environ.setdefault("MPLCONFIGDIR", str(Path(tempfile.gettempdir()) / "beamgym-tests-matplotlib"))

# Imported before torch and the rest: each looks for its caller among all modules that there are, for seconds.
for _library in ("epicscorelibs.path.pyepics", "epicscorelibs.ca.cadef", "pvxslibs.path"):
    with contextlib.suppress(ImportError):
        import_module(_library)

# No database: an example that failed once must not come back on one machine alone. Nor does a busy machine fail a test.
_ALIKE: dict[str, Any] = {"database": None, "deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("repeated", derandomize=True, **_ALIKE)
settings.register_profile("random", derandomize=False, **_ALIKE)
settings.load_profile("repeated")  # --hypothesis-profile comes after it

ENVIRONMENTS: dict[str, list[dict[str, Any]]] = {
    "beamgym/LaueAlign-v0": [
        {},
        {"action": "axes", "goniometer": "psic", "reward": "sparse", "stop": "truth"},
        {"frames": "rendered", "target": "plane (100) (010)", "exposures": 4},
    ],
    "beamgym/LaueAlignImage-v0": [{"size": 48, "exposures": 4}],
    "beamgym/LaueAlign-v1": [
        {},
        {"observation": "estimate", "flat": True},
        {"observation": "estimate", "action": "decisions", "start_within_deg": 20.0, "history": 3},
        {"observation": "goal", "stop": "truth"},
    ],
    "beamgym/LaueAlignImage-v1": [{"size": 48, "exposures": 4, "flat": True}],
    "beamgym/LaueZone-v0": [{"moves": 4}],
    "beamgym/LaueZone-v1": [{"moves": 4, "stop": "declare"}],
    "beamgym/ArpesSpot-v0": [{}, {"action": "steps", "surfaces": 2, "stop": "truth", "reward": "sparse"}],
    "beamgym/ArpesSpotImage-v0": [{"size": 128, "surfaces": 2}],
    "beamgym/ArpesSpot-v1": [
        {"surfaces": 2, "score": "truth"},
        {"action": "steps", "surfaces": 2, "observation": "scores", "flat": True},
    ],
    "beamgym/ArpesSpotImage-v1": [{"surfaces": 2, "stop": "truth", "score": "truth"}],
    "beamgym/PlateScan-v0": [
        {"crystals": 6},
        {"crystals": 4, "action": "anywhere", "observation": "present", "reward": "rate", "flat": True},
    ],
    "beamgym/ArpesAlign-v0": [
        {"beam_time_s": 40.0},
        {
            "beam_time_s": 40.0,
            "material": "square",
            "level": "hard",
            "dispersion": False,
            "action": "steps",
            "chart": False,
            "reward": "sparse",
            "flat": True,
        },
    ],
    "beamgym/DiffractometerAlign-v0": [
        {"crystal": "Si"},
        {
            "crystal": "Si",
            "beam": "neutron",
            "instrument": "neutron-4c",
            "handover": True,
            "reward": "sparse",
            "flat": True,
        },
    ],
}
"""Options with which each registered id is checked."""

LEVELS: dict[str, float] = {"easy": 0.05, "real": 0.2, "hard": 0.6, "harsh": 5.0, "dim": 0.2}
"""Each level, with an angle in degrees (σ) by which its spots may lie off at most."""

GONIOMETERS: dict[str, str] = {
    "two-arc": "axis [001] x",
    "e4cv": "pose [001] [110]",
    "e4ch": "pose [001] [110]",
    "psic": "pose [001] [110]",
    "kappa": "pose [001] [110]",
    "six-axis": "pose [001] [110]",
}
"""Each preset, with a target that it can be asked for."""

CRYSTALS: dict[str, str] = {
    "Si": "pose [001] [110]",
    **json.loads((Path(__file__).parent / "recorded" / "crystals.json").read_text(encoding="utf-8")),
}
"""Each named crystal, with a target that somebody would align it for; new ones are added here, the recorded stay."""

REGISTRIES: dict[str, dict[str, Any]] = {
    "any_environment": ENVIRONMENTS,
    "any_level": LEVELS,
    "any_goniometer": GONIOMETERS,
    "any_crystal": CRYSTALS,
}


LONGEST = (
    "hardware_bridge/faults/test_under_way.py",
    "agents/spectra/test_alarms.py",
    "hardware_bridge/faults/test_safety.py",
    "agents/baselines/test_calibrating.py",
    "hardware_bridge/faults/test_frames.py",
    "envs/arpes_spot/test_scoring.py",
    "hardware_bridge/faults/test_life.py",
    "agents/training/test_training.py",
    "hardware_bridge/campaign/test_campaign.py",
    "agents/baselines/test_baselines.py",
    "hardware_bridge/faults/test_motion.py",
    "envs/loop/test_threads.py",
    "hardware_bridge/faults/test_records.py",
    "physics/laue/estimation/test_estimator.py",
    "hardware_bridge/faults/test_two_servers.py",
    "agents/decisions/test_algorithms.py",
    "hardware_bridge/deployment/test_modes.py",
    "physics/laue/estimation/test_strangers.py",
    "hardware_bridge/adapters/epics/test_camera.py",
    "agents/spectra/test_scorer.py",
    "hardware_bridge/faults/test_keyboard.py",
    "test_tests.py",
    "hardware_bridge/faults/test_latched.py",
    "agents/matcher/test_matcher.py",
    "hardware_bridge/faults/test_questions.py",
)
"""Files that take longest: begun first, so that no worker is left with one at the end. Of each two one mostly waits for
simulated motors and one mostly calculates, so that the cores are always busy."""


DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.fixture
def printed() -> Callable[[str, str], str]:
    """Return ``printed(page, part)``: the one program of a page that holds these words, as a reader would copy it."""

    def program(page: str, part: str) -> str:
        blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), flags=re.DOTALL)
        found = [block for block in blocks if part in block]
        assert len(found) == 1, f"{page} shows {len(found)} programs with {part!r}"
        return str(found[0])

    return program


@pytest.fixture(scope="module")
def lamp_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file that docs/add_a_kind.md prints: a toy kind of instrument."""
    folder = tmp_path_factory.mktemp("lamp")
    page = (DOCS / "add_a_kind.md").read_text(encoding="utf-8")
    for name, text in re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", page, flags=re.DOTALL):
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def lamp(lamp_folder: Path) -> Iterator[Any]:
    """The module lamp.py of that page, its kind in all tables while the module's tests run."""
    from beamgym.agents import kinds as agents
    from beamgym.envs import kinds as envs
    from beamgym.hardware_bridge import kinds as bridge

    sys.path.insert(0, str(lamp_folder))
    yield import_module("lamp_bridge") and import_module("lamp")
    sys.path.remove(str(lamp_folder))
    for name in ("lamp_bridge", "lamp"):
        del sys.modules[name]
    for table in (bridge, agents, envs):
        table.forget_kind("lamp")


def pytest_generate_tests(metafunc: Any) -> None:
    """Run a test for every example of the registries it asks for."""
    for name, registry in REGISTRIES.items():
        if name not in metafunc.fixturenames:
            continue
        cases = [
            (key, case) for key, found in registry.items() for case in (found if isinstance(found, list) else [found])
        ]
        names = [f"{key}-{case}".replace("beamgym/", "") for key, case in cases]
        metafunc.parametrize(name, cases, ids=names)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first; within a file and among the others nothing is moved."""
    rank = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: Any) -> None:
    """Hand the registries to the tests that hold them against the code; choose a seed before hypothesis wants one."""
    config.beamgym_registries, config.beamgym_longest = REGISTRIES, LONGEST
    if hasattr(config, "workerinput"):
        share_compiled(Path(tempfile.gettempdir()) / f"beamgym-tests-compiler-{os.getuid()}.lock")
    if config.getoption("hypothesis_profile") == "random" and config.getoption("hypothesis_seed") is None:
        config.option.hypothesis_seed = str(secrets.randbelow(10**9))  # the workers of xdist are handed it as well


def _how_to_repeat(config: Any) -> str:
    seed = config.getoption("hypothesis_seed")
    return f"hypothesis: --hypothesis-profile=random --hypothesis-seed={seed} repeats this search" if seed else ""


def pytest_report_header(config: Any) -> list[str]:
    """Say with which seed hypothesis searches."""
    return [line for line in [_how_to_repeat(config)] if line]


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: Any) -> None:
    """Say it again where somebody looks for the reason of a failure."""
    if exitstatus and _how_to_repeat(config):
        terminalreporter.write_line(_how_to_repeat(config))
