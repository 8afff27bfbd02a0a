from aiozbilling.tables.arrow import (
    record_batch as record_batch,
)
from aiozbilling.tables.arrow import (
    schema as schema,
)
from aiozbilling.tables.columns import (
    Column as Column,
)
from aiozbilling.tables.columns import (
    columns_of as columns_of,
)
from aiozbilling.tables.columns import (
    flat as flat,
)
from aiozbilling.tables.schemas import (
    schema_text as schema_text,
)
from aiozbilling.tables.texts import (
    defused as defused,
)
from aiozbilling.tables.texts import (
    undefused as undefused,
)
