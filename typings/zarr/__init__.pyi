# zarr 2 hints that every lookup may be an array, a group or a string: with them each use would need
# a cast.
from typing import Any

def __getattr__(name: str) -> Any: ...
