"""Let the tests of selectors import the tester they inherit from."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
