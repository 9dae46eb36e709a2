"""How many HL7 messages a second of CPU time a parser written in Python reads whole. Prints `PARSER messages/s MB/s`.

python hl7_speed.py MESSAGES PARSER, where MESSAGES holds one message a line, its segments parted by `\\r` as two characters.
"""

import sys
import time

SECONDS = 2.0

with open(sys.argv[1], encoding="utf-8") as file:
    messages = [line.rstrip("\n").replace("\\r", "\r") for line in file]
sizes = [len(message.encode()) for message in messages]

if sys.argv[2] == "python-hl7":
    import hl7

    read = hl7.parse
elif sys.argv[2] == "hl7apy":
    from hl7apy.parser import parse_message

    # Groups and validation are not wanted of ours either.
    def read(message):
        return parse_message(message, find_groups=False)
else:
    sys.exit("python-hl7 or hl7apy")

begun, count, size = time.process_time(), 0, 0
while time.process_time() - begun < SECONDS:
    for message, length in zip(messages[:20], sizes):
        read(message)
        count += 1
        size += length
spent = time.process_time() - begun
print(f"{sys.argv[2]} {count / spent:.0f} {size / spent / 1e6:.2f}")
