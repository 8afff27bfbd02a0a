from aiozbilling.fleet.accounts import (
    Account as Account,
)
from aiozbilling.fleet.accounts import (
    read_accounts as read_accounts,
)
from aiozbilling.fleet.export_fleet import (
    fleet as fleet,
)
from aiozbilling.fleet.outcome import (
    FleetProgress as FleetProgress,
)
from aiozbilling.fleet.outcome import (
    Outcome as Outcome,
)
from aiozbilling.fleet.sync_fleet import (
    sync_fleet as sync_fleet,
)
