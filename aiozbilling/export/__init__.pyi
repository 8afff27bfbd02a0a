from aiozbilling.export.job import (
    export as export,
)
from aiozbilling.export.manifest import (
    ExportReport as ExportReport,
)
from aiozbilling.export.stream import (
    stream_csv as stream_csv,
)
from aiozbilling.export.stream import (
    stream_jsonl as stream_jsonl,
)
from aiozbilling.export.totals import (
    Progress as Progress,
)
from aiozbilling.sync import (
    SyncProgress as SyncProgress,
)
from aiozbilling.sync import (
    SyncReport as SyncReport,
)
from aiozbilling.sync import (
    sync as sync,
)
