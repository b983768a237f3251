"""What no test needs and every worker would load."""

import sys

# For nbformat's schemas jsonschema would have it build a grammar of web addresses: two seconds.
sys.modules["rfc3987_syntax"] = None
