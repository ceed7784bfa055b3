# mujoco ships no type hints and its names come from compiled modules: without this file every use of
# them would be an error.
from typing import Any

def __getattr__(name: str) -> Any: ...
