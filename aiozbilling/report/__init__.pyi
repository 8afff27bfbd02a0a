# Each public name, once, with its module. `lazy.py` reads this file; type checkers and editors do too.

from aiozbilling.report.file import write_report as write_report
from aiozbilling.report.page import html_report as html_report
