"""The examples of the guide README.md run as they are written, on PostgreSQL and on local[2]."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

import aiozbilling
from tests.integrations.conftest import SIZES

GUIDE = Path(aiozbilling.__file__).parent / "integrations/README.md"
pytestmark = [pytest.mark.engines, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]


def blocks(heading: str) -> list[str]:
    """Return the Python blocks of one section."""
    section = GUIDE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


def test_the_dlt_example_runs(tmp_path, monkeypatch, file, postgres):
    """The example loads both lists of the accounts file into PostgreSQL."""
    monkeypatch.chdir(file.parent)
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", postgres)
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    namespace: dict[str, object] = {}
    (block,) = blocks("dlt")
    exec(block, namespace)
    with namespace["pipeline"].sql_client() as client:
        assert client.execute_sql("SELECT count(*) FROM top_ups") == [(sum(SIZES.values()),)]


def test_the_spark_examples_run(monkeypatch, file, capsys):
    """The examples read a table and a stream of the accounts file in a local session."""
    monkeypatch.chdir(file.parent)
    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    namespace: dict[str, object] = {}
    for block in blocks("Spark"):
        exec(block, namespace)
    assert " eu|" in capsys.readouterr().out
    assert namespace["spark"].read.parquet(str(file.parent / "stream")).count() == sum(SIZES.values())
    namespace["spark"].stop()
