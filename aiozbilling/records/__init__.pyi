from aiozbilling.records.aioz import (
    DayUsage as DayUsage,
)
from aiozbilling.records.aioz import (
    MonthUsage as MonthUsage,
)
from aiozbilling.records.aioz import (
    TopUp as TopUp,
)
from aiozbilling.records.amounts import (
    TokenAmount as TokenAmount,
)
from aiozbilling.records.b3os import (
    CuBalance as CuBalance,
)
from aiozbilling.records.b3os import (
    CuDay as CuDay,
)
from aiozbilling.records.b3os import (
    CuLine as CuLine,
)
from aiozbilling.records.b3os import (
    CuSummary as CuSummary,
)
from aiozbilling.records.b3os import (
    CuUsage as CuUsage,
)
from aiozbilling.records.metered import (
    EstimatedCost as EstimatedCost,
)
from aiozbilling.records.metered import (
    MeteredUsage as MeteredUsage,
)
from aiozbilling.records.metered import (
    MetricUsage as MetricUsage,
)
from aiozbilling.records.metered import (
    Period as Period,
)
from aiozbilling.records.metered import (
    ProjectedUsage as ProjectedUsage,
)
