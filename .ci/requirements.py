"""Prints the project's requirements, or those of the extras named, one per line."""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
groups = [project["optional-dependencies"][name] for name in sys.argv[1:]] or [project["dependencies"]]
print("\n".join(requirement for group in groups for requirement in group))
