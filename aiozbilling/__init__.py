"""Async client for the billing and usage APIs of AIOZ Pin (W3IPFS), B3OS and metered SaaS billing.

::

    async with AiozBilling(api_key="…", secret_key="…") as billing:
        async for top_up in billing.top_ups():
            print(top_up.created_at, top_up.amount.value, top_up.amount.symbol, top_up.credit_usd)
"""

from aiozbilling.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
