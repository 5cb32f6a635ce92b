"""The defaults of the settings that several policies have."""

from typing import Final

FLOOR: Final = 0.002
"""For policies that explore by themselves; docs/explanation/policies.md says what a higher one costs."""
HALF_LIFE: Final = 4000.0
"""In updates."""
MAX_ARMS: Final = 256
MAX_COLUMNS: Final = 256
REVISABLE: Final = 2048
"""In updates; 32 bytes each."""
WINSORIZE: Final = 0.9
"""docs/explanation/policies.md says what it protects from and what it costs."""
WINSORIZE_MARGIN: Final = 4.0
