"""One call: retry(rate → sign → send → open the envelope → structure).

`exchange` composes the stages; each of the other modules is one of them.
"""
