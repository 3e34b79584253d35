"""The demo: the gate between a real identity provider, a real catalog and a real client, told in the terminal.

`make demo` tells the story and ends; `make demo-up` and `make demo-down` keep the same parts running to play with.
"""
