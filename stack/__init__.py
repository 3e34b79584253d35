"""The real parts that icegate works between, for the demo and for the end-to-end tests.

`python3 -m stack.setup` fetches them (plain Python, standard library only); the other modules start,
watch and stop them on loopback, each in its own folder and on its own free ports.
"""

import sys

# Here, because the modules themselves cannot be read by an older Python (macOS still brings 3.9).
if sys.version_info < (3, 10):
    sys.exit("missing: python3 >= 3.10  (Debian: apt-get install python3; macOS: brew install python)")
