"""The recorder's own modules are imported by their names, as when it is run as a script."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
