from .cores import side_by_side as side_by_side
from .device import choose as choose
from .files import provenance as provenance
from .files import write_text as write_text
