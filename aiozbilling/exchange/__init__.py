"""One call: retry(rate → sign → send → open the envelope → structure).

The module `exchange` composes these stages; the other modules implement them.
"""
