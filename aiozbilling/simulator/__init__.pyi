from aiozbilling.simulator.accounts import (
    Account as Account,
)
from aiozbilling.simulator.behaviour import (
    Behaviour as Behaviour,
)
from aiozbilling.simulator.faults import (
    Fault as Fault,
)
from aiozbilling.simulator.received import (
    ReceivedRequest as ReceivedRequest,
)
from aiozbilling.simulator.server import (
    Simulator as Simulator,
)
