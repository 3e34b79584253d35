"""The real parts that icegate works between, for the demo and for the end-to-end tests.

`python3 -m stack.setup` fetches them (plain Python, standard library only); the other modules start,
watch and stop them on loopback, each in its own folder and on its own free ports.
"""
