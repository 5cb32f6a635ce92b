"""The live page: what the worker does and how well, in a browser, with buttons that write controls.

It is a process of its own: it reads the topics that the worker writes, and asks for its metrics.
"""
