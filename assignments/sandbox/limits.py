"""What students' code may use."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What students' code may use; sizes in bytes.

    `memory_bytes` is private memory of one process, of which torch takes 0.75 GB, and what all
    processes of a part may add to that together. `output_bytes` is the JSON of one part.
    `seconds` are those of a whole job; each part brings its own.
    """

    seconds: float = 300
    memory_bytes: int = 2 << 30
    processes: int = 32
    output_bytes: int = 8_000_000
    file_bytes: int = 64 << 20
    folder_bytes: int = 128 << 20
    shared_bytes: int = 64 << 20
