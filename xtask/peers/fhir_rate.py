"""How many FHIR resources a second of CPU time `fhir.resources` reads. Prints `fhir.resources resources/s MB/s`.

python fhir_rate.py NDJSON, Observations, one a line.
"""

import itertools
import sys
import time

from fhir.resources.R4B.observation import Observation

with open(sys.argv[1], "rb") as file:
    lines = list(itertools.islice(file, 1000))

begun, count, size = time.process_time(), 0, 0
while time.process_time() - begun < 2.0:
    for line in lines[:100]:
        Observation.model_validate_json(line)
        count += 1
        size += len(line)
spent = time.process_time() - begun
print(f"fhir.resources {count / spent:.0f} {size / spent / 1e6:.2f}")
