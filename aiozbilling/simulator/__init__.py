"""The three billing APIs on a loopback port, for demos and for tests of your own code.

::

    async with Simulator(seed=1, top_ups=250, days=120) as simulator:
        AiozBilling(api_key=simulator.api_key, secret_key=simulator.secret_key, base_url=simulator.url)

It is written from the providers' pages and shares no code with the clients, so that the two can't share a bug.
"""

from aiozbilling.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
